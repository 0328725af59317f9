"""The rate of a neuron against a constant current (fig 2.1): golden.law's driven neuron, one run a current."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eqspike.golden.validation import require_range
from eqspike.lab.experiments.kinds import Base
from eqspike.lab.experiments.outcome import Outcome, Series
from eqspike.lab.experiments.spec import NUMBERS, Experiment
from eqspike.lab.runs import Job, function_job

if TYPE_CHECKING:
    from eqspike.golden.config import Config


@dataclass(frozen=True, kw_only=True)
class Parameters(Base):
    """Currents from `low` to `high`, in thresholds for each T_refract; the rate is counted over `window` steps."""

    low: float = -0.5
    high: float = 2.0
    points: int = 101
    window: int = 100

    def validate(self, key: str) -> None:
        super().validate(key)
        require_range(f"{key}.points", self.points, 3, 100000)
        require_range(f"{key}.window", self.window, 2, 500)
        require_range(f"{key}.high", self.high, self.low, 100)


def jobs(parameters: Parameters, seeds: Sequence[int]) -> dict[str, Job]:
    """One run for each number format; nothing is drawn, so the first seed serves."""
    return {n: function_job(f"{__name__}:run", parameters.resolve(n, seeds[0]), parameters) for n in NUMBERS}


def run(key: str, folder: Path, config: Config, parameters: Parameters) -> dict[str, Any]:
    """The rates, in units of f_max, of the last `window` of `golden.law.STEPS` steps."""
    import numpy as np

    from eqspike.golden.law import STEPS, drive, law_config, run_pair

    own = law_config(config, config.number.format == "real")
    currents = np.linspace(parameters.low, parameters.high, parameters.points)
    # `drive` gives the current for a rate; a current of 1 threshold for each T_refract asks for f_max.
    driven = drive(own, np.repeat(currents[:, None], STEPS, axis=1))
    trace = run_pair(own, driven, np.zeros_like(driven))
    counts = trace.spikes[:, -parameters.window :, 0].sum(axis=1)
    return {"current": currents, "rate": counts / parameters.window * own.neuron.refractory}


def outcome(experiment: Experiment, parameters: Parameters, seeds: Sequence[int], records: dict[str, Any]) -> Outcome:
    """The curves beside the hard sigmoid."""
    import numpy as np

    found = Outcome()
    for number in NUMBERS:
        record = records[number]
        current, rate = np.array(record["current"]), np.array(record["rate"])
        sigmoid = np.clip(current, 0, 1)
        if number == NUMBERS[0]:
            found.series.append(Series("hard sigmoid", "", list(current), list(sigmoid), style="plain"))
        found.series.append(Series("rate", number, list(current), list(rate)))
        found.measure("highest rate", number, float(rate.max()))
        found.measure("rate without current", number, float(rate[current <= 0].max()))
        found.measure("largest distance from the hard sigmoid", number, float(np.abs(rate - sigmoid).max()))
    found.places["highest rate"] = ("", None, None)
    return found
