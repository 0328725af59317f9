"""cocotb: the receiver of frames: each comes whole, or is refused with the right code; the CRC by `binascii`."""

from __future__ import annotations

import binascii
from collections import deque

import cocotb
from amaranth.lib import wiring

from cocotb_tests import harness
from cocotb_tests.bench import TIMEOUT, Bench
from rtl.link.frame import FrameReceiver
from rtl.link.protocol import CRC_INIT, HEADER, STATUS

LONGEST, SIZE = 20, 64
FRAMES = 400
JOBS = {
    "fed": {"seed": 930, "room": True},
    "flooded": {"seed": 931, "room": False},
}


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    return FrameReceiver(LONGEST, SIZE)


def _frame(bench: Bench) -> tuple[list[dict], bytes, int]:
    """(what the decoder gives, the frame without its CRC or nothing, status)."""
    body = bytes(bench.random.randint(0, 255) for _ in range(bench.pick(2, LONGEST - 2)))
    whole = body + binascii.crc_hqx(body, CRC_INIT).to_bytes(2, "big")
    kind = bench.random.choice(["whole"] * 6 + ["flipped", "cut", "short", "long", "longest", "error"])
    status = {"whole": "ok", "short": "length", "long": "length", "longest": "ok"}.get(kind, "damaged")
    if kind == "flipped":
        at = bench.random.randrange(8 * len(whole))
        whole = bytes(b ^ (1 << at % 8 if i == at // 8 else 0) for i, b in enumerate(whole))
    elif kind == "cut":
        whole = whole[: max(4, len(whole) - 1)] if len(whole) > 4 else bytes(4)
    elif kind == "short":
        whole = whole[: bench.random.randint(0, 3)]
    elif kind in ("long", "longest"):
        # One byte too long, or much; and the longest that is taken. Its CRC is right.
        length = LONGEST - 2 if kind == "longest" else bench.random.choice([LONGEST - 1, LONGEST, 3 * LONGEST])
        body = bytes(bench.random.randint(0, 255) for _ in range(length))
        whole = body + binascii.crc_hqx(body, CRC_INIT).to_bytes(2, "big")
    bench.seen[kind] += 1
    items = [{"data": byte, "end": 0, "error": 0} for byte in whole]
    items.append({"data": bench.random.randint(0, 255), "end": 1, "error": int(kind == "error")})
    return items, body if status == "ok" else b"", STATUS[status]


@cocotb.test(**TIMEOUT)
async def frame(dut: object) -> None:
    """Frames of all kinds; where the reader is slow, the buffer overflows, and then only overflow may be said."""
    job = harness.job()
    bench = Bench(dut, make(job), job["seed"])
    await bench.start()
    coming: deque = deque()
    awaited: deque = deque()
    held = made = 0
    got = bytearray()
    fast, answered = True, 0
    while answered < FRAMES:
        if not coming and made < FRAMES:
            items, body, status = _frame(bench)
            room = held + HEADER + min(len(items), LONGEST) + 1 < SIZE
            if room or not job["room"]:
                coming.extend(items)
                awaited.append((body, status, room))
                held += HEADER + len(body)
                made += 1
        if not job["room"] and bench.chance(0.005):
            fast = not fast
        valid, ready = bool(coming) and bench.chance(0.8), bench.chance(0.9 if fast else 0.02)
        bench.drive(
            frames__valid=valid, frames__payload=coming[0] if valid else {"data": 1, "end": 1}, bytes__ready=ready
        )
        await bench.settle()
        if valid and bench.get("frames__ready"):
            coming.popleft()
        if ready and bench.get("bytes__valid"):
            got.append(bench.get("bytes__payload"))
        if len(got) >= HEADER:
            length, code = got[0] | (got[1] & 15) << 8, got[1] >> 4
            if len(got) == HEADER + length:
                body, status, room = awaited.popleft()
                held -= HEADER + len(body)
                overflow = not job["room"] and code == STATUS["overflow"] and status in (0, STATUS["damaged"])
                bench.seen["overflow" if overflow else "answered"] += 1
                if overflow:
                    bench.check("overflow has no bytes", 0, length)
                    # There was room even when all frames before it were still held.
                    bench.check("room", False, room)
                else:
                    bench.check("status", status, code, frame=answered, body=body.hex())
                    bench.check("frame", list(body), list(got[HEADER:]), frame=answered)
                got.clear()
                answered += 1
        bench.check("hangs", False, bench.now > 2000 * (answered + 1))
        await bench.cycle()
    bench.check("nothing is left", 0, len(got))
    bench.report()
