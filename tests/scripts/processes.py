"""The command line as a process of its own, to interrupt and to kill; and folders that others are at work in."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from eqspike.base.locks import locked


def start(*arguments: object) -> subprocess.Popen[str]:
    """`eqspike` with these arguments as a process of its own, in a process group of its own."""
    root = Path(__file__).resolve().parents[2]
    return subprocess.Popen(
        [sys.executable, "-m", "eqspike.scripts.cli", *(str(a) for a in arguments)],
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


def freeze(process: subprocess.Popen[str], ready: Callable[[], bool]) -> None:
    """Stop the process (SIGSTOP) where the condition holds, and still holds while it stands."""
    while True:
        wait_for(process, ready)
        os.killpg(process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        if ready():
            return
        os.killpg(process.pid, signal.SIGCONT)


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


class HeldElsewhere:
    """The folder's lock in the hands of another thread, as it were: this one's own would let it in again."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __enter__(self) -> None:
        self.pool, self.lock = ThreadPoolExecutor(1), locked(self.folder)
        self.pool.submit(self.lock.__enter__).result()

    def __exit__(self, *_: object) -> None:
        self.pool.submit(self.lock.__exit__, None, None, None).result()
        self.pool.shutdown()
