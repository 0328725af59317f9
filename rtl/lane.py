"""One neuron of a chunk takes a step: LIF, then the signal that its synapses are programmed with."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from eqspike.golden.config import Config
from eqspike.golden.number import fixed_numbers
from eqspike.rtl.neuron import Lif
from eqspike.rtl.pulse import PulseTail
from eqspike.rtl.rate import RhoBar
from eqspike.rtl.streams import neuron_layout, tap_ages


class Lane(wiring.Component):
    """A LIF neuron (`rtl.neuron.Lif`) and its rho-bar block (`rtl.rate.RhoBar`) or tails (`rtl.pulse.PulseTail`).

    Inputs of a neuron, in one cycle:

    - `state` (`rtl.streams.neuron_layout`).
    - `drive` (signed, membrane LSBs): part of its current; `current` (signed): the rest, which comes
      `Lif.CURRENT_LATENCY` cycles later.
    - `threshold`: where neurons differ in gain, else not read.
    - `taps` (one bit for each of `rtl.streams.tap_ages`): its spikes of so many steps ago. `last_spike`, `last_pulse`
      (1): of the step before, read in A-EqSpike only.

    Outputs, `LATENCY` cycles later:

    - `next_state`; `spike`, `pulse` (1): it fires, it sends a programming pulse; `saturated` (1): its membrane did.
      `exists` and `counting` (1), read in that cycle: the lane has a neuron at all (else it does not fire), and spikes
      count towards a programming pulse where only every so many spikes send one. So is `summing` (1): the step before
      counts for what is programmed at the image's end.

    Throughput: one neuron a cycle.
    """

    LATENCY = Lif.LATENCY + RhoBar.LATENCY

    def __init__(self, config: Config, current_bits: int) -> None:
        self.config = config
        self.every = config.programming.every
        self.late = config.pulses
        """A-EqSpike: the programming pulse comes steps after the spike."""
        self.image_end = config.programming.image_end
        """Weights are programmed at the image's end."""
        self.lif = Lif(config, current_bits)
        self.signal = PulseTail(config) if self.late else RhoBar(config)
        assert self.signal.LATENCY == RhoBar.LATENCY
        neuron = neuron_layout(config)
        super().__init__(
            {
                "state": In(neuron),
                "drive": In(self.lif.drive.shape()),
                "current": In(self.lif.current.shape()),
                "threshold": In(self.lif.threshold.shape()),
                "taps": In(len(tap_ages(config))),
                "last_spike": In(1),
                "last_pulse": In(1),
                "exists": In(1),
                "counting": In(1),
                "summing": In(1),
                "next_state": Out(neuron),
                "spike": Out(1),
                "pulse": Out(1),
                "saturated": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.lif, m.submodules.signal = lif, signal = self.lif, self.signal
        m.d.comb += [
            lif.membrane.eq(self.state.membrane),
            lif.refractory.eq(self.state.refractory),
            lif.drive.eq(self.drive),
            lif.current.eq(self.current),
            lif.threshold.eq(self.threshold),
            self.spike.eq(lif.spike & self.exists),
            self.saturated.eq(lif.saturated & self.exists),
            self.next_state.membrane.eq(lif.next_membrane),
            self.next_state.refractory.eq(lif.next_refractory),
            self.next_state.integrator.eq(signal.next_integrator),
        ]
        passed = self._passed(m)
        m.d.comb += [signal.spike.eq(self.spike), signal.integrator.eq(passed.integrator)]
        m.d.comb += signal.delayed.eq(passed.taps[0])
        if "filtered" in self.state.shape().members:
            m.d.comb += [signal.filtered.eq(passed.filtered), self.next_state.filtered.eq(signal.next_filtered)]
        if self.late:
            # The neuron's spike and pulse of the last step are those of 1 and of h + 1 steps ago.
            m.d.comb += [
                signal.leaving.eq(passed.last_spike),
                signal.delayed_leaving.eq(passed.last_pulse),
                signal.old.eq(passed.taps[1]),
            ]
        elif self.config.rate.filter > 1:
            m.d.comb += [signal.leaving.eq(passed.taps[1]), signal.delayed_leaving.eq(passed.taps[2])]
        if self.every > 1:
            count, counted = passed.pulse_count, self.spike & self.counting
            m.d.comb += [
                self.pulse.eq(counted & (count == self.every - 1)),
                self.next_state.pulse_count.eq(Mux(self.pulse, 0, count + counted)),
            ]
        else:
            m.d.comb += self.pulse.eq(signal.pulse)
        if self.image_end:
            # The step before is added, whose spikes were served: its rho-bar is there, and in no one's way.
            m.d.comb += [
                self.next_state.rate_sum.eq(passed.rate_sum + Mux(self.summing, passed.integrator, 0)),
                self.next_state.spike_count.eq(passed.spike_count + (self.summing & passed.last_spike)),
            ]
        return m

    def _passed(self, m: Module) -> data.View:
        """What the LIF neuron does not need, as late as its spike."""
        numbers, fields = fixed_numbers(self.config), self.state.shape().members
        kept = ("filtered", "pulse_count", "rate_sum", "spike_count")
        held = {name: fields[name] for name in kept if name in fields}
        pulses = {"last_spike": 1, "last_pulse": 1} if self.late else {"last_spike": 1} if self.image_end else {}
        layout = data.StructLayout(
            {"integrator": signed(numbers.signal.bits), "taps": unsigned(len(self.taps)), **held, **pulses}
        )
        given = Signal(layout)
        m.d.comb += [given[name].eq(self.state[name]) for name in ("integrator", *held)]
        m.d.comb += [given[name].eq(getattr(self, name)) for name in ("taps", *pulses)]
        for stage in range(self.lif.LATENCY):
            passed = Signal(layout, name=f"passed_{stage}")
            m.d.sync += passed.eq(given)
            given = passed
        return given


__all__ = ["Lane"]
