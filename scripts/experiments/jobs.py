"""Runs of experiments: each stored whole, under the hash of what it depends on, in FOLDER/runs/KEY.json.

Trainings have the keys and the records of `eqspike sweep`, so that either finds what the other has trained; beside the
record stand the trained weights, KEY.npz. While a training runs, its checkpoints stand in FOLDER/partial.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.errors import UsageProblem
from scripts.experiments.spec import digest
from scripts.parallel import Heard, Told, all_of, in_parallel, on_cluster, reason
from scripts.sweep import Run, golden_state, load_run, run_key, run_record

if TYPE_CHECKING:
    from golden.baselines import Settings
    from golden.config import Config

RECORD, CURVES, WEIGHTS = range(3)
"""What is needed of a training: the record that a sweep has too, what each epoch counted, the weights."""


@dataclass(frozen=True)
class Job:
    """One run."""

    key: str
    call: str
    """module:function; called with key, folder and `arguments`, it returns the record."""
    arguments: tuple[Any, ...]
    config: Config | None = None
    """Of a training."""
    needs: int = RECORD
    label: str = ""
    """For the progress line."""


def train_job(config: Config, needs: int = RECORD) -> Job:
    """A training of the golden model."""
    label = f"{config.name} {config.number.format}, seed {config.training.seed}"
    return Job(run_key(config), "scripts.experiments.jobs:train_one", (config,), config, needs, label)


def baseline_job(config: Config, settings: Settings) -> Job:
    """A training of a network without spikes."""
    from scripts.baseline import run_key as baseline_key

    key = f"{settings.algorithm}-{digest(baseline_key(config, settings, None), config.training.epochs)}"
    label = f"{config.name} {settings.algorithm}, seed {config.training.seed}"
    return Job(key, "scripts.experiments.jobs:baseline_one", (config, settings), label=label)


def kind_job(kind: str, config: Config, parameters: object, label: str = "") -> Job:
    """A run of the kind's own function `run`; its key knows the module's source, and those of its `SOURCES`."""
    module = importlib.import_module(f"scripts.experiments.kinds.{kind}")
    used = [module, *map(importlib.import_module, getattr(module, "SOURCES", ()))]
    sources = [Path(own.__file__).read_bytes().hex() for own in used]
    key = f"{kind}-{digest(run_key(config), config.name, dataclasses.asdict(parameters), sources)}"
    label = label or f"{kind} {config.name} {config.number.format}, seed {config.training.seed}"
    return Job(key, f"{module.__name__}:run", (config, parameters), label=label)


def train_one(key: str, folder: Path, config: Config) -> dict[str, Any]:
    """Train and keep the weights; the record of a sweep's run, and what each epoch counted."""
    from golden.config import config_to_dict
    from scripts.files import write_bytes
    from scripts.train import train

    scratch = folder / "partial" / key
    try:
        metrics = train(config, scratch, resume=True, quiet=True)
    except UsageProblem:  # a checkpoint that cannot be used
        shutil.rmtree(scratch, ignore_errors=True)
        metrics = train(config, scratch, quiet=True)
    write_bytes(folder / "runs" / f"{key}.npz", (scratch / "weights.npz").read_bytes())
    names = ("train_accuracy", "test_accuracy", "first_spike_test_accuracy", "nudged_fraction", "counters",
             "test_counters", "first_spike_test_counters", "first_spike_mean_step", "seconds")  # fmt: skip
    curves = [{name: entry[name] for name in names} for entry in metrics["epochs"]]
    return run_record(metrics) | {"config": config_to_dict(config), "images": metrics["images"], "curves": curves}


def baseline_one(key: str, folder: Path, config: Config, settings: Settings) -> dict[str, Any]:
    """Train a baseline; the figures of a sweep's run that it has."""
    from scripts.baseline import run_baseline

    scratch = folder / "partial" / key
    metrics = run_baseline(config, settings, scratch, quiet=True)
    entries = metrics["epochs"]
    return {
        "seed": metrics["seed"],
        "epochs": len(entries),
        "mean_last_5_test_accuracy": metrics["mean_last_5_test_accuracy"],
        "last_test_accuracy": metrics["last_test_accuracy"],
        "last_train_accuracy": entries[-1]["train_accuracy"],
        "test_accuracies": [entry["test_accuracy"] for entry in entries],
        "images": metrics["images"],
        "versions": metrics["versions"],
    }


def run_job(key: str, call: str, arguments: Sequence[Any], folder: Path) -> tuple[str, str | None]:
    """Run and store one job; (key, None), or (key, why it failed)."""
    try:
        _store(folder, key, _record(key, call, arguments, folder), {})
    except Exception as error:
        return key, reason(error)
    shutil.rmtree(folder / "partial" / key, ignore_errors=True)
    return key, None


Far = tuple[str, "dict[str, Any] | None", dict[str, bytes], "str | None"]


def far_job(key: str, call: str, arguments: Sequence[Any], golden: str) -> Far:
    """Run one job on another machine, in a folder of its own: (key, record or None, files beside it, why it failed)."""
    if golden_state() != golden:
        return key, None, {}, f"{platform.node()} has other sources of golden/: install the same eqspike there"
    try:
        with tempfile.TemporaryDirectory(prefix="eqspike-") as scratch:
            record = _record(key, call, arguments, Path(scratch))
            beside = {path.name: path.read_bytes() for path in Path(scratch, "runs").glob(f"{key}.*")}
    except Exception as error:
        return key, None, {}, reason(error)
    return key, record, beside, None


def _record(key: str, call: str, arguments: Sequence[Any], folder: Path) -> dict[str, Any]:
    module, _, function = call.partition(":")
    start, busy = time.perf_counter(), time.process_time()
    record = getattr(importlib.import_module(module), function)(key, folder, *arguments)
    return record | {
        "golden": golden_state(),
        "job_seconds": time.perf_counter() - start,
        "job_processor_seconds": time.process_time() - busy,
    }


def _store(folder: Path, key: str, record: dict[str, Any], beside: dict[str, bytes]) -> None:
    """The record last: what stands beside it is there when it is."""
    from scripts.files import write_bytes, write_json

    for name, data in beside.items():
        write_bytes(folder / "runs" / name, data)
    write_json(folder / "runs" / f"{key}.json", record)


@dataclass(frozen=True)
class Store:
    """Where records are: the folder that is written to, and others that are only read (sweeps')."""

    folder: Path
    others: tuple[Path, ...] = ()

    def load(self, job: Job) -> dict[str, Any] | None:
        """The stored record, or None where it is missing, broken, or lacks what the job needs of it."""
        for folder in (self.folder, *self.others):
            if job.config is not None:
                record = load_run(folder, Run(job.key, job.config))
                if record is not None and job.needs >= CURVES and "curves" not in record:
                    record = None
            else:
                record = _read(folder / "runs" / f"{job.key}.json")
            if record is not None and (job.needs < WEIGHTS or self._weights(folder, job).exists()):
                return record
        return None

    def weights(self, job: Job) -> Path:
        """The file of a training's weights."""
        return next(p for f in (self.folder, *self.others) if (p := self._weights(f, job)).exists())

    @staticmethod
    def _weights(folder: Path, job: Job) -> Path:
        return folder / "runs" / f"{job.key}.npz"


def _read(path: Path) -> dict[str, Any] | None:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) and "golden" in data else None


def run_jobs(jobs: dict[str, Job], folder: Path, workers: int, heard: Heard, dask: str | None = None) -> None:
    """Run all of `jobs` by `workers` processes, or by the Dask cluster at that address, and tell `heard` of each. A run
    that kills its worker is lost alone (`scripts.parallel.all_of`)."""
    if workers == 1 and dask is None:
        for job in jobs.values():
            heard(*run_job(job.key, job.call, job.arguments, folder))
        return

    def begin(keys: list[str], begun: list[str]) -> Told:
        chosen = [jobs[key] for key in keys]
        return _far(chosen, folder, dask, begun) if dask else _near(chosen, folder, workers, begun)

    all_of(jobs, begin, lambda key: _read(folder / "runs" / f"{key}.json") is not None, heard)


def _near(jobs: Sequence[Job], folder: Path, workers: int, begun: list[str]) -> Told:
    """(key, None or why it failed) as processes of this machine are done; `begun` gets what they were given."""

    def calls() -> Iterator[tuple[Any, ...]]:
        for job in jobs:
            begun.append(job.key)
            yield job.key, job.call, job.arguments, folder

    yield from in_parallel(run_job, calls(), workers)


def _far(jobs: Sequence[Job], folder: Path, address: str, begun: list[str]) -> Told:
    """(key, None or why it failed) as the cluster's workers are done and the record is stored here."""
    golden = golden_state()

    def calls() -> Iterator[tuple[Any, ...]]:
        for job in jobs:
            begun.append(job.key)
            yield job.key, job.call, job.arguments, golden

    for key, record, beside, problem in on_cluster(far_job, calls(), address):
        if record is not None:
            try:
                _store(folder, key, record, beside)
            except OSError as error:
                problem = reason(error)
        yield key, problem
