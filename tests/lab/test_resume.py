"""Folders of runs that stopped at any moment: what `train` says of them can be done, and then it trains."""

from __future__ import annotations

import json
import re
import shlex
from itertools import chain, combinations
from pathlib import Path

import pytest

from eqspike.lab.resume import resume_command

FILES = ("config.yaml", "metrics.json", "weights.npz")
SOME = list(chain(*(combinations(FILES, n) for n in range(1, 4))))


@pytest.mark.parametrize("epochs", [0, 1])
@pytest.mark.parametrize("kept", SOME, ids="+".join)
def test_no_circle(kept: tuple[str, ...], epochs: int, tiny: str, run) -> None:
    """Whatever of a run's files is there, after its first checkpoint or before: `train` names a command, and that one
    does it, or names the one that does."""
    assert run("train", tiny, "--out", "whole").exit_code == 0
    assert run("train", tiny, "--out", "a", "--epochs", epochs).exit_code == 0
    for name in set(FILES) - set(kept):
        Path("a", name).unlink()
    result = run("train", tiny, "--out", "a")
    said = []
    while result.exit_code != 0:
        assert result.exit_code == 2
        assert result.stderr not in said
        said.append(result.stderr)
        found = re.search(r"(?:'eqspike |with: eqspike )(train [^'\n]*?)(?: --epochs N|'|$)", result.stderr.strip())
        command = found[1].replace("CONFIG", tiny) if found else f"train {tiny} --out a --force"
        assert found or "begin anew with --force" in result.stderr
        more = ["--epochs", "3"] if "--resume" in command else []  # the others have three by themselves
        result = run(*shlex.split(command), *more)
    assert len(said) <= 2
    assert Path("a/weights.npz").read_bytes() == Path("whole/weights.npz").read_bytes()
    assert len(json.loads(Path("a/metrics.json").read_text())["epochs"]) == 3


def test_what_is_lost_is_not_overwritten_unasked(tiny: str, run, fails) -> None:
    """Epochs whose weights are gone are a result still: neither `train` nor `--resume` begins on them."""
    run("train", tiny, "--out", "a")
    Path("a/weights.npz").unlink()
    before = Path("a/metrics.json").read_bytes()
    assert "cannot go on: its weights.npz is not there; begin anew with --force" in fails(
        2, "train", tiny, "--out", "a"
    )
    assert "begin anew with: eqspike train CONFIG --force --out a" in fails(2, "train", "--resume", "a")
    assert Path("a/metrics.json").read_bytes() == before


def test_before_the_first_seed(tiny: str, run, fails) -> None:
    """A run of several seeds that was stopped before the first began says that the config must be named."""
    run("train", tiny, "--seeds", 2, "--out", "a", "--epochs", 1)
    for folder in Path("a").glob("seed-*"):
        for path in folder.iterdir():
            path.unlink()
    assert "go on with 'eqspike train CONFIG --resume a" in fails(2, "train", tiny, "--out", "a")
    assert "go on with: eqspike train CONFIG --resume a" in fails(2, "train", "--resume", "a")
    assert run("train", tiny, "--resume", "a", "--epochs", 1).exit_code == 0


def test_baselines_and_trainings_keep_apart(tiny: str, run, fails) -> None:
    """Neither goes on with the other's run, nor writes over it."""
    assert run("baseline", "bptt", tiny, "--epochs", 1, "--out", "b").exit_code == 0
    assert run("train", tiny, "--epochs", 1, "--out", "t").exit_code == 0
    before = {path: path.read_bytes() for path in Path().rglob("*.json")}
    assert "it is of 'bptt'" in fails(2, "train", tiny, "--out", "b")
    assert "it is of 'bptt'" in fails(2, "train", tiny, "--resume", "b")
    assert "its config.yaml is not there" in fails(2, "train", "--resume", "b/seed-7")
    assert "t: holds a run of 'eqspike train'" in fails(2, "baseline", "bptt", tiny, "--out", "t", "--force")
    assert before == {path: path.read_bytes() for path in Path().rglob("*.json")}


def test_the_command_that_goes_on() -> None:
    """It names the engine and its port, so that what was on the board goes on there."""
    assert resume_command(Path("runs/a b")) == "eqspike train --resume 'runs/a b'"
    assert (
        resume_command(Path("a"), "board", "./board", 115200)
        == "eqspike train --resume a --engine board --port ./board --baud 115200"
    )
