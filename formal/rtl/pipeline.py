"""Proofs of `rtl/pipeline.py`."""

from __future__ import annotations

from amaranth.hdl import Mux, Value

from eqspike.rtl.layout import Layout
from eqspike.rtl.operation import Kind
from eqspike.rtl.pipeline import Pipeline
from eqspike.rtl.spike_list import SpikeList
from formal import configs
from formal.bench import Bench
from formal.registry import proof


@proof("An operation comes to stages A, R and E in the cycles that Pipeline says, unchanged but for its list entry: "
       "that adds its place to address and number, and says whether it programs; so do the entries of other banks.",
       depth=6, any_state=True,
       cases={"plain": {}, "banks": {"banks": 2}, "every": {"banks": 2, "programming": {"every": 3}}},
       bug=("op_a.address.eq(op_b.address + place)", "op_a.address.eq(op_b.address)"))  # fmt: skip
def passes(b: Bench, banks: int = 1, **sections: object) -> None:
    config = configs.small(**sections)
    layout = Layout(config, 2, banks)
    lists = [SpikeList(config, layout, bank) for bank in range(banks)]
    block = b.add(Pipeline(config, layout, lists))
    issued, made = block.issued, block.operation_a
    operation, every = issued.operation, config.programming.every > 1
    late = block.LATENCY
    known = b.since(block.TO_E + 1)

    def prove(value: object, wanted: object, cycles: int = late) -> None:
        value = Value.cast(value)
        b.prove(~known | (value == b.past(Value.cast(wanted), cycles)[: len(value)]))

    entries = [getattr(block, f"entry_{bank}") for bank in range(banks)]
    listed = b.past(issued.listed)
    place = Mux(listed, entries[0].place, 0)
    number = Mux(listed, entries[0].number, 0) if lists[0].numbered else place
    prove(made.address, b.past(operation.address) + place, 1)
    prove(made.number, b.past(operation.number) + number, 1)
    prove(made.program, b.past(operation.program) & (~listed | entries[0].pulse if every else 1), 1)
    for name in ("kind", "chunk", "synapses", "silent", "post", "reload", "tap", "update"):
        prove(getattr(made, name), getattr(operation, name))
    for bank in range(1, banks):
        row, given, entry = made.rows[bank - 1], operation.rows[bank - 1], entries[bank]
        prove(row.valid, given.valid)
        prove(row.address, b.past(given.address) + Mux(b.past(given.valid), entry.place, 0), 1)
        prove(row.program, b.past(given.program) & (entry.pulse if every else 1), 1)
        prove(row.number, entry.number if lists[bank].numbered else b.past(given.number), 1)
    prove(block.operation_r, made, 1)
    prove(block.operation_e, made, 2)
    prove(block.tap_a, issued.tap)
    prove(block.tap_r, issued.tap, block.TO_R)
    begins = (Value.cast(operation.kind) == Kind.LOAD.value) & (operation.chunk == 0)
    prove(block.begins_step_a, begins)
    # The step is looked at when the operation is in stage B.
    b.prove(~known | (block.step_a == b.past(Mux(b.past(begins), block.step, block.step_a))))
    for stage, update in enumerate(block.updates, 1):
        prove(update.valid, operation.update, stage)
        prove(update.chunk, operation.chunk, stage)
    b.reach(known & b.past(listed) & (made.address == 5) & block.begins_step_a & (block.step_a == 3))
