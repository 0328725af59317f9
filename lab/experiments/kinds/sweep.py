"""Rows of changes to one preset, each trained with several seeds, and what each costs in accuracy: `eqspike sweep`."""

from __future__ import annotations

import dataclasses
import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from eqspike.base.errors import UsageProblem
from eqspike.golden.validation import ConfigError, fail
from eqspike.lab.experiments.kinds import Trained, check_changes
from eqspike.lab.experiments.spec import Experiment
from eqspike.lab.runs import Job, train_job
from eqspike.lab.text import points, share
from eqspike.lab.verdict import AGREES_WITHIN, DIFFERS, against_thesis

SHOWN = {
    "accuracy": "{:g} %",
    "loss": "{:g} lost",
    "loss_below": "less than {:g} lost",
    "loss_above": "more than {:g} lost",
}
"""What a row may say of the thesis in points, and how that is shown."""


MOST_COMBINATIONS = 1000
"""Of one row's `over`."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the sweep's table."""

    name: str = ""
    set: tuple[str, ...] = ()
    """key=value changes to the preset."""
    group: str = ""
    """Panel of the plot, and heading in the table."""
    series: str = ""
    """Line of the plot within the panel."""
    x: float | None = None
    """Place in the plot; None: by order, under the row's name."""
    accuracy: float | None = None
    """What the thesis has: percent; or points lost against the reference, exactly or as a bound."""
    loss: float | None = None
    loss_below: float | None = None
    loss_above: float | None = None
    thesis: str = ""
    """Shown in place of the thesis's number."""
    source: str = ""
    """Where the thesis says so."""
    reference: str | None = None
    """The row that losses are counted from, in place of the sweep's."""
    over: dict[str, tuple[object, ...]] = dataclasses.field(default_factory=dict)
    """key -> values: in place of this row, one for each combination of values. The first key is the plot's x where its
    values are numbers, the others make the series."""

    def validate(self, key: str) -> None:
        check_changes(f"{key}.set", self.set)
        for name, values in self.over.items():
            if not values or len(set(map(str, values))) < len(values):
                fail(f"{key}.over.{name}", list(values), "a list of different values")
        if (count := math.prod(map(len, self.over.values()))) > MOST_COMBINATIONS:
            fail(f"{key}.over", count, f"at most {MOST_COMBINATIONS:,} combinations")
        if self.over and self.x is not None:
            fail(f"{key}.x", self.x, "none, where `over` has the places in the plot")

    def combinations(self) -> list[Row]:
        """The rows in place of this one: itself, where it goes over nothing."""
        if not self.over:
            return [self]
        first, places = next(iter(self.over.items()))
        placed = all(isinstance(value, int | float) and not isinstance(value, bool) for value in places)
        found = []
        for values in itertools.product(*self.over.values()):
            pairs = list(zip(self.over, values, strict=True))
            changes = [f"{key}={value}" for key, value in pairs]
            told = [f"{key.rpartition('.')[2]}={value}" for key, value in pairs]
            found.append(
                dataclasses.replace(
                    self, over={}, set=(*self.set, *changes), name=", ".join(filter(None, (self.name, *told))),
                    group=self.group or self.name or first, x=float(values[0]) if placed else None,
                    series=", ".join(filter(None, (self.series, *told[1:]))),
                )
            )  # fmt: skip
        return found

    def of_thesis(self) -> dict[str, Any] | None:
        """The thesis's: kind, value and text, or a text alone."""
        for kind, shown in SHOWN.items():
            if (value := getattr(self, kind)) is not None:
                return {"kind": kind, "value": value, "text": self.thesis or shown.format(value)}
        return {"text": self.thesis} if self.thesis else None


@dataclass(frozen=True, kw_only=True)
class Parameters(Trained):
    """The rows; `reference` is the row that losses are counted from, where a row has none of its own."""

    reference: str | None = None
    rows: tuple[Row, ...] = ()
    xlabels: dict[str, str] = dataclasses.field(default_factory=dict)
    """Group -> what its x is."""

    def validate(self, key: str) -> None:
        super().validate(key)
        if not self.rows:
            fail(f"{key}.rows", [], "a list with at least one row")
        for index, row in enumerate(self.rows):
            row.validate(f"{key}.rows[{index}]")
        self.expanded()._check_names(key)

    def expanded(self) -> Parameters:
        """With a row for each combination of what rows go `over`."""
        return dataclasses.replace(self, rows=tuple(each for row in self.rows for each in row.combinations()))

    def _check_names(self, key: str) -> None:
        names = [row.name for row in self.rows]
        for index, row in enumerate(self.rows):
            where = f"{key}.rows[{index}]"
            if not row.name or names.count(row.name) > 1:
                fail(f"{where}.name", row.name, "a name that no other row has")
            if (reference := row.reference or self.reference) is not None and reference not in names:
                fail(f"{where}.reference", reference, f"one of {', '.join(names)}")
            if sum(getattr(row, kind) is not None for kind in SHOWN) > 1:
                fail(where, row.name, f"at most one of {', '.join(SHOWN)}")

    def chosen(self, patterns: Sequence[str]) -> Parameters:
        """With the rows whose name one of the patterns matches (all when there are none), and those that they are
        compared with. Raises `UsageProblem`."""
        if not patterns:
            return self
        kept: set[str | None] = set()
        for pattern in patterns:
            found = {row.name for row in self.rows if row.name == pattern or fnmatchcase(row.name, pattern)}
            if not found:
                raise UsageProblem(f"--rows {pattern}: no such row; --list shows them")
            kept |= found
        kept |= {row.reference or self.reference for row in self.rows if row.name in kept}
        return dataclasses.replace(self, rows=tuple(row for row in self.rows if row.name in kept))


def row_jobs(parameters: Parameters, seeds: Sequence[int]) -> dict[str, list[Job]]:
    """Row -> its runs, one a seed. Raises `UsageProblem` that names the row whose config cannot be."""
    found = {}
    for row in parameters.rows:
        try:
            configs = [parameters.resolve(None, seed, row.set) for seed in seeds]
        except ConfigError as error:
            raise UsageProblem(f"{row.name}: {error}") from None
        found[row.name] = [
            dataclasses.replace(train_job(config), label=f"{row.name}, seed {seed}")
            for seed, config in zip(seeds, configs, strict=True)
        ]
    return found


def jobs(parameters: Parameters, seeds: Sequence[int]) -> dict[str, Job]:
    """A training a row and seed."""
    return {job.label: job for each in row_jobs(parameters, seeds).values() for job in each}


def summarise(
    sweep: Experiment, parameters: Parameters, runs: dict[str, list[Job]], stored: dict[str, dict[str, Any]],
    problems: dict[str, str],
) -> dict[str, Any]:  # fmt: skip
    """What summary.json holds but the command: the rows with their statistics over the seeds that are `stored`."""
    first = next(iter(runs.values()))
    means = {name: _mean([stored[job.key] for job in own if job.key in stored]) for name, own in runs.items()}
    rows = [_row(row, row.reference or parameters.reference, runs[row.name], stored, means) for row in parameters.rows]
    return {
        "kind": "sweep",
        "name": sweep.name,
        "title": sweep.header.title,
        "base": parameters.config,
        "set": list(parameters.set),
        "seeds": [job.config.training.seed for job in first],
        "epochs": first[0].config.training.epochs,
        "test_part": first[0].config.dataset.scored_part,
        "finished": all(row["finished"] for row in rows),
        "agrees_within": AGREES_WITHIN,
        "seconds_of_runs": sum(run["seconds"] for run in stored.values()),
        "golden": sorted({run["golden"] for run in stored.values()}),
        "xlabels": parameters.xlabels,
        "errors": [
            {"row": name, "seed": job.config.training.seed, "reason": problems[job.key]}
            for name, own in runs.items()
            for job in own
            if job.key in problems
        ],
        "rows": rows,
    }


def _mean(found: Sequence[dict[str, Any]]) -> float | None:
    return statistics.fmean(100 * run["mean_last_5_test_accuracy"] for run in found) if found else None


def _row(
    row: Row, reference: str | None, runs: Sequence[Job], stored: dict[str, dict[str, Any]],
    means: dict[str, float | None],
) -> dict[str, Any]:  # fmt: skip
    from eqspike.lab.seeds import spread

    found = [stored[job.key] for job in runs if job.key in stored]
    base, own, thesis = means.get(reference) if reference else None, means[row.name], row.of_thesis()
    loss = base - own if base is not None and own is not None and reference != row.name else None
    pulses = [run["programming_pulses_per_image"] for run in found]
    return {
        "name": row.name,
        "group": row.group,
        "series": row.series,
        "x": row.x,
        "set": list(row.set),
        "number_format": runs[0].config.number.format,
        "seeds": [run["seed"] for run in found],
        "finished": len(found) == len(runs),
        "accuracy": spread([run["mean_last_5_test_accuracy"] for run in found]),
        "last_accuracy": spread([run["last_test_accuracy"] for run in found]),
        "train_accuracy": spread([run["last_train_accuracy"] for run in found]),
        "programming_pulses_per_image": statistics.fmean(pulses) if pulses else None,
        "nudged_share": statistics.fmean(run["nudged_share"] for run in found) if found else None,
        "seconds": sum(run["seconds"] for run in found),
        "reference": reference,
        "loss": loss,
        "thesis": thesis,
        "source": row.source,
        **dataclasses.asdict(against_thesis((thesis or {}).get("kind"), (thesis or {}).get("value", 0.0), own, loss)),
    }


def table(rows: Sequence[dict[str, Any]]) -> tuple[list[tuple[str, ...]], tuple[int, ...]]:
    """The summary's rows under their head, as texts, and which columns stand to the left. Columns of the thesis, and of
    points lost, are there where a row has any."""
    lines = [HEAD, *(tuple(row_cells(row)) for row in rows)]
    kept = [at for at, name in enumerate(HEAD) if name not in OPTIONAL or any(line[at] != "-" for line in lines[1:])]
    left = tuple(place for place, at in enumerate(kept) if at in LEFT)
    return [tuple(line[at] for at in kept) for line in lines], left


HEAD = ("row", "seeds", "accuracy %", "points lost", "thesis", "source", "verdict", "pulses/image", "nudged %")
LEFT = (0, 4, 5, 6)
"""Columns of texts."""
OPTIONAL = ("points lost", "thesis", "source", "verdict")
"""Columns that are left out where no row has anything in them."""


def row_cells(row: dict[str, Any]) -> list[str]:
    """A row of the summary as texts under `HEAD`, for the terminal and for the pages."""
    found = row["verdict"] or "-"
    if row["verdict"] == DIFFERS:
        found += f", {abs(row['better_by']):.1f} {'better' if row['better_by'] > 0 else 'worse'}"
    pulses, nudged = row["programming_pulses_per_image"], row["nudged_share"]
    return [
        row["name"],
        str(len(row["seeds"])),
        share(row["accuracy"], "standard_deviation"),
        points(row["loss"]),
        (row["thesis"] or {}).get("text", "-"),
        row["source"] or "-",
        found,
        "-" if pulses is None else f"{pulses:,.0f}",
        "-" if nudged is None else f"{100 * nudged:.1f}",
    ]
