"""Accumulators of synapses (the circuit of `golden.accumulator`), and ideal devices that get pulses from them."""

from __future__ import annotations

import itertools

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from eqspike.golden.config import Config
from eqspike.golden.number import fixed_numbers
from eqspike.rtl.draw import row_key, xorshift32
from eqspike.rtl.layout import Layout
from eqspike.rtl.number import StepRounder, saturate, saturate_layers
from eqspike.rtl.operation import Kind
from eqspike.rtl.program import chunk_word, exact_sum, lane_word, later, program_ports, turned


class RowDraw(wiring.Component):
    """The word that lane 0 draws from, where each synapse draws by itself: `word` (32 bits), in stage R, from stage A's
    `step_word` (32 bits), `number` (of the row's or column's neuron) and `chunk`."""

    LATENCY = 1

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        super().__init__(
            {
                "step_word": In(32),
                "number": In(range(max(2, sum(layout.layers) + len(layout.layers)))),
                "chunk": In(range(max(2, len(layout.chunks)))),
                "word": Out(32),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        word, key, chunk = Signal(32), Signal(32), Signal.like(self.chunk)
        m.d.sync += [word.eq(self.step_word), key.eq(row_key(self.number)), chunk.eq(self.chunk)]
        m.d.comb += self.word.eq(chunk_word(xorshift32(word ^ key), chunk, self.layout))
        return m


class Accumulators(wiring.Component):
    """The accumulators of a word take an operation's changes. Members, of stage A: `layer` (the synapse layer).

    Of stage R, a cycle later, as `rtl.program.program_ports` has them: `kind`, `pulses`, `pg_lanes`, `pg_above`,
    `integrator`, `post_integrator`; `draw` (32 bits), lane 0's; `rests` (signed, one a lane), what the accumulators
    hold.

    `LATENCY` cycles after stage R: `new` (signed, one a lane), what they hold then; `up`, `down` (a bit a lane), whose
    device gets a pulse. Steady: `negative`, `halvings`. Throughput: a word a cycle.
    """

    LATENCY = 2

    def __init__(self, config: Config, layout: Layout) -> None:
        numbers = fixed_numbers(config)
        self.lanes, self.synapses = layout.lanes, numbers.synapses
        self.image_end = config.programming.image_end
        self.full = 1 << (config.programming.rest_bits - 1)
        self.rounder = StepRounder(self.synapses, list(range(len(self.synapses))))
        self.value = signed(numbers.moving.bits + int(not self.image_end))
        rests = data.ArrayLayout(signed(config.programming.rest_bits), self.lanes)
        ports = program_ports(config, layout, 1)
        taken = ("layer", "kind", "pulses", "pg_lanes", "pg_above", "integrator", "post_integrator", "negative",
                 "halvings")  # fmt: skip
        super().__init__(
            {name: ports[name] for name in taken}
            | {"draw": In(32), "rests": In(rests), "new": Out(rests), "up": Out(self.lanes), "down": Out(self.lanes)}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        rounder = self.rounder
        control_a, control = (Signal(rounder.control, name=f"control_{stage}") for stage in "ar")
        rounder.choose(m, control_a, self.layer, self.halvings)
        m.d.sync += control.eq(control_a)
        drawn = Signal(32)
        m.d.comb += drawn.eq(rounder.turn(self.draw, control))
        for lane in range(self.lanes):
            programs = self.pg_lanes[lane] | self.pg_above[lane]
            rounded = Signal(rounder.shape(self.value.width), name=f"rounded_{lane}")
            step, rest = Signal.like(rounded, name=f"step_{lane}"), Signal.like(self.rests[lane], name=f"rest_{lane}")
            m.d.comb += rounded.eq(rounder.step(self._value(m, lane), lane_word(drawn, lane), control))
            programmed = Signal(name=f"programmed_{lane}")
            m.d.sync += [
                step.eq(turned(Value.cast(Mux(programs, rounded, 0)), self.negative)),
                rest.eq(self.rests[lane]),
                programmed.eq(programs),
            ]
            self._gather(m, lane, exact_sum(m, rest, step, self.negative, f"gathered_{lane}"), programmed)
        return m

    def _value(self, m: Module, lane: int) -> Value:
        """Stage R: what the lane's synapse is changed by, times the learning rate."""
        own = self.integrator[lane]
        if self.image_end:
            return own
        value = Signal(self.value, name=f"value_{lane}")
        both = Mux(self.pulses.lanes[lane], self.post_integrator, 0) + Mux(self.pulses.above, own, 0)
        m.d.comb += value.eq(Mux(self.kind == Kind.PAIR, both, own))
        return value

    def _gather(self, m: Module, lane: int, exact: Value, programmed: Value) -> None:
        """A cycle after stage R: is the accumulator full, and what stays in it? (That of a word which is not programmed
        is not full; nor is a word that is read for nothing, whatever it reads as.)"""
        over, under = exact >= self.full, exact <= -self.full
        left = exact + Mux(over, -self.full, Mux(under, self.full, 0))
        kept, _ = saturate(left, 1 - self.full, self.full - 1)
        m.d.sync += [
            self.new[lane].eq(kept),
            self.up[lane].eq(over & programmed),
            self.down[lane].eq(under & programmed),
        ]


class GatheredProgram(wiring.Component):
    """Words of ideal devices whose synapses have accumulators: the ports are those of `rtl.program.program_ports`, and
    `given` (a bit a lane), in stage X: its device got a pulse. In a word, each lane's weight stands above its rest.

    - R, E: `Accumulators`;
    - F: the pulse is added to the weight and saturated.
    """

    latency = Accumulators.LATENCY + 1
    row_steps = None
    shares_steps = False

    def __init__(self, config: Config, layout: Layout, cell_bits: int) -> None:
        self.layout, self.rest_bits = layout, config.programming.rest_bits
        self.synapses = fixed_numbers(config).synapses
        self.accumulators, self.draw = Accumulators(config, layout), RowDraw(layout)
        super().__init__(program_ports(config, layout, cell_bits) | {"given": Out(layout.lanes)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.accumulators, m.submodules.draw = gathers, _ = self.accumulators, self.draw
        m.d.comb += self.word.eq(self.read)
        connect_accumulators(m, self, gathers, self.draw)
        layers = [self.layer, *(Signal.like(self.layer, name=f"layer_{stage}") for stage in "ref")]
        for earlier, late in itertools.pairwise(layers):
            m.d.sync += late.eq(earlier)
        layer = layers[-1]
        pulses = [Const(s.pulse) for s in self.synapses]
        pulse = pulses[0] if len({s.pulse for s in self.synapses}) == 1 else Array(pulses)[layer]
        formats = [s.weight.bits for s in self.synapses]
        for lane in range(self.layout.lanes):
            weight = later(m, self.word[lane][self.rest_bits :].as_signed(), gathers.LATENCY, f"weight_{lane}")
            up, down = gathers.up[lane], gathers.down[lane]
            exact = Signal(signed(len(weight) + 1), name=f"exact_{lane}")
            m.d.comb += exact.eq(weight + Mux(up, pulse, Mux(down, -pulse, 0)))
            new, outside = saturate_layers(exact, formats, layer)
            moved = Mux(up | down, new, weight)
            m.d.sync += [
                self.new[lane].eq(Cat(gathers.new[lane], Value.cast(moved)[: len(weight)])),
                self.given[lane].eq(up | down),
                self.saturated[lane].eq((up | down) & outside),
            ]
        return m


def connect_accumulators(m: Module, program: wiring.Component, gathers: Accumulators, draw: RowDraw) -> None:
    """The accumulators of what programs words, and their draws: it has the ports of `rtl.program.program_ports`."""
    bits = len(gathers.rests[0])
    m.d.comb += [
        draw.step_word.eq(program.step_word),
        draw.number.eq(program.number),
        draw.chunk.eq(program.chunk),
        gathers.draw.eq(draw.word),
        *(
            getattr(gathers, name).eq(getattr(program, name))
            for name in ("layer", "kind", "pulses", "pg_lanes", "pg_above", "integrator", "post_integrator",
                         "negative", "halvings")
        ),
        *(gathers.rests[lane].eq(program.word[lane][:bits]) for lane in range(len(gathers.rests))),
    ]  # fmt: skip


__all__ = ["Accumulators", "GatheredProgram", "RowDraw", "connect_accumulators"]
