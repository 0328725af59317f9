"""Proofs of `rtl/current.py`."""

from __future__ import annotations

import dataclasses

from amaranth.hdl import Mux, signed
from amaranth.lib import data

from eqspike.golden.number import fixed_numbers
from eqspike.rtl.current import Currents
from formal import configs
from formal.bench import Bench
from formal.registry import INDUCTION, proof


@proof("A lane's current is what it was plus the aligned words of all banks, or 0 where a chunk begins.", depth=3,
       method=INDUCTION, cover_depth=8, bug_depth=6, bug=("if align != aligns[0]:", "if align == aligns[0]:"),
       cases={"one_bank": {"banks": 1, "feedback": 0.25}, "banks": {"banks": 3, "feedback": 1}})  # fmt: skip
def accumulates(b: Bench, banks: int, feedback: float) -> None:
    """What comes from above is aligned as the layer's feedback says."""
    config = configs.small()
    weak = dataclasses.replace(config.synapses[1], feedback=feedback)
    synapses = fixed_numbers(config.replace(synapses=(config.synapses[0], weak))).synapses
    bits = 20
    block = b.add(Currents(synapses, data.ArrayLayout(signed(8), 2), banks, bits))
    b.assume(block.layer < len(synapses))
    for lane in range(2):
        from_above = block.word[lane] << synapses[1].align_down
        upper = Mux(block.down, from_above, block.word[lane] << synapses[1].align)
        aligned = Mux(block.layer == 0, block.word[lane] << synapses[0].align, upper)
        brought = Mux(block.adds, aligned, 0) + sum(rows[lane] << synapses[0].align for rows in block.rows)
        before, come = b.past(block.current[lane]), b.past(brought, 2)
        wanted = Mux(b.past(block.clears), 0, (before + come)[:bits].as_signed())
        b.prove(~b.since(2) | (block.current[lane] == wanted))
    b.reach((block.current[0] < -100) & b.past(block.clears, 3))
