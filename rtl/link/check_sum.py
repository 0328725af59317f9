"""The frames' check sum: CRC-32, a few bits a cycle."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, ResetInserter, Signal
from amaranth.lib import crc, stream, wiring
from amaranth.lib.wiring import In, Out

CRC = crc.catalog.CRC32_ISO_HDLC
"""That of zlib and Ethernet. It ends with an inversion: without one, zeros behind a frame would not be seen."""
BITS = 2
"""Of a byte, in a cycle. A UART brings a byte in 80 cycles at the earliest, so that there is time for four cycles; so
the 32 bits of this sum cost no more logic than the 16 of another that takes a byte at once."""


class CheckSum(wiring.Component):
    """The CRC of bytes.

    - `start` (1): the sum begins anew, with the next byte; not while one is offered.
    - `bytes` (stream of bytes): each is taken `CYCLES` cycles after the one before; `first` (1): it has just come.
    - `low` (8): the lowest byte of the sum of all bytes taken. `whole` (1): these end with the sum of those before.
    - `own` (1, steady while a byte is offered): whatever the byte is, the sum moves on by a byte, so that `low` gives
      its four bytes one after another, in the order in which a frame has them.
    """

    CYCLES = 8 // BITS

    def __init__(self) -> None:
        super().__init__(
            {
                "start": In(1),
                "bytes": In(stream.Signature(8)),
                "own": In(1),
                "first": Out(1),
                "low": Out(8),
                "whole": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        processor = crc.Parameters(CRC, BITS).create()
        # Its own `start` costs a gate for each bit of the sum, a reset none.
        m.submodules.crc = ResetInserter(self.start)(processor)
        part = Signal(range(self.CYCLES))
        """Which of the byte's parts, lowest first."""
        m.d.comb += [
            processor.valid.eq(self.bytes.valid),
            # What the sum itself has, not inverted, leaves nothing to feed back.
            processor.data.eq(Mux(self.own, ~self.low[:BITS], self.bytes.payload.word_select(part, BITS))),
            self.bytes.ready.eq(part == self.CYCLES - 1),
            self.first.eq(part == 0),
            self.low.eq(processor.crc[:8]),
            self.whole.eq(processor.match_detected),
        ]
        with m.If(self.bytes.valid):
            m.d.sync += part.eq(part + 1)
        return m


__all__ = ["BITS", "CRC", "CheckSum"]
