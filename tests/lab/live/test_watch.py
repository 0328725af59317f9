"""A training that a page watches: the same to the bit, and followed by a twin that finds what differs."""

from __future__ import annotations

import dataclasses
import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from websockets.sync.client import connect

from eqspike.base.errors import CommandError
from eqspike.fpga.line import BoardLost
from eqspike.golden.config import Config
from eqspike.golden.configfile import config_from_dict
from eqspike.golden.data import load_split
from eqspike.golden.engine import GoldenEngine
from eqspike.lab import train as training
from eqspike.lab.live import watch
from eqspike.lab.live.watch import Watched
from tests.lab.live.stand_ins import Heard


@pytest.fixture
def config(tiny_data: dict[str, Any]) -> Config:
    return config_from_dict(tiny_data)


def watched(config: Config, engine: Any, monkeypatch: pytest.MonkeyPatch, name: str = "board") -> tuple[Any, Heard]:
    """(what was trained, what the page was told), in stretches of 20 images."""
    monkeypatch.setitem(training.CHUNK, name, 20)
    heard, data = Heard(), load_split(config)
    own = Watched(engine, name, config, data, heard.append)
    found = training.train(config, own, data, name=name)
    own.end("over")
    return found, heard


def test_the_same_to_the_bit(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "FRAME", 0)
    found, heard = watched(config, GoldenEngine(config), monkeypatch, "golden")
    alone = training.train(config, GoldenEngine(config), load_split(config))
    assert all((a == b).all() for a, b in zip(found.weights, alone.weights, strict=True))
    assert found.key == alone.key
    assert [e.counters for e in found.epochs] == [e.counters for e in alone.epochs]
    (ready,) = heard.of("ready")
    assert ready["watches"] is True
    images = heard.of("image")
    assert len(images) == 3 * 5  # the last of each stretch
    assert images[-1]["curve"]["images"] == 288
    assert all(image["match"]["right"] for image in images)
    assert heard.of("check")[-1]["state"] == "passed"
    judged = heard.of("judged")
    assert [each["images_learned"] for each in judged] == [0, 96, 192, 288]
    assert judged[-1]["right"] / judged[-1]["images"] == pytest.approx(found.epochs[-1].test_accuracy)
    assert heard.of("weights")[-1]["layers"] == [layer.ravel().tolist() for layer in found.weights]


def test_an_engine_that_errs_is_found(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong(GoldenEngine):
        calls = 0

        def learn(self, *given: Any) -> Any:
            self.calls += 1
            step = super().learn(*given)
            return dataclasses.replace(step, results=step.results ^ (self.calls == 4))

    _, heard = watched(config, Wrong(config), monkeypatch)
    assert heard.of("check")[-1]["state"] == "failed"
    assert "are NOT the golden twin's; 1 stretches" in heard.of("image")[-1]["match"]["text"]


def test_a_lost_board(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its epoch begins anew, and the twin's with it."""

    class Fickle(GoldenEngine):
        lost = (BoardLost,)
        calls = 0

        def learn(self, images: Any, labels: Any, weights: Any, key: int, epoch: int) -> Any:
            self.calls += 1
            if self.calls in (3, 8):
                raise BoardLost("gone")
            step = super().learn(images, labels, [np.array(w) for w in weights], key, epoch)
            return dataclasses.replace(step, weights=[w.copy() for w in step.weights])

        def reconnect(self, waiting: Any) -> None:
            waiting(5.0)

    found, heard = watched(config, Fickle(config), monkeypatch)
    alone = training.train(config, GoldenEngine(config), load_split(config))
    assert all((a == b).all() for a, b in zip(found.weights, alone.weights, strict=True))
    texts = [message["text"] for message in heard.of("state")]
    assert texts.count("the board is lost; waiting for it, 5 s left") == 2
    assert all(image["match"]["right"] for image in heard.of("image"))
    assert heard.of("check")[-1]["state"] == "passed"


def test_pages_only_look(config: Config) -> None:
    own = Watched(GoldenEngine(config), "golden", config, load_split(config), Heard().append)
    assert own.hear({"type": "inspect", "neuron": [1, 4]}) is None
    assert own.inspected == (1, 4)
    assert own.hear({"type": "inspect", "neuron": None}) is None
    assert own.inspected is None
    for wrong in ([0, 1], [1, 5], [3, 0], [1], "x", [1, 2.0]):
        assert own.hear({"type": "inspect", "neuron": wrong}) is not None
    assert own.hear({"type": "train", "on": True}) == "this page only watches"
    assert own.hear([]) == "this page only watches"


def test_train_watch(tiny: str, run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that came in time sees the end; the run is that of a training that nobody watched."""
    seen: list[dict[str, Any]] = []

    class Opened(watch.Watched):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            url = given[-1].__self__.url.replace("http", "ws")
            self.opened = ExitStack()
            self.page = self.opened.enter_context(connect(f"{url}socket"))

        def end(self, text: str) -> None:
            super().end(text)
            while not seen or seen[-1].get("text") != text:
                seen.append(json.loads(self.page.recv(timeout=10)))
            self.opened.close()

    monkeypatch.setattr(watch, "Watched", Opened)
    shown = run("train", tiny, "--out", "w", "--watch")
    assert shown.exit_code == 0
    assert "watch: http://127.0.0.1:" in shown.output
    assert run("train", tiny, "--out", "g").exit_code == 0
    assert Path("w/weights.npz").read_bytes() == Path("g/weights.npz").read_bytes()
    assert {"ready", "image", "weights", "check", "state"} <= {message["type"] for message in seen}


def test_what_cannot_be_watched(tiny: str, fails, config: Config) -> None:
    assert "leave out --seeds" in fails(2, "train", tiny, "--watch", "--seeds", 2)
    with pytest.raises(CommandError, match=r"number\.format is real"):
        watch.Page(config_from_dict({"number": {"format": "real"}}))
