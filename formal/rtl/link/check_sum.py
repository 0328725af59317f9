"""Proofs of `rtl/link/check_sum.py`."""

from __future__ import annotations

import zlib

from amaranth.hdl import Array, Const, Mux, Value

from eqspike.rtl.link.check_sum import BITS, CheckSum
from formal.bench import Bench
from formal.registry import INDUCTION, proof

POLYNOMIAL = 0xEDB88320
"""Of CRC-32, its lowest power in the highest bit, as in zlib and in Ethernet."""
WHOLE = zlib.crc32(b"any" + zlib.crc32(b"any").to_bytes(4, "little")) ^ 0xFFFFFFFF
"""What the sum is, not inverted, of any bytes that end with the sum of those before."""


def bit_by_bit(total: Value, byte: Value, bits: int) -> Value:
    """The sum after so many bits of a byte, lowest first: one after another, as the definition has it."""
    for n in range(bits):
        odd = total[0] ^ byte[n]
        total = (total >> 1) ^ Mux(odd, POLYNOMIAL, 0)
    return total[:32]


@proof("The sum is that of zlib's CRC-32, bit by bit, of all bytes since `start`, and comes after CYCLES cycles a "
       "byte; with `own` it gives its own bytes one after another; `whole` says that the bytes end with the sum of "
       "those before.", depth=2, method=INDUCTION, cover_depth=12,
       bug_depth=8, bug=("Mux(self.own, ~self.low[:BITS]", "Mux(self.own, self.low[:BITS]"))  # fmt: skip
def sums(b: Bench) -> None:
    block = b.add(CheckSum())
    b.patient(block.bytes)
    offered, own = block.bytes.valid, block.own
    b.assume(~offered | ~block.start)
    waits = b.past(offered) & ~b.past(block.bytes.ready)
    b.assume(b.first | ~waits | (own == b.past(own)))
    part, inside = b.peek("dut.part", range(CheckSum.CYCLES)), b.peek("dut.crc", 32)
    b.prove((part == 0) | b.first | waits)
    # The sum of the bytes that were taken, not inverted yet; in the circuit a part of the next one is in it too.
    total, taken = b.register(32, "total", init=0xFFFFFFFF), offered & block.bytes.ready
    # The sum has no inverted bytes: its own one leaves it a byte shorter.
    byte = Mux(own, total[:8], block.bytes.payload)
    b.m.d.sync += total.eq(
        Mux(block.start, 0xFFFFFFFF, Mux(taken, Mux(own, total >> 8, bit_by_bit(total, byte, 8)), total))
    )
    middles = Array(bit_by_bit(total, byte, BITS * n) for n in range(CheckSum.CYCLES))
    b.prove(~inside == middles[part])
    b.prove(block.first == (part == 0))
    b.prove((part != 0) | (block.low == ~total[:8]))
    b.prove((part != 0) | (block.whole == (total == WHOLE)))
    b.reach((part == 0) & (total == Const(zlib.crc32(b"\1\0") ^ 0xFFFFFFFF, 32)))
