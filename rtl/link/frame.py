"""Frames as a whole: nothing of a frame leaves the receiver before its length and CRC are known to be right."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from eqspike.rtl.link.check_sum import CheckSum
from eqspike.rtl.link.cobs import DECODED
from eqspike.rtl.link.protocol import CRC_BYTES, HEADER, OVERHEAD, STATUS

LENGTH_BITS = 12


class FrameReceiver(wiring.Component):
    """A ring buffer of frames, each taken whole or not at all.

    `frames` is what the COBS decoder gives. For each frame, `bytes` gives two bytes of header, the number of bytes in
    the lower 12 bits and the status code above them (lowest byte first), then the frame without its CRC; a frame that
    was refused has no bytes. `longest` is the longest frame with its CRC, `size` the buffer's bytes, a power of two.

    What `bytes` gave is kept: with `again` (1, only with a transfer) it begins anew at the next one, until `free` (1)
    says that all given so far may be overwritten. So a reader can look at a frame before it uses it.

    While the buffer cannot take a header, `frames` waits; a frame whose end the buffer cannot take is refused. A byte
    is taken every `CheckSum.CYCLES` cycles.
    """

    def __init__(self, longest: int, size: int) -> None:
        if size & (size - 1) or size <= longest + HEADER or longest >= 1 << LENGTH_BITS:
            raise ValueError(f"size: {size} is not valid; a power of two, more than the longest frame of {longest}")
        self.longest, self.size = longest, size
        super().__init__(
            {
                "frames": In(stream.Signature(DECODED)),
                "bytes": Out(stream.Signature(8)),
                "again": In(1),
                "free": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.check = check = CheckSum()
        m.submodules.ring = ring = Memory(shape=8, depth=self.size, init=[])
        write, read = ring.write_port(), ring.read_port()
        place = range(self.size)
        start, tail, begin, kept = Signal(place), Signal(place), Signal(place), Signal(place)
        """Where the frame being received begins; its next byte; the byte that is given out next; the first one kept."""
        after, following = Signal(place), Signal(place)
        count = Signal(range(self.longest + 2))
        """Bytes of this frame; one too many means any number above."""
        full, room = Signal(), Signal()
        """A byte of it found no room; there is room for one more."""
        code = Signal(4)
        byte = self.frames.payload

        m.d.comb += after.eq(Mux(self.again, kept, begin + (self.bytes.valid & self.bytes.ready)))
        with m.If(self.free):
            m.d.sync += kept.eq(after)
        m.d.comb += [read.addr.eq(after), self.bytes.payload.eq(read.data)]
        # A word is read at the earliest in the cycle after it was written: the header is the last to be.
        m.d.sync += [begin.eq(after), self.bytes.valid.eq(after != start)]

        m.d.comb += [
            following.eq(tail + 1),
            room.eq(following != kept),
            check.bytes.payload.eq(byte.data),
            write.addr.eq(tail),
            write.data.eq(byte.data),
        ]
        with m.FSM():
            with m.State("START"):
                m.d.comb += check.start.eq(1)
                m.d.sync += [tail.eq(start), count.eq(0), full.eq(0)]
                m.next = "HEADER"
            with m.State("HEADER"):
                # Room for its two bytes is found before anything of the frame is taken.
                with m.If(room):
                    m.d.sync += [tail.eq(following), count[0].eq(~count[0])]
                    with m.If(count[0]):
                        m.next = "DATA"
            with m.State("DATA"):
                m.d.comb += [
                    check.bytes.valid.eq(self.frames.valid & ~byte.end),
                    self.frames.ready.eq(byte.end | check.bytes.ready),
                ]
                with m.If(self.frames.valid & self.frames.ready):
                    with m.If(byte.end):
                        with m.If(byte.error):
                            m.d.sync += code.eq(STATUS["damaged"])
                        with m.Elif((count < OVERHEAD) | (count > self.longest)):
                            m.d.sync += code.eq(STATUS["length"])
                        with m.Elif(full):
                            m.d.sync += code.eq(STATUS["overflow"])
                        with m.Elif(~check.whole):
                            m.d.sync += code.eq(STATUS["damaged"])
                        with m.Else():
                            m.d.sync += code.eq(STATUS["ok"])
                        m.next = "CHECKED"
                    with m.Else():
                        with m.If(count <= self.longest):
                            m.d.sync += count.eq(count + 1)
                        with m.If(~room):
                            m.d.sync += full.eq(1)
                        with m.Elif(~full & (count < self.longest)):
                            m.d.comb += write.en.eq(1)
                            m.d.sync += tail.eq(following)
            with m.State("CHECKED"):
                m.d.sync += [tail.eq(tail - CRC_BYTES), count.eq(count - CRC_BYTES)]
                with m.If(code != STATUS["ok"]):
                    m.d.sync += count.eq(0)
                m.next = "LOW"
            with m.State("LOW"):
                m.d.comb += [write.addr.eq(start), write.data.eq(count[:8]), write.en.eq(1)]
                m.d.sync += start.eq(start + 1)
                m.next = "HIGH"
            with m.State("HIGH"):
                # The header is given out, and with it the frame, unless it was refused.
                m.d.comb += [write.addr.eq(start), write.data.eq(count[8:] | (code << 4)), write.en.eq(1)]
                m.d.sync += start.eq(Mux(code == STATUS["ok"], tail, start + 1))
                m.next = "START"
        return m


__all__ = ["LENGTH_BITS", "FrameReceiver"]
