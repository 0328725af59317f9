"""UART, 8 data bits, no parity, one stop bit, lowest bit first."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out


class UartReceiver(wiring.Component):
    """Bytes from the pin `rx`, which may change at any time; `divider`: clock cycles a bit, at least 8.

    A bit is read once, in its middle, which is found from the start bit's edge to within a cycle: at 8 cycles a bit the
    sender's clock may be 3 % off, at 16 and more 4 %. A byte whose stop bit is low is dropped, and so is one that
    comes while the one before still waits on `bytes`.
    """

    def __init__(self, divider: int) -> None:
        if divider < 8:
            raise ValueError(f"divider: {divider} is not valid; at least 8 cycles a bit")
        self.divider = divider
        super().__init__({"rx": In(1, init=1), "bytes": Out(stream.Signature(8))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        rx = Signal(init=1)
        m.submodules += FFSynchronizer(self.rx, rx, init=1)
        timer = Signal(range(self.divider))
        shift = Signal(9)
        """Data bits as they come; a 1 that goes before them is at the low end when all are there."""
        with m.If(self.bytes.valid & self.bytes.ready):
            m.d.sync += self.bytes.valid.eq(0)
        with m.FSM():
            with m.State("IDLE"):
                m.d.sync += [timer.eq(self.divider // 2 - 1), shift.eq(1 << 8)]
                with m.If(~rx):
                    m.next = "START"
            with m.State("START"):
                m.d.sync += timer.eq(timer - 1)
                with m.If(timer == 0):
                    m.d.sync += timer.eq(self.divider - 1)
                    m.next = "IDLE"
                    with m.If(~rx):
                        m.next = "DATA"
            with m.State("DATA"):
                m.d.sync += timer.eq(timer - 1)
                with m.If(timer == 0):
                    m.d.sync += [timer.eq(self.divider - 1), shift.eq(Cat(shift[1:], rx))]
                    with m.If(shift[0]):
                        m.next = "BREAK"
                        # This is the stop bit. A byte that still waits is kept.
                        with m.If(rx):
                            m.next = "IDLE"
                            with m.If(~self.bytes.valid | self.bytes.ready):
                                m.d.sync += [self.bytes.payload.eq(shift[1:]), self.bytes.valid.eq(1)]
            with m.State("BREAK"):
                with m.If(rx):
                    m.next = "IDLE"
        return m


class UartTransmitter(wiring.Component):
    """Bytes to the pin `tx`, which rests high; `divider`: clock cycles a bit. `busy` while a byte is on its way."""

    def __init__(self, divider: int) -> None:
        self.divider = divider
        super().__init__({"bytes": In(stream.Signature(8)), "tx": Out(1, init=1), "busy": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        timer = Signal(range(self.divider))
        shift = Signal(10)
        """The bits to come, stop bit last, and a 1 that shows the end; 0 at rest."""
        m.d.comb += [self.busy.eq(shift.any()), self.bytes.ready.eq(~self.busy)]
        with m.If(~self.busy):
            with m.If(self.bytes.valid):
                m.d.sync += [shift.eq(Cat(self.bytes.payload, Const(3, 2))), self.tx.eq(0)]
            m.d.sync += timer.eq(self.divider - 1)
        with m.Elif(timer != 0):
            m.d.sync += timer.eq(timer - 1)
        with m.Else():
            m.d.sync += [shift.eq(shift[1:]), timer.eq(self.divider - 1)]
            with m.If(shift != 1):
                m.d.sync += self.tx.eq(shift[0])
        return m


__all__ = ["UartReceiver", "UartTransmitter"]
