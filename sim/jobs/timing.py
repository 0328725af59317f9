"""cocotb: what the crossbar's switches do in every clock cycle of images that are learned."""

from __future__ import annotations

import cocotb
from cocotb.triggers import ReadOnly, RisingEdge

from eqspike.golden.configfile import config_from_dict
from eqspike.golden.modes import LEARN
from eqspike.golden.network import Network
from eqspike.sim import harness
from eqspike.sim.driver import CoreDriver
from eqspike.sim.timing import SWITCHES

SEQUENCER = ("step", "nudging")
CROSSBAR = (*SWITCHES, "op_e", "spikes", "post_spike", "integrator", "post_integrator", "write_valid", "write_address")


@cocotb.test()
async def record(dut: object) -> None:
    """Learn the job's images; report the signals of each cycle, one list a signal."""
    job = harness.job()
    config = config_from_dict(job["config"])
    driver = CoreDriver(dut, config)
    await driver.start()
    await driver.set_key(job["key"])
    network = Network(config)
    network.load_weights(job["weights"])
    await driver.write_weights(network.weights)
    handles = {name: getattr(dut.sequencer, name) for name in SEQUENCER}
    handles |= {name: getattr(dut.crossbar, name) for name in CROSSBAR}
    cycles: dict[str, list[int]] = {name: [] for name in handles}

    async def sample() -> None:
        edge, settled = RisingEdge(dut.clk), ReadOnly()
        while True:
            await edge
            await settled
            for name, handle in handles.items():
                cycles[name].append(int(handle.value))

    cocotb.start_soon(sample())
    for image, label in zip(job["images"], job["labels"], strict=True):
        await driver.present(image, int(label), LEARN)
    harness.report(cycles)
