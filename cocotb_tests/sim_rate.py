"""cocotb: the rho-bar block against golden.rate."""

from __future__ import annotations

import cocotb
import numpy as np
from amaranth.lib import wiring

from cocotb_tests.bench import TIMEOUT, TRAINS, Bench, config_data, spike_trains
from eqspike.golden.config import Config
from eqspike.golden.configfile import config_from_dict
from eqspike.golden.number import leak_to_zero
from eqspike.golden.rate import rate_step
from eqspike.golden.state import HistoryRows
from eqspike.rtl.rate import RhoBar
from eqspike.sim import harness

JOBS = {
    "no_filter": {"config": config_data(rate={"filter": 1, "delay": 24, "leak": "2^-3", "fraction_bits": 6})},
    "filter_4": {
        "config": config_data(rate={"filter": 4, "delay": 24, "leak": "2^-4", "fraction_bits": 5, "integer_bits": 5})
    },
}
for _seed, _job in enumerate(JOBS.values()):
    _job.update(seed=300 + _seed)

STEPS = 100
VECTORS = 1000
"""States beyond those of the trains: any that the formats hold and whose successor they hold too."""


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    return RhoBar(config_from_dict(job["config"]))


async def _compare(bench: Bench, golden: dict[str, int], **inputs: int) -> None:
    bench.drive(**inputs)
    await bench.settle_combinational()
    for name, value in golden.items():
        bench.check(name, value, **inputs)
    # The neuron may program as it fires.
    bench.check("pulse", inputs["spike"], **inputs)
    rhobar = golden["next_integrator"]
    bench.seen["positive" if rhobar > 0 else "negative" if rhobar < 0 else "zero"] += 1


async def _follow_trains(bench: Bench, config: Config) -> None:
    """Spike trains from rest, every state of every step."""
    numbers = bench.component.numbers
    spikes = spike_trains(bench, STEPS, config.rate.delay, config.neuron.refractory)
    # One row more than there are steps: the row of what was before the image.
    history = np.zeros((STEPS + 1, 1, len(TRAINS)), np.int64)
    filtered, integrator = np.zeros((2, 1, len(TRAINS)), np.int64)
    averages = config.rate.filter > 1

    for t in range(STEPS):
        history[t, 0] = spikes[t]
        back = (config.rate.filter, config.rate.delay, config.rate.delay + config.rate.filter)
        leaving, delayed, delayed_leaving = (t - steps if steps <= t else STEPS for steps in back)
        rows = HistoryRows(t, leaving, delayed, delayed_leaving, t)
        before = filtered.copy(), integrator.copy()
        rate_step(0, len(TRAINS), rows, history, numbers.rate_gain, numbers.rate_leak_shift, filtered, integrator)
        for n in range(len(TRAINS)):
            inputs = {
                "spike": history[t, 0, n],
                "leaving": history[leaving, 0, n],
                "delayed": history[delayed, 0, n],
                "delayed_leaving": history[delayed_leaving, 0, n],
                "filtered": before[0][0, n],
                "integrator": before[1][0, n],
            }
            if not averages:
                # Not read then.
                inputs |= {name: bench.random.getrandbits(1) for name in ("leaving", "delayed_leaving")}
                inputs["filtered"] = bench.pick(numbers.filter.low, numbers.filter.high)
            golden = {"next_filtered": int(filtered[0, n]), "next_integrator": int(integrator[0, n])}
            await _compare(bench, golden, **{name: int(value) for name, value in inputs.items()})


async def _any_state(bench: Bench, config: Config) -> None:
    """States drawn at random, ends of the formats among them."""
    numbers = bench.component.numbers
    left = VECTORS
    while left:
        spike, leaving, delayed, delayed_leaving = (bench.random.getrandbits(1) for _ in range(4))
        filtered = bench.pick(numbers.filter.low, numbers.filter.high)
        integrator = bench.pick(numbers.rate.low, numbers.rate.high)
        if config.rate.filter > 1:
            next_filtered = filtered + spike - leaving - delayed + delayed_leaving
        else:
            next_filtered = spike - delayed
        next_integrator = leak_to_zero(integrator + (next_filtered << numbers.rate_gain), numbers.rate_leak_shift)
        if not (
            numbers.filter.low <= next_filtered <= numbers.filter.high
            and numbers.rate.low <= next_integrator <= numbers.rate.high
        ):
            continue
        golden = {"next_filtered": next_filtered, "next_integrator": next_integrator}
        await _compare(
            bench, golden, spike=spike, leaving=leaving, delayed=delayed, delayed_leaving=delayed_leaving,
            filtered=filtered, integrator=integrator,
        )  # fmt: skip
        left -= 1


@cocotb.test(**TIMEOUT)
async def rate(dut: object) -> None:
    """Spike trains from rest, then any state."""
    job = harness.job()
    bench = Bench(dut, make(job), job["seed"])
    config = config_from_dict(job["config"])
    await _follow_trains(bench, config)
    await _any_state(bench, config)
    bench.report()
