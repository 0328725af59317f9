"""The bias neuron, which fires as often as its refractory period lets it."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from eqspike.golden.config import Config


class BiasNeuron(wiring.Component):
    """The input that is always on, one for all layers: it fires in step 0 and then every `neuron.refractory` steps.

    - `restart` (1): an image begins. `end_step` (1): its step is over; from the next cycle on its spikes are served.
    - `counting` (1), read with `end_step`: a spike counts towards a programming pulse, where only every so many spikes
      send one.
    - `spike` (1): it fired in the step being served. `pulse` (1): its last spike that counted sends a programming
      pulse (0 where every spike does: then it is not read).
    """

    LATENCY = 1

    def __init__(self, config: Config) -> None:
        self.period = config.neuron.refractory
        self.every = config.programming.every
        super().__init__({"restart": In(1), "end_step": In(1), "counting": In(1), "spike": Out(1), "pulse": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        phase = Signal(range(self.period))
        """Steps since the last spike."""
        with m.If(self.end_step):
            m.d.sync += [
                self.spike.eq(phase == 0),
                phase.eq(Mux(phase == self.period - 1, 0, phase + 1)),
            ]
        with m.If(self.restart):
            m.d.sync += [self.spike.eq(0), phase.eq(0)]
        if self.every > 1:
            count = Signal(range(self.every))
            """Spikes since the last programming pulse."""
            wraps = count == self.every - 1
            with m.If(self.end_step & (phase == 0) & self.counting):
                m.d.sync += [self.pulse.eq(wraps), count.eq(Mux(wraps, 0, count + 1))]
            with m.If(self.restart):
                m.d.sync += [self.pulse.eq(0), count.eq(0)]
        return m


__all__ = ["BiasNeuron"]
