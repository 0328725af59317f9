"""Programming of ideal devices: every lane's weight step, and the word with it (the circuits of `golden.crossbar`)."""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from eqspike.golden.config import Config
from eqspike.golden.number import fixed_numbers
from eqspike.rtl.draw import neuron_rotation, rotate_right, row_key, xorshift32
from eqspike.rtl.layout import Layout
from eqspike.rtl.number import StepRounder, saturate_layers
from eqspike.rtl.operation import Kind, pulse_layout


def program_ports(config: Config, layout: Layout, weight_bits: int) -> dict[str, object]:
    """Ports of what programs words, `IdealProgram` or `rtl.device.Devices`: one operation a cycle.

    Stage A: `enable` (1 bit), the operation programs or is the host's; of the operation `address`, `chunk`, `layer`
    (its synapse layer), `number` and `post`; `step_word` (32 bits), the generator's.

    Stage R, a cycle later: `kind`; `program` (1 bit), the word is programmed; `pulses` (`rtl.operation.pulse_layout`);
    `pg_lanes`, `pg_above` (a bit a lane), the lanes whose own signal stands on the device's side while the other neuron
    programs, and those whose own pulse programs; `integrator` (signed, one a lane), `post_integrator` (signed), the
    signals on both sides; `read`, the word as it was read or as the host writes it. At once comes `word`, the word as
    the devices hold it.

    `latency` cycles after stage R (stage X): `new`, the word to write, and the lanes that `saturated` (a bit each).

    Steady while an operation passes: `negative` (1 bit), the image's sign is minus; `halvings`, of each synapse layer's
    learning rate.
    """
    numbers = fixed_numbers(config)
    word = data.ArrayLayout(signed(weight_bits), layout.lanes)
    # In A-EqSpike's naive variant any pulse at a device stands on both sides' signals.
    signal = signed(numbers.moving.bits + int(config.naive))
    halvings = max(s.halvings for s in numbers.synapses)
    return {
        "enable": In(1),
        "address": In(range(max(2, layout.words))),
        "chunk": In(range(max(2, len(layout.chunks)))),
        "layer": In(range(max(2, len(layout.layers) - 1))),
        "number": In(range(max(2, sum(layout.layers) + len(layout.layers)))),
        "post": In(range(max(2, *layout.layers[1:], layout.lanes))),
        "step_word": In(32),
        "negative": In(1),
        "halvings": In(data.ArrayLayout(range(max(2, halvings + 1)), len(layout.layers) - 1)),
        "kind": In(Kind),
        "program": In(1),
        "pulses": In(pulse_layout(layout)),
        "pg_lanes": In(layout.lanes),
        "pg_above": In(layout.lanes),
        "integrator": In(data.ArrayLayout(signal, layout.lanes)),
        "post_integrator": In(signal),
        "read": In(word),
        "word": Out(word),
        "new": Out(word),
        "saturated": Out(layout.lanes),
    }


def later(m: Module, value: Value, cycles: int, name: str) -> Value:
    """The value so many cycles later."""
    for cycle in range(cycles):
        register = Signal.like(value, name=f"{name}_late_{cycle}")
        m.d.sync += register.eq(value)
        value = register
    return value


def chunk_word(word: Value, chunk: Value, layout: Layout) -> Value:
    """The word as lane 0 of the chunk draws from it; lane p draws from this, rotated by p neurons more."""
    rotations = [neuron_rotation(c.layer, c.first) for c in layout.chunks]
    if len(set(rotations)) == 1:
        return rotate_right(word, rotations[0])
    return Array(rotate_right(word, amount) for amount in rotations)[chunk]


def lane_word(turned: Value, lane: int) -> Value:
    """The word that a lane draws from."""
    return rotate_right(turned, neuron_rotation(0, lane))


def turned(step: Value, negative: Value) -> Value:
    """The step, or its complement where the image's sign is minus."""
    return (step.as_unsigned() ^ negative.replicate(len(step))).as_signed()


def plus(value: Value, step: Value, negative: Value) -> Value:
    """The value plus a turned step; of two turned steps, their sum, turned."""
    # Minus is the complement plus 1: one adder serves both signs, with a bit below the weights for its carry.
    total = Cat(negative, step).as_signed() + Cat(negative, value).as_signed()
    return total[1:].as_signed()


def exact_sum(m: Module, weight: Value, step: Value, negative: Value, name: str) -> Signal:
    """The weight plus the image's sign times a step, which is turned. Combinational."""
    value = plus(weight, step, negative)
    exact = Signal(value.shape(), name=name)
    m.d.comb += exact.eq(value)
    return exact


class RowSteps(wiring.Component):
    """The lanes' weight steps for the rows of one other bank, where each synapse draws by itself.

    Members of stage A: `number`, of the row's input. Of stage R: `word` (32 bits), the generator's; `chunk`;
    `integrator` (signed, one a lane); `pokes` (1 bit), what the host writes passes unchanged. Steady: `negative`,
    `halvings`. `steps` (signed, one a lane), turned, come in stage E, LATENCY cycles after R.
    """

    LATENCY = 1

    def __init__(self, config: Config, layout: Layout, halvings: data.ArrayLayout) -> None:
        self.layout = layout
        numbers = fixed_numbers(config)
        self.rounder = StepRounder(numbers.synapses, [0])
        self.step = self.rounder.shape(numbers.signal.bits)
        super().__init__(
            {
                "number": In(range(max(2, layout.layers[0]))),
                "word": In(32),
                "chunk": In(range(max(2, len(layout.chunks)))),
                "integrator": In(data.ArrayLayout(signed(numbers.signal.bits), layout.lanes)),
                "pokes": In(1),
                "negative": In(1),
                "halvings": In(halvings),
                "steps": Out(data.ArrayLayout(self.step, layout.lanes)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        rounder = self.rounder
        key = Signal(32)
        m.d.sync += key.eq(row_key(self.number))
        control = Signal(rounder.control)
        rounder.choose(m, control, Const(0), self.halvings)
        drawn = Signal(32)
        m.d.comb += drawn.eq(rounder.turn(chunk_word(xorshift32(self.word ^ key), self.chunk, self.layout), control))
        for lane in range(self.layout.lanes):
            step = rounder.step(self.integrator[lane], lane_word(drawn, lane), control)
            m.d.sync += self.steps[lane].eq(turned(Value.cast(Mux(self.pokes, 0, step)), self.negative))
        return m


class IdealProgram(wiring.Component):
    """Words of ideal devices take the programming pulses of an operation: the ports are those of `program_ports`.

    - R: every lane rounds its signal to a weight step;
    - E: the steps of both sides are added, where a two-way synapse draws a neuron;
    - F, only if `deep` and there are such synapses, else still E: the step is added to the weight and saturated.

    `row_steps` (signed, one a lane), in stage E, are the steps for the rows of other banks, where a neuron draws once
    for all of them. When bank 0 serves another layer, they stay: the first operation after a chunk's LOAD is none such.
    """

    def __init__(self, config: Config, layout: Layout, weight_bits: int, deep: bool) -> None:
        self.layout = layout
        self.numbers = fixed_numbers(config)
        self.synapses = self.numbers.synapses
        self.naive = config.naive
        self.pair_layers = list(range(1, len(self.synapses)))
        self.drawing = [s for s, numbers in enumerate(self.synapses) if numbers.per_synapse]
        """Synapse layers in which each synapse draws by itself."""
        self.both_sides = not self.naive and not all(s in self.drawing for s in self.pair_layers)
        """A two-way synapse's step is the sum of two neurons' steps."""
        self.deep = self.both_sides and deep
        """That sum takes a stage (F, after E) of its own."""
        self.latency = 2 + int(self.deep)
        self.image_end = config.programming.image_end
        self.value_bits = self.numbers.moving.bits
        if self.drawing and not self.image_end:
            self.value_bits += 2 if self.naive else 1
        self.rounder = StepRounder(self.synapses, list(range(len(self.synapses))))
        self.step = self.rounder.shape(self.value_bits)
        self.shares_steps = layout.banks > 1 and 0 not in self.drawing
        """Other banks take `row_steps`."""
        rows = {"row_steps": Out(data.ArrayLayout(self.step, layout.lanes))} if self.shares_steps else {}
        super().__init__(program_ports(config, layout, weight_bits) | rows)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        lanes, negative = self.layout.lanes, self.negative
        m.d.comb += self.word.eq(self.read)
        self.layer_r = Signal.like(self.layer)
        m.d.sync += self.layer_r.eq(self.layer)
        is_drawn, draw, control = self._draw(m)
        steps = self._lane_steps(m, is_drawn, draw, control)
        post_step = self._post_step(m, is_drawn) if self.both_sides else None

        operation = data.StructLayout({"layer": len(self.layer), "program": 1})
        op_r, op_e = (Signal(operation, name=f"op_{stage}") for stage in "re")
        word_e, pg_above = Signal.like(self.read), Signal.like(self.pg_above)
        m.d.comb += [op_r.layer.eq(self.layer_r), op_r.program.eq(self.program)]
        m.d.sync += [op_e.eq(op_r), word_e.eq(self.read), pg_above.eq(self.pg_above)]
        op, word = op_e, word_e
        if self.deep:
            op, word = Signal.like(op_e, name="op_f"), Signal.like(word_e, name="word_f")
            m.d.sync += [op.eq(op_e), word.eq(word_e)]
        for lane in range(lanes):
            step: Value = steps[lane]
            if post_step is not None:
                none = negative.replicate(len(post_step)).as_signed()
                both = plus(step, Mux(pg_above[lane], post_step, none), negative)
                step = Signal(both.shape(), name=f"both_{lane}")
                m.d["sync" if self.deep else "comb"] += step.eq(both)
            new, outside = self._add_step(m, lane, op, word, step)
            m.d.sync += [self.new[lane].eq(new), self.saturated[lane].eq(outside & op.program)]
        return m

    def _draw(self, m: Module) -> tuple[Value, Value, data.View]:
        """Stage R: (does each synapse draw by itself, the word that lane 0 draws from, what the rounder needs)."""
        rounder = self.rounder
        control_a, control = (Signal(rounder.control, name=f"control_{stage}") for stage in "ar")
        draw = Signal(32)
        rounder.choose(m, control_a, self.layer, self.halvings)
        m.d.sync += control.eq(control_a)
        if not self.drawing:
            m.d.sync += draw.eq(rounder.turn(chunk_word(self.step_word, self.chunk, self.layout), control_a))
            return Const(0), draw, control
        word_r, chunk_r, key = Signal(32), Signal.like(self.chunk), Signal(32)
        m.d.sync += [word_r.eq(self.step_word), chunk_r.eq(self.chunk), key.eq(row_key(self.number))]
        is_drawn = Cat(self.layer_r == s for s in self.drawing).any()
        drawn = Mux(is_drawn, xorshift32(word_r ^ key), word_r)
        m.d.comb += draw.eq(rounder.turn(chunk_word(drawn, chunk_r, self.layout), control))
        return is_drawn, draw, control

    def _lane_steps(self, m: Module, is_drawn: Value, draw: Value, control: data.View) -> list[Signal]:
        """Stage R: every lane's weight step, turned, as of stage E."""
        pulses, signals, signal_above = self.pulses, self.integrator, self.post_integrator
        is_pair = self.kind == Kind.PAIR
        pairs_drawn, moves = Signal(), Signal()
        """`moves`: the lanes' own signals move weights: a pulse arrives from below or above."""
        m.d.comb += [
            pairs_drawn.eq(is_drawn & is_pair),
            moves.eq((self.kind == Kind.ROW) | (is_pair & (pulses.above | is_drawn | self.naive))),
        ]
        steps = []
        for lane in range(self.layout.lanes):
            value = Signal(signed(self.value_bits), name=f"value_{lane}")
            m.d.comb += value.eq(signals[lane])
            if self.naive:
                other = Mux(is_pair, pulses.above, pulses.row)
                m.d.comb += value.eq(Mux(pulses.lanes[lane], signals[lane], 0) + Mux(other, signals[lane], 0))
            elif self.drawing and not self.image_end:
                both = Mux(pulses.lanes[lane], signal_above, 0) + Mux(pulses.above, signals[lane], 0)
                with m.If(pairs_drawn):
                    m.d.comb += value.eq(both)
            step, rounded = (Signal(self.step, name=f"{name}_{lane}") for name in ("step", "rounded"))
            m.d.comb += rounded.eq(self.rounder.step(value, lane_word(draw, lane), control))
            m.d.sync += step.eq(turned(Value.cast(Mux(moves, rounded, 0)), self.negative))
            steps.append(step)
            if self.shares_steps:
                with m.If(self.layer_r == 0):
                    # What the host writes passes unchanged; other words that are not programmed are not written.
                    row_step = Value.cast(Mux(self.kind == Kind.POKE, 0, rounded))
                    m.d.sync += self.row_steps[lane].eq(turned(row_step, self.negative))
        return steps

    def _post_step(self, m: Module, is_drawn: Value) -> Signal:
        """Stage R: the step of the neuron above, where neurons draw, turned, as of stage E."""
        pairs = StepRounder(self.synapses, self.pair_layers)
        above_a, above = (Signal(pairs.control, name=f"control_above_{stage}") for stage in "ar")
        pairs.choose(m, above_a, self.layer, self.halvings)
        drawn_a, drawn = (Signal(32, name=f"drawn_above_{stage}") for stage in "ar")
        with m.Switch(self.layer):
            for s in self.pair_layers:
                with m.Case(s):
                    neurons = range(self.layout.layers[s + 1])
                    words = [rotate_right(self.step_word, neuron_rotation(s + 1, k)) for k in neurons]
                    m.d.comb += drawn_a.eq(Array(words)[self.post])
        m.d.sync += [above.eq(above_a), drawn.eq(pairs.turn(drawn_a, above_a))]
        is_pair = self.kind == Kind.PAIR
        post_step = Signal(pairs.shape(self.numbers.signal.bits))
        rounded = pairs.step(self.post_integrator, drawn, above)
        m.d.sync += post_step.eq(turned(Value.cast(Mux(is_pair & ~is_drawn, rounded, 0)), self.negative))
        return post_step

    def _add_step(self, m: Module, lane: int, op: data.View, word: data.View, step: Value) -> tuple[Value, Value]:
        """Stage E or F: (new weight, saturated)."""
        exact = exact_sum(m, word[lane], step, self.negative, f"exact_{lane}")
        formats = [numbers.weight.bits for numbers in self.synapses]
        new, outside = saturate_layers(exact, formats, op.layer)
        if len(set(formats)) > 1:
            new = Mux(op.program, new, word[lane])
        return new, outside


__all__ = ["IdealProgram", "RowSteps", "program_ports"]
