"""One runner for all runs of the laboratory: in this process, in several, or on a Dask cluster."""

from __future__ import annotations

import dataclasses
import importlib
import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eqspike.base.errors import UsageProblem
from eqspike.base.locks import FolderBusy
from eqspike.base.reading import read_bytes
from eqspike.golden.config import Config
from eqspike.golden.configfile import config_to_dict
from eqspike.lab import runs
from eqspike.lab.parallel import Finished, OnDone, all_of, in_parallel, on_cluster, reason
from eqspike.lab.runs import Job, Store


@dataclass
class Batch:
    """Runs that belong together: what is stored of them, and why others failed."""

    store: Store
    jobs: dict[str, Job]
    """By their keys."""
    stored: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)

    def look(self) -> None:
        """Read what is stored."""
        found = ((key, self.store.load(job)) for key, job in self.jobs.items() if key not in self.stored)
        self.stored |= {key: record for key, record in found if record is not None}

    def missing(self) -> dict[str, Job]:
        """Runs that are not stored."""
        return {key: job for key, job in self.jobs.items() if key not in self.stored}

    def old(self) -> int:
        """How many of the stored runs other sources of the golden model have made."""
        return sum(record["golden"] != runs.golden_state() for record in self.stored.values())

    def run(self, on_done: Callable[[Job, str | None], None], workers: int = 1, dask: str | None = None) -> None:
        """Do what is missing; `on_done` is told of each run, and None or why it failed, when `stored` knows it.

        After Ctrl-C `stored` also has what a worker stored before anybody on_done of it.
        """

        def done(key: str, problem: str | None) -> None:
            if problem is not None:
                self.problems[key] = problem
            elif (record := self.store.load(self.jobs[key])) is not None:
                self.stored[key] = record
            on_done(self.jobs[key], problem)

        try:
            run_jobs(self.missing(), self.store, workers, done, dask)
        except KeyboardInterrupt:
            self.look()
            raise


def run_jobs(jobs: dict[str, Job], store: Store, workers: int, on_done: OnDone, dask: str | None = None) -> None:
    """Run and store all of `jobs` by `workers` processes, or by the Dask cluster at that address, and tell `on_done` of
    each. A run that kills its worker is lost alone (`lab.parallel.all_of`)."""
    if workers == 1 and dask is None:
        for job in jobs.values():
            on_done(*run_job(job, store.folder))
        return

    def begin(keys: list[str], begun: list[str]) -> Finished:
        chosen = [jobs[key] for key in keys]
        return _on_cluster(chosen, store, dask, begun) if dask else _in_processes(chosen, store.folder, workers, begun)

    all_of(jobs, begin, lambda key: Store(store.folder).load(jobs[key]) is not None, on_done)


def run_job(job: Job, folder: Path) -> tuple[str, str | None]:
    """Run and store one job: (key, None), or (key, why it failed)."""
    scratch = Store(folder).partial(job.key)
    try:
        try:
            record = _record(job, folder)
        except FolderBusy:  # a worker of a command that was killed is still at it
            raise
        except UsageProblem:  # a checkpoint that cannot be used; anything else fails again
            shutil.rmtree(scratch, ignore_errors=True)
            record = _record(job, folder)
        Store(folder).save(job.key, record)
    except Exception as error:
        return job.key, reason(error)
    shutil.rmtree(scratch, ignore_errors=True)
    return job.key, None


def _record(job: Job, folder: Path) -> dict[str, Any]:
    module, _, function = job.call.partition(":")
    start, busy = time.perf_counter(), time.process_time()
    record = getattr(importlib.import_module(module), function)(job.key, folder, *job.arguments)
    return record | {
        "golden": runs.golden_state(),
        "job_seconds": time.perf_counter() - start,
        "job_processor_seconds": time.process_time() - busy,
    }


def _in_processes(jobs: Sequence[Job], folder: Path, workers: int, begun: list[str]) -> Finished:
    """(key, None or why it failed) as processes of this machine are done; `begun` gets what they were given."""

    def calls() -> Iterator[tuple[Job, Path]]:
        for job in jobs:
            begun.append(job.key)
            yield job, folder

    yield from in_parallel(run_job, calls(), workers)


# ---------------------------------------------------------------------------------------------------------------------
# On another machine

Answer = tuple[str, "dict[str, Any] | None", dict[str, bytes], "str | None"]
"""Key, record or None, files beside it, None or why the run failed."""


def remote_job(job: Job, golden: str, devices: dict[str, bytes]) -> Answer:
    """Run one job on another machine, in a folder of its own; `devices` are the files of measured devices by name."""
    if runs.golden_state() != golden:
        return job.key, None, {}, f"{platform.node()} has other sources of golden/: install the same eqspike there"
    try:
        with tempfile.TemporaryDirectory(prefix="eqspike-") as scratch:
            folder = Path(scratch)
            arguments = tuple(_with_devices(item, folder, devices) for item in job.arguments)
            record = _record(dataclasses.replace(job, arguments=arguments), folder)
            beside = {path.name: path.read_bytes() for path in Path(scratch, "runs").glob(f"{job.key}.*")}
    except Exception as error:
        return job.key, None, {}, reason(error)
    if job.config is not None:
        record["config"] = config_to_dict(job.config)
    return job.key, record, beside, None


def _device_files(job: Job) -> dict[str, bytes]:
    """The files of measured devices that a job's configs name; one that cannot be read the run will name."""
    found = {}
    for item in job.arguments:
        if isinstance(item, Config) and item.device.file:
            with suppress(OSError):
                found[item.device.file] = read_bytes(item.device.file)
    return found


def _with_devices(item: Any, folder: Path, devices: dict[str, bytes]) -> Any:
    """A config with its measured devices in `folder`; anything else as it is."""
    if not isinstance(item, Config) or item.device.file not in devices:
        return item
    table = (folder / "devices").with_suffix(Path(item.device.file).suffix)  # the suffix says how it is read
    table.write_bytes(devices[item.device.file])
    return item.replace(device=dataclasses.replace(item.device, file=str(table)))


def _on_cluster(jobs: Sequence[Job], store: Store, address: str, begun: list[str]) -> Finished:
    """(key, None or why it failed) as the cluster's workers are done and the record is stored here."""

    def calls() -> Iterator[tuple[Any, ...]]:
        for job in jobs:
            begun.append(job.key)
            yield job, runs.golden_state(), _device_files(job)

    for key, record, beside, problem in on_cluster(remote_job, calls(), address):
        if record is not None:
            try:
                store.save(key, record, beside)
            except OSError as error:
                problem = reason(error)
        yield key, problem
