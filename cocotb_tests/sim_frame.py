"""cocotb: the receiver of frames: each comes whole, or is refused with the right code; the CRC by `binascii`. What was
read may be read again until it is given free."""

from __future__ import annotations

import binascii
from collections import deque

import cocotb
from amaranth.lib import wiring

from cocotb_tests.bench import TIMEOUT, Bench
from eqspike.rtl.link.frame import FrameReceiver
from eqspike.rtl.link.protocol import CRC_BYTES, HEADER, OVERHEAD, STATUS
from eqspike.sim import harness

LONGEST, SIZE = 20, 64
FRAMES = 400
JOBS = {
    "fed": {"seed": 930, "room": True},
    "flooded": {"seed": 931, "room": False},
}


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    return FrameReceiver(LONGEST, SIZE)


KINDS = ("flipped", "cut", "short", "long", "longest", "error", "lost", "added", "zeros")
STATUSES = {"whole": "ok", "short": "length", "long": "length", "longest": "ok"}


def _whole(body: bytes) -> bytes:
    return body + binascii.crc32(body).to_bytes(CRC_BYTES, "little")


def _frame(bench: Bench) -> tuple[list[dict], bytes, int]:
    """(what the decoder gives, the frame without its CRC or nothing, status)."""
    random = bench.random
    kind = random.choice(["whole"] * 6 + list(KINDS))
    tail = random.randint(1, 3)
    shortest = 2 + (tail if kind == "lost" else 0)
    body = random.randbytes(bench.pick(shortest, LONGEST - CRC_BYTES - (tail if kind in ("added", "zeros") else 0)))
    whole = _whole(body)
    if kind == "flipped":
        at = random.randrange(8 * len(whole))
        whole = bytes(b ^ (1 << at % 8 if i == at // 8 else 0) for i, b in enumerate(whole))
    elif kind == "cut":
        whole = whole[: max(OVERHEAD, len(whole) // 2)] if len(whole) > OVERHEAD else bytes(OVERHEAD)
    elif kind == "short":
        whole = whole[: random.randint(0, OVERHEAD - 1)]
    elif kind in ("long", "longest"):
        # One byte too long, or much; and the longest that is taken. Its CRC is right.
        length = LONGEST if kind == "longest" else random.choice([LONGEST + 1, LONGEST + 2, 3 * LONGEST])
        body = random.randbytes(length - CRC_BYTES)
        whole = _whole(body)
    elif kind == "lost":
        whole = whole[:-tail]
    elif kind == "added":
        whole += random.randbytes(tail)
    elif kind == "zeros":
        whole += bytes(tail)
    bench.seen[kind] += 1
    status = STATUSES.get(kind, "damaged")
    items = [{"data": byte, "end": 0, "error": 0} for byte in whole]
    items.append({"data": random.randint(0, 255), "end": 1, "error": int(kind == "error")})
    return items, body if status == "ok" else b"", STATUS[status]


@cocotb.test(**TIMEOUT)
async def frame(dut: object) -> None:
    """Frames of all kinds; where the reader is slow, the buffer overflows, and then only overflow may be said.

    A frame's place is free when the reader says so, which it does after it has read the frame once or twice.
    """
    job = harness.job()
    bench = Bench(dut, make(job), job["seed"])
    await bench.start()
    coming: deque = deque()
    awaited: deque = deque()
    held = made = 0
    got = bytearray()
    first: bytes | None = None
    """What the frame was when it was read for the first time."""
    offered = False
    fast, answered = True, 0
    length, place, again, done = 0, 0, False, False
    """Of the frame being read: its bytes; what was allowed for it; it is to be read again; it has been read."""
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
        if not offered:
            offered = bool(coming) and bench.chance(0.8)
        ready = not done and bench.chance(0.9 if fast else 0.02)
        free = done and bench.chance(0.5)
        returns = again and ready and len(got) == HEADER + length - 1
        bench.drive(
            frames__valid=offered, frames__payload=coming[0] if offered else {"data": 1, "end": 1},
            bytes__ready=ready, again=returns, free=free,
        )  # fmt: skip
        await bench.settle()
        if free:
            answered, done = answered + 1, False
            held -= place
        if offered and bench.get("frames__ready"):
            coming.popleft()
            offered = False
        if ready and bench.get("bytes__valid"):
            got.append(bench.get("bytes__payload"))
            if len(got) == HEADER:
                length = got[0] | (got[1] & 15) << 8
                again = length > 0 and bench.chance(0.4)
        if returns:
            bench.seen["again"] += 1
            first, again = bytes(got), False
            got.clear()
        elif len(got) >= HEADER:
            code = got[1] >> 4
            if len(got) == HEADER + length:
                body, status, room = awaited.popleft()
                place = HEADER + len(body)
                if first is not None:
                    bench.check("the same again", list(first), list(got), frame=answered)
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
                first, done = None, True
        bench.check("hangs", False, bench.now > 2000 * (answered + 1))
        await bench.cycle()
    bench.check("nothing is left", 0, len(got))
    bench.report()
