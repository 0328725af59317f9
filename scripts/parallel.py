"""Runs in several processes, with Ctrl-C that stops each of them where nothing is lost."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from scripts.errors import CommandError


class WorkerLost(CommandError):
    """A process died at its work, such as one that the system killed for want of memory."""


_working = False
"""Whether this worker is at work: only then does Ctrl-C stop it there and then."""
_heard = -1.0
"""When this worker last heard Ctrl-C, on the clock of all processes."""


def in_parallel(function: Callable[..., Any], jobs: Iterable[Sequence[Any]], workers: int) -> Iterator[Any]:
    """Results of `function(*job)`, none of them None, as they are done by `workers` processes of one thread each.

    `jobs` is asked for the next job when a process is free. Ctrl-C reaches the workers too: each stops, no more are
    begun, and KeyboardInterrupt is raised once what was done has been handed over. Raises `WorkerLost`.
    """
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    interrupted, start = False, time.monotonic()

    def hear(_signal: int, _frame: object) -> None:
        nonlocal interrupted
        interrupted = True
        signal.signal(signal.SIGINT, before)  # a second Ctrl-C does not wait for the workers

    def calls() -> Iterator[Any]:
        for job in jobs:
            if interrupted:
                return
            yield delayed(_in_worker)(function, job, Path.cwd(), start)

    before = signal.signal(signal.SIGINT, hear)
    try:
        with parallel_config("loky", inner_max_num_threads=1):
            parallel = Parallel(n_jobs=workers, return_as="generator_unordered", batch_size=1, pre_dispatch="n_jobs")
            results = parallel(calls())
        for result in results:
            if result is None:
                interrupted = True
            else:
                yield result
    except TerminatedWorkerError:
        if not interrupted:
            raise WorkerLost("a worker was killed (not enough memory?)") from None
    finally:
        signal.signal(signal.SIGINT, before)
    if interrupted:
        raise KeyboardInterrupt


def _in_worker(function: Callable[..., Any], job: Sequence[Any], folder: Path, start: float) -> Any:
    """`function` in another process; None when Ctrl-C stopped it, or came between two jobs since `start`."""
    global _working

    def hear(_signal: int, _frame: object) -> None:
        global _heard
        _heard = time.monotonic()
        if _working:
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, hear)
    try:
        _working = True
        os.chdir(folder)  # a process that worked before may stand elsewhere
        return None if _heard > start else function(*job)
    except KeyboardInterrupt:
        return None
    finally:
        _working = False
