"""Consistent overhead byte stuffing (Cheshire and Baker, 1999): a frame without zeros, ended by one."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

DECODED = data.StructLayout({"data": 8, "end": 1, "error": 1})
"""A byte of a frame; or its `end`, and whether an `error` was met: a delimiter where data was announced."""


class CobsDecoder(wiring.Component):
    """`bytes` from the line to `frames`; a byte passes in the cycle in which it comes.

    Delimiters with nothing between them are no frame.
    """

    def __init__(self) -> None:
        super().__init__({"bytes": In(stream.Signature(8)), "frames": Out(stream.Signature(DECODED))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        left = Signal(8)
        """Data bytes to come before the next code."""
        begun = Signal()
        zero = Signal()
        """The next code stands for a zero as well: there was a block before it, and not one of 254 bytes."""
        byte, frames = self.bytes.payload, self.frames
        m.d.comb += [frames.valid.eq(self.bytes.valid), self.bytes.ready.eq(frames.ready)]
        with m.If(byte == 0):
            m.d.comb += [frames.payload.end.eq(1), frames.payload.error.eq(left != 0)]
            with m.If(~begun):
                m.d.comb += [frames.valid.eq(0), self.bytes.ready.eq(1)]
        with m.Elif(left != 0):
            m.d.comb += frames.payload.data.eq(byte)
        with m.Elif(~zero):
            m.d.comb += [frames.valid.eq(0), self.bytes.ready.eq(1)]
        with m.If(self.bytes.valid & self.bytes.ready):
            m.d.sync += begun.eq(byte != 0)
            with m.If(byte == 0):
                m.d.sync += [left.eq(0), zero.eq(0)]
            with m.Elif(left == 0):
                m.d.sync += [left.eq(byte - 1), zero.eq(byte != 0xFF)]
            with m.Else():
                m.d.sync += left.eq(left - 1)
        return m


class CobsEncoder(wiring.Component):
    """Reads a frame of at most 253 bytes from a memory and gives it, encoded and delimited, to `bytes`.

    A transfer of `slots` names the frame's place: slot s holds its length at address s * size, then its bytes. `data`
    is what stands at `address`, one cycle later.
    """

    def __init__(self, slots: int, size: int) -> None:
        if size > 254 or size & (size - 1):
            raise ValueError(f"size: {size} is not valid; a power of two, at most 128")
        self.size = size
        super().__init__(
            {
                "slots": In(stream.Signature(range(slots))),
                "address": Out(range(slots * size)),
                "data": In(8),
                "bytes": Out(stream.Signature(8)),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        slot = Signal.like(self.slots.payload)
        bits = (self.size - 1).bit_length()
        begin, place, length = Signal(bits + 1), Signal(bits + 1), Signal(bits)
        """First byte of the block; the byte whose data is looked at; the frame's last byte."""
        ahead = Signal(bits)
        """The address that is read now."""
        m.d.comb += [self.address.eq(Cat(ahead, slot)), ahead.eq(place)]
        past = place > length
        with m.FSM() as states:
            m.d.comb += self.busy.eq(~states.ongoing("IDLE"))
            with m.State("IDLE"):
                m.d.comb += self.slots.ready.eq(1)
                m.d.sync += [slot.eq(self.slots.payload), place.eq(0)]
                with m.If(self.slots.valid):
                    m.next = "READ"
            with m.State("READ"):
                m.next = "LENGTH"
            with m.State("LENGTH"):
                m.d.comb += ahead.eq(1)
                m.d.sync += [length.eq(self.data), place.eq(1), begin.eq(1)]
                m.next = "SCAN"
            with m.State("SCAN"):
                # To the next zero or the end.
                m.d.comb += ahead.eq(place + 1)
                m.d.sync += place.eq(place + 1)
                with m.If(past | (self.data == 0)):
                    m.d.sync += place.eq(place)
                    m.next = "CODE"
            with m.State("CODE"):
                m.d.comb += [self.bytes.valid.eq(1), self.bytes.payload.eq(place - begin + 1), ahead.eq(begin)]
                with m.If(self.bytes.ready):
                    m.next = "DATA"
            with m.State("DATA"):
                # `begin` catches up with `place`, where the zero stands that the code has told.
                m.d.comb += [self.bytes.payload.eq(self.data), ahead.eq(begin)]
                with m.If(begin != place):
                    m.d.comb += self.bytes.valid.eq(1)
                    with m.If(self.bytes.ready):
                        m.d.comb += ahead.eq(begin + 1)
                        m.d.sync += begin.eq(begin + 1)
                with m.Elif(past):
                    m.next = "END"
                with m.Else():
                    m.d.comb += ahead.eq(begin + 1)
                    m.d.sync += [begin.eq(begin + 1), place.eq(begin + 1)]
                    m.next = "SCAN"
            with m.State("END"):
                m.d.comb += self.bytes.valid.eq(1)
                with m.If(self.bytes.ready):
                    m.next = "IDLE"
        return m


__all__ = ["DECODED", "CobsDecoder", "CobsEncoder"]
