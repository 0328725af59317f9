"""All that programming at the image's end adds to the core: which words, with what, and what inputs have spiked."""

from __future__ import annotations

from amaranth.hdl import Module, Signal, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from eqspike.golden.config import Config
from eqspike.golden.number import fixed_numbers
from eqspike.rtl.chunks import chunk_constant
from eqspike.rtl.input_counts import InputCounts
from eqspike.rtl.layout import Layout
from eqspike.rtl.operation import Kind, operation_layout
from eqspike.rtl.products import Products
from eqspike.rtl.streams import step_shape
from eqspike.rtl.sweep import Sweep


class ImageEnd(wiring.Component):
    """`Sweep`, `Products` and `InputCounts` together.

    - `restart` (1): an image begins. `cleared` (1): spikes of inputs may be counted.
    - `operation_a` (`operation_layout`), `step_a`: of stage A; rows of inputs that are served in the nudge phase count.
    - `start` (1): begin the sweep; then `operation` (`operation_layout`) is the one of each cycle, until `done` (1).
    - `sums` (signed), `counts` (unsigned), one a lane: of the loaded chunk. `above_sum` (signed), `above_count`
      (unsigned): of the neuron above that the operation names.
    - `products` (signed, one a lane), `acts` (a bit a lane: one of its counts is not 0): what an issued word is
      programmed with, in which lanes, until it was.
    """

    def __init__(self, config: Config, layout: Layout, write_stage: int) -> None:
        self.config, self.layout = config, layout
        numbers = fixed_numbers(config)
        self.sweep = Sweep(config, layout, write_stage)
        self.multiplier, self.inputs = Products(config, layout), InputCounts(config)
        count, total = unsigned(numbers.spike_count.bits), signed(numbers.rate_sum.bits)
        super().__init__(
            {
                "restart": In(1),
                "cleared": Out(1),
                "operation_a": In(operation_layout(layout)),
                "step_a": In(step_shape(config)),
                "start": In(1),
                "done": Out(1),
                "operation": Out(operation_layout(layout)),
                "sums": In(data.ArrayLayout(total, layout.lanes)),
                "counts": In(data.ArrayLayout(count, layout.lanes)),
                "above_sum": In(total),
                "above_count": In(count),
                "products": Out(self.multiplier.products.shape()),
                "acts": Out(layout.lanes),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.sweep, m.submodules.products, m.submodules.input_counts = sweep, products, inputs = (
            self.sweep, self.multiplier, self.inputs,
        )  # fmt: skip
        m.d.comb += [
            sweep.start.eq(self.start),
            self.done.eq(sweep.done),
            self.operation.eq(sweep.operation),
            sweep.input_count.eq(inputs.count),
            sweep.above_count.eq(self.above_count),
            sweep.above_sum.eq(self.above_sum),
            sweep.multiplied.eq(products.done),
            products.start.eq(sweep.multiply),
            products.count.eq(sweep.count),
            products.above.eq(sweep.above),
            products.sums.eq(self.sums),
            products.counts.eq(self.counts),
            self.products.eq(products.products),
            inputs.restart.eq(self.restart),
            self.cleared.eq(inputs.cleared),
            inputs.number.eq(sweep.place),
        ]
        self._count(m)
        chunks = self.layout.chunks
        exist = chunk_constant([(1 << chunk.count) - 1 for chunk in chunks], sweep.operation.chunk)
        acts = Signal(self.layout.lanes)
        for lane in range(self.layout.lanes):
            m.d.comb += acts[lane].eq(exist[lane] & ((self.counts[lane] != 0) | (sweep.count != 0)))
        # As its products, this stands until the word was programmed.
        with m.If(sweep.multiply):
            m.d.sync += self.acts.eq(acts)
        return m

    def _count(self, m: Module) -> None:
        """Spikes of inputs: each has a row in every chunk of the first layer, and none of a sweep is one's."""
        operation, first = self.operation_a, self.layout.layers[0]
        m.d.comb += [
            self.inputs.serves.eq(
                (operation.kind == Kind.ROW) & (operation.synapses == 0) & (operation.chunk == 0) & ~operation.silent
                & (operation.number < first) & (self.step_a > self.config.learning.free_steps)
            ),
            self.inputs.served.eq(operation.number),
        ]  # fmt: skip


__all__ = ["ImageEnd"]
