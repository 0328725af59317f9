"""What an experiment found, and what its file's rules say of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from eqspike.base.errors import UsageProblem
from eqspike.lab import verdict
from eqspike.lab.experiments.spec import NUMBERS, Experiment
from eqspike.lab.seeds import spread
from eqspike.lab.text import csv_text as lines_text


@dataclass
class Series:
    """Points of one panel."""

    name: str
    numbers: str
    """real, fixed, or "" for what does not depend on it (cited values, a theory's line)."""
    x: Sequence[float | str]
    y: Sequence[float | None]
    error: Sequence[float | None] | None = None
    panel: str = ""
    style: str = "line"
    """line (with points), plain (without), points, dots (small), bars, steps, dashed."""


@dataclass
class Outcome:
    """Series to draw and quantities to judge."""

    series: list[Series] = field(default_factory=list)
    quantities: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    """Name -> number format -> what `lab.seeds.spread` says of it over the seeds."""
    places: dict[str, tuple[str, float | str | None, float | None]] = field(default_factory=dict)
    """Where a goal's number stands in the picture: name -> (panel, x or None for the whole width, base). The place is
    the goal's value, or base minus it."""

    def measure(self, name: str, numbers: str, values: float | Iterable[float | None]) -> None:
        """Add a quantity: one value, or one a seed."""
        each = [values] if isinstance(values, int | float) else list(values)
        finite = [float(v) for v in each if v is not None and math.isfinite(v)]
        self.quantities.setdefault(name, {})[numbers] = spread(finite)

    def mean(self, name: str, numbers: str) -> float | None:
        """A quantity's mean, or None."""
        return self.quantities.get(name, {}).get(numbers, {}).get("mean")


def judge(experiment: Experiment, outcome: Outcome) -> dict[str, Any]:
    """The verdict and, for each goal, ours in each number format and whether it holds."""
    goals, right, better = [], [], []
    for goal in experiment.header.goals:
        entry: dict[str, Any] = {
            "quantity": goal.quantity, "thesis": goal.value, "text": goal.shown, "unit": goal.unit, "rule": goal.rule,
            "tolerance": goal.tolerance, "source": goal.source, "ours": {}, "holds": {},
        }  # fmt: skip
        known = outcome.quantities.get(goal.quantity, {})
        for number in [n for n in (*NUMBERS, "") if n in known]:
            entry["ours"][number] = known[number]
            asked = number in goal.numbers or not number
            entry["holds"][number] = goal.holds(known[number]["mean"]) if asked else None
            if asked and goal.beats(known[number]["mean"]):
                entry.setdefault("better", {})[number] = True
        if goal.rule != "shown":
            found = [value for value in entry["holds"].values() if value is not None]
            if not found:
                raise UsageProblem(
                    f"experiments/{experiment.name}.yaml: goals: {goal.quantity!r} is not measured by it"
                )
            right.append(all(found))
            judged = [number for number, value in entry["holds"].items() if value is not None]
            better.append(all(entry["holds"][number] or number in entry.get("better", {}) for number in judged))
        goals.append(entry)
    return {"verdict": verdict.of_goals(right, better), "goals": goals}


def csv_text(outcome: Outcome) -> str:
    """All points, one a line."""
    lines: list[tuple[str, ...]] = [("panel", "series", "numbers", "x", "y", "error")]
    for s in outcome.series:
        for at, (x, y) in enumerate(zip(s.x, s.y, strict=True)):
            error = s.error[at] if s.error is not None else None
            lines.append((s.panel, s.name, s.numbers, *(_text(v) for v in (x, y, error))))
    return lines_text(lines)


def _text(value: float | str | None) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else f"{float(value):.6g}"


def quantity_text(entry: dict[str, Any], unit: str = "") -> str:
    """A quantity for the reader, with its deviation over the seeds."""
    if entry["mean"] is None:
        return "-"
    text = f"{entry['mean']:.4g}"
    if unit == "%":
        text = f"{entry['mean']:.2f}"
    if entry["standard_deviation"] is not None:
        text += f" ± {entry['standard_deviation']:.2g}"
    return f"{text} {unit}".strip()
