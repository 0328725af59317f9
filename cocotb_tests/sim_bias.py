"""cocotb: the bias neuron (rtl.bias) against its definition."""

from __future__ import annotations

import cocotb
from amaranth.lib import wiring

from cocotb_tests.bench import TIMEOUT, Bench, config_data
from eqspike.golden.configfile import config_from_dict
from eqspike.rtl.bias import BiasNeuron
from eqspike.sim import harness

JOBS = {
    "every_spike": {"config": config_data(neuron={"refractory": 2})},
    "every_third": {
        "config": config_data(neuron={"refractory": 5}, programming={"every": 3}, learning={"window": 80})
    },
    # Counters that run down wrap earlier than those that run up.
    "every_fourth": {
        "config": config_data(neuron={"refractory": 4}, programming={"every": 4}, learning={"window": 64})
    },
}  # fmt: skip
for _seed, _job in enumerate(JOBS.values()):
    _job.update(seed=1700 + _seed)

IMAGES = 20


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    return BiasNeuron(config_from_dict(job["config"]))


@cocotb.test(**TIMEOUT)
async def bias(dut: object) -> None:
    """Images of any length, of which spikes count from some step on."""
    job = harness.job()
    bench = Bench(dut, make(job), job["seed"])
    config = config_from_dict(job["config"])
    period, every = config.neuron.refractory, config.programming.every
    await bench.start()
    for _ in range(IMAGES):
        bench.drive(restart=1)
        await bench.cycle()
        bench.drive(restart=0)
        spike, pulse, counted = 0, 0, 0
        steps = bench.random.randint(1, 20 * period)
        first = bench.random.choice((0, steps // 2))
        for step in range(steps):
            for _ in range(bench.random.randint(1, 3)):
                await bench.settle()
                bench.check("spike", spike, step=step)
                if every > 1:
                    bench.check("pulse", pulse, step=step)
                else:
                    bench.get("pulse")
                await bench.cycle()
            bench.drive(end_step=1, counting=step >= first)
            await bench.cycle()
            # Without the strobe, nothing counts.
            bench.drive(end_step=0, counting=bench.random.getrandbits(1))
            spike = int(step % period == 0)
            if spike and step >= first:
                counted += 1
                pulse = int(counted % every == 0)
            bench.seen["spike"] += spike
            bench.seen["pulse"] += spike and pulse
    bench.report()
