"""The way of an operation from the sequencer to the crossbar's stages."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from eqspike.golden.config import Config
from eqspike.rtl.layout import Layout
from eqspike.rtl.operation import Kind, operation_layout
from eqspike.rtl.spike_list import SpikeList
from eqspike.rtl.streams import chunk_update_layout, issue_layout, step_shape, tap_shape


class Pipeline(wiring.Component):
    """Operations: issued (stage L), list entry read (B), address formed (A); then the crossbar's stages R and E.

    - `issued` (`rtl.streams.issue_layout`): the operation of this cycle.
    - `entry_B` (`SpikeList.entry_layout`, for each bank B): the entry of the bank's list that was asked for when the
      operation now in stage B was issued.
    - `step`: the step that an operation issued now belongs to.
    - `operation_a`, `operation_r`, `operation_e` (`operation_layout`): the operations in these stages. In A, a listed
      row has its entry's address, number and pulse; so have the rows of the other banks.
    - `tap_a`, `tap_r`: their taps. `step_a`: the step of the operation in stage A. The pass of a step begins with the
      first chunk's LOAD; what goes before it belongs to the step before.
    - `begins_step_a` (1): the operation in stage A begins a step.
    - `updates` (`chunk_update_layout` for B, A, R, E): the ends of chunks on their way.

    Latency `LATENCY` from `issued` to stage A, one operation a cycle, never stalled.
    """

    LATENCY = 1 + SpikeList.LATENCY
    TO_R = LATENCY + 1
    TO_E = LATENCY + 2
    """Cycles from `issued` to stages R and E."""

    def __init__(self, config: Config, layout: Layout, lists: list[SpikeList]) -> None:
        self.lists = lists
        """Only their entries' shapes are read."""
        self.every = config.programming.every
        operation, tap = operation_layout(layout), tap_shape(config)
        super().__init__(
            {
                "issued": In(issue_layout(config, layout)),
                "step": In(step_shape(config)),
                **{f"entry_{bank}": In(entries.entry_layout) for bank, entries in enumerate(lists)},
                "operation_a": Out(operation),
                "operation_r": Out(operation),
                "operation_e": Out(operation),
                "tap_a": Out(tap),
                "tap_r": Out(tap),
                "step_a": Out(step_shape(config)),
                "begins_step_a": Out(1),
                "updates": Out(data.ArrayLayout(chunk_update_layout(layout), self.TO_E)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        op_b, op_a = Signal.like(self.operation_a, name="operation_b"), self.operation_a
        listed_b, tap_b = Signal(), Signal.like(self.tap_a, name="tap_b")
        found = self.entry_0
        place = Mux(listed_b, found.place, 0)
        m.d.sync += [
            op_b.eq(self.issued.operation),
            listed_b.eq(self.issued.listed),
            op_a.eq(op_b),
            op_a.address.eq(op_b.address + place),
            op_a.number.eq(op_b.number + (Mux(listed_b, found.number, 0) if self.lists[0].numbered else place)),
            op_a.program.eq(op_b.program & (~listed_b | found.pulse if self.every > 1 else 1)),
            self.operation_r.eq(op_a),
            self.operation_e.eq(self.operation_r),
            tap_b.eq(self.issued.tap),
            self.tap_a.eq(tap_b),
            self.tap_r.eq(self.tap_a),
        ]
        for bank in range(1, len(self.lists)):
            row_b, row_a, found = op_b.rows[bank - 1], op_a.rows[bank - 1], getattr(self, f"entry_{bank}")
            m.d.sync += [
                row_a.address.eq(row_b.address + Mux(row_b.valid, found.place, 0)),
                row_a.program.eq(row_b.program & (found.pulse if self.every > 1 else 1)),
            ]
            if self.lists[bank].numbered:
                m.d.sync += row_a.number.eq(found.number)
        with m.If((op_b.kind == Kind.LOAD) & (op_b.chunk == 0)):
            m.d.sync += self.step_a.eq(self.step)
        m.d.comb += self.begins_step_a.eq((op_a.kind == Kind.LOAD) & (op_a.chunk == 0))
        for update, operation in zip(self.updates, (op_b, op_a, self.operation_r, self.operation_e), strict=True):
            m.d.comb += [update.valid.eq(operation.update), update.chunk.eq(operation.chunk)]
        return m


__all__ = ["Pipeline"]
