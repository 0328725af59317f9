"""Proofs of `rtl/link/cobs.py`."""

from __future__ import annotations

from amaranth.hdl import Array

from eqspike.rtl.link.cobs import CobsDecoder, CobsEncoder
from formal.bench import Bench
from formal.registry import INDUCTION, proof


@proof("What the decoder offers waits unchanged until it is taken; a frame has one end, and a frame without a byte has "
       "none.", depth=6, method=INDUCTION, bug=("with m.If(~begun):", "with m.If(begun):"))  # fmt: skip
def decoder(b: Bench) -> None:
    block = b.add(CobsDecoder())
    b.patient(block.bytes)
    b.stable(block.frames)
    begun = b.register(1, "begun")
    with b.m.If(block.bytes.valid & block.bytes.ready):
        b.m.d.sync += begun.eq(block.bytes.payload != 0)
    b.prove(begun == b.peek("dut.begun", 1))
    ends = block.frames.valid & block.frames.payload.end
    b.prove(~ends | begun)
    b.prove(~block.frames.valid | (block.frames.payload.end == (block.bytes.payload == 0)))
    b.reach(ends & ~block.frames.payload.error)


@proof("What the encoder offers waits unchanged until it is taken, whatever the memory holds, if that stays.", depth=6,
       method=INDUCTION, cover_depth=8, bug_depth=12,
       bug=("m.d.comb += ahead.eq(begin + 1)\n                        m.d.sync += begin.eq(begin + 1)",
            "m.d.sync += begin.eq(begin + 1)"))  # fmt: skip
def encoder(b: Bench) -> None:
    block = b.add(CobsEncoder(2, 4), leave=("data",))
    words = [b.held(8, f"word_{i}") for i in range(8)]
    b.m.d.comb += block.data.eq(b.past(Array(words)[block.address]))
    b.patient(block.slots)
    b.stable(block.bytes)
    b.reach(block.bytes.valid & (block.bytes.payload == 3))


@proof("decode(encode(f)) = f for every frame f of 1 to 3 bytes: each byte, then the end, without an error; "
       "then the encoder is idle.", depth=26,
       bug=("left.eq(byte - 1)", "left.eq(byte)"), weight=3)  # fmt: skip
def round_trip(b: Bench) -> None:
    encoder = b.add(CobsEncoder(1, 4), "encoder", leave=("data", "bytes", "slots"))
    decoder = b.add(CobsDecoder(), "decoder", leave=("bytes", "frames"))
    words = [b.held(8, f"word_{i}") for i in range(4)]
    b.assume((words[0] >= 1) & (words[0] <= 3))
    b.m.d.comb += [
        encoder.data.eq(b.past(Array(words)[encoder.address])), encoder.slots.valid.eq(b.first),
        decoder.bytes.valid.eq(encoder.bytes.valid), decoder.bytes.payload.eq(encoder.bytes.payload),
        encoder.bytes.ready.eq(decoder.bytes.ready), decoder.frames.ready.eq(1),
    ]  # fmt: skip
    got, over = b.register(3, "got"), b.register(1, "over")
    frames = decoder.frames
    with b.m.If(frames.valid):
        b.m.d.sync += [got.eq(got + 1), over.eq(over | frames.payload.end)]
    b.prove(~frames.valid | ~over)
    b.prove(~frames.valid | ~frames.payload.end | ((got == words[0]) & ~frames.payload.error))
    b.prove(~frames.valid | frames.payload.end | (frames.payload.data == Array(words)[got + 1]))
    b.prove((b.cycle < 25) | (over & ~encoder.busy))
    b.reach(over & (got == 4) & (words[2] == 0))
