"""Two commands in one folder: one is refused in one line, and what the other made is whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

from tests.scripts.processes import HeldElsewhere

BUSY = "another command is at work there"
RESUMED, ANEW = 260, 250
"""Epochs of the two trainings: seconds of work, more than the starts of two processes can lie apart."""


def start(*arguments: object) -> subprocess.Popen[str]:
    """`eqspike` as a process of its own."""
    root = Path(__file__).resolve().parents[2]
    return subprocess.Popen(
        [sys.executable, "-m", "eqspike.scripts.cli", *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(root)}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("tries", [3, pytest.param(40, marks=[pytest.mark.soak, pytest.mark.timeout(1800)])])
def test_two_trainings(tries: int, tiny: str, run) -> None:
    """`--resume D` and `--force --out D` begin at once, in either order, some moments apart: the one that ends with
    status 0 finds in D what it would have left there alone, to the bit."""
    assert run("train", tiny, "--out", "first", "--epochs", 1).exit_code == 0
    assert run("train", tiny, "--out", "alone", "--epochs", ANEW).exit_code == 0
    expected = {ANEW: Path("alone/weights.npz").read_bytes()}
    assert run("train", "--resume", "alone", "--epochs", RESUMED).exit_code == 0
    expected[RESUMED] = Path("alone/weights.npz").read_bytes()
    draw = np.random.default_rng(20)
    for attempt in range(tries):
        out = Path(f"d{attempt}")
        out.mkdir()
        for path in Path("first").iterdir():
            (out / path.name).write_bytes(path.read_bytes())
        orders = [("--resume", out, "--epochs", RESUMED), (tiny, "--force", "--out", out, "--epochs", ANEW)]
        turn, apart = int(draw.integers(2)), float(draw.uniform(0, 0.3))
        processes = {}
        for index in (turn, 1 - turn):
            processes[index] = start("train", *orders[index])
            time.sleep(apart)
        said = {index: process.communicate(timeout=120)[1] for index, process in processes.items()}
        status = [processes[index].returncode for index in (0, 1)]
        assert sorted(status) == [0, 2], (attempt, said)
        winner = status.index(0)
        assert said[1 - winner] == f"eqspike: {out}: {BUSY}\n"
        epochs = (RESUMED, ANEW)[winner]
        metrics = json.loads((out / "metrics.json").read_text())
        assert (len(metrics["epochs"]), metrics["finished"]) == (epochs, True)
        assert (out / "weights.npz").read_bytes() == expected[epochs]
        assert {path.name for path in out.iterdir()} == {"config.yaml", "metrics.json", "weights.npz"}


COMMANDS = {
    "train": ("train", "{tiny}", "--out", "d"),
    "train, resumed": ("train", "--resume", "d"),
    "train, seeds": ("train", "{tiny}", "--seeds", 2, "--out", "d"),
    "baseline": ("baseline", "bptt", "{tiny}", "--out", "d"),
    "sweep": ("sweep", "sweep.yaml", "--out", "d"),
    "heal": ("heal", "{tiny}", "--out", "d"),
    "reproduce": ("reproduce", "--quick", "fig-2.5", "--out", "d"),
    "compare": ("compare", "{tiny}", "--images", 1, "--out", "d"),
    "law": ("law", "{tiny}", "--out", "d"),
    "device": ("device", "{tiny}", "--out", "d"),
    "build": ("build", "{tiny}", "--out", "d"),
    "synthesis": ("build", "{tiny}", "--synthesis", "--out", "d"),
    "import": ("import", "x.nir", "-o", "d"),
    "demo": ("demo", "--config", "{tiny}", "--out", "d"),
    "throughput": ("throughput", "{tiny}", "--build", "d/build.json"),
}
"""Every command that has a folder for itself while it works."""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_respects_the_lock(name: str, tiny: str, fails) -> None:
    rows = {"config": tiny, "epochs": 1, "reference": "all", "rows": [{"name": "all"}]}
    Path("sweep.yaml").write_text(yaml.safe_dump({"title": "one", "kind": "sweep", "seeds": [0], "parameters": rows}))
    with HeldElsewhere("d"):
        (Path("d") / "build.json").write_text("{}")
        assert fails(2, *(str(a).format(tiny=tiny) for a in COMMANDS[name])) == f"d: {BUSY}"
        assert sorted(path.name for path in Path("d").iterdir()) == [".lock", "build.json"]
