"""Proofs of `rtl/forward.py`."""

from __future__ import annotations

from amaranth.hdl import Array, Mux, Value, signed
from amaranth.lib import data

from eqspike.rtl.forward import Forward
from eqspike.rtl.layout import Layout
from eqspike.rtl.operation import Kind
from formal import configs
from formal.bench import Bench
from formal.registry import proof


@proof("The sum of a word's weights comes `latency` cycles later, with the layer and the neuron of its operation.",
       depth=4, any_state=True, bug=("leaving.eq(passes[-1])", "leaving.eq(passes[0])"))  # fmt: skip
def sums(b: Bench) -> None:
    lanes = 9
    block = b.add(Forward(Layout(configs.small(), lanes), data.ArrayLayout(signed(3), lanes)))
    known, late = b.since(block.latency), block.latency
    b.prove(~known | (block.forward == b.past(sum((block.word[i] for i in range(1, lanes)), block.word[0] + 0), late)))
    b.prove(~known | (block.forward_valid == b.past(Value.cast(block.kind) == Kind.PAIR.value, late)))
    b.prove(~known | (block.forward_synapses == b.past(block.synapses, late)))
    b.prove(~known | (block.forward_post == b.past(block.post, late)))
    b.reach(known & block.forward_valid & (block.forward == -36))


@proof("A weight of another bank that the host reads is that of the lane that it names, from the bank that it names.",
       depth=4, any_state=True, cases={str(n): {"lanes": n} for n in (3, 18)},
       bug=("self.bank - 1]", "0]"))  # fmt: skip
def peeks(b: Bench, lanes: int) -> None:
    layout = Layout(configs.small(), lanes, 3)
    block = b.add(Forward(layout, data.ArrayLayout(signed(3), lanes)), leave=("bank",))
    bank = b.held(range(3), "bank")
    b.m.d.comb += block.bank.eq(bank)
    b.assume((bank > 0) & (bank < 3) & (block.post < lanes))
    weights = Array(block.rows[other][lane] for other in range(2) for lane in range(lanes))
    wanted = weights[Mux(bank == 1, 0, lanes) + block.post]
    known, late = b.since(block.latency), block.latency
    b.prove(~known | (block.peek_valid == b.past(Value.cast(block.kind) == Kind.PEEK.value, late)))
    b.prove(~known | (block.peek_data == b.past(wanted, late)))
    b.reach(known & block.peek_valid & (block.peek_data == -3) & (b.past(block.post, late) == lanes - 1) & (bank == 2))
