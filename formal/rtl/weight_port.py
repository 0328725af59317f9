"""Proofs of `rtl/weight_port.py`."""

from __future__ import annotations

from eqspike.rtl.crossbar import Crossbar
from eqspike.rtl.layout import Layout
from eqspike.rtl.weight_port import WeightPort
from formal import configs
from formal.bench import Bench
from formal.registry import INDUCTION, proof


@proof("A weight that was read waits unchanged until it is taken, and no command is taken meanwhile.", depth=3,
       method=INDUCTION, cover_depth=6, bug_depth=6,
       bug=("self.weights.valid & ~peeking & ~self.weight_data.valid", "self.weights.valid & ~peeking"))  # fmt: skip
def weight_data_stable(b: Bench) -> None:
    config = configs.small()
    block = b.add(WeightPort(Crossbar(config, Layout(config, 2))))
    peeking = b.peek("dut.peeking", 1)
    b.assume(~block.take | block.ready)
    b.assume(~block.peek_valid | peeking)
    b.prove(~peeking | ~block.weight_data.valid)
    b.prove(~block.take | (~peeking & ~block.weight_data.valid))
    b.stable(block.weight_data)
    b.reach(block.weight_data.valid & (block.weight_data.payload == -3))
