"""Counters of events, and measurements of what the sequencer does."""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from eqspike.golden.config import Config
from eqspike.rtl.crossbar import Crossbar
from eqspike.rtl.layout import Layout
from eqspike.rtl.number import popcount
from eqspike.rtl.operation import Kind, operation_layout
from eqspike.rtl.streams import COUNTER_BITS, Stage, chunk_shape, counter_layout


def event_layout(crossbar: Crossbar) -> data.StructLayout:
    """What happens in a cycle."""
    layout = crossbar.layout
    return data.StructLayout(
        {
            "restart": 1,  # an image begins
            "end_step": 1,
            "result_valid": 1,  # the image's result is offered
            "scanned": 1,  # the outputs were judged: it stays high until the next image
            "learns": 1,  # the image is learned
            "within": 1,  # the skip rule holds
            "input_spikes": layout.banks,  # an input fired, in each bank
            "update": 1,  # a chunk's neurons stand:
            "chunk": chunk_shape(layout),
            "spikes": layout.lanes,
            "saturated": layout.lanes,  # membranes
            "operations": crossbar.operations.shape(),
            "programmed": crossbar.programmed.shape(),
            "weight_saturations": crossbar.saturations.shape(),
        }
    )


class Counters(wiring.Component):
    """Counts events; an event of one cycle stands in the counters from the next one on.

    - `events` (`event_layout`).
    - `clear` (1): all counters are 0 in the next cycle, whatever happens in this one.
    - `counters` (`rtl.streams.counter_layout`): 32 bits each, they wrap. `cycles` are those from an image's `restart`
      to its result.
    """

    LATENCY = 1

    def __init__(self, config: Config, crossbar: Crossbar) -> None:
        self.layout = crossbar.layout
        super().__init__(
            {
                "events": In(event_layout(crossbar)),
                "clear": In(1),
                "counters": Out(counter_layout(config)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        events, counters = self.events, self.counters
        busy, scanned = Signal(), Signal()
        with m.If(events.restart):
            m.d.sync += busy.eq(1)
        with m.Elif(events.result_valid):
            m.d.sync += busy.eq(0)
        m.d.sync += scanned.eq(events.scanned)
        decided = events.scanned & ~scanned & events.learns
        fired = Mux(events.update, popcount(events.spikes), 0)
        layer_of = Array(chunk.layer for chunk in self.layout.chunks)[events.chunk]
        increments = [
            (counters.steps, events.end_step),
            (counters.cycles, busy),
            (counters.synops, events.operations),
            (counters.programming_pulses, events.programmed),
            (counters.membrane_saturations, popcount(events.saturated)),
            (counters.weight_saturations, events.weight_saturations),
            (counters.nudged, decided & ~events.within),
            (counters.skipped, decided & events.within),
            (counters.images, events.restart),
            (counters.spikes[0], popcount(events.input_spikes)),
        ]
        increments += [
            (counters.spikes[layer], Mux(layer_of == layer, fired, 0)) for layer in range(1, len(self.layout.layers))
        ]
        with m.If(self.clear):
            m.d.sync += counters.as_value().eq(0)
        with m.Else():
            m.d.sync += [counter.eq(counter + amount) for counter, amount in increments]
        return m


class Measurements(wiring.Component):
    """How the sequencer spends its cycles, for measurements in a simulator.

    - `stage` (`rtl.streams.Stage`), `operation` (`rtl.crossbar.operation_layout`): of this cycle.
    - `clear` (1): everything is 0 in the next cycle.
    - `stages`: cycles of each stage. `rows`: rows (or two-way words) that each bank began to serve. `row_cycles`:
      cycles in which any bank began one. 32 bits each, they wrap.
    """

    LATENCY = 1

    def __init__(self, layout: Layout) -> None:
        self.banks = layout.banks
        super().__init__(
            {
                "stage": In(Stage),
                "operation": In(operation_layout(layout)),
                "clear": In(1),
                "stages": Out(data.ArrayLayout(COUNTER_BITS, len(Stage))),
                "rows": Out(data.ArrayLayout(COUNTER_BITS, layout.banks)),
                "row_cycles": Out(COUNTER_BITS),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        operation = self.operation
        first = (operation.kind == Kind.ROW) | (operation.kind == Kind.PAIR)
        moved = Cat(first, *(row.valid for row in operation.rows))
        with m.If(self.clear):
            m.d.sync += [self.stages.as_value().eq(0), self.rows.as_value().eq(0), self.row_cycles.eq(0)]
        with m.Else():
            for kind in Stage:
                with m.If(self.stage == kind):
                    m.d.sync += self.stages[kind.value].eq(self.stages[kind.value] + 1)
            for bank in range(self.banks):
                m.d.sync += self.rows[bank].eq(self.rows[bank] + moved[bank])
            m.d.sync += self.row_cycles.eq(self.row_cycles + moved.any())
        return m


__all__ = ["Counters", "Measurements", "event_layout"]
