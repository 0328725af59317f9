"""cocotb: the UART's two ends, against a line drawn bit by bit in real time."""

from __future__ import annotations

from collections import deque

import cocotb
from amaranth.lib import wiring

from cocotb_tests.bench import TIMEOUT, Bench
from eqspike.rtl.link.uart import UartReceiver, UartTransmitter
from eqspike.sim import harness

BYTES = 150
JOBS = {
    "receiver_exact": {"end": "receiver", "divider": 8, "error": 0.0},
    "receiver_slow": {"end": "receiver", "divider": 8, "error": 0.02},
    "receiver_fast": {"end": "receiver", "divider": 8, "error": -0.02},
    "receiver_25_slow": {"end": "receiver", "divider": 25, "error": 0.02},
    **{f"transmitter_{divider}": {"end": "transmitter", "divider": divider} for divider in (8, 13)},
}
for _seed, _job in enumerate(JOBS.values()):
    _job.update(seed=900 + _seed)


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    return {"receiver": UartReceiver, "transmitter": UartTransmitter}[job["end"]](job["divider"])


def _line(bench: Bench, job: dict) -> tuple[list[tuple[float, int]], list[int]]:
    """(when, level) of every change of the pin, in cycles, and the bytes that it says. Among the bytes are glitches
    too short for a start bit, and bytes whose stop bit is missing."""
    bit = job["divider"] * (1 + job["error"])
    now, changes, said = 20.0, [], []
    for _ in range(BYTES):
        byte = bench.pick(0, 255, 0x55, 0xAA)
        kind = bench.random.random()
        if kind < 0.1:
            changes += [(now, 0), (now + 0.3 * bit, 1)]
            now += 3 * bit
            bench.seen["glitch"] += 1
        levels = [0, *(byte >> i & 1 for i in range(8)), 1]
        if kind > 0.9:
            # A break that lasts beyond the byte; the line must rest before the next.
            levels[-1] = 0
            levels += [0] * bench.random.randint(0, 12) + [1, 1]
            bench.seen["no stop"] += 1
        else:
            said.append(byte)
        for level in levels:
            changes.append((now, level))
            now += bit
        if bench.chance(0.5):
            now += bench.random.random() * 3 * bit
            bench.seen["gap"] += 1
        else:
            bench.seen["none"] += 1
    return [*changes, (now + 40, 1)], said


async def _receive(bench: Bench, job: dict) -> None:
    changes, said = _line(bench, job)
    end, pending, level = changes[-1][0], deque(changes), 1
    bench.drive(rx=1)
    for _ in range(2 * job["divider"]):
        await bench.cycle()
    begin, heard = bench.now, 0
    while bench.now - begin < end:
        while pending and pending[0][0] <= bench.now - begin:
            level = pending.popleft()[1]
        ready = bench.chance(0.3)
        bench.drive(rx=level, bytes__ready=ready)
        await bench.settle()
        if bench.get("bytes__valid"):
            # The byte stands still until it is taken.
            bench.check("bytes__payload", said[heard] if heard < len(said) else None, byte=heard)
            heard += ready
        await bench.cycle()
    bench.check("bytes", len(said), heard)

    # A byte that is not taken is kept; those that come after it are lost.
    lost = [0x12, 0x34, 0x56, 0x78]
    for at, byte in enumerate(lost):
        for value in (0, *(byte >> i & 1 for i in range(8)), 1, 1):
            for _ in range(job["divider"]):
                ready = at == 3 and value == 1
                bench.drive(rx=value, bytes__ready=int(ready and heard == len(said)))
                await bench.settle()
                if ready and heard == len(said) and bench.get("bytes__valid"):
                    bench.check("bytes__payload", lost[0])
                    heard += 1
                await bench.cycle()
    bench.check("kept", 1, heard - len(said))


async def _transmit(bench: Bench, job: dict) -> None:
    divider = job["divider"]
    coming = deque()
    """Levels of the pin in the cycles to come."""
    sent = 0
    bench.drive(bytes__valid=0)
    offered = None
    while sent < BYTES or coming:
        if offered is None and sent < BYTES and bench.chance(0.02 if bench.chance(0.3) else 0.9):
            offered = bench.pick(0, 255, 0x55)
        bench.drive(bytes__valid=offered is not None, bytes__payload=offered or 0)
        await bench.settle()
        bench.check("busy", int(bool(coming)))
        bench.check("tx", coming.popleft() if coming else 1)
        taken = offered is not None and bench.get("bytes__ready")
        if taken:
            bench.check("early", 0, len(coming))
            for level in (0, *(offered >> i & 1 for i in range(8)), 1):
                coming.extend([level] * divider)
            offered, sent = None, sent + 1
            bench.seen["byte"] += 1
        await bench.cycle()


@cocotb.test(**TIMEOUT)
async def uart(dut: object) -> None:
    """Bytes in or out."""
    job = harness.job()
    bench = Bench(dut, make(job), job["seed"])
    await bench.start()
    await (_receive if job["end"] == "receiver" else _transmit)(bench, job)
    bench.report()
