"""Proofs of `rtl/rate.py`."""

from __future__ import annotations

from amaranth.hdl import Array, Const, Mux, signed

from eqspike.golden.config import Config, rate_bound
from eqspike.golden.number import fixed_numbers, leak_to_zero
from eqspike.golden.rate import rate_step
from eqspike.golden.state import HistoryRows
from eqspike.rtl.rate import RhoBar
from formal import configs, golden
from formal.bench import Bench
from formal.registry import INDUCTION, proof

ROWS = HistoryRows(0, 1, 2, 3, 4)
TAPS = ("spike", "leaving", "delayed", "delayed_leaving", "old")
"""Ports of a signal's block, in the order of `ROWS`."""


@proof("rho-bar's running difference and integrator are those of golden.rate.rate_step, for all spikes and "
       "states whose "
       "next value fits.", depth=1, bug=("(self.delayed + self.leaving)", "(self.delayed - self.leaving)"),
       cases={"filter": {"rate": {"delay": 6, "filter": 4}}, "fine": {"rate": {"delay": 6, "filter": 8, "leak": "2^-5",
              "integer_bits": 6}}})  # fmt: skip
def equals_golden(b: Bench, **sections: object) -> None:
    config = configs.small(**sections)
    numbers = fixed_numbers(config)
    block = b.add(RhoBar(config))
    history = golden.array((5, 1, 1), lambda row, layer, n: getattr(block, TAPS[row]))
    filtered, integrator = golden.array((1, 1), lambda *at: block.filtered), golden.array((1, 1))
    integrator[0, 0] = block.integrator
    golden.run(
        b.m, rate_step, 0, 1, ROWS, history, numbers.rate_gain, numbers.rate_leak_shift, filtered, integrator
    )  # fmt: skip
    b.assume((filtered[0, 0] <= config.rate.filter) & (filtered[0, 0] >= -config.rate.filter))
    b.assume((integrator[0, 0] >= numbers.rate.low) & (integrator[0, 0] <= numbers.rate.high))
    b.prove(block.next_filtered == filtered[0, 0])
    b.prove(block.next_integrator == integrator[0, 0])
    b.prove(block.pulse == block.spike)
    b.reach((block.next_integrator < numbers.rate.low // 2) & (block.next_filtered < Const(0)))


@proof("Without a filter, what the block leaves out cancels: it is golden.rate.rate_step where the running "
       "difference is "
       "that of the step before.", depth=1, bug=("self.spike - self.delayed)",
       "self.spike + self.delayed)"))  # fmt: skip
def equals_golden_without_filter(b: Bench) -> None:
    config = configs.small()
    numbers = fixed_numbers(config)
    block = b.add(RhoBar(config))
    history = golden.array((5, 1, 1), lambda row, layer, n: getattr(block, TAPS[row]))
    filtered = golden.array((1, 1), lambda *at: block.leaving - block.delayed_leaving)
    integrator = golden.array((1, 1), lambda *at: block.integrator)
    golden.run(
        b.m, rate_step, 0, 1, ROWS, history, numbers.rate_gain, numbers.rate_leak_shift, filtered, integrator
    )  # fmt: skip
    b.assume((integrator[0, 0] >= numbers.rate.low) & (integrator[0, 0] <= numbers.rate.high))
    b.prove((block.next_filtered == filtered[0, 0]) & (block.next_integrator == integrator[0, 0]))
    b.reach(block.next_integrator < numbers.rate.low // 2)


def most_since(config: Config) -> list[int]:
    """The greatest integrator so many steps after a spike, when the densest train goes on for ever."""
    numbers, after = fixed_numbers(config), 0
    leak = getattr(leak_to_zero, "py_func", leak_to_zero)
    while True:
        bounds = [leak(after + (1 << numbers.rate_gain), numbers.rate_leak_shift)]
        for _ in range(config.neuron.refractory - 1):
            bounds.append(leak(bounds[-1], numbers.rate_leak_shift))
        if bounds[-1] == after:
            return bounds
        after = bounds[-1]


@proof("The integrator never overflows and never passes golden.config.rate_bound, whatever the spikes, if "
       "they keep the "
       "refractory period.", depth=2, method=INDUCTION, cover_depth=14, bug_depth=14, cases={"plain": {}, "slow": {
       "rate": {"delay": 6, "leak": "2^-5", "fraction_bits": 4, "integer_bits": 6}, "neuron": {"refractory": 4}}},
       bug=("self.integrator + (", "self.integrator + 4 * ("))  # fmt: skip
def never_overflows(b: Bench, **sections: object) -> None:
    config = configs.small(**sections)
    block = b.add(RhoBar(config), leave=("integrator", "spike", "delayed"))
    most, period = most_since(config), config.neuron.refractory
    integrator = b.register(signed(len(block.integrator)), "integrator")
    b.m.d.sync += integrator.eq(block.next_integrator)
    b.m.d.comb += block.integrator.eq(integrator)
    limits = []
    for name, port in (("spike", block.spike), ("delayed", block.delayed)):
        # Steps since its last spike, this train's; the delayed train is any other.
        since = b.register(range(period), f"since_{name}", init=period - 1)
        fires = b.free(1, f"fires_{name}")
        b.m.d.comb += port.eq(fires)
        b.assume(~fires | (since == period - 1))
        b.m.d.sync += since.eq(Mux(fires, 0, since + (since != period - 1)))
        limits.append(Array(Const(m, 24) for m in most)[since])
    b.prove(since < period)
    b.prove((integrator <= limits[0]) & (integrator >= -limits[1]))
    b.prove((integrator <= rate_bound(config.rate, period)) & (integrator >= -rate_bound(config.rate, period)))
    b.reach(integrator > most[0] // 4)
    b.reach(integrator < -most[0] // 4)
