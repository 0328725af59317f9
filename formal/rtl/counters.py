"""Proofs of `rtl/counters.py`."""

from __future__ import annotations

from amaranth.hdl import Array, Mux, Value

from eqspike.rtl.counters import Counters, Measurements
from eqspike.rtl.crossbar import Crossbar
from eqspike.rtl.layout import Layout
from eqspike.rtl.operation import Kind
from eqspike.rtl.streams import Stage
from formal import configs
from formal.bench import Bench
from formal.registry import INDUCTION, proof


def ones(word: Value) -> Value:
    """Bits that are set."""
    return sum(word[i] for i in range(len(word)))


@proof("Each counter moves by its event and wraps; clear wins; cycles are counted from an image's restart to "
       "its result.",
       depth=2, method=INDUCTION, bug=("(counters.cycles, busy)", "(counters.cycles, 1)"), cover_depth=6,
       bug_depth=5)  # fmt: skip
def counts(b: Bench) -> None:
    config = configs.small()
    layout = Layout(config, 2)
    block = b.add(Counters(config, Crossbar(config, layout)))
    e, c = block.events, block.counters
    b.assume(e.chunk < len(layout.chunks))
    busy = b.register(1, "busy")
    b.m.d.sync += busy.eq(e.restart | (busy & ~e.result_valid))
    b.prove(busy == b.peek("dut.$signal", 1))
    before = b.past(e.scanned)
    decided = e.scanned & ~before & e.learns
    layer = Array(chunk.layer for chunk in layout.chunks)[e.chunk]
    moves = [
        (c.steps, e.end_step), (c.cycles, busy), (c.synops, e.operations), (c.programming_pulses, e.programmed),
        (c.membrane_saturations, ones(e.saturated)), (c.weight_saturations, e.weight_saturations),
        (c.nudged, decided & ~e.within), (c.skipped, decided & e.within), (c.images, e.restart),
        (c.spikes[0], ones(e.input_spikes)),
        *((c.spikes[n], Mux(e.update & (layer == n), ones(e.spikes), 0)) for n in range(1, len(layout.layers))),
    ]  # fmt: skip
    for counter, amount in moves:
        b.prove(b.first | (counter == b.past(Mux(block.clear, 0, (counter + amount)[:32]))))
    b.reach((c.skipped == 1) & (c.cycles == 2) & (c.spikes[2] == 2))


@proof("Every cycle is counted to one stage, rows to the bank that began them.", depth=2, method=INDUCTION,
       bug=("self.row_cycles + moved.any()", "self.row_cycles + moved.all()"), cover_depth=4, bug_depth=4)  # fmt: skip
def measures(b: Bench) -> None:
    block = b.add(Measurements(Layout(configs.small(), 2, 2)))
    b.assume(Value.cast(block.stage) < len(Stage))
    kind = Value.cast(block.operation.kind)
    first = (kind == Kind.ROW.value) | (kind == Kind.PAIR.value)
    moved = [first, block.operation.rows[0].valid]
    for stage in Stage:
        more = (block.stages[stage.value] + (Value.cast(block.stage) == stage.value))[:32]
        b.prove(b.first | (block.stages[stage.value] == b.past(Mux(block.clear, 0, more))))
    for bank, row in enumerate(moved):
        b.prove(b.first | (block.rows[bank] == b.past(Mux(block.clear, 0, (block.rows[bank] + row)[:32]))))
    more = (block.row_cycles + (moved[0] | moved[1]))[:32]
    b.prove(b.first | (block.row_cycles == b.past(Mux(block.clear, 0, more))))
    b.reach((block.rows[1] == 2) & (block.row_cycles == 2))
