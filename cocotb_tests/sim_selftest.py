"""cocotb: the self-test component runs to its end; the job says what its LEDs must show."""

from __future__ import annotations

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge

from eqspike.sim import harness

CLOCK_NS = 2


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def selftest(dut: object) -> None:
    """Running first, then one of passed and failed for good."""
    job = harness.job()
    dut.rst.value = 1
    Clock(dut.clk, CLOCK_NS, unit="ns").start()
    for _ in range(3):
        await RisingEdge(dut.clk)
    dut.rst.value = 0
    await RisingEdge(dut.clk)
    assert (dut.running.value, dut.passed.value, dut.failed.value) == (1, 0, 0)
    await FallingEdge(dut.running)
    for _ in range(10):
        await RisingEdge(dut.clk)
    passed, failed = int(dut.passed.value), int(dut.failed.value)
    assert (passed, failed) == (int(job["passes"]), int(not job["passes"]))
    assert not dut.running.value
    harness.report({"passed": passed, "failed": failed})
