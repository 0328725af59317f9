"""Two neurons' signals and what their synapse sees (figs 4.7, 4.8), half a step at a time.

A neuron's voltage is the tail of its own pulses, and under its programming pulse +Vth in the first half of the step and
-Vth in the second, clipped to +-Vth (A-EqSpike's desynch). A device is written by what exceeds +-Vth.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eqspike.golden.validation import require_range
from eqspike.lab.experiments.kinds import Base
from eqspike.lab.experiments.outcome import Outcome, Series
from eqspike.lab.experiments.spec import NUMBERS, Experiment
from eqspike.lab.runs import Job, function_job

if TYPE_CHECKING:
    from eqspike.golden.config import Config


@dataclass(frozen=True, kw_only=True)
class Parameters(Base):
    """`rates`: both neurons' rates in units of f_max; 0 makes a single spike of each, at the same moment. With
    probability `probability` a programming pulse is sent. `amplitude`: the tail's rise a step, in Vth."""

    rate: float = 0.0
    probability: float = 0.5
    length: int = 40
    amplitude: float = 0.01
    steps: int = 200
    runs: int = 200
    """For the share of coinciding pulses."""

    def validate(self, key: str) -> None:
        super().validate(key)
        require_range(f"{key}.rate", self.rate, 0, 1)
        require_range(f"{key}.probability", self.probability, 2.0**-10, 1)
        require_range(f"{key}.amplitude", self.amplitude, 0, 1)
        require_range(f"{key}.length", self.length, 4, 256)
        require_range(f"{key}.steps", self.steps, self.length, 600)
        require_range(f"{key}.runs", self.runs, 1, 10000)


def jobs(parameters: Parameters, seeds: Sequence[int]) -> dict[str, Job]:
    """One run for each number format."""
    return {n: function_job(f"{__name__}:run", parameters.resolve(n, seeds[0]), parameters) for n in NUMBERS}


def voltages(tails: np.ndarray, sent: np.ndarray) -> np.ndarray:
    """Voltage in Vth of each half step, from the tail (steps,) and the programming pulses (steps,) that are sent."""
    halves = np.repeat(tails, 2)
    pulse = np.zeros(2 * len(sent))
    pulse[0::2], pulse[1::2] = sent, -sent
    return np.clip(halves + pulse, -1, 1)


def run(key: str, folder: Path, config: Config, parameters: Parameters) -> dict[str, Any]:
    """Voltages of the first run with every pulse sent and with some, and how often pulses coincide."""
    from eqspike.golden.derived import neuron_numbers
    from eqspike.golden.draw import sends_pulse
    from eqspike.golden.law import STEPS, drive, law_config, run_pair

    own = law_config(config, config.number.format == "real", 100)
    own = own.replace(pulse=dataclasses.replace(own.pulse, length=parameters.length))
    half = own.pulse.half
    rate = parameters.rate
    driven = drive(own, np.full((parameters.runs, STEPS), rate))
    if rate == 0:
        # One spike: a current of 1.5 thresholds in the first step leaves half a threshold on the membrane.
        driven[:, 0] = drive(own, np.array(1.5 * own.neuron.refractory))
    trace = run_pair(own, driven, driven)
    limit = round(parameters.probability * 2**16)
    # The programming pulse stands `half` steps after the spike, and is drawn in the pass of the step after that.
    pulses = np.zeros((2, parameters.runs, STEPS), np.int64)
    for side in range(2):
        pulses[side, :, half:] = trace.spikes[:, : STEPS - half, side]
    # The pair is layers 1 and 2.
    numbers = neuron_numbers(own.network.layers)[1:]
    draws = np.array([[[sends_pulse(int(w), n, limit) for w in row] for row in trace.word] for n in numbers])
    sent = pulses * np.roll(draws, -1, axis=2)
    both = [int((p[0] & p[1])[:, half:].sum()) for p in (pulses, sent)]
    alone = [int((p[0] ^ p[1])[:, half:].sum()) for p in (pulses, sent)]
    result: dict[str, Any] = {"coincide": both, "alone": alone, "pulses": int(pulses[:, :, half:].sum())}
    for name, chosen in (("every pulse", pulses), ("drawn pulses", sent)):
        sides = [
            voltages(parameters.amplitude * trace.integrator[0, :, side], chosen[side, 0])[: 2 * parameters.steps]
            for side in range(2)
        ]
        result[name] = [*sides, sides[0] + sides[1]]
    return result


def outcome(experiment: Experiment, parameters: Parameters, seeds: Sequence[int], records: dict[str, Any]) -> Outcome:
    """The voltages; what exceeds the threshold, what is written, how often two pulses coincide."""
    found = Outcome()
    panels = [panel.name for panel in experiment.header.panels]
    for number in NUMBERS:
        record = records[number]
        for name in panels:
            if name not in record:
                continue
            times = [t / 2 for t in range(len(record[name][0]))]
            for title, values in zip(("neuron i", "neuron j", "synapse"), record[name], strict=True):
                found.series.append(Series(title, number, times, list(values), panel=name, style="plain"))
        seen = np.array(record[panels[0]][2])
        over, under = np.maximum(seen - 1, 0), np.minimum(seen + 1, 0)
        found.measure("highest voltage at the synapse", number, float(np.abs(seen).max()))
        found.measure("largest part over the threshold", number, float(over.max()))
        found.measure("net change of the device", number, float(over.sum() + under.sum()))
        every, drawn = record["coincide"]
        if every:
            found.measure("coinciding pulses that are left", number, drawn / every)
        found.measure("pulses that are sent", number, (record["alone"][1] + 2 * drawn) / record["pulses"])
    found.places["highest voltage at the synapse"] = (panels[0], None, None)
    return found
