"""`eqspike board` and `train --engine board`, on the simulated board and on one that gets lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fpga import engine, host
from scripts import board


@pytest.mark.slow
def test_train_infer_weights_counters(tiny: str, run) -> None:
    """One board for all commands: what they leave on it, the next finds; and weights as golden has them."""
    from fpga.simulated import SimulatedBoard
    from scripts.options import read_config

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
    from scripts.train import GoldenEngine

    lost, waited = iter([1, 3, 4]), []

    class Fickle(GoldenEngine):
        lost = host.BoardLost

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
                raise host.BoardLost("the board is gone")
            step = super().learn(images, labels, [w.copy() for w in weights], key, epoch)
            return step | {"weights": [w.copy() for w in step["weights"]]}

        def reconnect(self) -> None:
            waited.append(self.calls)

    monkeypatch.setattr(engine, "BoardEngine", Fickle)
    monkeypatch.setitem(__import__("scripts.train", fromlist=["CHUNK"]).CHUNK, "board", 20)
    result = run("train", tiny, "--engine", "board", "--out", "b", "--limit", 60)
    assert result.exit_code == 0
    assert "epoch 1 begins anew" in result.stderr
    assert len(waited) == 3
    assert run("train", tiny, "--out", "g", "--limit", 60).exit_code == 0
    assert Path("b/weights.npz").read_bytes() == Path("g/weights.npz").read_bytes()


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
    monkeypatch.setattr(board.shutil, "which", lambda name: None)
    assert fails(1, "board", "program", tiny, "--file", "x.bin").startswith("openFPGALoader not found")
    assert fails(2, "build", tiny, "--baud", 9600) == "--baud belongs to --top link"
    assert "is too fast for icebreaker" in fails(2, "build", tiny, "--top", "link", "--baud", 4_000_000)
    assert "does not divide the clock" in fails(
        2, "build", tiny, "--board", "ulx3s-85f", "--top", "link", "--baud", 2_900_000
    )
