"""cocotb: COBS decoder and encoder against the library `cobs`."""

from __future__ import annotations

import cocotb
from amaranth.lib import wiring
from cobs import cobs

from cocotb_tests.bench import TIMEOUT, Bench
from eqspike.rtl.link.cobs import CobsDecoder, CobsEncoder
from eqspike.sim import harness

SLOTS, SIZE = 4, 64
FRAMES = 120
JOBS = {"decoder": {"seed": 920}, "encoder": {"seed": 921}}


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    return CobsDecoder() if job["seed"] == JOBS["decoder"]["seed"] else CobsEncoder(SLOTS, SIZE)


def _frame(bench: Bench, longest: int) -> bytes:
    """Random bytes, with many zeros, few, or none."""
    length = bench.pick(0, longest, 1, 2)
    density = bench.random.choice([0.0, 0.02, 0.3, 0.9])
    return bytes(0 if bench.chance(density) else bench.random.randint(1, 255) for _ in range(length))


async def _decode(bench: Bench) -> None:
    bench.drive(bytes__valid=0, frames__ready=0)
    # Blocks of 254 bytes, which bring no zero, at a frame's end and before more.
    long = [b"\x55" * n + tail for n in (253, 254, 255, 508) for tail in (b"", b"\0", b"\0\1")]
    for number in range(FRAMES):
        frame = long[number] if number < len(long) else _frame(bench, 40)
        encoded = cobs.encode(frame)
        kind = bench.random.random() if number >= len(long) else 1.0
        if kind < 0.3:
            # Cut, or a byte changed into another that is no delimiter.
            at = bench.random.randrange(len(encoded))
            encoded = (
                encoded[:at]
                if kind < 0.15
                else encoded[:at] + bytes([bench.random.randint(1, 255)]) + encoded[at + 1 :]
            )
        try:
            expected, error = cobs.decode(encoded), 0
        except cobs.DecodeError:
            expected, error = None, 1
        bench.seen["broken" if error else "whole"] += 1
        got = bytearray()
        ended = False
        for byte in encoded + b"\0" * bench.random.randint(1, 3):
            valid = False
            while True:
                # A byte that is offered stays until it is taken.
                valid, ready = valid or bench.chance(0.8), bench.chance(0.8)
                bench.drive(bytes__valid=valid, bytes__payload=byte if valid else 0xFF, frames__ready=ready)
                await bench.settle()
                out = bench.get("frames__payload")
                if valid and bench.get("frames__valid") and ready:
                    if out["end"]:
                        bench.check("ended twice", False, ended)
                        ended = True
                        bench.check("error", error, out["error"], frame=frame.hex())
                    else:
                        got.append(out["data"])
                taken = valid and bench.get("bytes__ready")
                await bench.cycle()
                if taken:
                    break
        bench.check("ended", bool(encoded), ended)
        if expected is not None:
            bench.check("frame", list(expected), list(got))


async def _encode(bench: Bench) -> None:
    memory = [bench.random.randint(0, 255) for _ in range(SLOTS * SIZE)]
    address = 0
    for number in range(FRAMES):
        slot = bench.random.randrange(SLOTS)
        frame = _frame(bench, SIZE - 1)
        memory[slot * SIZE] = len(frame)
        memory[slot * SIZE + 1 : slot * SIZE + 1 + len(frame)] = frame
        expected, got = cobs.encode(frame) + b"\0", bytearray()
        offering, cycles = True, 0
        while len(got) < len(expected) or offering:
            ready = bench.chance(0.5 if number % 2 else 1.0)
            bench.drive(slots__valid=offering, slots__payload=slot, bytes__ready=ready, data=memory[address])
            await bench.settle()
            # Another address gives another word one cycle later.
            address = bench.get("address")
            if not offering:
                bench.check("busy", 1)
            if offering and bench.get("slots__ready"):
                offering = False
            if ready and bench.get("bytes__valid"):
                at = len(got)
                bench.check("bytes__payload", expected[at], at=at, frame=frame.hex())
                got.append(expected[at])
            cycles += 1
            bench.check("hangs", False, cycles > 2000)
            await bench.cycle()
        bench.seen["encoded"] += 1
    bench.drive(bytes__ready=1, slots__valid=0)
    for _ in range(100):
        await bench.settle()
        bench.check("bytes__valid", 0)
        await bench.cycle()


@cocotb.test(**TIMEOUT)
async def cobs_test(dut: object) -> None:
    """Random frames and broken ones."""
    job = harness.job()
    bench = Bench(dut, make(job), job["seed"])
    await bench.start()
    await (_decode if isinstance(bench.component, CobsDecoder) else _encode)(bench)
    bench.report()
