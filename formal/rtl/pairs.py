"""Proofs of `rtl/pairs.py`."""

from __future__ import annotations

from amaranth.hdl import Cat, Mux

from eqspike.rtl.layout import Layout
from eqspike.rtl.pairs import PairChooser
from eqspike.rtl.streams import layer_name
from formal import configs
from formal.bench import Bench
from formal.registry import INDUCTION, proof
from formal.rtl.pulse import PULSES


@proof("The words that are left are those of the definition, from the lowest on, each once: all when a neuron "
       "of the chunk "
       "acted, else those whose neuron above did.", depth=2, method=INDUCTION, cover_depth=4, bug_depth=4,
       bug=("Mux(fired, everyone, acts", "Mux(fired, acts[chunk.layer + 1], acts"), cases={"rho_bar": {},
       "pulse": PULSES})  # fmt: skip
def chooses(b: Bench, **sections: object) -> None:
    config = configs.small(network={"layers": [3, 3, 4, 2]}, **sections)
    layout = Layout(config, 2)
    block = b.add(PairChooser(config, layout))
    pending = b.peek("dut.pending", block.most)
    b.assume(block.chunk < len(layout.chunks))
    acted = {}
    for chunk in layout.chunks:
        if chunk.layer == len(layout.layers) - 1:
            continue
        above, own = layer_name(chunk.layer + 1), layer_name(chunk.layer)
        late = block.learns if config.pulses else 0
        acts = {name: block.spikes[name] | Mux(late, block.pulses[name], 0) for name in (above, own)}
        lanes = acts[own][chunk.first : chunk.first + chunk.count]
        acted[chunk.index] = lanes.any()
        wanted = Cat(lanes.any() | acts[above][k] for k in range(layout.layers[chunk.layer + 1]))
        b.prove(b.first | ~b.past(block.choose & (block.chunk == chunk.index)) | (pending == b.past(wanted)))
    lowest = pending & -pending
    served = b.past(block.serve & ~block.choose)
    b.prove(b.first | ~served | (pending == b.past((pending & ~lowest)[: block.most])))
    b.prove(b.first | b.past(block.serve | block.choose) | (pending == b.past(pending)))
    b.prove(~block.left | ((1 << block.post) == lowest[: block.most]))
    b.prove(block.left == (block.known & pending.any()))
    # Where the neurons above do not stand, a spike of the chunk decides alone.
    own = Cat(
        b.past((block.chunk == c.index) & acted[c.index]) for c in layout.chunks if c.layer < len(layout.layers) - 1
    ).any()
    chosen = b.past(block.settled) | own
    b.prove(b.first | (block.known == Mux(b.past(block.choose), chosen, b.past(block.known & ~block.forget))))
    b.prove(block.last == (block.left & ((pending & ~lowest)[: block.most] == 0)))
    b.reach(block.left & (block.post == 2))
