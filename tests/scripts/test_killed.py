"""Commands that are killed: SIGTERM is as Ctrl-C, and what SIGKILL leaves, the next command in the folder removes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from pathlib import Path

import pytest

from tests.scripts.processes import start, stop, wait_for


def test_a_terminated_training_says_how_to_go_on(tiny: str, run) -> None:
    process = start("train", tiny, "--out", "a", "--epochs", "99999")
    metrics = Path("a/metrics.json")
    try:
        wait_for(process, lambda: metrics.exists() and json.loads(metrics.read_text())["epochs"])
        process.terminate()
        assert process.communicate(timeout=60)[1] == "eqspike: interrupted; resume with: eqspike train --resume a\n"
        assert process.returncode == 130
    finally:
        stop(process)
    assert {path.name for path in Path("a").iterdir()} == {"config.yaml", "metrics.json", "weights.npz"}


@pytest.mark.slow
def test_a_killed_build(tiny: str) -> None:
    """The first one is killed as hard as can be, so that its scratch folder stays; the next removes that, and its own
    when it is terminated."""
    out = Path("b")
    first = start("build", tiny, "--out", out)
    second = None
    try:
        wait_for(first, lambda: any(out.glob(".scratch-*/top.il")))
        os.killpg(first.pid, signal.SIGKILL)
        first.communicate()
        (left,) = out.glob(".scratch-*")
        second = start("build", tiny, "--out", out)
        wait_for(second, lambda: any(path.parent != left for path in out.glob(".scratch-*/top.il")))
        assert not left.exists()
        second.terminate()
        assert second.communicate(timeout=60)[1].endswith("eqspike: interrupted: nothing was written\n")
        assert second.returncode == 130
        assert list(out.iterdir()) == []
    finally:
        for process in filter(None, (first, second)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # tools that outlived it too
            process.wait()
            process.stderr.close()
