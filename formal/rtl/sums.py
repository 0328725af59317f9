"""Proofs of `rtl/sums.py`."""

from __future__ import annotations

from amaranth.hdl import Mux

from eqspike.rtl.crossbar import Crossbar
from eqspike.rtl.layout import Layout
from eqspike.rtl.streams import layer_name
from eqspike.rtl.sums import Sums
from formal import configs
from formal.bench import Bench
from formal.registry import INDUCTION, proof


@proof("Each neuron's sum takes the parts that are meant for it and no others, and is gone after its layer's "
       "last chunk "
       "and at an image's start.", depth=2, method=INDUCTION,
       bug=("self.forward_synapses == layer - 1", "self.forward_synapses != layer - 1"))  # fmt: skip
def gathers(b: Bench) -> None:
    config = configs.small(network={"layers": [3, 3, 3, 2]}, synapses=[{"bits": 6, "range": 1}])
    layout = Layout(config, 2)
    block = b.add(Sums(config, Crossbar(config, layout)))
    for layer in (2, 3):
        for k in range(layout.layers[layer]):
            total = block.sums[layer_name(layer)][k]
            last = layout.chunks_of(layer)[-1].index
            ends = (block.update.valid & (block.update.chunk == last)) | block.restart
            mine = block.forward_valid & (block.forward_synapses == layer - 1) & (block.forward_post == k)
            more = (total + Mux(mine, block.forward, 0))[: len(total)].as_signed()
            b.prove(b.first | (total == b.past(Mux(ends, 0, more))))
    b.reach(block.sums[layer_name(3)][1] < -20)
