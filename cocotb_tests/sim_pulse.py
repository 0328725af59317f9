"""cocotb: the tails of pulses (rtl.pulse) against golden.pulse."""

from __future__ import annotations

import cocotb
import numpy as np
from amaranth.lib import wiring

from cocotb_tests.bench import TIMEOUT, TRAINS, Bench, config_data, spike_trains
from eqspike.golden.configfile import config_from_dict
from eqspike.golden.pulse import SHAPES, Tail, tail_step
from eqspike.golden.state import HistoryRows
from eqspike.rtl.pulse import PulseTail
from eqspike.sim import harness


def _data(**pulse: object) -> dict:
    return config_data(learning={"signal": "pulse"}, pulse=pulse)


JOBS = {
    "saw": {"config": _data(shape="saw", length=40)},
    "saw_short": {"config": _data(shape="saw", length=6)},
    "square": {"config": _data(shape="square", length=14)},
}
for _seed, _job in enumerate(JOBS.values()):
    _job.update(seed=700 + _seed)

STEPS = 160


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    return PulseTail(config_from_dict(job["config"]))


@cocotb.test(**TIMEOUT)
async def pulse(dut: object) -> None:
    """Spike trains from rest, every state of every step."""
    job = harness.job()
    bench = Bench(dut, make(job), job["seed"])
    config = config_from_dict(job["config"])
    half = config.pulse.half
    tail = Tail(half=half, shape=SHAPES[config.pulse.shape], clip=0, collision_limit=0)
    spikes = spike_trains(bench, STEPS, half, config.neuron.refractory)
    # One row more than there are steps: the row of what was before the image.
    history = np.zeros((STEPS + 1, 1, len(TRAINS)), np.int64)
    count, signal, pulses = np.zeros((3, 1, len(TRAINS)), np.int64)
    for t in range(STEPS):
        history[t, 0] = spikes[t]
        ages = (1, half, half + 1, 2 * half + 1)
        rows = [t - age if age <= t else STEPS for age in ages]
        before = count.copy(), signal.copy()
        tail_step(0, len(TRAINS), HistoryRows(t, *rows), tail, history, count, signal, pulses)
        for n in range(len(TRAINS)):
            names = ("leaving", "delayed", "delayed_leaving", "old")
            inputs = {name: int(history[row, 0, n]) for name, row in zip(names, rows, strict=True)}
            inputs |= {"spike": int(spikes[t, n]), "filtered": int(before[0][0, n]), "integrator": int(before[1][0, n])}
            bench.drive(**inputs)
            await bench.settle_combinational()
            bench.check("next_filtered", int(count[0, n]), **inputs)
            bench.check("next_integrator", int(signal[0, n]), **inputs)
            bench.check("pulse", int(pulses[0, n]), **inputs)
            sign = int(signal[0, n])
            bench.seen["positive" if sign > 0 else "negative" if sign < 0 else "zero"] += 1
            limit = bench.component.numbers.clip
            bench.seen["at the bound"] += abs(sign) == limit
    bench.report()
