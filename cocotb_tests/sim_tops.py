"""cocotb: a board's whole top, from the clock pin to LEDs and UART, with models of the FPGA's cells around it."""

from __future__ import annotations

import cocotb
from cocotb.clock import Clock
from cocotb.handle import SimHandleBase
from cocotb.triggers import Edge, FallingEdge, First, RisingEdge, Timer
from cocotb.utils import get_sim_time

from eqspike.fpga.framing import encode
from eqspike.rtl.link.protocol import COMMAND
from eqspike.sim import harness

TIMEOUT = {"timeout_time": 20, "timeout_unit": "ms"}
CYCLES = 50
"""Over which the design's clock is measured."""


async def _start(dut: SimHandleBase, job: dict, design: SimHandleBase) -> dict[str, float]:
    """Start the pin's clock, until the design runs; what was seen of the way there, times in microseconds."""
    half = round(5e5 / job["oscillator"])
    Clock(getattr(dut, job["clock_pin"]), 2 * half, unit="ps").start()
    seen: dict[str, float] = {}
    if job["pll"]:
        seen = await _lock(dut, job, design)
    await RisingEdge(design.clk)
    began = get_sim_time("ps")
    for _ in range(CYCLES):
        await RisingEdge(design.clk)
    seen["mhz"] = CYCLES * 1e6 / (get_sim_time("ps") - began)
    return seen


async def _lock(dut: SimHandleBase, job: dict, design: SimHandleBase) -> dict[str, float]:
    """Until the design may run: it has a reset (iCE40), or no clock (ECP5), until some time after the PLL's lock."""
    edges = {"pll": 0, "design": 0}

    async def count(name: str, clock: SimHandleBase) -> None:
        while True:
            await RisingEdge(clock)
            edges[name] += 1

    tasks = [
        cocotb.start_soon(count("pll", dut.clock.start_clk)),
        cocotb.start_soon(count("design", design.clk)),
    ]
    await RisingEdge(dut.clock.pll_locked)
    locked = get_sim_time("ns")
    seen = {"clocks_before_lock": edges["pll"], "clocks_let_through": edges["design"]}
    if job["reset"]:
        assert int(design.rst.value) == 1
        await Edge(design.rst)
        assert int(design.rst.value) == 0
    else:
        await RisingEdge(design.clk)
    for task in tasks:
        task.cancel()
    return seen | {"settled_us": (get_sim_time("ns") - locked) / 1000}


def _lit(dut: SimHandleBase, job: dict) -> dict[str, bool]:
    return {name: bool(int(getattr(dut, pin).value)) != job["inverted"] for name, pin in job["leds"].items()}


@cocotb.test(**TIMEOUT)
async def selftest(dut: SimHandleBase) -> None:
    """What the LEDs show while the test runs, and at its end."""
    job = harness.job()
    seen = await _start(dut, job, dut.selftest)
    during = _lit(dut, job)
    await FallingEdge(dut.selftest.running)
    await Timer(1, unit="us")
    harness.report(seen | {"during": during, "after": _lit(dut, job)})


@cocotb.test(**TIMEOUT)
async def link(dut: SimHandleBase) -> None:
    """A host asks the board who it is, at its own baud rate."""
    job = harness.job()
    rx, tx = getattr(dut, job["rx"]), getattr(dut, job["tx"])
    rx.value = 1
    seen = await _start(dut, job, dut.link)
    bit = round(1e12 / job["baud"] / 2) * 2
    await Timer(20 * bit, unit="ps")
    answer = cocotb.start_soon(_receive(tx, bit))
    idle = _lit(dut, job)
    for byte in b"\0" + encode(77, COMMAND["identify"].code):
        for level in (0, *(byte >> at & 1 for at in range(8)), 1):
            rx.value = level
            await Timer(bit, unit="ps")
    # The last byte is on its way to what works on it for some cycles more.
    await Timer(2 * bit, unit="ps")
    busy = _lit(dut, job)
    harness.report(seen | {"answer": await answer, "idle": idle, "busy": busy})


async def _receive(tx: SimHandleBase, bit: int) -> bytes:
    """The bytes before the next byte 0."""
    got = bytearray()
    while True:
        if int(tx.value):
            await First(FallingEdge(tx))
        await Timer(bit + bit // 2, unit="ps")
        byte = 0
        for at in range(8):
            byte |= int(tx.value) << at
            await Timer(bit, unit="ps")
        assert int(tx.value) == 1, "a stop bit"
        if byte == 0:
            return bytes(got)
        got.append(byte)
