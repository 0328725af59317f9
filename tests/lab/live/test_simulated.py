"""The live page on the simulated board over its link, and on the circuit in this process; the whole command, as a page
uses it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from eqspike.golden.config import Config
from eqspike.golden.configfile import config_from_dict
from eqspike.golden.modes import INFER, LEARN
from eqspike.lab.engines import Connection, board_engine
from eqspike.lab.live.board import BoardChip
from eqspike.lab.live.chip import GoldenChip
from eqspike.lab.live.circuit import CircuitChip
from eqspike.lab.live.server import Server
from eqspike.lab.live.session import initial_weights
from tests.lab.live.stand_ins import Heard, session, weights_of, work
from tests.scripts.processes import start, stop, wait_for

PIXELS = [16, 0, 3, 9, 0, 0, 12, 16, 1]
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def config(tiny_data: dict[str, Any]) -> Config:
    return config_from_dict(tiny_data)


def test_the_circuit_shows_what_golden_shows(config: Config) -> None:
    """Spikes, the inside of a neuron, counters, weights and key; after weights were written and the key set, too."""
    begin = initial_weights(config)
    chip, golden = CircuitChip(config, begin.contents, begin.key), GoldenChip(config)
    images = session(config)[0].images.split
    try:
        for number in range(12):
            if number == 5:
                for each in (chip, golden):
                    each.write([(0, 9, 1), (1, 2, 2)], -7)
                    each.key = 12345
            if number == 8:
                for each in (chip, golden):
                    each.load(weights_of(config).contents, 99)
            given = (images.train_images[number], int(images.train_labels[number]))
            mode, epoch = (LEARN, INFER)[number % 4 == 3], number // 4
            own, twin = (each.present(*given, mode, epoch, (1, 3)) for each in (chip, golden))
            assert (own.spikes == twin.spikes).all()
            assert own.inner == twin.inner
            assert (own.prediction, own.counts, own.nudged, own.key) == (
                twin.prediction, twin.counts, twin.nudged, twin.key
            )  # fmt: skip
            assert {k: v for k, v in own.counters.items() if k != "cycles"} == twin.counters
            assert sum(own.stages.values()) > 100
            assert all((a == b).all() for a, b in zip(chip.contents(), golden.contents(), strict=True))
    finally:
        chip.close()


def test_the_simulated_board(config: Config) -> None:
    """Drawn, taught and trained through the UART; a weight flipped on the board; the board killed while it trains."""
    engine = board_engine(config, Connection())
    engine.connect()
    chip = BoardChip(engine, config)
    own, heard = session(config, chip)
    try:
        own.hear({"type": "check"})
        own.hear({"type": "show", "pixels": PIXELS, "id": 1})
        own.hear({"type": "teach", "pixels": PIXELS, "label": 1, "id": 2})
        own.hear({"type": "write", "synapses": [[0, 1, 2], [1, 4, 0]], "value": 7})
        work(own)
        assert heard.of("check")[-1]["state"] == "passed"
        own.hear({"type": "train", "on": True})
        for _ in range(100):
            own.work()
        assert all(image["match"]["right"] for image in heard.of("image"))
        assert "all weights as the twin's" in heard.of("image")[-1]["match"]["text"]

        engine.simulated.process.kill()
        for _ in range(10):
            own.work()
        texts = [message["text"] for message in heard.of("state")]
        assert any(text.startswith("lost: ") for text in texts)
        assert "it is there again, and was given what its twin holds" in texts
        assert all((a == b).all() for a, b in zip(chip.read(), chip.contents(), strict=True))
        assert engine.board.read_registers(["key"])["key"] == chip.key
        assert heard.of("image")[-1]["match"]["right"]

        own.hear({"type": "train", "on": False})
        flipped = [layer.copy() for layer in chip.read()]
        flipped[0][3, 2] ^= 1 << 4
        engine.board.write_weights(flipped)
        for _ in range(engine.board.sizes.words):
            own.idle()
        own.hear({"type": "show", "pixels": PIXELS, "id": 9})
        work(own)
        match = heard.of("image")[-1]["match"]
        assert not match["right"]
        assert "1 weight differs in layer 0, row 3, column 2" in match["text"]
    finally:
        chip.close()


@contextmanager
def live(*arguments: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`eqspike live` with these arguments as a process of its own, and where its page is."""
    process = subprocess.Popen(
        [sys.executable, "-m", "eqspike.scripts.cli", "live", *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL), start_new_session=True,
    )  # fmt: skip
    try:
        line = process.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found, line + process.stderr.read()
        yield process, found[0]
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def until(page: ClientConnection, wanted: Callable[[dict[str, Any]], bool], seconds: float = 60) -> dict[str, Any]:
    """The first message that is wanted."""
    end = time.monotonic() + seconds
    while True:
        message = json.loads(page.recv(timeout=max(end - time.monotonic(), 0)))
        if wanted(message):
            return message


def test_the_command_on_a_board_that_is_plugged_in_again(tiny: str) -> None:
    """`eqspike live --port`: drawn, taught, trained; the board ends in training and comes back under its name."""
    first = start("board", "sim", tiny, "--link", "port")
    try:
        wait_for(first, Path("port").exists)
        with (
            live(tiny, "--untrained", "--port", "port") as (_, url),
            connect(f"{url.replace('http', 'ws')}socket") as page,
        ):
            ready = until(page, lambda m: m["type"] == "ready")
            assert ready["engine"] == "a board at port"
            assert "twin" in ready["notes"][0]
            assert until(page, lambda m: m["type"] == "check" and m["state"] != "running")["state"] == "passed"
            page.send(json.dumps({"type": "show", "pixels": PIXELS, "id": 5}))
            assert until(page, lambda m: m["type"] == "image")["match"]["right"]
            page.send(json.dumps({"type": "teach", "pixels": PIXELS, "label": 1, "id": 6}))
            assert until(page, lambda m: m["type"] == "image")["source"] == "teach"
            page.send(json.dumps({"type": "train", "on": True}))
            assert until(page, lambda m: m["type"] == "image" and m["curve"]["images"] > 20)["match"]["right"]
            stop(first)
            assert "waiting" in until(page, lambda m: m["type"] == "state" and "waiting" in m["text"])["text"]
            Path("port").unlink(missing_ok=True)
            second = start("board", "sim", tiny, "--link", "port")
            try:
                until(page, lambda m: m["type"] == "state" and "there again" in m["text"], 120)
                after = until(page, lambda m: m["type"] == "image" and m["source"] == "train")
                assert after["match"]["right"]
                whole = until(page, lambda m: m["type"] == "image" and "all weights as" in m["match"]["text"], 120)
                assert whole["match"]["right"]
            finally:
                stop(second)
    finally:
        stop(first)


def test_a_page_that_never_reads_costs_little_in_a_minute(tiny: str) -> None:
    """`eqspike live` trains golden as fast as it goes, for a page that reads and one that does not."""
    with live(tiny, "--untrained") as (process, url):
        at = f"{url.replace('http', 'ws')}socket"
        with connect(at) as page, connect(at, max_queue=1) as _:
            until(page, lambda m: m["type"] == "check" and m["state"] == "passed")
            page.send(json.dumps({"type": "train", "on": True}))
            until(page, lambda m: m["type"] == "image" and m["curve"]["images"] > 200)
            before, end = memory(process.pid), time.monotonic() + 60
            while time.monotonic() < end:
                page.recv(timeout=10)
            assert memory(process.pid) - before < 20e6


def memory(process: int) -> int:
    """Bytes that it has in memory."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    return 1024 * int(found[1])


def test_recorded_and_done_again(tiny: str, run) -> None:
    """`--record` at Ctrl-C, `--replay --check` on golden and on the circuit, and to a page that watches."""
    with live(tiny, "--untrained", "--record", "tape.json") as (process, url):
        with connect(f"{url.replace('http', 'ws')}socket") as page:
            page.send(json.dumps({"type": "train", "on": True}))
            until(page, lambda m: m["type"] == "image" and m["curve"]["images"] > 130)
            page.send(json.dumps({"type": "train", "on": False}))
            page.send(json.dumps({"type": "teach", "pixels": PIXELS, "label": 2, "id": 1}))
            until(page, lambda m: m["type"] == "image" and m["source"] == "teach")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    done = run("live", tiny, "--untrained", "--replay", "tape.json", "--check")
    assert (done.exit_code, "are as they were" in done.output) == (0, True)
    assert run("live", tiny, "--untrained", "--replay", "tape.json", "--check", "--circuit").exit_code == 0
    data = json.loads(Path("tape.json").read_text())
    data["done"][-1][2]["label"] = 0
    Path("other.json").write_text(json.dumps(data))
    other = run("live", tiny, "--untrained", "--replay", "other.json", "--check")
    assert (other.exit_code, "NOT as" in other.output) == (1, True)
    with live(tiny, "--untrained", "--replay", "tape.json", "--speed", 1000) as (_, url):
        with connect(f"{url.replace('http', 'ws')}socket") as page:
            page.send(json.dumps({"type": "train", "on": True}))
            assert until(page, lambda m: m["type"] == "error")["text"] == "this page only watches"
            assert "are as they were" in until(page, lambda m: m["type"] == "state" and m["text"])["text"]


def test_board_train_watch(tiny: str, run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The board's results and key are the twin's, and its files those of a training that nobody watched."""
    told = Heard()
    publish = Server.publish

    def published(self: Server, message: dict[str, Any]) -> None:
        told.append(message)
        publish(self, message)

    monkeypatch.setattr(Server, "publish", published)
    assert run("board", "train", tiny, "--out", "b", "--epochs", 2, "--watch").exit_code == 0
    assert run("train", tiny, "--out", "g", "--epochs", 2).exit_code == 0
    assert Path("b/weights.npz").read_bytes() == Path("g/weights.npz").read_bytes()
    assert told.of("ready")[0]["engine"] == "a board"
    assert told.of("check")[-1]["text"] == "results and key of 192 images are the golden twin's"
    assert all(message["state"] == "passed" for message in told.of("check"))
