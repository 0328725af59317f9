"""The learning law on two neurons and one synapse, as `eqspike law` (figs 2.7, 3.4, 4.5, 4.6, 4.9 to 4.13)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eqspike.golden.validation import fail, require_choice, require_range
from eqspike.lab.experiments.kinds import Base, check_changes
from eqspike.lab.experiments.outcome import Outcome, Series
from eqspike.lab.experiments.spec import NUMBERS, Experiment
from eqspike.lab.runs import Job, function_job

if TYPE_CHECKING:
    from eqspike.golden.config import Config


@dataclass(frozen=True, kw_only=True)
class Case:
    """One pair of sweeps: a name, and changes to the config."""

    name: str = ""
    set: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Parameters(Base):
    """`length` is that of a pulse in A-EqSpike, in steps: 100 or 40."""

    points: int = 100
    length: int = 100
    cases: tuple[Case, ...] = field(default=(Case(),))

    def validate(self, key: str) -> None:
        super().validate(key)
        require_range(f"{key}.points", self.points, 3, 10000)
        require_choice(f"{key}.length", str(self.length), ("100", "40"))
        for index, case in enumerate(self.cases):
            check_changes(f"{key}.cases[{index}].set", case.set)
        if len({case.name for case in self.cases}) < len(self.cases):
            fail(f"{key}.cases", [case.name for case in self.cases], "different names")


def jobs(parameters: Parameters, seeds: Sequence[int]) -> dict[str, Job]:
    """One run for each case; it holds both number formats."""
    return {
        case.name: function_job(
            f"{__name__}:run", parameters.resolve("fixed", seeds[0], case.set), parameters, ("eqspike.lab.law",)
        )
        for case in parameters.cases
    }


def run(key: str, folder: Path, config: Config, parameters: Parameters) -> dict[str, Any]:
    """What law.json holds."""
    from eqspike.lab.law import run_law

    return run_law(config, ("golden",), parameters.points)


def outcome(experiment: Experiment, parameters: Parameters, seeds: Sequence[int], records: dict[str, Any]) -> Outcome:
    """Points and lines; slope, intercept, R² and noise of each sweep."""
    found = Outcome()
    tail = "" if parameters.length == 100 else f", {parameters.length} steps"
    for case in parameters.cases:
        sweeps = records[case.name]["sweeps"]
        for sweep in ("rate", "ramp"):
            entry = sweeps[f"{sweep}{tail}"]
            about = f", {case.name}" if case.name else ""
            x = list(entry["x"])
            for number in NUMBERS:
                run = entry["runs"][number]
                y = list(run["weight_change"])
                found.series.append(Series(case.name or "dW", number, x, y, panel=sweep, style="points"))
                line = [run["slope"] * v + run["intercept"] for v in (x[0], x[-1])]
                found.series.append(
                    Series(case.name or "line", number, [x[0], x[-1]], line, panel=sweep, style="plain")
                )
                span = max(y) - min(y)
                found.measure(f"{sweep}: R²{about}", number, run["r2"])
                found.measure(f"{sweep}: noise{about}", number, run["noise"])
                found.measure(f"{sweep}: slope{about}", number, run["slope"])
                found.measure(f"{sweep}: change at 0, part of the range{about}", number, _at_zero(run, span))
    for one, other in itertools.pairwise(case.name for case in parameters.cases):
        for sweep in ("rate", "ramp"):
            for number in NUMBERS:
                pair = [found.mean(f"{sweep}: R², {name}", number) for name in (other, one)]
                found.measure(f"{sweep}: R², {other} - {one}", number, pair[0] - pair[1])
    return found


def _at_zero(run: dict[str, Any], span: float) -> float:
    """What the line is at a rate, or a derivative, of 0, over the range of all points."""
    return abs(run["intercept"]) / span if span else 0.0
