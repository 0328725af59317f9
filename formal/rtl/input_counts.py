"""Proofs of `rtl/input_counts.py`."""

from __future__ import annotations

from amaranth.hdl import Mux

from eqspike.rtl.input_counts import InputCounts
from formal import configs
from formal.bench import Bench
from formal.registry import INDUCTION, proof


@proof("Every input's count is the number of its spikes served since the restart, of which none was before all were "
       "cleared, in as many bits as it has; it is given a cycle after it is asked for, if nothing is served then and "
       "its own last spike was not served the cycle before. Clearing takes a cycle an input. No count is read for a "
       "spike as it is written.", depth=3, method=INDUCTION, cover_depth=12, bug_depth=8,
       bug=("read.data + 1, 0)", "read.data + 1, read.data)"))  # fmt: skip
def counts(b: Bench) -> None:
    config = configs.small(**configs.IMAGE_END)
    block = b.add(InputCounts(config))
    inputs, bits = block.inputs, block.count_shape.width
    b.assume((block.served < inputs) & (block.number < inputs))
    # Nothing is served while counts are cleared, nor the same input in two cycles in a row.
    b.assume(~block.serves | block.cleared)
    serves, served = b.past(block.serves), b.past(block.served)
    b.assume(b.first | ~block.serves | ~serves | (block.served != served))
    # What the bench looks at is what the circuit keeps of a spike until it is counted.
    b.prove(b.first | (b.peek("dut.$signal", 1) == serves))
    b.prove(b.first | ~serves | (b.peek("dut.counted", block.served.shape()) == served))

    write = b.peek("dut.write__en", 1) & (b.peek("dut.write__addr", block.served.shape()) == block.served)
    b.prove(~block.serves | ~write)
    clearing = b.peek("dut.clearing", range(inputs + 1))
    since = b.register(range(inputs + 1), "since")
    with b.m.If(block.restart):
        b.m.d.sync += since.eq(0)
    with b.m.Elif(since != inputs):
        b.m.d.sync += since.eq(since + 1)
    b.prove(clearing == since)
    b.prove(since <= inputs)
    b.prove(block.cleared == (since == inputs))
    for n in range(inputs):
        memory = b.peek(f"dut.memory[{n}]", bits)
        spikes = b.register(bits, f"spikes_{n}")
        mine = block.serves & (block.served == n)
        with b.m.If(block.restart):
            b.m.d.sync += spikes.eq(0)
        with b.m.Elif(mine):
            b.m.d.sync += spikes.eq(spikes + 1)
        due = ~b.first & serves & (served == n)
        counted = memory == (spikes - due)[:bits]
        b.prove(Mux(block.cleared, counted, (spikes == 0) & ((memory == 0) | (n >= clearing))))
        asked = block.cleared & ~block.restart & ~block.serves & (block.number == n) & ~due
        b.prove(b.first | ~b.past(asked) | (block.count == b.past(spikes)))
        b.reach(~b.first & b.past(asked) & (block.count == 2) & (block.count == b.past(spikes)))
