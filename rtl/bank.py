"""The crossbar's banks: memories of words, a weight a lane, and what serves the rows of inputs in the other banks."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from eqspike.golden.number import Format
from eqspike.rtl.layout import Layout
from eqspike.rtl.number import saturate
from eqspike.rtl.operation import Kind, row_layout
from eqspike.rtl.program import exact_sum, later


class Bank(wiring.Component):
    """A memory of words.

    Members:
    - `read_address`: of the word that `word` gives LATENCY cycles later, beside which belong
    - `take` (1 bit), else the word reads as 0, and
    - `poke` (a bit a lane), `poke_data` (signed): the weights of these lanes come from the host instead;
    - `write` (1 bit), `write_address`, `write_word`: what is written.
    """

    LATENCY = 1

    def __init__(self, address: object, word: data.ArrayLayout, depth: int, initial: Sequence[int]) -> None:
        self.depth, self.initial = depth, list(initial)
        """Its words, and those that it holds after configuration (the rest 0)."""
        super().__init__(
            {
                "read_address": In(address),
                "take": In(1),
                "poke": In(word.length),
                "poke_data": In(word.elem_shape),
                "word": Out(word),
                "write": In(1),
                "write_address": In(address),
                "write_word": In(word),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        word = self.word.shape()
        m.submodules.memory = memory = Memory(shape=unsigned(word.size), depth=self.depth, init=self.initial)
        read, write = memory.read_port(), memory.write_port()
        m.d.comb += [
            read.addr.eq(self.read_address),
            write.en.eq(self.write),
            write.addr.eq(self.write_address),
            write.data.eq(self.write_word),
        ]
        for lane in range(word.length):
            kept = Mux(self.take, read.data.word_select(lane, word.elem_shape.width), 0)
            # A weight from the host takes the place of the one that was read.
            m.d.comb += self.word[lane].eq(Mux(self.poke[lane], self.poke_data, kept))
        return m


class RowBank(wiring.Component):
    """One of the crossbar's other banks: rows of inputs, with lanes of its own for programming.

    Members of stage A: `row` (`row_layout`), and `kind` and `post` of the operation. Of stage R: `poke_data` (signed).
    Of stage E: `steps` (signed, one a lane), the weight steps of a programmed row, turned (`rtl.program.turned`).
    Steady: `selected` (1 bit), the host reads or writes this bank; `negative` (1 bit), the image's sign is minus.

    Outputs of stage E: `word`, as it was read, 0 where there is no row to serve; `reads`, `programs` (1 bit each), this
    row is read; it is programmed. Of stage X: `write` (1 bit), `write_address`, `write_word`, and the lanes that
    `saturated` (a bit each). Stage X comes `latency` cycles after R.
    """

    def __init__(
        self,
        layout: Layout,
        word: data.ArrayLayout,
        weight: Format,
        step: signed,
        *,
        latency: int,
        depth: int,
        initial: Sequence[int],
    ) -> None:
        self.weight, self.latency = weight, latency
        row = row_layout(layout)
        self.memory = Bank(row["address"].shape, word, depth, initial)
        super().__init__(
            {
                "row": In(row),
                "kind": In(Kind),
                "post": In(range(max(2, *layout.layers[1:], layout.lanes))),
                "selected": In(1),
                "poke_data": In(word.elem_shape),
                "steps": In(data.ArrayLayout(step, word.length)),
                "negative": In(1),
                "word": Out(word),
                "reads": Out(1),
                "programs": Out(1),
                "saturated": Out(word.length),
                "write": Out(1),
                "write_address": Out(row["address"].shape),
                "write_word": Out(word),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.memory = memory = self.memory
        extra = self.latency - 2
        """Cycles between E and X beyond one."""
        row_r, kind_r, post_r = Signal.like(self.row), Signal.like(self.kind), Signal.like(self.post)
        m.d.sync += [row_r.eq(self.row), kind_r.eq(self.kind), post_r.eq(self.post)]
        m.d.comb += [
            memory.read_address.eq(self.row.address),
            memory.poke_data.eq(self.poke_data),
            # With what the host reads or writes, the lanes' currents are not right until the next LOAD clears them.
            memory.take.eq(row_r.valid | (kind_r == Kind.POKE) | (kind_r == Kind.PEEK)),
        ]
        m.d.sync += [self.reads.eq(row_r.valid), self.programs.eq(row_r.valid & row_r.program)]
        row_x, kind_x = Signal.like(self.row), Signal.like(self.kind)
        m.d.sync += [row_x.eq(later(m, row_r, 1 + extra, "row")), kind_x.eq(later(m, kind_r, 1 + extra, "kind"))]
        programs = later(m, self.programs, extra, "programs")
        programmed = Signal()
        m.d.sync += programmed.eq(programs)
        low, high = self.weight.low, self.weight.high
        for lane in range(len(memory.poke)):
            m.d.comb += memory.poke[lane].eq((kind_r == Kind.POKE) & self.selected & (post_r == lane))
            m.d.sync += self.word[lane].eq(memory.word[lane])
            exact = exact_sum(m, self.word[lane], self.steps[lane], self.negative, f"exact_{lane}")
            new, outside = saturate(later(m, exact, extra, f"sum_{lane}"), low, high)
            m.d.sync += [self.write_word[lane].eq(new), self.saturated[lane].eq(outside & programs)]
        m.d.comb += [
            self.write.eq(programmed | ((kind_x == Kind.POKE) & self.selected)),
            self.write_address.eq(row_x.address),
            memory.write.eq(self.write),
            memory.write_address.eq(self.write_address),
            memory.write_word.eq(self.write_word),
        ]
        return m


__all__ = ["Bank", "RowBank"]
