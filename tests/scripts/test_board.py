"""`eqspike board` and `train --engine board`, on the simulated board and on one that gets lost."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from eqspike.fpga import engine, line, loader
from tests.scripts.processes import start, stop, wait_for


@pytest.mark.slow
def test_train_infer_weights_counters(tiny: str, run) -> None:
    """One board for all commands: what they leave on it, the next finds; and weights as golden has them."""
    from eqspike.fpga.simulated import SimulatedBoard
    from eqspike.lab.configs import read_config

    with SimulatedBoard(read_config(tiny)) as simulated:
        to = ("--port", simulated.port)
        assert "20 echoes, 0 wrong" in run("board", "ping", tiny, *to, "--count", 20).output
        assert run("board", "train", tiny, *to, "--out", "b", "--epochs", 2, "--limit", 60).exit_code == 0
        assert run("train", tiny, "--out", "g", "--epochs", 2, "--limit", 60).exit_code == 0
        assert Path("b/weights.npz").read_bytes() == Path("g/weights.npz").read_bytes()
        chip, golden = (json.loads(Path(f"{name}/metrics.json").read_text())["epochs"] for name in "bg")
        for mine, theirs in zip(chip, golden, strict=True):
            assert mine["counters"] == theirs["counters"]
            assert mine["train_accuracy"] == theirs["train_accuracy"]
            assert mine["cycles"] > 1000

        # Resumed on the board, it ends as it would have without a break.
        assert run("train", "--resume", "b", "--engine", "board", *to, "--epochs", 3).exit_code == 0
        assert run("train", "--resume", "g", "--epochs", 3).exit_code == 0
        assert Path("b/weights.npz").read_bytes() == Path("g/weights.npz").read_bytes()

        for options in ((), ("--first-spike",)):
            shown = run("board", "infer", tiny, "--weights", "b/weights.npz", *to, "--out", "i.json", *options)
            assert shown.exit_code == 0
            run("infer", tiny, "--weights", "b/weights.npz", "--out", "j.json", *options)
            mine, theirs = (json.loads(Path(name).read_text()) for name in ("i.json", "j.json"))
            assert mine["accuracy"] == theirs["accuracy"]
            assert mine["confusion"] == theirs["confusion"]
            mine["counters"].pop("cycles")
            assert mine["counters"] == theirs["counters"]

        assert run("board", "weights", tiny, *to, "--save", "chip.npz").exit_code == 0
        assert run("board", "weights", tiny, *to, "--load", "chip.npz").exit_code == 0
        found = json.loads(run("board", "counters", tiny, *to, "--json", "--clear").stdout)
        assert found["images"] > 0
        assert json.loads(run("board", "counters", tiny, *to, "--json").stdout)["images"] == 0


def test_a_lost_board_costs_an_epoch_and_no_bit(tiny: str, run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in that computes as golden does, and is lost twice in an epoch's middle, its weights with it."""
    from eqspike.golden.engine import GoldenEngine
    from eqspike.lab.train import CHUNK

    lost, waited = iter([1, 3, 4]), []

    class Fickle(GoldenEngine):
        lost = (line.BoardLost,)

        def __init__(self, config: object, port: str | None, baud: int) -> None:
            super().__init__(config)
            self.calls, self.breaks = 0, next(lost)

        def __enter__(self) -> Fickle:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def learn(self, images, labels, weights, key, epoch):
            self.calls += 1
            if self.calls == self.breaks:
                self.network.load_weights([0 * w for w in self.network.weights])
                self.breaks = self.calls + next(lost, 100)
                raise line.BoardLost("the board is gone")
            step = super().learn(images, labels, [w.copy() for w in weights], key, epoch)
            return dataclasses.replace(step, weights=[w.copy() for w in step.weights])

        def reconnect(self, waiting) -> None:
            waiting(12.3)
            waited.append(self.calls)

    monkeypatch.setattr(engine, "BoardEngine", Fickle)
    monkeypatch.setitem(CHUNK, "board", 20)
    result = run("train", tiny, "--engine", "board", "--out", "b", "--limit", 60)
    assert result.exit_code == 0
    assert "epoch 1 begins anew" in result.stderr
    assert result.stderr.count("waiting for the board: 12 s left\n") == 3
    assert len(waited) == 3
    assert run("train", tiny, "--out", "g", "--limit", 60).exit_code == 0
    assert Path("b/weights.npz").read_bytes() == Path("g/weights.npz").read_bytes()


def test_a_board_that_stays_away(tiny: str, run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is said once; then a countdown, and how to go on, on the same board."""
    from eqspike.golden.engine import GoldenEngine
    from eqspike.lab.train import CHUNK

    class Fickle(GoldenEngine):
        lost = (line.BoardLost,)
        calls = 0

        def __init__(self, config: object, port: str | None, baud: int) -> None:
            super().__init__(config)

        def __enter__(self) -> Fickle:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def learn(self, images, labels, weights, key, epoch):
            if epoch == 1:
                raise line.BoardLost("./board: unplugged")
            step = super().learn(images, labels, weights, key, epoch)
            return dataclasses.replace(step, weights=[w.copy() for w in step.weights])

        def reconnect(self, waiting) -> None:
            for left in (60.0, 59.5, 50.0, 49.0, 12.0, 0.0):
                waiting(left)
            raise line.BoardLost("the board did not come back within 60 s")

    monkeypatch.setattr(engine, "BoardEngine", Fickle)
    monkeypatch.setitem(CHUNK, "board", 60)
    result = run("board", "train", tiny, "--port", "./board", "--out", "b", "--limit", 60)
    assert result.exit_code == 1
    again = "eqspike train --resume b --engine board --port ./board"
    assert result.stderr.splitlines() == [
        "./board: unplugged; waiting for the board, then epoch 2 begins anew",
        *(f"waiting for the board: {left} s left" for left in (60, 50, 12, 0)),
        f"eqspike: the board did not come back within 60 s; resume with: {again}",
    ]
    assert run("train", "--resume", "b").exit_code == 0
    assert run("train", tiny, "--out", "g", "--limit", 60).exit_code == 0
    assert Path("b/weights.npz").read_bytes() == Path("g/weights.npz").read_bytes()


@pytest.mark.slow
def test_a_second_program_and_a_name_that_stays(tiny: str, run, fails, tmp_path: Path) -> None:
    """While one trains, another is refused; the board goes and comes back under its name, and the first goes on."""
    link, out = tmp_path / "board", Path("b")
    board = start("board", "sim", tiny, "--link", link)
    training = None
    try:
        wait_for(board, link.exists)
        training = start("board", "train", tiny, "--port", link, "--out", out, "--epochs", 40)
        metrics = out / "metrics.json"
        wait_for(training, lambda: metrics.exists() and json.loads(metrics.read_text())["epochs"])
        assert fails(1, "board", "ping", tiny, "--port", link) == f"{link}: another program has this port open"
        board.terminate()
        board.communicate(timeout=60)
        assert not link.is_symlink()
        board = start("board", "sim", tiny, "--link", link)
        said = training.communicate(timeout=300)[1]
        assert training.returncode == 0, said
        assert said.count("begins anew") == 1
        assert "waiting for the board: 60 s left" in said
    finally:
        for process in filter(None, (board, training)):
            stop(process)
            process.stderr.close()
    assert run("train", tiny, "--out", "g", "--epochs", 40).exit_code == 0
    assert (out / "weights.npz").read_bytes() == Path("g/weights.npz").read_bytes()


def test_usage(tiny: str, run, fails, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fails(2, "train", tiny, "--port", "/dev/ttyUSB0") == "--port and --baud belong to --engine board"
    assert "leave out --workers" in fails(2, "train", tiny, "--engine", "board", "--seeds", 2, "--workers", 2)
    assert "number.format is real" in fails(2, "train", tiny, "--engine", "board", "--set", "number.format=real")
    for command in ("ping", "counters", "weights", "infer"):
        assert "/dev/nowhere: " in fails(1, "board", command, tiny, "--port", "/dev/nowhere")
        assert "number.format" in fails(2, "board", command, tiny, "--set", "number.format=real")
        help_text = run("board", command, "--help").output
        assert "Examples:" in help_text
    assert "board 'arty' is not known" in fails(2, "board", "program", tiny, "--board", "arty")
    assert "'eqspike build ../tiny.yaml --board icebreaker --top link' makes it" in fails(2, "board", "program", tiny)
    Path("x.bin").write_bytes(b"")
    monkeypatch.setattr(loader.shutil, "which", lambda name: None)
    assert fails(1, "board", "program", tiny, "--file", "x.bin").startswith("openFPGALoader not found")
    assert fails(2, "build", tiny, "--baud", 9600) == "--baud belongs to --top link"
    assert "is too fast for icebreaker" in fails(2, "build", tiny, "--top", "link", "--baud", 4_000_000)
    assert "does not divide the clock" in fails(
        2, "build", tiny, "--board", "ulx3s-85f", "--top", "link", "--baud", 2_900_000
    )
