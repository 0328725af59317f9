"""Progress of many runs: a bar on a terminal, else a line for each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from eqspike.lab.runner import Batch
    from eqspike.lab.runs import Job


@contextmanager
def progress(total: int, done: int = 0, unit: str = "run") -> Iterator[tuple[Callable[[str], None], Callable]]:
    """Two functions: one to call with a text when a run is done, which also tells the time left, and one that says a
    line beside the bar."""
    from tqdm import tqdm

    with tqdm(total=total, initial=done, unit=unit, disable=None, dynamic_ncols=True, smoothing=0.1) as bar:
        at, began = done, time.monotonic()

        def move(text: str) -> None:
            nonlocal at
            at += 1
            if bar.disable:
                left = (total - at) * (time.monotonic() - began) / (at - done)
                click.echo(f"[{at}/{total}] {text}" + (f"; {tqdm.format_interval(left)} left" if at < total else ""))
            else:
                bar.set_postfix_str(text[:60])
                bar.update()

        yield move, click.echo if bar.disable else bar.write


def run_batch(
    batch: Batch, workers: int | None, dask: str | None, write: Callable[[], dict[str, Any]],
    done: Callable[[dict[str, Any]], str], unit: str = "run",
) -> dict[str, Any]:  # fmt: skip
    """Do what is missing of a batch and tell of each run what `done` says of its record, or why it failed.

    `write` is called after each run, and at the end, Ctrl-C too; returns what it returned last.
    """
    with progress(len(batch.jobs), len(batch.stored), unit) as (move, _):

        def on_done(job: Job, problem: str | None) -> None:
            said = f": {done(batch.stored[job.key])}" if problem is None else f" failed: {problem}"
            move(job.label + said)
            write()

        try:
            batch.run(on_done, workers or 1, dask)
        finally:
            result = write()
    return result
