"""Proofs of `rtl/bank.py`."""

from __future__ import annotations

from amaranth.hdl import Array, Mux, Value, signed
from amaranth.lib import data

from eqspike.golden.number import fixed_numbers
from eqspike.rtl.bank import Bank, RowBank
from eqspike.rtl.layout import Layout
from eqspike.rtl.operation import Kind
from formal import configs
from formal.bench import Bench
from formal.registry import INDUCTION, proof

LANES = 2


@proof("A bank gives the word that was last written at an address; 0 where none is taken; in the lanes that the host "
       "pokes, the host's weight.", depth=2, method=INDUCTION, cover_depth=4, bug_depth=3,
       bug=("kept = Mux(self.take,", "kept = Mux(~self.take,"))  # fmt: skip
def remembers(b: Bench) -> None:
    block = b.add(Bank(2, data.ArrayLayout(signed(4), LANES), 4, [5, 0, 9]))
    words = [b.peek(f"dut.memory[{i}]", 4 * LANES) for i in range(4)]
    for address, word in enumerate(words):
        b.prove(~b.first | (word == (5, 0, 9, 0)[address]))
        written = block.write & (block.write_address == address)
        b.prove(b.first | (word == b.past(Mux(written, block.write_word.as_value(), word))))
    read = b.past(Array(words)[block.read_address])
    for lane in range(LANES):
        taken = Mux(block.take, read.word_select(lane, 4).as_signed(), 0)
        b.prove(b.first | (block.word[lane] == Mux(block.poke[lane], block.poke_data, taken)))
    b.reach((block.word[0] == -3) & (block.word[1] == 4) & ~block.poke.any())


@proof("A row of another bank is read as its word stands; if it is programmed, it is written back `latency` cycles "
       "after stage R with each lane's weight moved by its step and clamped; the host writes the lane that it names, "
       "and no other operation writes.", depth=6, any_state=True, cases={str(n): {"latency": n} for n in (2, 3)},
       bug=("m.d.sync += programmed.eq(programs)", "m.d.sync += programmed.eq(row_x.valid)"))  # fmt: skip
def programs_rows(b: Bench, latency: int) -> None:
    config = configs.small()
    layout, weight = Layout(config, LANES, 2), fixed_numbers(config).synapses[0].weight
    bits, depth = weight.bits, 4
    step = signed(bits + 1)
    block = b.add(
        RowBank(
            layout, data.ArrayLayout(signed(bits), LANES), weight, step, latency=latency, depth=depth, initial=[],
        ),
        leave=("steps", "negative", "selected"),
    )  # fmt: skip
    negative, selected = b.held(1, "negative"), b.held(1, "selected")
    steps = [b.free(step, f"step_{lane}") for lane in range(LANES)]
    b.m.d.comb += [block.negative.eq(negative), block.selected.eq(selected)]
    b.m.d.comb += [block.steps[lane].eq(one ^ negative.replicate(bits + 1)) for lane, one in enumerate(steps)]
    b.assume(block.row.address < depth)
    words = [b.peek(f"dut.memory.memory[{i}]", bits * LANES) for i in range(depth)]
    to_x, kind = latency + 1, Value.cast(block.kind)
    row, pokes = block.row, kind == Kind.POKE.value
    served = row.valid | pokes | (kind == Kind.PEEK.value)
    read = b.past(Array(words)[row.address])
    known = b.since(to_x)
    b.prove(~known | (block.reads == b.past(row.valid, 2)))
    b.prove(~known | (block.programs == b.past(row.valid & row.program, 2)))
    programmed = b.past(row.valid & row.program, to_x)
    writes = programmed | (b.past(pokes, to_x) & selected)
    b.prove(~known | (block.write == writes))
    b.prove(~known | ~writes | (block.write_address == b.past(row.address, to_x)))
    for lane in range(LANES):
        named = b.past(pokes & selected & (block.post == lane), 2)
        kept = Mux(b.past(served, 2), b.past(read.word_select(lane, bits).as_signed()), 0)
        b.prove(~known | (block.word[lane] == Mux(named, b.past(block.poke_data), kept)))
        exact = b.past(block.word[lane] + Mux(negative, -steps[lane], steps[lane]), latency - 1)
        clamped = Mux(exact < weight.low, weight.low, Mux(exact > weight.high, weight.high, exact))
        b.prove(~known | (block.write_word[lane] == clamped))
        b.prove(~known | (block.saturated[lane] == (programmed & (clamped != exact))))
    b.reach(known & programmed & block.saturated[0] & (block.write_word[1] == -3) & negative)
