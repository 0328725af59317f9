"""Proofs of `rtl/pulse.py`."""

from __future__ import annotations

from amaranth.hdl import Cat, Signal, signed

from eqspike.golden.number import fixed_numbers
from eqspike.golden.parameters import tail_of
from eqspike.golden.pulse import tail_step, tail_values
from eqspike.rtl.pulse import PulseTail
from formal import configs, golden
from formal.bench import Bench
from formal.registry import INDUCTION, proof
from formal.rtl.rate import ROWS, TAPS

PULSES = {
    "learning": {"free_steps": 16, "nudge_steps": 14, "window": 8, "signal": "pulse"},
    "pulse": {"variant": "desynch", "length": 8, "amplitude": 0.25},
}
SHAPES = {
    "saw": PULSES,
    "square": {**PULSES, "pulse": {"variant": "synch", "shape": "square", "length": 8, "amplitude": 0.25}},
}


@proof("The tails' count and sum are those of golden.pulse.tail_step, and so is the programming pulse, for "
       "all spikes and "
       "states whose next value fits.", depth=1, bug=("self.filtered + self.leaving - self.old",
       "self.filtered + self.leaving - self.delayed"), cases={"saw": SHAPES["saw"]})  # fmt: skip
@proof("As for the saw, of square pulses.", depth=1, bug=("(self.spike + self.old)", "(self.spike - self.old)"),
       cases={"square": SHAPES["square"]})  # fmt: skip
def equals_golden(b: Bench, **sections: object) -> None:
    config = configs.small(**sections)
    numbers = fixed_numbers(config)
    block = b.add(PulseTail(config))
    history = golden.array((5, 1, 1), lambda row, layer, n: getattr(block, TAPS[row]))
    count, signal, pulses = golden.array((1, 1)), golden.array((1, 1)), golden.array((1, 1))
    count[0, 0], signal[0, 0] = block.filtered, block.integrator
    golden.run(b.m, tail_step, 0, 1, ROWS, tail_of(config, numbers.clip), history, count, signal, pulses)
    b.assume((count[0, 0] >= 0) & (count[0, 0] < 1 << numbers.tail_count_bits))
    b.assume((signal[0, 0] >= numbers.signal.low) & (signal[0, 0] <= numbers.signal.high))
    if block.saw:
        b.prove(block.next_filtered == count[0, 0])
    b.prove(block.next_integrator == signal[0, 0])
    b.prove(block.pulse == pulses[0, 0])
    b.reach((block.next_integrator == numbers.signal.low) & block.pulse)


def sum_of_tails(b: Bench, sections: dict) -> None:
    """The block, fed with a spike train's own history."""
    config = configs.small(**sections)
    half, period, tails = config.pulse.half, config.neuron.refractory, tail_values(config)
    block = b.add(PulseTail(config), leave=("filtered", "integrator", *TAPS))
    spike, ages = b.free(1, "fires"), b.register(2 * half + 1, "ages")
    """Bit i is the spike of i + 1 steps ago."""
    train, integrator = Cat(spike, ages), b.register(block.integrator.shape(), "sum")
    count = b.register(block.filtered.shape(), "count")
    b.m.d.sync += [ages.eq(train), integrator.eq(block.next_integrator), count.eq(block.next_filtered)]
    b.m.d.comb += [block.filtered.eq(count), block.integrator.eq(integrator)]
    b.m.d.comb += [getattr(block, name).eq(train[age]) for name, age in zip(TAPS, (0, 1, half, half + 1, 2 * half + 1),
                                                                             strict=True)]  # fmt: skip
    # The refractory period: of any so many steps at most one has a spike.
    for first in range(len(train) - period + 1):
        b.assume(sum(train[first : first + period]) <= 1)
    exact = Signal(signed(16))
    b.m.d.comb += exact.eq(sum(ages[age] * tail for age, tail in enumerate(tails)))
    b.prove(integrator == exact)
    if block.saw:
        b.prove(count == sum(ages[1:]))
    b.reach((integrator == max(tails)) & ages[half - 1])
    b.reach(integrator < min(tails))


@proof("In every step of every spike train that keeps the refractory period, the saw's sum is that of its "
       "spikes' tails; "
       "so it never overflows.", depth=1, method=INDUCTION, bug_depth=16, cover_depth=24, cases={"saw": SHAPES["saw"]},
       bug=("Mux(self.delayed_leaving, self.half, 0)", "0"))  # fmt: skip
@proof("As for the saw, of square pulses.", depth=1, method=INDUCTION, bug_depth=16, cover_depth=24,
       cases={"square": SHAPES["square"]}, bug=("self.delayed + self.delayed_leaving",
       "self.delayed + self.delayed"))  # fmt: skip
def sums_tails(b: Bench, **sections: object) -> None:
    sum_of_tails(b, sections)
