"""cocotb: the core under a host that uses its ports at awkward times, against the golden network.

Keys are loaded while an image begins and while one is presented, learning rates are halved and weights are read within
images, results and weights are left waiting, and the circuit is reset in the middle of an image, or never.
"""

from __future__ import annotations

import itertools

import cocotb
import numpy as np
from amaranth.hdl import signed
from amaranth.lib import wiring
from cocotb.triggers import FallingEdge, ReadOnly, RisingEdge

from cocotb_tests import networks
from cocotb_tests.bench import TIMEOUT, Bench, config_data
from eqspike.golden.config import Config
from eqspike.golden.configfile import config_from_dict
from eqspike.golden.data import load_split
from eqspike.golden.draw import next_key
from eqspike.golden.modes import INFER, INFER_FIRST_SPIKE, LEARN
from eqspike.golden.network import Network
from eqspike.rtl.bits import Codec
from eqspike.rtl.core import Core
from eqspike.sim import harness
from eqspike.sim.driver import CoreDriver

_BANKS = {"network": {"layers": [13, 7, 3]}, "hardware": {"lanes": 3, "input_lanes": 3, "banks": 2}}
JOBS = {
    "reset": {"config": config_data(**networks.TINY)},
    "never_reset": {"config": config_data(**networks.TINY), "resets": False},
    "banks": {"config": config_data(**networks.TINY | _BANKS)},
    "prefetch": {
        "config": config_data(**networks.TINY | {"hardware": {"lanes": 4, "input_lanes": 2, "prefetch": True}})
    },
}
for _seed, _job in enumerate(JOBS.values()):
    _job.update(seed=1740 + _seed)

IMAGES = 18
LATEST = 60
"""Cycles from an image's first pixels to the awkward moment in it, at most."""


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    return Core(config_from_dict(job["config"]))


class Host:
    """The awkward host, and the golden network beside it."""

    def __init__(self, bench: Bench, driver: CoreDriver, config: Config) -> None:
        self.bench, self.driver, self.dut, self.config = bench, driver, driver.dut, config
        self.network = Network(config)
        self.random = bench.random
        self.sending: object = None
        """The next image, when it is offered while a result waits."""

    def result(self, result: dict, golden: object) -> None:
        """Compare a result."""
        names = {"prediction": "prediction", "first_spike": "first_spike", "first_step": "first_spike_step"}
        for ours, theirs in names.items():
            self.bench.check(ours, int(getattr(golden, theirs)), result[ours])
        self.bench.check("nudged", int(golden.nudged), result["nudged"])
        self.bench.check("counts", [int(count) for count in golden.counts], result["counts"])

    async def key(self, key: int) -> None:
        """Compare the key."""
        await ReadOnly()
        self.bench.check("key", int(key), int(self.dut.key.value))
        await FallingEdge(self.dut.clk)

    async def hold_key(self, key: int, cycles: int) -> None:
        """Load a key, in so many cycles one after another."""
        await FallingEdge(self.dut.clk)
        self.dut.key_data.value, self.dut.key_load.value = key, 1
        for _ in range(cycles):
            await FallingEdge(self.dut.clk)
        self.dut.key_load.value = 0

    async def hold_key_to_the_end(self, key: int) -> None:
        """Load a key in every cycle up to the one in which the image ends, but not in that after it."""
        self.dut.key_data.value, self.dut.key_load.value = key, 1
        while not int(self.dut.results__valid.value):
            await FallingEdge(self.dut.clk)
        self.dut.key_load.value = 0

    async def begin(self, image: np.ndarray, label: int, mode: int) -> None:
        """Offer an image; now and then a key is loaded while it would begin. It is in its free phase at the end."""
        if self.sending is None and self.random.random() < 0.5:
            self.network.key = self.random.choice((0, 0xFFFFFFFF, self.random.getrandbits(32)))
            held = (
                len(image) + self.random.randint(0, 9) if self.config.hardware.prefetch else self.random.randint(1, 9)
            )
            cocotb.start_soon(self.hold_key(self.network.key, held))
            await FallingEdge(self.dut.clk)
            self.bench.seen["key loaded at the beginning"] += 1
        await (self.sending or cocotb.start_soon(self.driver.send(image, label, mode)))
        self.sending = None
        for _ in range(self.random.randint(12, LATEST)):
            await FallingEdge(self.dut.clk)

    async def reset(self) -> None:
        """In the middle of an image: everything is as after configuration, but for the weights."""
        await FallingEdge(self.dut.clk)
        self.dut.rst.value = 1
        await FallingEdge(self.dut.clk)
        self.dut.rst.value = 0
        self.network.key = self.driver.core.numbers.seed
        self.network.clear_counters()
        await self.key(self.network.key)
        self.bench.seen["reset"] += 1

    async def reads(self, count: int) -> list[tuple[int, int, int, int]]:
        """Read weights at random places; they wait now and then before they are taken."""
        core, found = self.driver.core, []
        places = [self.random.choice(core.layout.places()) for _ in range(count)]
        codec = weight_codec(core)

        async def ask() -> None:
            for _, _, _, word, lane in places:
                await self.driver.put("weights", self.driver.weights.pack({"write": 0, "word": word, "lane": lane}))

        asking = cocotb.start_soon(ask())
        for s, row, column, _, _ in places:
            for _ in range(self.random.choice((0, 0, 40))):
                await RisingEdge(self.dut.clk)
            found.append((s, row, column, codec.unpack(await self.driver.get("weight_data"))))
        await asking
        return found

    async def image(self, image: np.ndarray, label: int, mode: int, following: tuple, resets: bool) -> None:
        """One image and whatever comes between; `following` is the next one."""
        network = self.network
        await self.begin(image, label, mode)
        if resets:
            await self.reset()
            await self.begin(image, label, mode)
        if self.random.random() < 0.4:
            # No weight is programmed before the nudge phase.
            epoch = self.random.randint(0, 3)
            network.set_epoch(epoch)
            self.driver.set_epoch(epoch)
            self.bench.seen["halvings in an image"] += 1
        reading = cocotb.start_soon(self.reads(4)) if self.random.random() < 0.5 else None
        golden = network.present(image, label, mode)
        kind = self.random.random()
        if kind < 0.3:
            loaded = self.random.getrandbits(32)
            await self.hold_key(loaded, 1)
            network.key = int(next_key(loaded)) if mode == LEARN else loaded
            self.bench.seen["key loaded in an image"] += 1
        elif kind < 0.6:
            network.key = self.random.getrandbits(32)
            await self.hold_key_to_the_end(network.key)
            self.bench.seen["key loaded at the end"] += 1
        await self.driver.offered()
        counters = await self.driver.counters()
        self.bench.check("cycles", True, counters.pop("cycles") > 0)
        for name, value in network.counter_values().items():
            self.bench.check(f"counter {name}", value, counters[name])
        await self.key(network.key)
        if reading is not None:
            for s, row, column, weight in await reading:
                self.bench.check("weight", int(network.weights[s][row, column]), weight, layer=s, row=row)
            self.bench.seen["weights read in an image"] += 1
        if self.random.random() < 0.5:
            await self.driver.clear_counters()
            network.clear_counters()
        if self.random.random() < 0.5:
            self.sending = cocotb.start_soon(self.driver.send(*following))
            for _ in range(100):
                await RisingEdge(self.dut.clk)
            self.bench.seen["an image offered while a result waits"] += 1
        self.result(await self.driver.take(), golden)


def weight_codec(core: Core) -> Codec:
    """Of one weight."""
    return Codec(signed(core.crossbar.weight_bits))


@cocotb.test(**TIMEOUT)
async def ports(dut: object) -> None:
    """Images of all modes."""
    job = harness.job()
    config = config_from_dict(job["config"])
    bench = Bench(dut, make(job), job["seed"])
    driver = CoreDriver(dut, config)
    host = Host(bench, driver, config)
    part = load_split(config)
    await driver.start(reset=job.get("resets", True))
    await driver.set_key(host.network.key)
    await driver.write_weights(host.network.weights)
    driver.set_epoch(0)
    await driver.clear_counters()
    modes = (LEARN, LEARN, INFER, LEARN, INFER_FIRST_SPIKE)
    images = [(part.train_images[n], int(part.train_labels[n]), modes[n % 5]) for n in range(IMAGES + 1)]
    for image, following in itertools.pairwise(images):
        resets = job.get("resets", True) and bench.chance(0.4)
        await host.image(*image, following, resets)
    if host.sending is not None:
        await host.begin(*images[-1])
        golden = host.network.present(*images[-1])
        host.result(await driver.take(), golden)
    for s, (ours, theirs) in enumerate(zip(await driver.read_weights(), host.network.weights, strict=True)):
        bench.check("weights", theirs.tolist(), ours.tolist(), layer=s)
    harness.report({"compared": dict(bench.compared), "seen": dict(bench.seen), "seed": bench.seed})
