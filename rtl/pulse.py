"""The tails of a neuron's own pulses (the circuit of `golden.pulse`), in place of the rho-bar block."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, signed, unsigned
from amaranth.lib import wiring

from eqspike.golden.config import Config
from eqspike.golden.number import fixed_numbers
from eqspike.rtl.rate import signal_ports


class PulseTail(wiring.Component):
    """One step of a neuron's signal: combinational, with the ports of `rtl.rate.RhoBar`.

    `spike` is of now, `leaving`, `delayed`, `delayed_leaving` and `old` are of 1, h, h + 1 and 2 h + 1 steps ago. The
    saw's count of spikes is `filtered`, the sum of the tails `integrator`. `pulse` tells that the programming pulse of
    the spike of h steps ago stands in this step. Neither sum can overflow (`golden.pulse.densest`).
    """

    LATENCY = 0

    def __init__(self, config: Config) -> None:
        self.numbers = fixed_numbers(config)
        self.half = config.pulse.half
        self.saw = config.pulse.shape == "saw"
        count = unsigned(self.numbers.tail_count_bits)
        super().__init__(signal_ports(count, signed(self.numbers.signal.bits)))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.pulse.eq(self.delayed)
        if self.saw:
            # h times a bit is a choice: no multiplier.
            ends = Mux(self.delayed, self.half, 0) + Mux(self.delayed_leaving, self.half, 0)
            m.d.comb += [
                self.next_filtered.eq(self.filtered + self.leaving - self.old),
                self.next_integrator.eq(self.integrator + self.next_filtered - ends),
            ]
        else:
            change = (self.spike + self.old) - (self.delayed + self.delayed_leaving)
            m.d.comb += self.next_integrator.eq(self.integrator + change)
        return m
