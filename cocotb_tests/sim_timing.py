"""cocotb: what the crossbar's switches do in every clock cycle of images that are learned."""

from __future__ import annotations

import cocotb
from cocotb.triggers import ReadOnly, RisingEdge

from cocotb_tests import harness
from cocotb_tests.driver import CoreDriver
from cocotb_tests.timing import SWITCHES
from golden.config import config_from_dict
from golden.network import LEARN, Network

CORE = ("step", "nudging")
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
    handles = {name: getattr(dut, name) for name in CORE} | {name: getattr(dut.crossbar, name) for name in CROSSBAR}
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
