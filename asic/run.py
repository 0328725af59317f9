"""The netlist in a simulator: the core's own comparison with the golden model, and the record of the run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eqspike.asic.simulated import RECORD
from eqspike.sim.compare import compare
from eqspike.sim.harness import Build
from eqspike.sim.library import library

PATIENCE = 200_000
"""Cycles of one image after which gates are said to hang."""


def run(
    text: str, job: Mapping[str, Any], simulator: str, record: Path, advance: Callable[[int], None] | None = None
) -> dict[str, Any]:
    """Present the job's images to the netlist's Verilog; report as `sim.compare` gives it, the record in `record`.

    Raises `SimulationError` for what hangs or breaks the streams' rules.
    """
    if simulator == "icarus":
        return Build(text, "core", "icarus").run("eqspike.sim.jobs.compare", dict(job), kept=(RECORD, record))
    built = library(text, "-O0")
    if advance is not None:
        advance(0)
    folder = record.parent
    with _inside(folder):
        report = compare(built, {**job, "limit": PATIENCE}, advance)
    if (folder / RECORD) != record:
        shutil.move(folder / RECORD, record)
    return report


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """The record stands where the simulator runs, which here is this process."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


__all__ = ["run"]
