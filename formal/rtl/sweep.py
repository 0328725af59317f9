"""Proofs of `rtl/sweep.py`."""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Const, Mux, Value

from eqspike.golden.derived import neuron_numbers
from eqspike.golden.number import fixed_numbers
from eqspike.golden.parameters import bias_spikes
from eqspike.rtl.input_counts import InputCounts
from eqspike.rtl.layout import Layout
from eqspike.rtl.operation import Kind
from eqspike.rtl.pipeline import Pipeline
from eqspike.rtl.sweep import SETTLE, Sweep
from formal import configs
from formal.bench import Bench
from formal.registry import INDUCTION, proof

FEW_BITS = configs.IMAGE_END | {"rate": {"delay": 6, "leak": 0.25, "fraction_bits": 1, "integer_bits": 4}}
WRITE_STAGE = 2
PRODUCTS = 2
"""Most cycles that products take here: the sweep waits for them, however long."""


def words(layout: Layout) -> list[dict[str, int]]:
    """Every word of the weight memory, in order: its chunk, synapse layer, kind, the number of the neuron on the other
    side, and which neuron that is: an input, -1 for a bias, or one above."""
    layers, numbers, out = layout.layers, neuron_numbers(layout.layers), []
    for chunk in layout.chunks:
        below = chunk.layer - 1
        rows = [*(range(layers[0]) if below == 0 else ()), -1]
        common = {"chunk": chunk.index}
        for row in rows:
            number = numbers[below] + (layers[below] if row < 0 else row)
            out.append(common | {"kind": Kind.ROW.value, "synapses": below, "number": number, "neuron": row})
        for k in range(layers[chunk.layer + 1] if chunk.layer + 1 < len(layers) else 0):
            number = numbers[chunk.layer + 1] + k
            out.append(common | {"kind": Kind.PAIR.value, "synapses": chunk.layer, "number": number, "neuron": k})
    return out


# A word: it waits, is decided on, multiplied, issued.
WORD = SETTLE + 1 + PRODUCTS + 1
CASES = {
    "above": {"network": {"layers": [2, 2, 2]}, "hardware": {"lanes": 2}},
    "chunks": {"network": {"layers": [1, 2, 1]}, "hardware": {"lanes": 1}},
}
IDLE, LOAD, SEEK, DRAIN, MULTIPLY, ISSUE = range(6)
"""States, numbered as the circuit names them first."""


@proof("From whatever a sweep before left, for all counts and sums: a word is programmed once if its count, or the sum "
       "of the neuron above, is not 0, else never; in order, with its own factors, number and synapse layer, while its "
       "chunk's state stands; no products are begun while the word before still takes its own. Each sweep ends within "
       "the cycles that its words take, when the last is written.", depth=8, method=INDUCTION, any_state=True,
       cases=CASES, bug=("self.part + 1), self.place.eq(0), wait.eq(SETTLE)]",
       "self.part + 1), self.place.eq(0), wait.eq(SETTLE - 1)]"), bug_depth=25, cover_depth=50)  # fmt: skip
def programs(b: Bench, **sections: object) -> None:
    config = configs.small(**FEW_BITS, **sections)
    layout, numbers = Layout(config, config.hardware.lanes), fixed_numbers(config)
    block = b.add(Sweep(config, layout, WRITE_STAGE), leave=("input_count", "above_count", "above_sum", "multiplied"))
    chunks, every = layout.chunks, words(layout)
    operation, kind = block.operation, Value.cast(block.operation.kind)
    state, wait = b.peek("dut.fsm_state", 3), b.peek("dut.wait", range(block.drain + 1))
    chunk, part = operation.chunk, b.peek("dut.$signal$3", range(3))
    b.assume(~b.first | (state == IDLE))
    begins = block.start & (state == IDLE)

    # Counts and sums, as late as the core gives them.
    counts = [b.held(numbers.spike_count.bits, f"count_{n}") for n in range(layout.layers[0])]
    above = {
        (layer, k): (b.held(numbers.spike_count.bits, f"count_{layer}_{k}"),
                     b.held(block.above_sum.shape(), f"sum_{layer}_{k}"))
        for layer in range(2, len(layout.layers)) for k in range(layout.layers[layer])
    }  # fmt: skip
    b.m.d.comb += block.input_count.eq(b.past(Array(counts)[block.place], InputCounts.LATENCY))
    for port, which in ((block.above_count, 0), (block.above_sum, 1)):
        value = Const(0)
        for (layer, k), pair in above.items():
            value = Mux((operation.synapses == layer - 1) & (operation.post == k), pair[which], value)
        b.m.d.comb += port.eq(b.past(b.wire(value), Pipeline.TO_R))

    # Products are made in some time.
    making, multiplied = b.register(range(PRODUCTS + 1), "making"), b.free(1, "multiplied")
    b.m.d.comb += block.multiplied.eq(multiplied)
    with b.m.If(block.multiply):
        b.m.d.sync += making.eq(PRODUCTS)
    with b.m.Elif(multiplied):
        b.m.d.sync += making.eq(0)
    with b.m.Elif(making > 1):
        b.m.d.sync += making.eq(making - 1)
    b.assume(~multiplied | (making != 0))
    b.assume((making != 1) | multiplied)
    made = b.register(block.count.shape(), "made_count"), b.register(block.above.shape(), "made_above")
    with b.m.If(block.multiply):
        b.m.d.sync += [made[0].eq(block.count), made[1].eq(block.above)]

    # One word, any of them: its factors, and how often it was programmed.
    which, times = b.held(range(len(every)), "which"), b.register(2, "times")
    b.assume(which < len(every))
    own: list[Value] = [Const(0), Const(0)]
    for place, word in enumerate(every):
        n, pair = word["neuron"], (Const(bias_spikes(config)), Const(0))
        if word["kind"] == Kind.PAIR.value:
            pair = above[word["synapses"] + 1, n]
        elif n >= 0:
            pair = counts[n], Const(0)
        own = [b.wire(Mux(which == place, new, old)) for new, old in zip(pair, own, strict=True)]
    needed = (own[0] != 0) | (own[1] != 0)
    mine = operation.program & (operation.address == which)
    with b.m.If(begins):
        b.m.d.sync += times.eq(0)
    with b.m.Elif(mine):
        b.m.d.sync += times.eq(Mux(times.all(), times, times + 1))
    for name in ("chunk", "kind", "synapses", "number"):
        wanted = Array(Const(word[name], 8) for word in every)[which]
        b.prove(~mine | ((kind if name == "kind" else operation[name]) == wanted))
    b.prove(~mine | ((made[0] == own[0]) & (made[1] == own[1]) & needed & (times == 0) & operation.silent))
    b.prove(~block.done | (times == needed))

    # Nothing else is issued; the chunk's state stands, and so do products.
    b.prove((kind == Kind.NOP.value) | (kind == Kind.LOAD.value) | operation.program)
    b.prove(~operation.program | (kind == Kind.ROW.value) | (kind == Kind.PAIR.value))
    longest = Pipeline.LATENCY + WRITE_STAGE + 2
    since, loaded = b.register(range(longest + 1), "since"), b.register(operation.chunk.shape(), "loaded")
    b.m.d.sync += since.eq(Mux(kind != Kind.NOP.value, 1, Mux(since == longest, longest, since + 1)))
    with b.m.If(kind == Kind.LOAD.value):
        b.m.d.sync += loaded.eq(operation.chunk)
    b.prove(~block.multiply | (since >= Pipeline.TO_R))
    b.prove(~operation.program | (loaded == operation.chunk))
    b.prove(~block.done | (since > Pipeline.LATENCY + WRITE_STAGE))

    # How far it is, on which the induction rests: words before this one are done, and so many cycles have passed.
    age = b.register(8, "age")
    b.m.d.sync += age.eq(Mux(begins, 1, Mux(age.all(), age, age + 1)))
    at_word = (state == SEEK) | (state == MULTIPLY) | (state == ISSUE)
    known = [(word["chunk"], 2 if word["kind"] == Kind.PAIR.value else int(word["neuron"] < 0), max(word["neuron"], 0))
             for word in every]  # fmt: skip
    here = [(chunk == c) & (part == p) & (block.place == n) for c, p, n in known]
    b.prove(~at_word | Cat(here).any())
    b.prove(~at_word | Cat(h & (operation.address == i) for i, h in enumerate(here)).any())
    b.prove(~at_word | (loaded == chunk))
    b.prove((state <= ISSUE) & ((state == IDLE) | (chunk < len(chunks))))
    b.prove((wait == 0) | ((state != MULTIPLY) & (state != ISSUE)))
    b.prove((state != SEEK) | (wait <= SETTLE))
    b.prove((state != DRAIN) | (wait <= block.drain))
    b.prove((making != 0) == (state == MULTIPLY))
    base = Array(Const(c.base, 8) for c in chunks)[chunk]
    passed = Mux(state == LOAD, base, Mux(state == DRAIN, len(every), operation.address))
    b.prove((state == IDLE) | Mux(which < passed, times == needed, times == 0))
    word = 2 + chunk + operation.address * WORD
    b.prove((state != LOAD) | (age <= 1 + chunk + base * WORD))
    b.prove((state != SEEK) | (age + wait <= word + SETTLE))
    b.prove((state != MULTIPLY) | (age + making <= word + SETTLE + 1 + PRODUCTS))
    b.prove((state != ISSUE) | (age <= word + SETTLE + 1 + PRODUCTS))
    b.prove((state != DRAIN) | (age + wait <= 1 + len(chunks) + len(every) * WORD + block.drain))
    b.reach(block.done & (times == 1) & (which == len(every) - 2))
    b.reach(block.done & (times == 0))
