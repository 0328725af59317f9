"""The whole flow on the toy, where its tools are: gates that learn, and one that is swapped."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import click.testing
import pytest

from eqspike.asic import timing
from eqspike.base import tools

Run = Callable[..., click.testing.Result]
pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(
        not (tools.QFLOW.is_dir() and shutil.which("sta")), reason="apt-get install qflow-tech-osu018 opensta"
    ),
]


def result_of(folder: Path) -> dict:
    return json.loads((folder / "asic.json").read_text())


@pytest.mark.parametrize("gating", [(), ("--gate", 4, "--self-gate", 6)], ids=["plain", "gated"])
def test_toy(run: Run, tmp_path: Path, gating: tuple) -> None:
    """No mismatch; what is written hangs together."""
    done = run("asic", "toy", *gating, "--check", 1, "--out", tmp_path)
    assert done.exit_code == 0, done.output
    found = result_of(tmp_path)
    assert found["check"]["mismatches"] == 0
    assert found["check"]["words_compared"] > 10_000
    assert found["flip_flops"] > 2900
    assert bool(found["gated_clocks"]) == bool(gating)
    assert sum(found["cells"].values()) == found["cell_count"]
    periods = [entry["ns"] for entry in found["timing"]]
    assert periods == sorted(periods)
    assert 3 < periods[0] < 8
    for wire in found["energy"]["wires"]:
        assert sum(wire["shares"].values()) == pytest.approx(1)
    text = (tmp_path / "core.v").read_text()
    assert text.count("DFFPOSX1 ") == found["flip_flops"]
    assert not list(tmp_path.glob(".scratch-*"))


def test_swapped_gate_is_found(run: Run, tmp_path: Path) -> None:
    """The same check, with one gate that is another."""
    done = run("asic", "toy", "--check", 1, "--swap", "--no-neuron", "--out", tmp_path)
    assert done.exit_code == 0, done.output
    found = result_of(tmp_path)
    assert found["check"]["mismatches"] == 0
    assert found["swapped"]["found"]
    assert "in the place of" in found["swapped"]["gate"]


def test_an_error_of_the_timing_fails(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A netlist that OpenSTA reads in part only: no numbers, one line."""
    whole = timing.structural
    monkeypatch.setattr(
        timing, "structural", lambda netlist: whole(netlist).replace("input clk", "input signed clk", 1)
    )
    done = run("asic", "configs/odd/5-3-2.yaml", "--out", tmp_path)
    assert done.exit_code == 1, done.output
    assert "timing: Error" in done.stderr.splitlines()[-1]
    assert not (tmp_path / "asic.json").exists()
