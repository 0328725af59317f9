"""cocotb: present the job's images to the core; the report holds results, weights, counters and speed."""

from __future__ import annotations

import time

import cocotb
import numpy as np
from cocotb.utils import get_sim_time

from eqspike.golden.configfile import config_from_dict
from eqspike.sim import harness
from eqspike.sim.driver import CLOCK_NS, CoreDriver


@cocotb.test()
async def engine(dut: object) -> None:
    """Write weights, present images, read weights."""
    job = harness.job()
    config = config_from_dict(job["config"])
    driver = CoreDriver(dut, config)
    await driver.start()
    await driver.set_key(job["key"])
    driver.set_epoch(job["epoch"])
    await driver.write_weights(job["weights"])
    await driver.clear_counters()
    results = np.zeros((len(job["labels"]), 4), np.int64)

    async def send_all() -> None:
        for image, label, mode in zip(job["images"], job["labels"], job["modes"], strict=True):
            await driver.send(image, int(label), int(mode))

    began = time.perf_counter()
    first = get_sim_time("ns")
    # As fast as the core takes them.
    cocotb.start_soon(send_all())
    taken, image_cycles = first, []
    for i in range(len(job["labels"])):
        result = await driver.take()
        results[i] = [result[name] for name in ("prediction", "first_spike", "first_step", "nudged")]
        now = get_sim_time("ns")
        image_cycles.append(int(now - taken) // CLOCK_NS)
        taken = now
    elapsed = int(get_sim_time("ns") - first) // CLOCK_NS
    seconds = time.perf_counter() - began
    counters = await driver.counters()
    cycles = counters.pop("cycles")
    measured = await driver.measured()
    weights = await driver.read_weights()
    harness.report(
        {
            "results": results,
            "weights": weights,
            "key": int(dut.key.value),
            "counters": counters,
            "cycles": cycles,
            "elapsed_cycles": elapsed,
            "image_cycles": image_cycles,
            "measured": measured,
            "seconds": seconds,
        }
    )
