"""cocotb: counts of the inputs' spikes (rtl.input_counts) against a list of Python."""

from __future__ import annotations

import cocotb
from amaranth.lib import wiring

from cocotb_tests.bench import TIMEOUT, Bench, config_data
from eqspike.golden.configfile import config_from_dict
from eqspike.rtl.input_counts import InputCounts
from eqspike.sim import harness


def _config(inputs: int) -> dict:
    return config_data(
        network={"layers": [inputs, 3, 2]}, synapses=[{"draw": "synapse"}], programming={"when": "image_end"},
        learning={"nudge_steps": 40},
    )  # fmt: skip


JOBS = {
    "many": {"config": _config(13), "seed": 2200},
    "one": {"config": _config(1), "seed": 2201},
}
IMAGES = 30
MOST = 20
"""Spikes that an input may have: one every second step of the phase."""


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    return InputCounts(config_from_dict(job["config"]))


@cocotb.test(**TIMEOUT)
async def input_counts(dut: object) -> None:
    """Images that begin before the last one's counts are cleared, and after; counts up to the most there may be."""
    job = harness.job()
    bench = Bench(dut, make(job), job["seed"])
    inputs = bench.component.inputs
    await bench.start()
    for image in range(IMAGES):
        bench.drive(restart=1, serves=0)
        await bench.cycle()
        bench.drive(restart=0)
        clears = bench.random.choice([inputs, inputs, bench.random.randint(0, inputs - 1)])
        for cycle in range(clears):
            await bench.settle()
            bench.check("cleared", 0, image=image, at=cycle)
            await bench.cycle()
        if clears < inputs:
            bench.seen["cut off"] += 1
            continue
        counts = [0] * inputs
        last = -1
        for _ in range(bench.random.choice([0, 10, 300])):
            served = bench.random.choice([bench.pick(0, inputs - 1), inputs - 1])
            serves = bench.chance(0.7) and served != last and counts[served] < MOST
            bench.drive(serves=serves, served=served)
            counts[served] += serves
            last = served if serves else -1
            await bench.settle()
            bench.check("cleared", 1)
            await bench.cycle()
        bench.seen["most"] += MOST in counts
        bench.drive(serves=0)
        await bench.cycle()
        for number in bench.random.sample(range(inputs), inputs):
            bench.drive(number=number)
            await bench.cycle()
            await bench.settle()
            bench.check("count", counts[number], image=image, number=number)
            await bench.cycle()
    bench.report()
