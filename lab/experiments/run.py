"""Runs experiments: what is missing of all of them together, then each one's outcome as soon as its runs are there.

OUT/runs/ holds the runs (`lab.runs`); OUT/NAME/ what came of an experiment: result.json (the number to reach, ours, the
verdict), data.csv (every point) and plot.png. A run that is stored is not run again, nor is an experiment whose file,
runs and code are those that its result was made from.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eqspike.base.errors import UsageProblem
from eqspike.base.places import package_folder
from eqspike.base.reading import read_json
from eqspike.lab.experiments.spec import Experiment
from eqspike.lab.runner import Batch
from eqspike.lab.runs import WEIGHTS, Job, Store, digest, sources_state

FILES = ("result.json", "data.csv", "plot.png")


def plan(experiments: Sequence[Experiment], quick: bool) -> dict[str, dict[str, Job]]:
    """Experiment -> its jobs by the names that its kind gives them. Raises `UsageProblem` for an impossible config."""
    from eqspike.golden.validation import ConfigError

    jobs = {}
    for experiment in experiments:
        try:
            jobs[experiment.name] = experiment.kind.jobs(experiment.parameters(quick), experiment.seeds(quick))
        except ConfigError as error:
            raise UsageProblem(f"experiments/{experiment.name}.yaml: {error}") from None
    return jobs


def code_state() -> str:
    """Hash of the laboratory's sources: what an outcome is made with."""
    lab = package_folder("lab")
    return sources_state([*(lab / "experiments").rglob("*.py"), lab / "verdict.py"])


def content_hash(experiment: Experiment, jobs: dict[str, Job], quick: bool, code: str) -> str:
    """What an experiment's result depends on."""
    keys = {name: job.key for name, job in jobs.items()}
    return digest(experiment.header, experiment.parameters(quick), experiment.seeds(quick), quick, keys, code)


def stored_result(folder: Path, wanted: str) -> dict[str, Any] | None:
    """The result in that folder when it is whole and was made from the same."""
    try:
        data = read_json(folder / "result.json")
    except (OSError, ValueError):
        return None
    whole = all((folder / name).exists() for name in FILES)
    return data if whole and isinstance(data, dict) and data.get("hash") == wanted else None


def finish(
    experiment: Experiment, jobs: dict[str, Job], store: Store, folder: Path, quick: bool, code: str
) -> dict[str, Any]:
    """Make an experiment's outcome from its stored records, and write it; returns what result.json holds."""
    from eqspike.base.files import write_json, write_text
    from eqspike.base.versions import software_versions
    from eqspike.lab.experiments.outcome import csv_text, judge
    from eqspike.lab.experiments.plot import draw
    from eqspike.lab.plots import save_png

    start = time.perf_counter()
    parameters, seeds = experiment.parameters(quick), experiment.seeds(quick)
    records: dict[str, Any] = {name: store.load(job) for name, job in jobs.items()}
    each = {job.key: records[name] for name, job in jobs.items()}
    if files := {name: store.weights(job) for name, job in jobs.items() if job.needs == WEIGHTS}:
        records["weights"] = files
    outcome = experiment.kind.outcome(experiment, parameters, seeds, records)
    header = experiment.header
    judged = judge(experiment, outcome)
    out = folder / experiment.name
    write_text(out / "data.csv", csv_text(outcome))
    save_png(draw(experiment, outcome, quick), out / "plot.png", dpi=75)
    seconds = sum(r.get("job_seconds", r.get("seconds", 0.0)) for r in each.values())
    busy = [r.get("job_processor_seconds") for r in each.values()]
    result = {
        "kind": "experiment",
        "name": experiment.name,
        "title": header.title,
        "reference": header.reference,
        "about": header.about,
        "note": header.note,
        "mode": "quick" if quick else "full",
        "verdict": judged["verdict"],
        "why": header.why,
        "goals": judged["goals"],
        "quantities": outcome.quantities,
        "seeds": list(seeds),
        "parameters": dataclasses.asdict(parameters),
        "runs": len(each),
        "seconds": round(seconds + time.perf_counter() - start, 1),
        # What a busy machine does not lengthen; runs of a sweep do not have it.
        "processor_seconds": None if None in busy else round(sum(busy), 1),
        "command": experiment.command(quick),
        "golden": sorted({r["golden"] for r in each.values()}),
        "versions": software_versions(),
        "hash": content_hash(experiment, jobs, quick, code),
    }
    write_json(out / "result.json", result)
    return result


@dataclass
class Work:
    """Experiments under way in one folder."""

    experiments: dict[str, Experiment]
    store: Store
    quick: bool
    jobs: dict[str, dict[str, Job]]
    """Experiment -> its jobs by their names there."""
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, set[str]] = field(default_factory=dict)
    """Experiment -> keys of the runs that it waits for."""
    code: str = field(default_factory=code_state)

    def begin(self, force: bool) -> Batch:
        """Find what is stored; the batch holds the runs of the experiments that have no result yet."""
        jobs: dict[str, Job] = {}
        for name, experiment in self.experiments.items():
            own = self.jobs[name]
            wanted = content_hash(experiment, own, self.quick, self.code)
            if not force and (found := stored_result(self.store.folder / name, wanted)):
                self.results[name] = found
                continue
            self.waiting[name] = {job.key for job in own.values()}
            for job in own.values():
                if job.key not in jobs or jobs[job.key].needs < job.needs:
                    jobs[job.key] = job
        batch = Batch(self.store, jobs)
        if not force:
            batch.look()
        for keys in self.waiting.values():
            keys.difference_update(batch.stored)
        return batch

    def end(self, batch: Batch, say: Callable[[str], None]) -> None:
        """Make the outcome of each experiment whose runs have all ended, or keep why there is none."""
        from eqspike.lab.parallel import reason

        for name in [name for name, keys in self.waiting.items() if not keys]:
            del self.waiting[name]
            jobs, experiment = self.jobs[name], self.experiments[name]
            if wrong := next((job for job in jobs.values() if job.key in batch.problems), None):
                self.problems[name] = f"{wrong.label}: {batch.problems[wrong.key]}"
            else:
                try:
                    folder = self.store.folder
                    self.results[name] = finish(experiment, jobs, self.store, folder, self.quick, self.code)
                except Exception as error:  # the other experiments go on
                    self.problems[name] = reason(error)
            say(f"{name} failed: {self.problems[name]}" if name in self.problems else
                f"{name}: {self.results[name]['verdict']}")  # fmt: skip
