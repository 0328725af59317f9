"""cocotb: the frames' check sum against `binascii`."""

from __future__ import annotations

import binascii

import cocotb
from amaranth.lib import wiring

from cocotb_tests.bench import TIMEOUT, Bench
from eqspike.rtl.link.check_sum import CheckSum
from eqspike.rtl.link.protocol import CRC_BYTES
from eqspike.sim import harness

JOBS = {"sum": {"seed": 935}}
FRAMES = 60


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    return CheckSum()


async def _byte(bench: Bench, byte: int) -> None:
    """Offer a byte until it is taken, after a pause perhaps."""
    while bench.chance(0.3):
        bench.drive(bytes__valid=0, bytes__payload=bench.random.getrandbits(8))
        await bench.cycle()
    bench.drive(bytes__valid=1, bytes__payload=byte)
    for cycle in range(CheckSum.CYCLES):
        await bench.settle()
        bench.check("first", int(cycle == 0))
        bench.check("bytes__ready", int(cycle == CheckSum.CYCLES - 1))
        await bench.cycle()
    bench.drive(bytes__valid=0)


@cocotb.test(**TIMEOUT)
async def check_sum(dut: object) -> None:
    """The sum of bytes as they come; its own bytes one after another; what ends with them, and what nearly does."""
    job = harness.job()
    bench = Bench(dut, make(job), job["seed"])
    await bench.start()
    for number in range(FRAMES):
        body = bench.random.randbytes(bench.pick(0, 40))
        expected = binascii.crc32(body).to_bytes(CRC_BYTES, "little")
        more = bytes(bench.random.choice([0, bench.random.getrandbits(8)]) for _ in range(number % 4))
        # Whole frames, and such with one to three bytes behind them, zeros often.
        for frame in (body, body + expected + more):
            bench.drive(start=1, own=0)
            await bench.cycle()
            bench.drive(start=0)
            for at, byte in enumerate(frame):
                await _byte(bench, byte)
                await bench.settle()
                so_far = frame[: at + 1]
                ends = binascii.crc32(so_far[:-CRC_BYTES]).to_bytes(CRC_BYTES, "little") == so_far[-CRC_BYTES:]
                bench.check("low", binascii.crc32(so_far) & 0xFF)
                bench.check("whole", int(ends and len(so_far) >= CRC_BYTES))
                bench.seen["whole" if ends else "not whole"] += 1
                await bench.cycle()
            if frame == body:
                bench.drive(own=1)
                for byte in expected:
                    await bench.settle()
                    bench.check("low", byte)
                    await bench.cycle()
                    await _byte(bench, bench.random.getrandbits(8))
    bench.report()
