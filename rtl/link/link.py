"""The link as a whole, between two pins and the core: `Link` on bytes, `SerialLink` on a UART."""

from __future__ import annotations

from amaranth.hdl import Module, ResetInserter, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from eqspike.golden.config import Config
from eqspike.golden.sections import HardwareConfig
from eqspike.rtl.core import Core
from eqspike.rtl.link.cobs import CobsDecoder, CobsEncoder
from eqspike.rtl.link.executor import Executor
from eqspike.rtl.link.frame import FrameReceiver
from eqspike.rtl.link.protocol import SLOTS
from eqspike.rtl.link.uart import UartReceiver, UartTransmitter

CORE_PORTS = ("images", "results", "weights", "weight_data")


class Link(wiring.Component):
    """The core behind frames: `received` and `sent` are the bytes of the line. `busy` while there is anything to do."""

    def __init__(self, config: Config, hardware: HardwareConfig | None = None) -> None:
        self.core = Core(config, hardware)
        self.executor = Executor(self.core)
        self.sizes = self.executor.sizes
        super().__init__({"received": In(stream.Signature(8)), "sent": Out(stream.Signature(8)), "busy": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        core, sizes = self.core, self.sizes
        reset = Signal()
        m.submodules.core = ResetInserter(reset)(core)
        m.submodules.decoder = decoder = CobsDecoder()
        m.submodules.receiver = receiver = FrameReceiver(sizes.frame, sizes.buffer)
        m.submodules.executor = executor = self.executor
        m.submodules.encoder = encoder = CobsEncoder(2 * SLOTS, sizes.slot)
        connect(m, flipped(self.received), decoder.bytes)
        connect(m, decoder.frames, receiver.frames)
        connect(m, receiver.bytes, executor.requests)
        connect(m, executor.replies, encoder.slots)
        connect(m, encoder.bytes, flipped(self.sent))
        for name in CORE_PORTS:
            connect(m, getattr(executor, name), getattr(core, name))
        m.d.comb += [
            executor.address.eq(encoder.address),
            encoder.data.eq(executor.data),
            receiver.again.eq(executor.again),
            receiver.free.eq(executor.free),
            reset.eq(executor.reset_core),
            core.halvings.eq(executor.halvings),
            core.key_load.eq(executor.key_load),
            core.key_data.eq(executor.key_data),
            core.clear_counters.eq(executor.clear_counters),
            executor.key.eq(core.key),
            executor.counters.eq(core.counters),
            self.busy.eq(executor.busy | encoder.busy | self.received.valid),
        ]
        return m


class SerialLink(wiring.Component):
    """The core behind the pins `rx` and `tx` of a UART with `divider` clock cycles a bit."""

    def __init__(self, config: Config, hardware: HardwareConfig | None, divider: int) -> None:
        self.link = Link(config, hardware)
        self.core, self.sizes = self.link.core, self.link.sizes
        self.divider = divider
        super().__init__({"rx": In(1, init=1), "tx": Out(1, init=1), "busy": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.link = link = self.link
        m.submodules.receiver = receiver = UartReceiver(self.divider)
        m.submodules.transmitter = transmitter = UartTransmitter(self.divider)
        connect(m, receiver.bytes, link.received)
        connect(m, link.sent, transmitter.bytes)
        m.d.comb += [
            receiver.rx.eq(self.rx),
            self.tx.eq(transmitter.tx),
            self.busy.eq(link.busy | transmitter.busy),
        ]
        return m


__all__ = ["Link", "SerialLink"]
