"""cocotb: present the job's images to the core; the report holds results, weights, counters and speed."""

from __future__ import annotations

import time

import cocotb
import numpy as np

from cocotb_tests import harness
from cocotb_tests.driver import CoreDriver
from golden.config import config_from_dict


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
    began = time.perf_counter()
    for i, (image, label, mode) in enumerate(zip(job["images"], job["labels"], job["modes"], strict=True)):
        result = await driver.present(image, int(label), int(mode))
        results[i] = [result[name] for name in ("prediction", "first_spike", "first_step", "nudged")]
    seconds = time.perf_counter() - began
    counters = await driver.counters()
    cycles = counters.pop("cycles")
    weights = await driver.read_weights()
    harness.report(
        {
            "results": results,
            "weights": weights,
            "key": int(dut.key.value),
            "counters": counters,
            "cycles": cycles,
            "seconds": seconds,
        }
    )
