"""Sums for the neurons above (the circuit of `golden.crossbar.read_pairs`), and the weight that the host reads."""

from __future__ import annotations

from amaranth.hdl import Array, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from eqspike.rtl.adder import AdderTree
from eqspike.rtl.layout import Layout
from eqspike.rtl.operation import Kind


class Forward(wiring.Component):
    """The sum over the lanes of an operation's word, with the neuron above that it belongs to.

    Members of stage E: `word`, a weight a lane (0: the lane did not spike); of the operation `kind`, `synapses` and
    `post`; `rows`, the words of the other banks as they were read. Steady: `bank`, which the host reads. `latency`
    cycles later come `forward` (signed, in weight LSBs of that layer) with `forward_valid` (1 bit), `forward_synapses`
    and `forward_post`; or `peek_data` (signed) with `peek_valid` (1 bit), the lane `post` of the bank's word: of bank 0
    it comes out of the tree, as the only one in `word`. Throughput 1.
    """

    PEEKED = 16
    """Lanes among which the host's lane is chosen in a cycle."""

    def __init__(self, layout: Layout, word: data.ArrayLayout) -> None:
        self.layout = layout
        self.lanes, self.weight_bits = word.length, word.elem_shape.width
        self.tree = AdderTree(self.lanes, self.weight_bits)
        self.latency = self.tree.latency
        synapses = range(max(2, len(layout.layers) - 1))
        post = range(max(2, *layout.layers[1:], layout.lanes))
        super().__init__(
            {
                "word": In(word),
                "kind": In(Kind),
                "synapses": In(synapses),
                "post": In(post),
                "rows": In(data.ArrayLayout(word, layout.banks - 1)),
                "bank": In(range(max(2, layout.banks))),
                "forward": Out(signed(len(self.tree.sum))),
                "forward_valid": Out(1),
                "forward_synapses": Out(synapses),
                "forward_post": Out(post),
                "peek_valid": Out(1),
                "peek_data": Out(signed(self.weight_bits)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.tree = tree = self.tree
        passing = data.StructLayout(
            {"valid": 1, "peek": 1, "synapses": len(self.forward_synapses), "post": len(self.forward_post)}
        )
        entering = Signal(passing, name="pass_0")
        m.d.comb += [
            tree.words.eq(self.word),
            entering.valid.eq(self.kind == Kind.PAIR),
            entering.peek.eq(self.kind == Kind.PEEK),
            entering.synapses.eq(self.synapses),
            entering.post.eq(self.post),
        ]
        passes = [entering]
        for stage in range(self.latency):
            leaving = Signal(passing, name=f"pass_{stage + 1}")
            m.d.sync += leaving.eq(passes[-1])
            passes.append(leaving)
        leaving = passes[-1]
        peeked: Value = tree.sum
        if self.layout.banks > 1:
            peeked = Mux(self.bank == 0, peeked, self._peek(m, passes))
        m.d.comb += [
            self.forward.eq(tree.sum),
            self.peek_valid.eq(leaving.peek),
            self.peek_data.eq(peeked),
            self.forward_valid.eq(leaving.valid),
            self.forward_synapses.eq(leaving.synapses),
            self.forward_post.eq(leaving.post),
        ]
        return m

    def _peek(self, m: Module, passes: list[data.View]) -> Value:
        """A lane of another bank's word, chosen in as many cycles as the tree takes: one of each sixteen lanes, then
        one of those where there are more."""
        lane = passes[0].post[: ceil_log2(self.lanes)]
        group = self.PEEKED if self.latency > 1 else self.lanes
        words = Array(self.rows[bank].as_value() for bank in range(self.layout.banks - 1))[self.bank - 1]
        parts = [words[i : i + group * self.weight_bits] for i in range(0, len(words), group * self.weight_bits)]
        taken: list[Value] = []
        for i, part in enumerate(parts):
            taken.append(Signal(signed(self.weight_bits), name=f"peeked_0_{i}"))
            m.d.sync += taken[-1].eq(part.word_select(lane[: ceil_log2(group)], self.weight_bits))
        for stage in range(1, self.latency):
            chosen = Signal(signed(self.weight_bits), name=f"peeked_{stage}")
            m.d.sync += chosen.eq(Array(taken)[passes[1].post >> ceil_log2(group)] if len(taken) > 1 else taken[0])
            taken = [chosen]
        return taken[0]


__all__ = ["Forward"]
