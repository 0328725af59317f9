"""Several seeds of a run, one after the other or in parallel, and their statistics: summary.json."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eqspike.base.files import write_json
from eqspike.base.locks import locked
from eqspike.base.versions import software_versions
from eqspike.golden.config import Config
from eqspike.lab.checkpoint import Run, train_run
from eqspike.lab.configs import with_seed
from eqspike.lab.engines import Connection, open_engine
from eqspike.lab.parallel import in_parallel
from eqspike.lab.progress import SILENT, Progress
from eqspike.lab.published import Trained, beside
from eqspike.lab.text import LAST, LAST_MEAN, epochs_text

SUMMARISED = {
    LAST_MEAN: "test accuracy, mean of the last 5 epochs",
    "last_test_accuracy": "test accuracy, last epoch",
    "last_first_spike_test_accuracy": "first-spike test accuracy, last epoch",
    "last_train_accuracy": "train accuracy, last epoch",
}
"""What summary.json says of each seed and of all, and how it is called."""


@dataclass(frozen=True)
class Seeds:
    """What is trained once a seed."""

    config: Config
    seeds: Sequence[int]
    engine: str = "golden"
    limit: int | None = None
    """Only so many images of the training part; None for all."""


def train_seeds(
    plan: Seeds,
    out: Path,
    workers: int = 1,
    resume: bool = False,
    connection: Connection | None = None,
    progress: Progress = SILENT,
) -> Summary:
    """Train one run a seed, each in `out`/seed-<seed>, `workers` at the same time, and write OUT/summary.json.

    `out` is locked meanwhile, as each seed's folder is by who trains there.
    """
    done: dict[int, Run] = {}
    workers = min(workers, len(plan.seeds))
    with locked(out):
        write_json(out / "summary.json", summary(plan, done).to_dict())
        finished = (
            _in_parallel(plan, out, workers, resume, progress)
            if workers > 1
            else _in_turn(plan, out, resume, connection, progress)
        )
        for seed, run in finished:
            done[seed] = run
            write_json(out / "summary.json", summary(plan, done).to_dict())
    return summary(plan, done)


def _in_turn(
    plan: Seeds, out: Path, resume: bool, connection: Connection | None, progress: Progress
) -> Iterator[tuple[int, Run]]:
    for seed in plan.seeds:
        progress.seed(seed)
        config, folder = with_seed(plan.config, seed), out / f"seed-{seed}"
        yield seed, train_run(config, folder, plan.engine, plan.limit, resume, connection, progress)


def _in_parallel(plan: Seeds, out: Path, workers: int, resume: bool, progress: Progress) -> Iterator[tuple[int, Run]]:
    """(seed, run) as they are done."""
    with open_engine("golden-plain" if plan.engine == "golden-plain" else "golden", plan.config):
        pass  # compiles: once here, not once in every worker
    jobs = (
        (with_seed(plan.config, seed), out / f"seed-{seed}", plan.engine, plan.limit, resume) for seed in plan.seeds
    )
    with progress.seeds(len(plan.seeds)) as advance:
        for result in in_parallel(_one_seed, jobs, workers):
            yield result
            advance()


def _one_seed(config: Config, out: Path, engine: str, limit: int | None, resume: bool) -> tuple[int, Run]:
    return config.training.seed, train_run(config, out, engine, limit, resume)


@dataclass(frozen=True)
class Spread:
    """How values lie; None where there are too few."""

    count: int
    mean: float | None
    standard_deviation: float | None
    """Of the sample."""
    standard_error: float | None
    """Of the mean."""

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of these values."""
        mean = statistics.fmean(values) if values else None
        deviation = statistics.stdev(values) if len(values) > 1 else None
        return cls(len(values), mean, deviation, None if deviation is None else deviation / len(values) ** 0.5)


def spread(values: Sequence[float]) -> dict[str, float | int | None]:
    """`Spread` of the values, as JSON files hold it."""
    return asdict(Spread.of(values))


@dataclass(frozen=True, kw_only=True)
class SeedRow:
    """What the summary says of one seed's run; the fields are its keys."""

    seed: int
    folder: str
    epochs: int
    mean_last_5_test_accuracy: float | None
    last_test_accuracy: float | None
    last_first_spike_test_accuracy: float | None
    """None for a baseline, which has no spikes."""
    last_train_accuracy: float | None
    writes_a_synapse: float | None = None
    """Programming pulses that a device got in the whole run, in the mean; None for a baseline."""
    layer_writes_a_synapse: tuple[float, ...] | None = None
    """The same by layer of synapses; None where they are not counted apart."""


@dataclass(frozen=True)
class Summary:
    """Statistics over the seeds that are done."""

    plan: Seeds
    runs: tuple[SeedRow, ...]
    """By seed."""

    def spread(self, name: str) -> Spread:
        """How one of `SUMMARISED` lies over the seeds."""
        values = [getattr(row, name) for row in self.runs]
        return Spread.of([value for value in values if value is not None])

    @property
    def epochs(self) -> int:
        """Epochs that are done by every seed."""
        return min((row.epochs for row in self.runs), default=0)

    @property
    def has_last_mean(self) -> bool:
        """Were there so many epochs that the mean of the last ones is one?"""
        return self.epochs >= LAST

    @property
    def titles(self) -> dict[str, str]:
        """`SUMMARISED`, as far as so many epochs have it, the part that was scored on by its name."""
        held = self.plan.config.dataset.validation_fraction > 0
        return {
            name: title.replace("test accuracy", "validation accuracy") if held else title
            for name, title in titles_after(self.epochs).items()
        }

    @property
    def beside_published(self) -> str | None:
        """What is published of the preset, and how these seeds stand to it."""
        plan = self.plan
        each = {
            row.seed: {LAST_MEAN: row.mean_last_5_test_accuracy, "last_test_accuracy": row.last_test_accuracy}
            for row in self.runs
        }
        return beside(Trained(config=plan.config, limit=plan.limit, epochs=self.epochs, accuracies=each))

    @property
    def writes(self) -> tuple[float, tuple[float, ...] | None] | None:
        """Writes a synapse in the mean over the seeds, of all synapses and by layer; None where not counted."""
        totals = [row.writes_a_synapse for row in self.runs]
        if not totals or None in totals:
            return None
        layers = [row.layer_writes_a_synapse for row in self.runs]
        each = None if None in layers else tuple(statistics.fmean(own) for own in zip(*layers, strict=True))
        return statistics.fmean(totals), each

    def to_dict(self) -> dict[str, Any]:
        """What summary.json holds."""
        plan = self.plan
        return {
            "config": plan.config.name,
            "seeds": list(plan.seeds),
            "engine": plan.engine,
            "limit": plan.limit,
            "epochs_planned": plan.config.training.epochs,
            "number_format": plan.config.number.format,
            "finished": len(self.runs) == len(plan.seeds),
            "versions": software_versions(),
            **{name: asdict(self.spread(name)) for name in SUMMARISED},
            "runs": [asdict(row) for row in self.runs],
        }


def summary(plan: Seeds, done: Mapping[int, Run]) -> Summary:
    """The summary of the seeds that are `done` (seed -> run)."""
    return Summary(plan, tuple(_row(seed, done[seed], plan.config) for seed in sorted(done)))


def titles_after(epochs: int) -> dict[str, str]:
    """`SUMMARISED` of runs of so many epochs: no mean of the last ones where there were fewer."""
    if epochs >= LAST:
        return SUMMARISED
    after = f"after {epochs_text(epochs)}"
    return {name: title.replace("last epoch", after) for name, title in SUMMARISED.items() if name != LAST_MEAN}


def beside_published(run: Run, config: Config) -> str | None:
    """What is published of a run's preset, and how the run stands to it; None where nothing is, or no epoch is done."""
    own = {LAST_MEAN: run.mean_last_test_accuracy, "last_test_accuracy": run.last_test_accuracy}
    if not run.epochs:
        return None
    trained = Trained(config=config, limit=run.limit, epochs=len(run.epochs), accuracies={run.seed: own})
    return beside(trained)


def synapse_counts(config: Config) -> tuple[int, ...]:
    """Synapses of each layer, those of the biases too."""
    return tuple((below + 1) * above for below, above in itertools.pairwise(config.network.layers))


def writes_a_synapse(run: Run, config: Config) -> float | None:
    """Programming pulses a synapse in all epochs of a run; None where they are not counted."""
    counted = [getattr(entry, "counters", None) for entry in run.epochs]
    if not counted or None in counted:
        return None
    return sum(counters["programming_pulses"] for counters in counted) / sum(synapse_counts(config))


def layer_writes_a_synapse(run: Run, config: Config) -> tuple[float, ...] | None:
    """`writes_a_synapse` by layer of synapses; None where an epoch's engine does not count them apart."""
    counted = [getattr(entry, "layer_writes", None) for entry in run.epochs]
    if not counted or None in counted:
        return None
    sums = (sum(layer) for layer in zip(*counted, strict=True))
    return tuple(pulses / count for pulses, count in zip(sums, synapse_counts(config), strict=True))


def writes_text(total: float, layers: Sequence[float] | None) -> str:
    """Writes a synapse for the terminal: of all synapses, and of each layer where that is known."""
    each = ", ".join(f"layer {layer}: {own:,.1f}" for layer, own in enumerate(layers or ()))
    return f"{total:,.1f}{f' ({each})' if each else ''}"


def _row(seed: int, run: Run, config: Config) -> SeedRow:
    last = run.epochs[-1] if run.epochs else None
    return SeedRow(
        seed=seed,
        folder=f"seed-{seed}",
        epochs=len(run.epochs),
        mean_last_5_test_accuracy=run.mean_last_test_accuracy,
        last_test_accuracy=run.last_test_accuracy,
        last_first_spike_test_accuracy=getattr(last, "first_spike_test_accuracy", None),
        last_train_accuracy=last.train_accuracy if last else None,
        writes_a_synapse=writes_a_synapse(run, config),
        layer_writes_a_synapse=layer_writes_a_synapse(run, config),
    )
