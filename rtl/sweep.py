"""Programming at an image's end (the circuit of `golden.sweep.sweep`): one pass over the words of the weight memory."""

from __future__ import annotations

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from eqspike.golden.config import Config
from eqspike.golden.derived import bias_spikes, neuron_numbers
from eqspike.golden.number import fixed_numbers
from eqspike.rtl.chunks import chunk_constant
from eqspike.rtl.layout import Layout
from eqspike.rtl.operation import Kind, operation_layout
from eqspike.rtl.pipeline import Pipeline
from eqspike.rtl.streams import chunk_shape

SETTLE = Pipeline.TO_R
"""Cycles from an operation until the sums that it names stand: of the chunk that it loads, of the neuron above. And
until products that it is programmed with may change."""
NEXT = 1
"""Cycles until the next input's count stands."""


class Sweep(wiring.Component):
    """Chunk by chunk: its state is loaded; then, for each input, the bias and each neuron above, whose factors are not
    0, the lanes' products are made and the word is programmed with them.

    - `start` (1): begin. `done` (1): the last word is issued, and written by now.
    - `operation` (`operation_layout`): of this cycle, a NOP when there is none. `place`: the input whose `input_count`
      (unsigned) is asked for; `above_count` (unsigned), `above_sum` (signed): of the neuron above that the operation
      names.
    - `multiply` (1): products are to be made of `count` and `above` (and the lanes' own); `multiplied` (1): they stand.
    """

    def __init__(self, config: Config, layout: Layout, write_stage: int) -> None:
        self.config, self.layout = config, layout
        numbers = fixed_numbers(config)
        self.bias_count = bias_spikes(config)
        self.drain = Pipeline.LATENCY + write_stage
        """Cycles until the last word is written."""
        count, total = unsigned(numbers.spike_count.bits), signed(numbers.rate_sum.bits)
        super().__init__(
            {
                "start": In(1),
                "done": Out(1),
                "operation": Out(operation_layout(layout)),
                "place": Out(range(max(2, *layout.layers))),
                "input_count": In(count),
                "above_count": In(count),
                "above_sum": In(total),
                "multiply": Out(1),
                "multiplied": In(1),
                "count": Out(count),
                "above": Out(total),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self.chunk, self.part = Signal(chunk_shape(self.layout)), Signal(range(3))
        """`part`: of the chunk's words, rows of inputs, the bias, or columns of neurons above."""
        wait = Signal(range(max(SETTLE, self.drain) + 1))
        is_row, is_bias = self.part == 0, self.part == 1
        m.d.comb += [
            self.operation.chunk.eq(self.chunk),
            self.count.eq(Mux(is_row, self.input_count, Mux(is_bias, self.bias_count, self.above_count))),
            self.above.eq(Mux(self.part == 2, self.above_sum, 0)),
        ]
        self._name(m, is_row, is_bias)
        with m.If(wait != 0):
            m.d.sync += wait.eq(wait - 1)
        with m.FSM():
            with m.State("IDLE"):
                m.d.sync += self.chunk.eq(0)
                with m.If(self.start):
                    m.next = "LOAD"
            with m.State("LOAD"):
                rows = self._per_chunk([int(c.layer > 1) for c in self.layout.chunks])
                m.d.comb += self.operation.kind.eq(Kind.LOAD)
                m.d.sync += [self.part.eq(rows), self.place.eq(0), wait.eq(SETTLE)]
                m.next = "SEEK"
            with m.State("SEEK"):
                with m.If(wait == 0):
                    with m.If((self.count == 0) & (self.above == 0)):
                        self._advance(m, wait, NEXT, self.drain)
                    with m.Else():
                        m.d.comb += self.multiply.eq(1)
                        m.next = "MULTIPLY"
            with m.State("MULTIPLY"):
                with m.If(self.multiplied):
                    m.next = "ISSUE"
            with m.State("ISSUE"):
                kind = Mux(self.part == 2, Kind.PAIR, Kind.ROW)
                m.d.comb += [self.operation.kind.eq(kind), self.operation.program.eq(1), self.operation.silent.eq(1)]
                self._advance(m, wait, SETTLE, self.drain)
            with m.State("DRAIN"):
                with m.If(wait == 0):
                    m.d.comb += self.done.eq(1)
                    m.next = "IDLE"
        return m

    def _per_chunk(self, values: list[int]) -> Value:
        return chunk_constant(values, self.chunk)

    def _name(self, m: Module, is_row: Value, is_bias: Value) -> None:
        """The word at hand."""
        chunks, layers, numbers = self.layout.chunks, self.layout.layers, neuron_numbers(self.layout.layers)
        last = len(layers) - 1
        below = self._per_chunk([c.layer - 1 for c in chunks])
        bias = self._per_chunk([numbers[c.layer - 1] + layers[c.layer - 1] for c in chunks])
        above = self._per_chunk([numbers[min(c.layer + 1, last)] for c in chunks])
        words = [self._per_chunk([getattr(c, name) for c in chunks]) for name in ("base", "bias", "pairs")]
        place = Mux(is_bias, 0, self.place)
        two_way = self._per_chunk([min(c.layer, last - 1) for c in chunks])
        m.d.comb += [
            self.operation.synapses.eq(Mux(self.part == 2, two_way, below)),
            self.operation.post.eq(self.place),
            self.operation.number.eq(Mux(is_row, 0, Mux(is_bias, bias, above)) + place),
            self.operation.address.eq(Mux(is_row, words[0], Mux(is_bias, words[1], words[2])) + place),
        ]

    def _advance(self, m: Module, wait: Signal, cycles: int, drain: int) -> None:
        """On to the next word, or the next chunk."""
        chunks, layers = self.layout.chunks, self.layout.layers
        last = len(layers) - 1
        ends = [Const(layers[0] - 1), Const(0), self._per_chunk([layers[min(c.layer + 1, last)] - 1 for c in chunks])]
        has_columns = self._per_chunk([int(c.layer < last) for c in chunks])
        end = Mux(self.part == 0, ends[0], Mux(self.part == 1, ends[1], ends[2]))
        m.next = "SEEK"
        with m.If(self.place != end):
            m.d.sync += [self.place.eq(self.place + 1), wait.eq(Mux(self.part == 0, cycles, SETTLE))]
        with m.Elif((self.part == 0) | ((self.part == 1) & has_columns)):
            m.d.sync += [self.part.eq(self.part + 1), self.place.eq(0), wait.eq(SETTLE)]
        with m.Elif(self.chunk != len(chunks) - 1):
            m.d.sync += self.chunk.eq(self.chunk + 1)
            m.next = "LOAD"
        with m.Else():
            m.d.sync += wait.eq(drain)
            m.next = "DRAIN"


__all__ = ["Sweep"]
