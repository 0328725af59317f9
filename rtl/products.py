"""Products of sums at an image's end (the circuit of `golden.sweep`): every lane's change of its synapse in a word."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from eqspike.golden.config import Config
from eqspike.golden.number import fixed_numbers
from eqspike.rtl.layout import Layout


class Products(wiring.Component):
    """`count` times each lane's sum of rho-bar, plus each lane's count times the sum above: a bit of the counts a
    cycle, so that a lane needs two adders and no multiplier.

    - `start` (1): begin; from then until `done` stand `count` (unsigned), of the row's neuron or the neuron above;
      `above` (signed), the sum of the neuron above (0 for a row); `sums` (signed), `counts` (unsigned), one a lane.
    - `done` (1): `products` (signed, one a lane) stand from this cycle on until the next `start`.

    Latency `cycles` from `start` to `done`: one for each bit of a count.
    """

    def __init__(self, config: Config, layout: Layout) -> None:
        numbers = fixed_numbers(config)
        self.lanes, self.bits = layout.lanes, numbers.spike_count.bits
        self.cycles = self.bits + 1
        count, total = unsigned(self.bits), signed(numbers.rate_sum.bits)
        super().__init__(
            {
                "start": In(1),
                "count": In(count),
                "above": In(total),
                "sums": In(data.ArrayLayout(total, self.lanes)),
                "counts": In(data.ArrayLayout(count, self.lanes)),
                "done": Out(1),
                "products": Out(data.ArrayLayout(signed(numbers.moving.bits), self.lanes)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        left = Signal(range(self.bits + 1))
        """Bits to come; the highest comes first."""
        last = Signal()
        m.d.comb += last.eq(left == 1)
        m.d.sync += self.done.eq(last)
        with m.If(left != 0):
            m.d.sync += left.eq(left - 1)
        with m.If(self.start):
            m.d.sync += left.eq(self.bits)
        place = Signal(range(max(2, self.bits)))
        m.d.comb += place.eq(left - 1)
        for lane in range(self.lanes):
            product = self.products[lane]
            one = Mux(self.count.bit_select(place, 1), self.sums[lane], 0)
            other = Mux(self.counts[lane].bit_select(place, 1), self.above, 0)
            with m.If(self.start):
                m.d.sync += product.eq(0)
            with m.Elif(left != 0):
                m.d.sync += product.eq((product << 1) + (one + other))
        return m


__all__ = ["Products"]
