"""Runs in several processes: Ctrl-C is Ctrl-C, wherever it meets a worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scripts.processes import interrupt

PROGRAM = """
import sys, time
from pathlib import Path
from eqspike.lab.parallel import in_parallel

def restored(path):
    Path(path).touch()
    time.sleep(60)

class Slow:
    '''Its worker needs a minute to take it.'''
    def __reduce__(self):
        return restored, (sys.argv[1],)

def work(job):
    if sys.argv[2] == "fail":
        raise ValueError("out of luck")
    Path(sys.argv[1]).touch()
    time.sleep(60)
    return 1

job = Slow() if sys.argv[2] == "taken" else 0
try:
    list(in_parallel(work, [(job,)], 2))
except KeyboardInterrupt:
    sys.exit(130)
except ValueError as error:
    sys.exit(str(error))
"""


def start(path: Path, when: str) -> subprocess.Popen[str]:
    """The program, in a group of its own."""
    root = Path(__file__).resolve().parents[2]
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(path), when], env=os.environ | {"PYTHONPATH": str(root)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background job ignores it
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("when", ["taken", "done"])
def test_ctrl_c(tmp_path: Path, when: str) -> None:
    """While a worker takes its job, and while it does it: KeyboardInterrupt, and no worker's own message."""
    path = tmp_path / "there"
    process = start(path, when)
    said = interrupt(process, path.exists)
    assert process.returncode == 130, said


def test_a_failure_is_handed_on(tmp_path: Path) -> None:
    process = start(tmp_path / "there", "fail")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said.splitlines()[-1] == "out of luck"
