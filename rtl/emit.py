"""What neurons send while they program (the circuit of `golden.pulse.emit`): who sends a pulse, and what each puts on
its line while the other side programs."""

from __future__ import annotations

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from eqspike.golden.config import Config
from eqspike.golden.derived import collision_limit, neuron_numbers, pulse_limit
from eqspike.golden.draw import COLLISION_KEY, PULSE_KEY
from eqspike.golden.number import fixed_numbers
from eqspike.rtl.chunks import chunk_constant
from eqspike.rtl.draw import mix, spread
from eqspike.rtl.layout import Layout
from eqspike.rtl.number import saturate
from eqspike.rtl.operation import pulse_layout


class Emitters(wiring.Component):
    """The neurons of an operation as senders. Members, as of stage A:
    - `word` (32 bits), the generator's; `chunk`; `number`, of the row's neuron or the neuron above.

    Of stage R, a cycle later:
    - `silent`, `pair` (1 bit each): the row's neuron did not spike; the operation serves two-way synapses;
    - `lane_pulses` (a bit a lane), `post_pulse` (1 bit): who would send a programming pulse, if chance lets it;
    - `integrator` (signed, a lane each), `post_integrator` (signed): the neurons' signals (with programming.when
      image_end, the lanes' products, and no neuron above);
    - `pulses` (`pulse_layout`): who sends a programming pulse;
    - `signals`, `post_signal`: what stands on each side's line, in the signal's LSBs, clipped and, where programming
      pulses collide, gone; in A-EqSpike's naive variant the sum of both sides (eq 4.3).

    `sends` (1 bit, stage A): the row's neuron sends a pulse. Outputs follow inputs of their stage in the same cycle.
    """

    def __init__(self, config: Config, layout: Layout) -> None:
        self.config, self.layout = config, layout
        self.numbers = fixed_numbers(config)
        bits = self.numbers.moving.bits
        super().__init__(
            {
                "word": In(32),
                "chunk": In(range(max(2, len(layout.chunks)))),
                "number": In(range(max(2, sum(layout.layers) + len(layout.layers)))),
                "sends": Out(1),
                "silent": In(1),
                "pair": In(1),
                "lane_pulses": In(layout.lanes),
                "post_pulse": In(1),
                "integrator": In(data.ArrayLayout(signed(bits), layout.lanes)),
                "post_integrator": In(signed(bits)),
                "pulses": Out(pulse_layout(layout)),
                "signals": Out(data.ArrayLayout(signed(bits + int(config.naive)), layout.lanes)),
                "post_signal": Out(signed(bits)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self._send(m)
        above, signals = self.post_integrator, [self.integrator[lane] for lane in range(self.layout.lanes)]
        if self.config.pulses:
            signals = [
                self._emitted(m, signals[lane], self.pulses.lanes[lane], number, str(lane))
                for lane, number in enumerate(self._lane_numbers())
            ]
            above = self._emitted(m, above, self.pulses.above, self.number, "above")
        m.d.comb += self.post_signal.eq(above)
        for lane, signal in enumerate(signals):
            if self.config.naive:
                # Any pulse at a synapse stands on both sides' signals (eq 4.3); below a row there is none.
                signal = signal + Mux(self.pair, above, 0)
            m.d.comb += self.signals[lane].eq(signal)
        return m

    def _send(self, m: Module) -> None:
        """Who sends a programming pulse: with sparse programming by chance, the draw of each neuron decides."""
        limit, pulses = pulse_limit(self.config), self.pulses
        if limit == 1 << 16:
            # A row may be served for the lanes' pulses only, its own neuron being silent.
            m.d.comb += [
                self.sends.eq(1),
                # A sweep at the image's end serves rows of neurons that did not spike just now.
                pulses.row.eq(1 if self.config.programming.image_end else ~self.silent),
                pulses.lanes.eq(self.lane_pulses),
                pulses.above.eq(self.post_pulse),
            ]
            return
        sent = Signal()
        m.d.comb += self.sends.eq(self._draw(m, PULSE_KEY, self.number, limit, "pulse"))
        m.d.sync += sent.eq(self.sends)
        m.d.comb += [pulses.row.eq(sent), pulses.above.eq(self.post_pulse & sent)]
        for lane, number in enumerate(self._lane_numbers()):
            sends = Signal(name=f"pulse_{lane}_r")
            m.d.sync += sends.eq(self._draw(m, PULSE_KEY, number, limit, f"pulse_{lane}"))
            m.d.comb += pulses.lanes[lane].eq(self.lane_pulses[lane] & sends)

    def _emitted(self, m: Module, value: Value, pulse: Value, number: Value, name: str) -> Signal:
        """A neuron's signal, clipped, and gone under its own programming pulse."""
        limit, clip = collision_limit(self.config), self.numbers.clip
        out = Signal(signed(self.numbers.signal.bits), name=f"emitted_{name}")
        clipped = saturate(value, -clip, clip)[0] if clip < self.numbers.signal.high else value
        gone = Const(0) if limit == 0 else pulse
        if 0 < limit < 1 << 16:
            collides = Signal(name=f"collides_{name}_r")
            m.d.sync += collides.eq(self._draw(m, COLLISION_KEY, number, limit, f"collides_{name}"))
            gone = pulse & collides
        m.d.comb += out.eq(Mux(gone, 0, clipped))
        return out

    def _draw(self, m: Module, key: int, number: Value, limit: int, name: str) -> Value:
        """Stage A: does what `key` stands for happen to this neuron in this step? With probability limit / 2^16."""
        return mix(m, self.word ^ key ^ spread(number), name)[16:] < limit

    def _lane_numbers(self) -> list[Value]:
        """The number of each lane's neuron among all."""
        numbers, chunks = neuron_numbers(self.layout.layers), self.layout.chunks
        return [
            chunk_constant([numbers[c.layer] + c.first + lane for c in chunks], self.chunk)
            for lane in range(self.layout.lanes)
        ]


__all__ = ["Emitters"]
