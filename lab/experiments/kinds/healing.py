"""Devices that get stuck in a trained network, as `eqspike heal`: accuracy before, right after, and having learned on.

The network learns `epochs` epochs on devices that all work. Then a part of them is stuck, half at Gmax, half at Gmin,
whatever weight they had; which ones, the chip's seed says. It learns `more` epochs on, at the learning rates that the
schedule had come to (`go on`), or at its first ones (`restart`). A part of 0 says what learning on does by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eqspike.golden.validation import fail, require_choice, require_range
from eqspike.lab.experiments.kinds import Trained
from eqspike.lab.experiments.outcome import Outcome, Series
from eqspike.lab.experiments.spec import NUMBERS, Experiment
from eqspike.lab.healing import RATES, Fault, heal_job
from eqspike.lab.runs import Job
from eqspike.lab.seeds import spread


@dataclass(frozen=True, kw_only=True)
class Parameters(Trained):
    """`stuck` are parts of all devices."""

    stuck: tuple[float, ...] = (0.0, 0.05)
    more: int = 10
    rates: tuple[str, ...] = RATES

    def validate(self, key: str) -> None:
        super().validate(key)
        require_range(f"{key}.more", self.more, 1, 10000)
        if not self.stuck or len(set(self.stuck)) < len(self.stuck):
            fail(f"{key}.stuck", list(self.stuck), "at least one part, all different")
        for part in self.stuck:
            require_range(f"{key}.stuck", part, 0, 1)
        for name in self.rates:
            require_choice(f"{key}.rates", name, RATES)


def jobs(parameters: Parameters, seeds: Sequence[int]) -> dict[str, Job]:
    """A run a chip: number format and seed."""
    fault = Fault(stuck=parameters.stuck, epochs=parameters.more, rates=parameters.rates)
    return {f"{n} {s}": heal_job(parameters.resolve(n, s), fault) for n in NUMBERS for s in seeds}


def outcome(experiment: Experiment, parameters: Parameters, seeds: Sequence[int], records: dict[str, Any]) -> Outcome:
    """Accuracy before, after and healed against the part that is stuck; and over the epochs."""
    found = Outcome()
    last = min(5, parameters.more)
    parts = [100 * part for part in parameters.stuck]
    for number in NUMBERS:
        lines: dict[str, list[dict[str, Any]]] = {}
        for at, part in enumerate(parameters.stuck):
            suffix = f", {100 * part:g} % stuck"
            for which, rates in enumerate(parameters.rates):
                rows = [records[f"{number} {s}"]["rows"][at * len(parameters.rates) + which] for s in seeds]
                after = [100 * row["after"] for row in rows]
                healed = [100 * sum(row["accuracies"][-last:]) / last for row in rows]
                if not which:
                    for name, values in (("before", [100 * row["before"] for row in rows]), ("right after", after)):
                        found.measure(f"accuracy {name}{suffix}", number, values)
                        lines.setdefault(name, []).append(spread(values))
                found.measure(f"accuracy after learning on ({rates}){suffix}", number, healed)
                lines.setdefault(f"learned on, {rates}", []).append(spread(healed))
                regained = [b - a for a, b in zip(after, healed, strict=True)]
                found.measure(f"points regained ({rates}){suffix}", number, regained)
                if not which:
                    _curve(found, number, part, rows, [records[f"{number} {s}"]["trained"] for s in seeds])
        for name, entries in lines.items():
            error = [e["standard_deviation"] for e in entries] if len(seeds) > 1 else None
            found.series.append(Series(name, number, parts, [e["mean"] for e in entries], error, panel="stuck"))
    return found


def _curve(found: Outcome, number: str, part: float, rows: Sequence[Any], trained: Sequence[list[float]]) -> None:
    """Accuracy over the epochs; the fault stands between two of them."""
    curves = [[*first, row["after"], *row["accuracies"]] for first, row in zip(trained, rows, strict=True)]
    count, more = len(trained[0]), len(rows[0]["accuracies"])
    epochs = [*range(1, count + 1), count + 0.5, *range(count + 1, count + more + 1)]
    mean = [100 * sum(values) / len(values) for values in zip(*curves, strict=True)]
    found.series.append(Series(f"{100 * part:g} % stuck", number, epochs, mean, panel="epochs", style="plain"))
