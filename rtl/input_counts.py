"""Counts of the inputs' spikes in the nudge phase (the circuit of `golden.sweep.sum_step`)."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from eqspike.golden.config import Config
from eqspike.golden.number import fixed_numbers


class InputCounts(wiring.Component):
    """A count a input, in a memory.

    - `restart` (1): an image begins; counts are cleared one after another, a cycle each, until `cleared` (1). Nothing
      is counted meanwhile.
    - `serves` (1), `served` (number of an input): its spike is being served, and counts. The same input again at the
      earliest two cycles later.
    - `number`: the input whose `count` (unsigned) comes `LATENCY` cycles later, while nothing is served.
    """

    LATENCY = 1

    def __init__(self, config: Config) -> None:
        self.inputs = config.network.layers[0]
        self.count_shape = unsigned(fixed_numbers(config).spike_count.bits)
        index = range(max(2, self.inputs))
        super().__init__(
            {
                "restart": In(1),
                "cleared": Out(1),
                "serves": In(1),
                "served": In(index),
                "number": In(index),
                "count": Out(self.count_shape),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.memory = memory = Memory(shape=self.count_shape, depth=max(2, self.inputs), init=[])
        read, write = memory.read_port(), memory.write_port()
        clearing = Signal(range(self.inputs + 1))
        """The next count to clear."""
        counts, counted = Signal(), Signal.like(self.served)
        m.d.sync += [counts.eq(self.serves), counted.eq(self.served)]
        m.d.comb += [
            self.cleared.eq(clearing == self.inputs),
            read.addr.eq(Mux(self.serves, self.served, self.number)),
            self.count.eq(read.data),
            write.en.eq(counts | ~self.cleared),
            write.addr.eq(Mux(self.cleared, counted, clearing)),
            write.data.eq(Mux(self.cleared, read.data + 1, 0)),
        ]
        with m.If(~self.cleared):
            m.d.sync += clearing.eq(clearing + 1)
        with m.If(self.restart):
            m.d.sync += clearing.eq(0)
        return m


__all__ = ["InputCounts"]
