"""Proofs of `rtl/link/frame.py`."""

from __future__ import annotations

from amaranth.hdl import Array, Const, Mux

from eqspike.rtl.link.check_sum import BITS, CheckSum
from eqspike.rtl.link.frame import FrameReceiver
from eqspike.rtl.link.protocol import CRC_BYTES, OVERHEAD, STATUS
from formal.bench import Bench
from formal.registry import proof
from formal.rtl.link.check_sum import WHOLE, bit_by_bit

LONGEST, RING = 6, 16


@proof(f"Of a first frame of up to {LONGEST + 1} bytes, a byte too many: a header with its length and status comes, "
       "and then its bytes, if its sum and its length are right and it had no error, or else none; nothing comes "
       "before its end was taken.", depth=44, weight=3,
       bug=("with m.Elif(~check.whole):", "with m.Elif(check.whole & (count == 0)):"))  # fmt: skip
def first_frame(b: Bench) -> None:
    block = b.add(FrameReceiver(LONGEST, RING), leave=("frames", "bytes", "again", "free"))
    frame = [b.held(8, f"byte_{i}") for i in range(LONGEST + 1)]
    length, error = b.held(4, "length"), b.held(1, "error")
    b.assume(length <= LONGEST + 1)
    sent, over, given = b.register(4, "sent"), b.register(1, "over"), b.register(4, "given")
    ends, byte = sent == length, Array(frame)[sent]
    b.m.d.comb += [
        block.frames.valid.eq(~over), block.frames.payload.data.eq(byte), block.frames.payload.end.eq(ends),
        block.frames.payload.error.eq(error), block.bytes.ready.eq(1), block.again.eq(0), block.free.eq(0),
    ]  # fmt: skip
    taken = block.frames.valid & block.frames.ready
    # The sum, byte by byte; the solvers need to know that the circuit's is the same in every cycle.
    total = b.register(32, "total", init=0xFFFFFFFF)
    with b.m.If(taken):
        b.m.d.sync += over.eq(ends)
        with b.m.If(~ends):
            b.m.d.sync += [sent.eq(sent + 1), total.eq(bit_by_bit(total, byte, 8))]
    part, inside = b.peek("dut.check.part", range(CheckSum.CYCLES)), b.peek("dut.check.crc", 32)
    middles = Array(bit_by_bit(total, byte, BITS * n) for n in range(CheckSum.CYCLES))
    b.prove(over | (~inside == middles[part]))

    fits = (length >= OVERHEAD) & (length <= LONGEST)
    right = fits & ~error & (total == WHOLE)
    status = Mux(right, STATUS["ok"], Mux(fits | error, STATUS["damaged"], STATUS["length"]))
    count = Mux(right, length - CRC_BYTES, 0)
    comes = block.bytes.valid
    b.m.d.sync += given.eq(given + comes)
    b.prove(~comes | (over & (given < count + 2)))
    wanted = Array([count, (status << 4)[:8], *frame, *[Const(0, 8)] * 5])[given]
    b.prove(~comes | (block.bytes.payload == wanted[:8]))
    b.prove((b.cycle < 43) | (given == count + 2))
    b.reach(right & (given == 4) & over)
    b.reach(~right & fits & ~error & (given == 2) & over)
