"""Frames as a whole: nothing of a frame leaves the receiver before its length and CRC are known to be right."""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import crc, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from rtl.link.cobs import DECODED
from rtl.link.protocol import HEADER, OVERHEAD, STATUS

CRC = crc.catalog.CRC16_IBM_3740
CRC_BYTES = 2
LENGTH_BITS = 12


class FrameReceiver(wiring.Component):
    """A ring buffer of frames, each taken whole or not at all.

    `frames` is what the COBS decoder gives. For each frame, `bytes` gives two bytes of header, the number of bytes in
    the lower 12 bits and the status code above them (lowest byte first), then the frame without its CRC; a frame that
    was refused has no bytes. `longest` is the longest frame with its CRC, `size` the buffer's bytes, a power of two.

    While the buffer cannot take a header, `frames` waits; a frame whose end the buffer cannot take is refused.
    """

    def __init__(self, longest: int, size: int) -> None:
        if size & (size - 1) or size < longest + HEADER or longest >= 1 << LENGTH_BITS:
            raise ValueError(f"size: {size} is not valid; a power of two, more than the longest frame of {longest}")
        self.longest, self.size = longest, size
        super().__init__({"frames": In(stream.Signature(DECODED)), "bytes": Out(stream.Signature(8))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.crc = check = crc.Parameters(CRC, 8).create()
        m.submodules.ring = ring = Memory(shape=8, depth=self.size, init=[])
        write, read = ring.write_port(), ring.read_port()
        place = range(self.size)
        start, at, begin = Signal(place), Signal(place), Signal(place)
        """Where the frame being received begins; its next byte; the first byte not yet given out."""
        after = Signal(place)
        count = Signal(range(self.longest + 2))
        """Bytes of this frame; one too many means any number above."""
        full = Signal()
        """A byte of it found no room."""
        code = Signal(4)
        byte = self.frames.payload

        m.d.comb += after.eq(begin + (self.bytes.valid & self.bytes.ready))
        m.d.comb += [read.addr.eq(after), self.bytes.payload.eq(read.data)]
        # A word is read at the earliest in the cycle after it was written: the header is the last to be.
        m.d.sync += [begin.eq(after), self.bytes.valid.eq(after != start)]

        def next_place(value: Signal, by: int) -> Signal:
            return (value + by)[: len(value)]

        m.d.comb += [check.data.eq(byte.data), write.addr.eq(at), write.data.eq(byte.data)]
        with m.FSM():
            with m.State("START"):
                m.d.comb += check.start.eq(1)
                m.d.sync += [at.eq(start + HEADER), count.eq(0), full.eq(0)]
                with m.If((next_place(start, 1) != begin) & (next_place(start, 2) != begin)):
                    m.next = "DATA"
            with m.State("DATA"):
                m.d.comb += self.frames.ready.eq(1)
                with m.If(self.frames.valid):
                    with m.If(byte.end):
                        with m.If(byte.error):
                            m.d.sync += code.eq(STATUS["damaged"])
                        with m.Elif((count < OVERHEAD) | (count > self.longest)):
                            m.d.sync += code.eq(STATUS["length"])
                        with m.Elif(full):
                            m.d.sync += code.eq(STATUS["overflow"])
                        with m.Elif(~check.match_detected):
                            m.d.sync += code.eq(STATUS["damaged"])
                        with m.Else():
                            m.d.sync += code.eq(STATUS["ok"])
                        m.next = "CHECKED"
                    with m.Else():
                        m.d.comb += check.valid.eq(1)
                        with m.If(count <= self.longest):
                            m.d.sync += count.eq(count + 1)
                        with m.If(next_place(at, 1) == begin):
                            m.d.sync += full.eq(1)
                        with m.Elif(~full & (count < self.longest)):
                            m.d.comb += write.en.eq(1)
                            m.d.sync += at.eq(at + 1)
            with m.State("CHECKED"):
                with m.If(code == STATUS["ok"]):
                    m.d.sync += [at.eq(at - CRC_BYTES), count.eq(count - CRC_BYTES)]
                with m.Else():
                    m.d.sync += [at.eq(start + HEADER), count.eq(0)]
                m.next = "LOW"
            with m.State("LOW"):
                m.d.comb += [write.addr.eq(start), write.data.eq(count[:8]), write.en.eq(1)]
                m.next = "HIGH"
            with m.State("HIGH"):
                m.d.comb += [write.addr.eq(start + 1), write.data.eq(count[8:] | (code << 4)), write.en.eq(1)]
                m.d.sync += start.eq(at)
                m.next = "START"
        return m


__all__ = ["CRC", "CRC_BYTES", "LENGTH_BITS", "FrameReceiver"]
