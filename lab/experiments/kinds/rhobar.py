"""The rho-bar block on rates that rise, hold and fall (fig 2.5): without filter, filtered at the end, at the start."""

from __future__ import annotations

import dataclasses
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

RATES = {"rising": (0.25, 1.0), "falling": (1.0, 0.25), "slow": (0.1, 0.4), "constant": (0.5, 0.5)}
"""Four rates in units of f_max: before and after a ramp of `golden.law.PART` steps."""
PLACES = {"none": "no filter", "end": "filter at the end", "start": "filter at the start"}


@dataclass(frozen=True, kw_only=True)
class Parameters(Base):
    """`delay` is tau in steps, `filter` N_filt (in fixed point the power of two next to it)."""

    delay: int = 100
    filter: int = 10

    def validate(self, key: str) -> None:
        super().validate(key)
        require_range(f"{key}.delay", self.delay, 1, 150)
        require_range(f"{key}.filter", self.filter, 2, 64)


def jobs(parameters: Parameters, seeds: Sequence[int]) -> dict[str, Job]:
    """One run for each number format."""
    return {n: function_job(f"{__name__}:run", parameters.resolve(n, seeds[0]), parameters) for n in NUMBERS}


def run(key: str, folder: Path, config: Config, parameters: Parameters) -> dict[str, Any]:
    """rho-bar of every step, for each rate and each place of the filter, as real numbers."""
    import numpy as np

    from eqspike.golden.law import PART, STEPS, drive, law_config, run_pair

    real = config.number.format == "real"
    length = parameters.filter if real else 2 ** round(np.log2(parameters.filter))
    base = law_config(config, real)
    progress = np.concatenate([np.zeros(PART), np.arange(PART) / PART, np.ones(STEPS - 2 * PART)])
    rates = np.array([low + (high - low) * progress for low, high in RATES.values()])
    outputs, lsb = {}, 1.0 if real else 2.0**-base.rate.fraction_bits
    for name, taps in (("none", 1), ("start", length)):
        own = base.replace(rate=dataclasses.replace(base.rate, delay=parameters.delay, filter=taps))
        trace = run_pair(own, drive(own, rates), drive(own, np.zeros_like(rates)))
        outputs[name] = trace.integrator[:, :, 0] * lsb
    kernel = np.ones(length) / length
    outputs["end"] = np.array([np.convolve(row, kernel)[:STEPS] for row in outputs["none"]])
    return {
        "rates": rates, "rhobar": outputs, "filter": length, "gain": parameters.delay / base.rate.leak,
        "refractory": base.neuron.refractory, "part": PART,
    }  # fmt: skip


def outcome(experiment: Experiment, parameters: Parameters, seeds: Sequence[int], records: dict[str, Any]) -> Outcome:
    """The traces; means over the ramp against (tau / gamma_LI) d rho / dt, and the noise that is left."""
    import numpy as np

    found = Outcome()
    for number in NUMBERS:
        record = records[number]
        part, delay, gain = record["part"], parameters.delay, record["gain"]
        rates = np.array(record["rates"])
        steps = list(range(rates.shape[1]))
        outputs = {name: np.array(rows) for name, rows in record["rhobar"].items()}
        # The difference over tau is whole from tau steps after the ramp's start on; 1 / leak steps for the integrator.
        ramp, held = slice(part + delay + 20, 2 * part), slice(2 * part + delay + 60, None)
        ratios, signs = [], []
        for at, name in enumerate(RATES):
            if number == NUMBERS[0]:
                found.series.append(Series(name, "", steps, list(rates[at]), panel="rate", style="plain"))
            for place, rows in outputs.items():
                found.series.append(Series(name, number, steps, list(rows[at]), panel=place, style="plain"))
            slope = (rates[at, -1] - rates[at, 0]) / part / record["refractory"]
            mean = outputs["start"][at, ramp].mean()
            if slope:
                ratios.append(mean / (gain * slope))
                signs.append(bool(np.sign(mean) == np.sign(slope)))
        found.measure("rho-bar over (tau / gamma_LI) times the rate's derivative", number, ratios)
        found.measure("ramps whose sign is right", number, sum(signs) / len(signs))
        still = max(abs(rows[:, held].mean(axis=1)).max() for rows in outputs.values())
        found.measure("mean at constant rates, largest", number, float(still / np.abs(outputs["none"]).max()))
        noise = {place: float(np.std(rows[:, held], axis=1).mean()) for place, rows in outputs.items()}
        found.measure("noise left by the filter at the end", number, noise["end"] / noise["none"])
        found.measure("noise left by the filter at the start", number, noise["start"] / noise["none"])
        apart = np.abs(outputs["end"] - outputs["start"])[:, part:].max() / np.abs(outputs["none"]).max()
        found.measure("largest distance between the two places", number, float(apart))
    return found
