"""cocotb: the sums for neurons above (rtl.sums) against integers of Python."""

from __future__ import annotations

import cocotb
from amaranth.hdl import Shape
from amaranth.lib import wiring

from cocotb_tests.bench import TIMEOUT, Bench, config_data
from eqspike.golden.configfile import config_from_dict
from eqspike.rtl.crossbar import Crossbar
from eqspike.rtl.layout import Layout
from eqspike.rtl.streams import layer_name
from eqspike.rtl.sums import Sums
from eqspike.sim import harness

JOBS = {
    "one_hidden": {"lanes": 2, "config": config_data(network={"layers": [4, 5, 3]})},
    # Two layers with sums, the first of them of two chunks.
    "two_hidden": {"lanes": 3, "config": config_data(network={"layers": [3, 4, 5, 2]})},
}
for _seed, _job in enumerate(JOBS.values()):
    _job.update(seed=1300 + _seed)

CYCLES = 3000


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    config = config_from_dict(job["config"])
    return Sums(config, Crossbar(config, Layout(config, job["lanes"])))


@cocotb.test(**TIMEOUT)
async def sums(dut: object) -> None:
    """Parts for any neuron, up to the ends of its sum; updates of any chunk, and images that begin."""
    job = harness.job()
    bench = Bench(dut, make(job), job["seed"])
    component = bench.component
    layout = component.layout
    golden = {layer: [0] * layout.layers[layer] for layer in range(2, len(layout.layers))}
    bits = {layer: Shape.cast(component.sums[layer_name(layer)][0].shape()).width for layer in golden}
    most = 1 << (Shape.cast(component.forward.shape()).width - 1)
    await bench.start()
    for _ in range(CYCLES):
        layer = bench.random.choice(list(golden))
        post = bench.random.randrange(layout.layers[layer])
        end, now = 1 << (bits[layer] - 1), golden[layer][post]
        part = bench.pick(max(-most, -end - now), min(most, end - now) - 1)
        valid, updates, restart = bench.chance(0.8), bench.chance(0.05), bench.chance(0.002)
        chunk = bench.random.choice(layout.chunks)
        bench.drive(
            forward=part, forward_valid=valid, forward_synapses=layer - 1, forward_post=post,
            update={"valid": updates, "chunk": chunk.index}, restart=restart,
        )  # fmt: skip
        await bench.settle()
        bench.check("sums", {layer_name(above): values for above, values in golden.items()})
        await bench.cycle()
        ended = updates and chunk is layout.chunks_of(chunk.layer)[-1]
        if valid:
            golden[layer][post] += part
            bench.seen["at an end"] += golden[layer][post] in (-end, end - 1)
        for above in golden:
            if restart or (ended and chunk.layer == above):
                bench.seen["restart" if restart else "ended"] += 1
                golden[above] = [0] * layout.layers[above]
    bench.report()
