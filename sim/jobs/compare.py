"""cocotb: the core against the golden network, every state of every step of every image.

The job says which config, hardware, images, modes and epochs; the report counts what was compared and what differed.
With `keep` in the job it also holds what the core showed of each image (`eqspike.sim.recording.Shown`).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.utils import get_sim_time

from eqspike.golden.configfile import config_from_dict
from eqspike.golden.network import Network
from eqspike.sim import harness
from eqspike.sim.driver import CLOCK_NS, CoreDriver
from eqspike.sim.judge import Comparison, Image, Judge
from eqspike.sim.recording import Shown


class Session(Judge):
    """A core and the golden network side by side: the same weights, images and learning rates."""

    def __init__(self, driver: CoreDriver, network: Network, comparison: Comparison) -> None:
        super().__init__(driver.core, network, comparison)
        self.driver = driver
        self.last: Shown | None = None
        """What the core showed of the last image."""

    async def image(self, number: int, image: np.ndarray, label: int, mode: int, epoch: int, after: int) -> Image:
        """Compare the image that the core has just finished; `after` is the epoch of the next one."""
        driver = self.driver
        # While the result waits, the core does not begin with the next image.
        await driver.offered()
        measured = await driver.measured()
        counters = await driver.counters()
        await driver.clear_counters()
        recording = driver.recording
        key = int(driver.dut.key.value)
        driver.set_epoch(after)
        result = await driver.take()
        self.last = Shown(recording.arrays(driver.codecs), result, counters, measured, key)
        return self.judge(number, (image, label, mode), epoch, self.last)

    async def weights(self, number: int) -> list[np.ndarray]:
        """Read the weights, and compare them."""
        return self.read_back(number, await self.driver.read_weights())


async def begin(dut: object, job: Mapping[str, Any]) -> Session:
    """Both with the job's key and weights, or a fresh network's."""
    config = config_from_dict(job["config"])
    driver, network = CoreDriver(dut, config), Network(config)
    driver.pause = job.get("pause", 0.0)
    await driver.start(watch=job.get("watch", True))
    if job.get("key") is not None:
        network.key = job["key"]
    await driver.set_key(network.key)
    if job.get("initial_weights") is not None:
        network.load_weights(job["initial_weights"])
    await driver.write_weights(network.contents)
    session = Session(driver, network, Comparison())
    driver.record()
    driver.set_epoch(job["epochs"][0])
    await driver.clear_counters()
    return session


@cocotb.test()
async def compare(dut: object) -> None:
    """Present the job's images to both, compare everything."""
    job = harness.job()
    began = time.monotonic()
    session = await begin(dut, job)
    driver = session.driver
    presented = list(zip(job["images"], map(int, job["labels"]), map(int, job["modes"]), strict=True))

    async def send_all() -> None:
        for image, label, mode in presented:
            await driver.send(image, label, mode)

    # Ahead: the next image is sent while one is being presented, and waits.
    ahead = job.get("ahead", False)
    if ahead:
        cocotb.start_soon(send_all())
    number, kept = -1, []
    for number, (image, label, mode) in enumerate(presented):
        if not ahead:
            await driver.send(image, label, mode)
        after = job["epochs"][min(number + 1, len(job["epochs"]) - 1)]
        await session.image(number, image, label, mode, job["epochs"][number], after)
        if job.get("keep"):
            kept.append(session.last)
        if session.comparison.mismatches:
            break
        if progress := job.get("progress"):
            with Path(progress).open("a") as file:  # One byte an image, for the progress bar.
                file.write(".")
    weights = await session.weights(number)
    harness.report(
        {
            "weights": weights,
            **session.report(kept),
            "simulated_cycles": int(get_sim_time("ns")) // CLOCK_NS,
            "seconds": time.monotonic() - began,
            "simulator": cocotb.SIM_NAME,
        }
    )
