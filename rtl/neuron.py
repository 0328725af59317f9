"""LIF neurons (the circuit of `golden.neuron`)."""

from __future__ import annotations

from amaranth.hdl import Const, Module, Mux, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from eqspike.golden.config import Config
from eqspike.golden.number import fixed_numbers
from eqspike.rtl.number import leak_down, saturate


class Lif(wiring.Component):
    """One LIF neuron a cycle: leak, add, saturate, fire, reset by subtraction, refractory period (eq 2.5).

    Latency LATENCY, throughput 1. Members, with signed numbers in membrane LSBs:
    - `membrane` (signed, membrane.bits) and `refractory` (steps until it may fire again), as of the last step;
    - `drive` and `current` (signed, `current_bits`), whose sum the neuron integrates; `current` comes CURRENT_LATENCY
      cycles after the others; their sum must fit `current_bits` too, which whoever feeds the neuron sees to;
    - `threshold` (unsigned): this neuron's, where neurons differ in gain; else it is not read;
    - `next_membrane`, `next_refractory`, `spike` (1 bit), LATENCY cycles after `membrane`;
    - `saturated` (1 bit): the sum, which is exact, did not fit the membrane.
    A refractory neuron integrates but does not fire.
    """

    LATENCY = 4
    CURRENT_LATENCY = 2

    def __init__(self, config: Config, current_bits: int) -> None:
        self.numbers = fixed_numbers(config)
        self.gains = config.neuron.gain_spread > 0
        self.period = config.neuron.refractory
        leaked_bits = self.numbers.membrane.bits + 1
        self.exact_bits = max(leaked_bits, current_bits) + 1
        """Of a leaked membrane plus all currents."""
        assert 1 << self.exact_bits >= (1 << leaked_bits) + (1 << current_bits)
        membrane = signed(self.numbers.membrane.bits)
        refractory = unsigned((self.period - 1).bit_length())
        super().__init__(
            {
                "membrane": In(membrane),
                "refractory": In(refractory),
                "drive": In(signed(current_bits)),
                "current": In(signed(current_bits)),
                "threshold": In(unsigned(self.numbers.membrane.bits - 1)),
                "next_membrane": Out(membrane),
                "next_refractory": Out(refractory),
                "spike": Out(1),
                "saturated": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        numbers = self.numbers
        # Stage 1: leak.
        leaked = Signal(signed(numbers.membrane.bits + 1))
        drive = Signal.like(self.drive)
        refractory_1, refractory_2, refractory_3 = (Signal.like(self.refractory) for _ in range(3))
        m.d.sync += [
            leaked.eq(leak_down(self.membrane, numbers.leak_shift)),
            drive.eq(self.drive),
            refractory_1.eq(self.refractory),
        ]
        # Stages 2 and 3: integrate, exactly.
        exact = Signal(signed(self.exact_bits))
        driven = Signal.like(exact)
        m.d.sync += [
            driven.eq(leaked + drive),
            refractory_2.eq(refractory_1),
            exact.eq(driven + self.current),
            refractory_3.eq(refractory_2),
        ]
        # Stage 4: saturate, fire, reset.
        membrane = Signal(signed(numbers.membrane.bits))
        saturated = Signal()
        clamped, outside = saturate(exact, numbers.membrane.low, numbers.membrane.high)
        m.d.comb += [membrane.eq(clamped), saturated.eq(outside)]
        spike = Signal()
        threshold = Const(numbers.threshold)
        # Without gains the threshold is a power of two: above it is whatever has a bit above that one, or that one and
        # any below.
        # Taken from the sum before it saturates (the membrane's limit lies above the threshold), so that both go on
        # at once.
        bit = numbers.threshold.bit_length() - 1
        above = ~exact[-1] & (exact[bit + 1 : -1].any() | (exact[bit] & exact[:bit].any()))
        if self.gains:
            threshold_1, threshold_2, threshold = (Signal.like(self.threshold) for _ in range(3))
            m.d.sync += [threshold_1.eq(self.threshold), threshold_2.eq(threshold_1), threshold.eq(threshold_2)]
            above = membrane > threshold
        m.d.comb += spike.eq(above & (refractory_3 == 0))
        m.d.sync += [
            self.next_membrane.eq(Mux(spike, membrane - threshold, membrane)),
            self.next_refractory.eq(
                Mux(spike, self.period - 1, Mux(refractory_3 == 0, 0, refractory_3 - 1)),
            ),
            self.spike.eq(spike),
            self.saturated.eq(saturated),
        ]
        return m


__all__ = ["Lif"]
