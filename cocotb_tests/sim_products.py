"""cocotb: the lanes' products at an image's end (rtl.products) against integers of Python."""

from __future__ import annotations

import cocotb
from amaranth.lib import wiring

from cocotb_tests.bench import TIMEOUT, Bench, config_data
from eqspike.golden.configfile import config_from_dict
from eqspike.golden.number import fixed_numbers
from eqspike.rtl.layout import Layout
from eqspike.rtl.products import Products
from eqspike.sim import harness


def _config(**learning: int) -> dict:
    return config_data(
        network={"layers": [4, 5, 3]}, synapses=[{"draw": "synapse"}], programming={"when": "image_end"},
        learning={"window": 2} | learning,
    )  # fmt: skip


JOBS = {
    "long": {"config": _config(), "lanes": 3, "seed": 2100},
    # The shortest phase there can be: one bit of a count.
    "short": {"config": _config(nudge_steps=2), "lanes": 2, "seed": 2101},
}
PRODUCTS = 400


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    config = config_from_dict(job["config"])
    return Products(config, Layout(config, job["lanes"]))


@cocotb.test(**TIMEOUT)
async def products(dut: object) -> None:
    """Any counts and sums, begun at once or after a while; products stay until the next ones are begun."""
    job = harness.job()
    bench = Bench(dut, make(job), job["seed"])
    component, numbers = bench.component, fixed_numbers(config_from_dict(job["config"]))
    most, total = (1 << numbers.spike_count.bits) - 1, numbers.rate_sum
    await bench.start()
    for number in range(PRODUCTS):
        count, above = bench.pick(0, most), bench.pick(total.low, total.high)
        sums = [bench.pick(total.low, total.high) for _ in range(component.lanes)]
        counts = [bench.pick(0, most) for _ in range(component.lanes)]
        bench.drive(start=1, count=count, above=above, sums=sums, counts=counts)
        golden = [count * own + other * above for own, other in zip(sums, counts, strict=True)]
        bench.seen["at an end"] += count == most and not {total.low, total.high}.isdisjoint(sums)
        for _ in range(component.cycles):
            await bench.settle()
            bench.check("done", 0, number=number)
            await bench.cycle()
            bench.drive(start=0)
        waits = bench.random.choice([0, 0, 1, 5])
        for late in range(waits + 1):
            await bench.settle()
            bench.check("done", int(late == 0), number=number)
            bench.check("products", golden, number=number)
            if late < waits:
                await bench.cycle()
                # What they were made of may change then.
                bench.drive(count=0, above=0)
        await bench.cycle()
    bench.report()
