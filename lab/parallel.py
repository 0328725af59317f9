"""Runs in several processes, with Ctrl-C that stops each of them where nothing is lost; or on a Dask cluster."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

from eqspike.base.errors import CommandError, UsageProblem, explain


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
    from joblib.externals.loky.process_executor import BrokenProcessPool, TerminatedWorkerError

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
    except BrokenProcessPool as error:
        # Ctrl-C that meets a worker before it is at work, while it takes its job, breaks that worker.
        if not interrupted and isinstance(error, TerminatedWorkerError):
            raise WorkerLost("a worker was killed (not enough memory?)") from None
        if not interrupted:
            raise
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


def reason(error: Exception) -> str:
    """Why a run failed, in one line."""
    known = explain(error)
    return known[0] if known else f"{type(error).__name__}: {error}"


OnDone = Callable[[str, "str | None"], None]
"""Is told of each run: its key, and None or why it failed."""
Finished = Iterator[tuple[str, "str | None"]]


def all_of(keys: Iterable[str], begin: Callable[[list[str], list[str]], Finished], stored: Callable[[str], bool],
           on_done: OnDone) -> None:  # fmt: skip
    """Have all of `keys` run, and tell `on_done` of each.

    `begin(keys, begun)` runs some and gives (key, None or why it failed) as they are done; into `begun` it puts those
    that a worker was given. When it raises `WorkerLost`, what was under way and is not `stored` is tried again, one at
    a time, so that a run that kills its worker is known and the others are not lost.
    """
    left, suspects = list(keys), []
    while left:
        batch = [suspects.pop()] if suspects else list(left)
        begun: list[str] = []
        try:
            for key, problem in begin(batch, begun):
                left.remove(key)
                on_done(key, problem)
        except WorkerLost as error:
            for key in begun:
                if key in left and stored(key):
                    left.remove(key)
                    on_done(key, None)
            if len(batch) == 1 and batch[0] in left:
                left.remove(batch[0])
                on_done(batch[0], str(error))
            suspects = [key for key in {*suspects, *begun} if key in left]


ANSWER = 10.0
"""Seconds in which a cluster's scheduler must answer."""
WORKERLESS = 60.0
"""Seconds after which a cluster without any worker is given up."""


def _require_scheduler(address: str) -> None:
    """Raise `UsageProblem` unless a scheduler answers in time.

    Dask's own client waits without end for the greeting of a server of another kind, such as a web server, and takes a
    worker for a scheduler.
    """
    try:
        found = asyncio.run(asyncio.wait_for(_identity(address), ANSWER))
    except TimeoutError:
        said = f"no scheduler answers within {ANSWER:.0f} s"
    except OSError as error:
        said = str(error)
    except Exception:  # whatever the bytes of another protocol make Dask's parser trip over, or an odd address
        said = "no scheduler answers there"
    else:
        if found == "Scheduler":
            return
        said = f"is a {found.lower()}, not a scheduler"
    raise UsageProblem(f"--dask {address}: {said}; give a scheduler's address, such as tcp://127.0.0.1:8786")


async def _identity(address: str) -> str:
    """What kind of Dask's servers is at the address."""
    from distributed.core import connect
    from distributed.security import Security

    line = await connect(address, timeout=ANSWER, **Security().get_connection_args("client"))
    try:
        await line.write({"op": "identity", "reply": True})
        return str((await line.read())["type"])
    finally:
        await line.close()


def on_cluster(function: Callable[..., Any], jobs: Iterable[Sequence[Any]], address: str) -> Iterator[Any]:
    """Results of `function(*job)` as they are done by the workers of the Dask cluster at `address`.

    The workers share no folder with this process: what `function` needs comes with the job, what it made is its result.
    A job whose worker dies goes to another. Raises `UsageProblem` when no cluster answers or dask is missing,
    `WorkerLost` at the end when there were jobs that every one of several workers died with, and CommandError when the
    cluster is gone.

    These are Dask's own futures, not `joblib.parallel_config("dask")`: that one (joblib 1.6) waits for ever for a job
    that its workers died of, or that they cannot load.
    """
    try:
        from distributed import Client, KilledWorker, wait
        from distributed.comm import CommClosedError
    except ModuleNotFoundError as error:
        raise UsageProblem(f"--dask: {error.name} is missing: pip install 'eqspike[dask]'") from None
    killed = False
    log = logging.getLogger("distributed")
    level = log.level
    log.setLevel(logging.CRITICAL)  # what there is to say is said in one line
    try:
        _require_scheduler(address)
        with Client(address, timeout=ANSWER, name="eqspike") as client:
            # Not pure: a job that is given again shall not be found in the memory of what it was before.
            waiting = {client.submit(function, *job, pure=False) for job in jobs}
            alive = time.monotonic()
            try:
                while waiting:
                    try:
                        done = wait(waiting, timeout=1, return_when="FIRST_COMPLETED").done
                    except TimeoutError:
                        if client.ncores():
                            alive = time.monotonic()
                        elif time.monotonic() - alive > WORKERLESS:
                            raise CommandError(f"--dask {address}: has no worker since {WORKERLESS:.0f} s") from None
                        continue
                    for future in done:
                        waiting.remove(future)
                        try:
                            result = future.result()
                        except KilledWorker:
                            killed = True
                        except ModuleNotFoundError as error:
                            raise CommandError(
                                f"--dask {address}: a worker lacks {error.name}: install eqspike there"
                            ) from None
                        else:
                            yield result
            finally:
                client.cancel(list(waiting))
    except (CancelledError, CommClosedError) as error:
        raise CommandError(f"--dask {address}: the cluster is gone") from error
    finally:
        log.setLevel(level)
    if killed:
        raise WorkerLost("its workers were killed (not enough memory?)")
