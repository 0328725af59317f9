"""The command line as a process of its own, to interrupt and to kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path


def start(*arguments: object) -> subprocess.Popen[str]:
    """`eqspike` with these arguments as a process of its own, in a process group of its own."""
    root = Path(__file__).resolve().parents[2]
    return subprocess.Popen(
        [sys.executable, "-m", "scripts.cli", *(str(a) for a in arguments)],
        # A shell starts background jobs with SIGINT ignored, and children inherit it: be as in the foreground.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        env=os.environ | {"PYTHONPATH": str(root)}, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        start_new_session=True,
    )  # fmt: skip


def wait_for(process: subprocess.Popen[str], ready: Callable[[], bool]) -> None:
    """Wait until the condition holds, which it must while the process runs."""
    deadline = time.monotonic() + 120
    while not ready():
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)


def interrupt(process: subprocess.Popen[str], ready: Callable[[], bool]) -> str:
    """SIGINT to the whole group once the condition holds; returns what it wrote to standard error."""
    try:
        wait_for(process, ready)
        os.killpg(process.pid, signal.SIGINT)
        return process.communicate(timeout=60)[1]
    finally:
        stop(process)


def stop(process: subprocess.Popen[str]) -> None:
    """Kill what is left of the group."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
