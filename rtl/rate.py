"""The rho-bar block (the circuit of `golden.rate`)."""

from __future__ import annotations

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from eqspike.golden.config import Config
from eqspike.golden.number import fixed_numbers
from eqspike.rtl.number import leak_to_zero


def signal_ports(filtered: object, integrator: object) -> dict[str, object]:
    """Ports of what makes a neuron's signal: a rho-bar block or the tails of pulses."""
    return {
        "spike": In(1),
        "leaving": In(1),
        "delayed": In(1),
        "delayed_leaving": In(1),
        "old": In(1),
        "filtered": In(filtered),
        "integrator": In(integrator),
        "next_filtered": Out(filtered),
        "next_integrator": Out(integrator),
        "pulse": Out(1),
    }


class RhoBar(wiring.Component):
    """One step of a rho-bar block (eqs 2.7 to 2.12): combinational.

    Spikes of now, of N_filt, tau and tau + N_filt steps ago give the next running difference `next_filtered` and the
    next `next_integrator`, which is rho-bar. With N_filt = 1 the spike of one step ago and the one of tau + 1 steps ago
    cancel what `filtered` held, so `filtered`, `leaving` and `delayed_leaving` are not read. The integrator cannot
    overflow: `golden.config.rate_bound`. The neuron may send its programming pulse with the spike: `pulse` is `spike`.
    """

    LATENCY = 0

    def __init__(self, config: Config) -> None:
        self.numbers = fixed_numbers(config)
        self.averages = config.rate.filter > 1
        filtered = signed(self.numbers.filter.bits)
        integrator = signed(self.numbers.rate.bits)
        super().__init__(signal_ports(filtered, integrator))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        numbers = self.numbers
        m.d.comb += self.pulse.eq(self.spike)
        if self.averages:
            change = (self.spike + self.delayed_leaving) - (self.delayed + self.leaving)
            m.d.comb += self.next_filtered.eq(self.filtered + change)
        else:
            m.d.comb += self.next_filtered.eq(self.spike - self.delayed)
        fed = Signal(signed(numbers.rate.bits + 1))
        m.d.comb += [
            fed.eq(self.integrator + (self.next_filtered << numbers.rate_gain)),
            self.next_integrator.eq(leak_to_zero(fed, numbers.rate_leak_shift)),
        ]
        return m
