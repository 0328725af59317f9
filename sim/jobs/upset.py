"""cocotb: flip bits of the running core; the job holds images, each with its flips, the report what each left behind.

On Icarus, where every register and every word of a memory can be written: Verilator shows the ports only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import cocotb
from cocotb.triggers import FallingEdge

from eqspike.golden.configfile import config_from_dict
from eqspike.sim import harness
from eqspike.sim.driver import CoreDriver

CHUNK, END_STEP = range(2)
"""When a flip falls: once a chunk's neurons took the step and stand in memory; once a step's last UPDATE is issued."""


class Bit(NamedTuple):
    """A bit of the circuit."""

    path: tuple[str, ...]
    """Submodules below the core, then the register or memory."""
    bit: int
    address: int | None = None
    """In a memory."""
    served_half: int = 0
    """Of a spike list: entries of a half. The address is one in the half that is served."""


class Flip(NamedTuple):
    """What falls within an image: all of `bits`, in one cycle."""

    when: int
    step: int
    chunk: int
    """Where `when` is CHUNK."""
    bits: tuple[Bit, ...]


def flip(dut: Any, bit: Bit) -> None:
    """Write the register, or the word, with one bit of it the other way round."""
    handle = dut
    for name in bit.path:
        handle = getattr(handle, name)
    if bit.address is not None:
        address = bit.address
        if bit.served_half and not int(getattr(dut, bit.path[0]).filling.value):
            address += bit.served_half
        handle = handle[address]
    handle.value = int(handle.value) ^ (1 << bit.bit)


async def fall(dut: Any, flips: Sequence[Flip], fallen: list[int]) -> None:
    """Wait for the moment of each flip of an image; their numbers enter `fallen`.

    Everything is looked at between two edges of the clock. What a cycle decides stands in memory from the next edge on,
    and no part reads it before the edge after that.
    """
    waiting = dict(enumerate(flips))
    edge = FallingEdge(dut.clk)
    due: list[int] = []
    while waiting or due:
        await edge
        for number in due:
            for bit in flips[number].bits:
                flip(dut, bit)
            fallen.append(number)
        due = []
        if int(dut.trace__neurons_valid.value):
            step, chunk = int(dut.trace__step.value), int(dut.trace__neurons_chunk.value)
            due += [n for n, f in waiting.items() if (f.when, f.step, f.chunk) == (CHUNK, step, chunk)]
        if int(dut.sequencer.end_step.value):
            step = int(dut.sequencer.step.value)
            due += [n for n, f in waiting.items() if (f.when, f.step) == (END_STEP, step)]
        for number in due:
            del waiting[number]


async def between(driver: CoreDriver, weights: Iterable[dict[str, int]], bits: Iterable[Bit]) -> None:
    """Weights that the host writes, and registers that flip, while the core waits for an image."""
    for command in weights:
        await driver.put("weights", driver.weights.pack(command))
    await FallingEdge(driver.dut.clk)
    for bit in bits:
        flip(driver.dut, bit)
    await FallingEdge(driver.dut.clk)


@cocotb.test()
async def upset(dut: Any) -> None:
    """Each image from its own weights and key, with its flips."""
    job = harness.job()
    driver = CoreDriver(dut, config_from_dict(job["config"]))
    await driver.start()
    driver.set_epoch(0)
    seen = []
    for item in job["items"]:
        await driver.write_weights(item["weights"])
        await driver.set_key(item["key"])
        await driver.clear_counters()
        await between(driver, item["written"], item["registers"])
        fallen: list[int] = []
        task = cocotb.start_soon(fall(dut, item["flips"], fallen))
        result = await driver.present(item["image"], item["label"], item["mode"])
        task.cancel()
        counters = await driver.counters()
        counters.pop("cycles")
        seen.append(
            {
                "result": result,
                "weights": await driver.read_weights(),
                "counters": counters,
                "key": int(dut.key.value),
                "fallen": fallen,
            }
        )
    harness.report(seen)
