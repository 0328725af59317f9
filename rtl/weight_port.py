"""The host's way to single weights, between images."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from eqspike.golden.derived import neuron_numbers
from eqspike.rtl.crossbar import Crossbar
from eqspike.rtl.layout import Layout
from eqspike.rtl.operation import Kind, operation_layout
from eqspike.rtl.streams import weight_layout


class DeviceLocator(wiring.Component):
    """Which devices a word of the weight memory holds, named in an operation as by a spike that served them.

    `word` -> `chunk`, `synapses` (their layer), `number` (of the neuron that shares them, among all). Combinational.
    Words of bank 0 only.
    """

    LATENCY = 0

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        operation = operation_layout(layout).members
        names = ("chunk", "synapses", "number")
        super().__init__({"word": In(range(max(2, layout.words)))} | {name: Out(operation[name]) for name in names})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        layers = self.layout.layers
        numbering = neuron_numbers(layers)
        for chunk in self.layout.chunks:
            below = chunk.layer - 1
            parts = [(chunk.bias, 1, below, numbering[below] + layers[below])]
            if chunk.bias > chunk.base:
                parts.append((chunk.base, chunk.bias - chunk.base, below, numbering[below]))
            if chunk.layer + 1 < len(layers):
                parts.append((chunk.pairs, layers[chunk.layer + 1], chunk.layer, numbering[chunk.layer + 1]))
            for first, count, synapses, number in parts:
                with m.If((self.word >= first) & (self.word < first + count)):
                    m.d.comb += [
                        self.chunk.eq(chunk.index),
                        self.synapses.eq(synapses),
                        self.number.eq(self.word - first + number),
                    ]
        return m


class WeightPort(wiring.Component):
    """Commands that write or read one weight, as operations of the crossbar.

    - `weights` (stream of `rtl.streams.weight_layout`): commands. `weight_data` (stream, signed): a weight for each
      that reads, in order.
    - `ready` (1): a command is offered and may be taken; `waiting` (1): one is offered. `take` (1, only with `ready`):
      it is taken, and `operation` (`operation_layout`, combinational) issued in this cycle.
    - `data` (signed), `bank`: what the last command taken writes, and the bank of its word; from the next cycle on.
    - `peek_valid` (1), `peek_data` (signed): the weight that was read, as the crossbar gives it. Until it is taken, no
      further command is `ready`.
    """

    LATENCY = 1

    def __init__(self, crossbar: Crossbar) -> None:
        self.layout = crossbar.layout
        self.locates = crossbar.devices is not None and crossbar.devices.sticks
        """The crossbar must know which devices the host writes: some are stuck."""
        super().__init__(
            {
                "weights": In(stream.Signature(weight_layout(crossbar))),
                "weight_data": Out(stream.Signature(signed(crossbar.cell_bits))),
                "waiting": Out(1),
                "ready": Out(1),
                "take": In(1),
                "operation": Out(operation_layout(self.layout)),
                "data": Out(signed(crossbar.cell_bits)),
                "bank": Out(crossbar.bank.shape()),
                "peek_valid": In(1),
                "peek_data": In(signed(crossbar.cell_bits)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        peeking = Signal()
        """A weight is being read."""
        command = self.weights.payload
        m.d.comb += [
            self.waiting.eq(self.weights.valid),
            self.ready.eq(self.weights.valid & ~peeking & ~self.weight_data.valid),
            self.weights.ready.eq(self.take),
        ]
        self._form(m, command.write, command.word, command.lane)
        with m.If(self.weight_data.valid & self.weight_data.ready):
            m.d.sync += self.weight_data.valid.eq(0)
        with m.If(self.peek_valid):
            m.d.sync += [self.weight_data.payload.eq(self.peek_data), self.weight_data.valid.eq(1), peeking.eq(0)]
        with m.If(self.take):
            m.d.sync += [self.data.eq(command.data), peeking.eq(~command.write), self.bank.eq(0)]
            for bank in range(1, self.layout.banks):
                with m.If(command.word >= self.layout.bank_first[bank]):
                    m.d.sync += self.bank.eq(bank)
        return m

    def _form(self, m: Module, write: Value, word: Value, lane: Value) -> None:
        """The operation of a command."""
        m.d.comb += [
            self.operation.kind.eq(Mux(write, Kind.POKE, Kind.PEEK)),
            self.operation.address.eq(word),
            self.operation.post.eq(lane),
        ]
        for bank in range(1, self.layout.banks):
            m.d.comb += self.operation.rows[bank - 1].address.eq(word - self.layout.bank_first[bank])
        if self.locates:
            m.submodules.locator = locator = DeviceLocator(self.layout)
            m.d.comb += [
                locator.word.eq(word),
                self.operation.chunk.eq(locator.chunk),
                self.operation.synapses.eq(locator.synapses),
                self.operation.number.eq(locator.number),
            ]


__all__ = ["DeviceLocator", "WeightPort"]
