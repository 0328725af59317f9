"""cocotb: the choice of two-way words (rtl.pairs) against its definition."""

from __future__ import annotations

import cocotb
from amaranth.lib import wiring

from cocotb_tests.bench import TIMEOUT, Bench, config_data
from eqspike.golden.configfile import config_from_dict
from eqspike.rtl.layout import Layout
from eqspike.rtl.pairs import PairChooser
from eqspike.rtl.streams import layer_name
from eqspike.sim import harness

JOBS = {
    "rho_bar": {"lanes": 2, "config": config_data(network={"layers": [3, 5, 4, 3]})},
    # Programming pulses come later than spikes.
    "pulse": {
        "lanes": 3, "config": config_data(network={"layers": [3, 7, 5]}, learning={"signal": "pulse"})
    },
}  # fmt: skip
for _seed, _job in enumerate(JOBS.values()):
    _job.update(seed=1800 + _seed)

PASSES = 400


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    config = config_from_dict(job["config"])
    return PairChooser(config, Layout(config, job["lanes"]))


def _bits(bench: Bench, layers: tuple[int, ...]) -> dict[int, int]:
    """Few bits or many for each layer from 1."""
    chance = bench.random.choice((0, 0.1, 0.5))
    return {
        layer: sum(bench.chance(chance) << n for n in range(layers[layer])) for layer in range(1, len(layers))
    }  # fmt: skip


@cocotb.test(**TIMEOUT)
async def pairs(dut: object) -> None:
    """Passes of any chunk that has a layer above."""
    job = harness.job()
    bench = Bench(dut, make(job), job["seed"])
    config = config_from_dict(job["config"])
    layout = bench.component.layout
    layers = layout.layers
    await bench.start()
    for _ in range(PASSES):
        chunk = bench.random.choice([c for c in layout.chunks if c.layer + 1 < len(layers)])
        spikes, pulses, learns = _bits(bench, layers), _bits(bench, layers), bench.random.getrandbits(1)
        bench.drive(chunk=chunk.index, forget=1)
        await bench.cycle()
        settled = bench.random.getrandbits(1)
        bench.drive(
            forget=0, choose=1, settled=settled, learns=learns,
            spikes={layer_name(layer): bits for layer, bits in spikes.items()},
            pulses={layer_name(layer): bits for layer, bits in pulses.items()},
        )  # fmt: skip
        await bench.settle()
        bench.check("known", 0)
        bench.check("left", 0)
        acts = {
            layer: bits | (pulses[layer] if config.pulses and learns else 0) for layer, bits in spikes.items()
        }  # fmt: skip
        fired = acts[chunk.layer] >> chunk.first & ((1 << chunk.count) - 1)
        await bench.cycle()
        if not settled and not fired:
            # Who fired above is not known yet.
            bench.seen["not known yet"] += 1
            bench.drive(settled=1)
            await bench.settle()
            bench.check("known", 0)
            bench.check("left", 0)
            await bench.cycle()
        # What was chosen stays, whatever spikes.
        bench.drive(choose=0, settled=0, learns=learns ^ 1, spikes={}, pulses={})
        above = range(layers[chunk.layer + 1])
        expected = [k for k in above if fired or acts[chunk.layer + 1] >> k & 1]
        bench.seen["all" if fired else "some" if expected else "none"] += 1
        while expected:
            serves = bench.chance(0.7)
            bench.drive(serve=serves)
            await bench.settle()
            bench.check("known", 1)
            bench.check("left", 1)
            bench.check("post", expected[0], chunk=chunk)
            bench.check("last", int(len(expected) == 1), chunk=chunk)
            await bench.cycle()
            expected = expected[serves:]
        bench.drive(serve=0)
        await bench.settle()
        bench.check("known", 1)
        bench.check("left", 0)
        await bench.cycle()
    bench.report()
