"""The emulated crossbar: one wide memory of weights, and P lanes that read and program a word in one pass."""

from __future__ import annotations

from typing import NamedTuple

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, enum, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from golden.config import Config
from golden.number import COLLISION_KEY, PULSE_KEY, collision_limit, fixed_numbers, neuron_numbers, pulse_limit
from rtl.adder import Adder, AdderTree, add
from rtl.device import Devices
from rtl.layout import Layout
from rtl.number import (
    StepRounder,
    mix,
    neuron_rotation,
    rotate_right,
    row_key,
    saturate,
    saturate_layers,
    spread,
    xorshift32,
)


class Kind(enum.Enum, shape=3):
    """What the lanes do with an operation."""

    NOP = 0
    LOAD = 1
    """Begin a chunk: take its state, clear its currents."""
    TAP = 2
    """Read one more tap of the chunk's delay line."""
    ROW = 3
    """A spike below the chunk: add its row to the lanes' currents, program it with the lanes' rho-bars."""
    PAIR = 4
    """The synapses between the chunk and one neuron above: serve that neuron's column and the lanes' rows at once."""
    UPDATE = 5
    """End a chunk: its neurons take a step."""
    PEEK = 6
    """The host reads a weight."""
    POKE = 7
    """The host writes a weight."""


class Pulses(NamedTuple):
    """Who sends a programming pulse, as of stage R."""

    row: Value
    """The neuron below, whose row this is (or the bias)."""
    lanes: Value
    above: Value


def operation_layout(layout: Layout) -> data.StructLayout:
    """An operation as it goes down the pipeline."""
    return data.StructLayout(
        {
            "kind": Kind,
            "chunk": range(max(2, len(layout.chunks))),
            "address": range(max(2, layout.words)),
            "synapses": range(max(2, len(layout.layers) - 1)),
            "program": 1,
            "silent": 1,
            "post": range(max(2, *layout.layers[1:], layout.lanes)),
            "number": range(max(2, sum(layout.layers) + len(layout.layers))),
            # Rows of inputs in the other banks, which are served whatever this operation is.
            "rows": data.ArrayLayout(
                data.StructLayout(
                    {
                        "valid": 1,
                        "address": range(max(2, *layout.bank_words[1:])),
                        "program": 1,
                        "number": range(max(2, layout.layers[0])),
                    }
                )
                if layout.banks > 1
                else unsigned(0),
                layout.banks - 1,
            ),
        }
    )


def popcount(bits: Value) -> Value:
    """How many bits are set."""
    count = Const(0, 1)
    groups = [bits[i : i + 3] for i in range(0, len(bits), 3)]
    sums = [sum((group[i] for i in range(1, len(group))), group[0]) for group in groups]
    while len(sums) > 1:
        sums = [sums[i] + sums[i + 1] if i + 1 < len(sums) else sums[i] for i in range(0, len(sums), 2)]
    return sums[0] if sums else count


class Crossbar(wiring.Component):
    """Weights and lanes. An operation enters at stage A and passes one stage a cycle, never stalled:

    - A: its address goes to the memory, and draws are made of `word`;
    - R: the word is read; every lane rounds its rho-bar to a weight step (`integrator`, `spikes`, `pulses`,
      `post_spike`, `post_pulse`, `post_integrator` and `poke_data` belong to the operation in this stage);
    - E: currents are summed from the word as it was; the steps of both sides are added where the word is two-way (with
      a draw a neuron);
    - F, only in `deep` crossbars with such words, else still E: the step is added to the weight and saturated;
    - X: the word is written back.

    With several banks, an operation may bring a row of an input for each of the others along (`rows`), which takes the
    same stages: its current is added, and its word is programmed with the lanes' rho-bars. `bank` says which one the
    host reads or writes.

    Where devices are not ideal, `rtl.device.Devices` makes the new word, and X comes that much later (`write_stage`
    cycles after A).

    `current` holds each lane's exact sum, in membrane LSBs, `CURRENT_LATENCY` cycles after E. The sum over the lanes
    that spiked, for the neuron above, is `forward` (in weight LSBs of that layer) with `forward_valid`,
    `forward_synapses` and `forward_post`, `forward_latency` cycles after E; a weight that the host reads comes the same
    way. `operations` (the synapses that a spike passed), `programmed` (those that a programming pulse did) and
    `saturations` count in stage X.
    A synapse's current is the weight from before the programming pulse that the same spike sends. A word is written
    `write_stage` cycles after its address entered: the same address must not enter again within one more (a step serves
    each word once, and drains).

    The switches of the thesis's circuit (fig 3.5) are signals of stage E: `cg_lanes` and `cg_above` (the neuron
    integrates what comes along its line), `pg_lanes` and `pg_above` (the neuron's rho-bar stands on its line while the
    other side programs), `ccii_up` and `ccii_down` (the current conveyors carry a pulse to the layer above, below). A
    spike's communication pulse closes CG on the other side; its programming pulse, if `pulses` or `post_pulse` says
    that it sends one, closes PG there instead. With `programming.probability` below 1 the draw is made here.
    """

    CURRENT_LATENCY = 2
    PEEKED = 16
    """Lanes among which the host's lane is chosen in a cycle."""

    def __init__(self, config: Config, layout: Layout, deep: bool = False) -> None:
        self.config = config
        self.layout = layout
        self.numbers = fixed_numbers(config)
        self.synapses = self.numbers.synapses
        self.weight_bits = max(s.weight.bits for s in self.synapses)
        self.pair_layers = list(range(1, len(self.synapses)))
        lanes = layout.lanes
        self.signal_bits = self.numbers.signal.bits
        self.naive = config.naive
        self.tree = AdderTree(lanes, self.weight_bits)
        self.forward_latency = self.tree.latency
        self.accumulator_bits = max(self.numbers.current_bits)
        halvings = max(s.halvings for s in self.synapses)
        self.word_layout = data.ArrayLayout(signed(self.weight_bits), lanes)
        self.initial: list[int] = []
        """Words that the weight memory holds after configuration (the rest 0); set it before elaboration."""
        self.devices = None if config.device.ideal else Devices(config, layout, self.weight_bits)
        drawn = all(self.synapses[s].per_synapse for s in self.pair_layers)
        self.both_sides = self.devices is None and not self.naive and not drawn
        """A two-way synapse's step is the sum of two neurons' steps."""
        self.deep = self.both_sides and deep
        """That sum takes a stage (F, after E) of its own."""
        self.extra_stages = int(self.deep) if self.devices is None else Devices.LATENCY - 2
        self.write_stage = 3 + self.extra_stages
        operations = range((layout.banks + 1) * lanes + 1)
        super().__init__(
            {
                "operation": In(operation_layout(layout)),
                "poke_data": In(signed(self.weight_bits)),
                "bank": In(range(max(2, layout.banks))),
                "negative": In(1),
                "halvings": In(data.ArrayLayout(range(max(2, halvings + 1)), len(self.synapses))),
                "word": In(32),
                "integrator": In(data.ArrayLayout(signed(self.signal_bits), lanes)),
                "spikes": In(lanes),
                "pulses": In(lanes),
                "post_spike": In(1),
                "post_pulse": In(1),
                "post_integrator": In(signed(self.signal_bits)),
                "current": Out(data.ArrayLayout(signed(self.accumulator_bits), lanes)),
                "forward": Out(signed(len(self.tree.sum))),
                "forward_valid": Out(1),
                "forward_synapses": Out(range(max(2, len(self.synapses)))),
                "forward_post": Out(range(max(2, *layout.layers[1:], layout.lanes))),
                "operations": Out(operations),
                "programmed": Out(operations),
                "saturations": Out(range(layout.banks * lanes + 1)),
                "peek_valid": Out(1),
                "peek_data": Out(signed(self.weight_bits)),
                "write_valid": Out(layout.banks),
                "write_address": Out(data.ArrayLayout(unsigned(ceil_log2(max(2, *layout.bank_words))), layout.banks)),
                "write_data": Out(data.ArrayLayout(self.word_layout, layout.banks)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        layout, lanes = self.layout, self.layout.lanes
        m.submodules.weights = weights = Memory(
            shape=unsigned(self.word_layout.size),
            depth=layout.bank_words[0],
            init=self.initial[: layout.bank_words[0]],
        )
        read, write = weights.read_port(), weights.write_port()
        m.submodules.tree = tree = self.tree

        op_shape = operation_layout(layout)
        op_a = self.operation
        op_r, op_e = (Signal(op_shape, name=f"op_{stage}") for stage in "re")
        self.word_r = Signal(32)
        m.d.sync += [op_r.eq(op_a), op_e.eq(op_r), self.word_r.eq(self.word)]

        # A: read.
        m.d.comb += read.addr.eq(op_a.address)

        # R: who programs, and what the host writes.
        pulses, sends_a = self._pulses(m, op_a, op_r)
        row_r, pair_r = op_r.kind == Kind.ROW, op_r.kind == Kind.PAIR
        # A row is programmed by the neuron below it; in A-EqSpike's naive variant also by each lane's own pulse.
        alone_r = row_r & pulses.lanes.any() if self.naive else Const(0)
        m.d.sync += op_e.program.eq(op_r.program & (~row_r | pulses.row | alone_r))
        signals, signal_above = self._emitted(m, op_a, op_r, pulses)
        pg_lanes_r, pg_above_r = Signal(), Signal(lanes)
        m.d.comb += [
            pg_lanes_r.eq(op_r.program & ((row_r & pulses.row) | (pair_r & pulses.above))),
            pg_above_r.eq(Mux(op_r.program & (pair_r | alone_r), pulses.lanes, 0)),
        ]
        read_r = Signal(self.word_layout)
        for lane in range(lanes):
            # A weight from the host takes the place of the one that was read.
            poked = (op_r.kind == Kind.POKE) & (self.bank == 0) & (op_r.post == lane)
            m.d.comb += read_r[lane].eq(Mux(poked, self.poke_data, read.data.word_select(lane, self.weight_bits)))
        word_e, spikes_e = Signal(self.word_layout), Signal(lanes)
        m.d.sync += spikes_e.eq(self.spikes)
        with m.If((op_r.kind == Kind.PEEK) & (self.bank == 0)):
            # As if only that lane had spiked: its weight comes out of the tree.
            m.d.sync += spikes_e.eq(1 << op_r.post)

        # The switches, at stage E. They keep their names in the Verilog, the conveyors too, whose direction nothing
        # else needs: `cocotb_tests.timing` draws them.
        is_row, is_pair = op_e.kind == Kind.ROW, op_e.kind == Kind.PAIR
        post_spike_e = Signal()
        switch = {"attrs": {"keep": 1}}
        cg_lanes = Signal(**switch)
        cg_above = Signal(**switch)
        pg_lanes = Signal(**switch)
        pg_above = Signal(lanes, **switch)
        ccii_up = Signal(**switch)
        ccii_down = Signal(**switch)
        m.d.sync += [
            post_spike_e.eq(self.post_spike),
            pg_lanes.eq(pg_lanes_r),
            pg_above.eq(pg_above_r),
        ]
        m.d.comb += [
            cg_lanes.eq((is_row & ~op_e.silent) | (is_pair & post_spike_e)),
            cg_above.eq(is_pair & spikes_e.any()),
            ccii_up.eq((is_row & ~op_e.silent) | cg_above),
            ccii_down.eq(is_pair & post_spike_e),
        ]

        # E: currents from the word as it was.
        self.clears = Signal()
        m.d.sync += self.clears.eq(op_e.kind == Kind.LOAD)
        others = [Bank(self, m, number, op_a, op_r, op_e) for number in range(1, layout.banks)]
        for lane in range(lanes):
            self._sum_current(m, lane, op_e, word_e, cg_lanes, others)
            m.d.comb += tree.words[lane].eq(Mux(spikes_e[lane], word_e[lane], 0))
        counts = self.chunk_constant([chunk.count for chunk in layout.chunks], op_e.chunk)
        served, programmed = Signal.like(self.operations), Signal.like(self.programmed)
        rows_read, rows_programmed = (
            sum((Mux(bit, counts, 0) for bit in bits[1:]), Mux(bits[0], counts, 0))
            for bits in ([cg_lanes, *(b.reads for b in others)], [pg_lanes, *(b.programs for b in others)])
        )
        m.d.sync += [
            served.eq(Mux(is_pair, popcount(spikes_e), 0) + rows_read),
            programmed.eq(popcount(pg_above) + rows_programmed),
        ]

        # E and on: programming. A word that nobody programs passes through unchanged.
        if self.devices is None:
            m.d.sync += word_e.eq(read_r)
            word_x, saturated = self._program(m, op_a, op_r, op_e, pulses, signals, signal_above, word_e, pg_above)
            if others:
                self._program_others(m, op_r, signals, others)
        else:
            m.d.comb += [self.devices.integrator[lane].eq(signal) for lane, signal in enumerate(signals)]
            m.d.comb += self.devices.post_integrator.eq(signal_above)
            word_x, saturated = self._program_devices(m, op_a, op_r, sends_a, pg_lanes_r, pg_above_r, read_r)
            m.d.sync += word_e.eq(self.devices.word)

        # X: write back and report.
        op_x = Signal(op_shape, name="op_x")
        m.d.sync += op_x.eq(self._later(m, op_e, "op"))
        m.d.comb += [
            self.write_valid[0].eq(op_x.program | ((op_x.kind == Kind.POKE) & (self.bank == 0))),
            self.write_address[0].eq(op_x.address),
            self.write_data[0].eq(word_x),
            write.en.eq(self.write_valid[0]),
            write.addr.eq(self.write_address[0]),
            write.data.eq(self.write_data[0]),
            self.operations.eq(self._later(m, served, "served")),
            self.programmed.eq(self._later(m, programmed, "programmed")),
            self.saturations.eq(popcount(Cat(saturated, *(b.saturated for b in others)))),
        ]
        for bank in others:
            bank.write_back(op_x)
        self._forward(m, op_e, others)
        return m

    def _later(self, m: Module, value: Value, name: str) -> Value:
        """A value of the way to stage X, as many cycles later as stage F or devices take."""
        for stage in range(self.extra_stages):
            register = Signal.like(value, name=f"{name}_late_{stage}")
            m.d.sync += register.eq(value)
            value = register
        return value

    def _emitted(self, m: Module, op_a: data.View, op_r: data.View, pulses: Pulses) -> tuple[list[Value], Value]:
        """Stage R: what each lane's neuron, and the neuron above, put on their side while the other programs."""
        limit, clip = collision_limit(self.config), self.numbers.clip
        lanes, above = [self.integrator[lane] for lane in range(self.layout.lanes)], self.post_integrator
        if not self.config.pulses:
            return lanes, above

        def emitted(value: Value, pulse: Value, number: Value, name: str) -> Signal:
            """A neuron's signal, clipped, and gone under its own programming pulse (`golden.pulse.emit`)."""
            out = Signal(signed(self.signal_bits), name=f"emitted_{name}")
            clipped = saturate(value, -clip, clip)[0] if clip < self.numbers.signal.high else value
            gone = Const(0) if limit == 0 else pulse
            if 0 < limit < 1 << 16:
                collides = Signal(name=f"collides_{name}_r")
                m.d.sync += collides.eq(self._draw(m, COLLISION_KEY, number, limit, f"collides_{name}"))
                gone = pulse & collides
            m.d.comb += out.eq(Mux(gone, 0, clipped))
            return out

        for lane, number in enumerate(self._lane_numbers(op_a.chunk)):
            lanes[lane] = emitted(lanes[lane], pulses.lanes[lane], number, str(lane))
        above = emitted(above, pulses.above, op_a.number, "above")
        if self.naive:
            # Any pulse at a synapse stands on both sides' signals (eq 4.3); below a row there is none.
            both = [lane + Mux(op_r.kind == Kind.PAIR, above, 0) for lane in lanes]
            return both, above
        return lanes, above

    def _pulses(self, m: Module, op_a: data.View, op_r: data.View) -> tuple[Pulses, Value]:
        """(who sends a pulse as of stage R, does the row's neuron as of stage A): with sparse programming by chance,
        the draw of each neuron decides."""
        limit = pulse_limit(self.config)
        if limit == 1 << 16:
            # A row may be served for the lanes' pulses only, its own neuron being silent.
            return Pulses(~op_r.silent, self.pulses, self.post_pulse), Const(1)

        sends_a, sent = Signal(), Signal()
        m.d.comb += sends_a.eq(self._draw(m, PULSE_KEY, op_a.number, limit, "pulse"))
        m.d.sync += sent.eq(sends_a)
        lanes = Signal(self.layout.lanes)
        for lane, number in enumerate(self._lane_numbers(op_a.chunk)):
            sends = Signal(name=f"pulse_{lane}_r")
            m.d.sync += sends.eq(self._draw(m, PULSE_KEY, number, limit, f"pulse_{lane}"))
            m.d.comb += lanes[lane].eq(self.pulses[lane] & sends)
        return Pulses(sent, lanes, self.post_pulse & sent), sends_a

    def _draw(self, m: Module, key: int, number: Value, limit: int, name: str) -> Value:
        """Stage A: does what `key` stands for happen to this neuron in this step? With probability limit / 2^16."""
        return mix(m, self.word ^ key ^ spread(number), name)[16:] < limit

    def _lane_numbers(self, chunk: Value) -> list[Value]:
        """The number of each lane's neuron among all."""
        numbers, chunks = neuron_numbers(self.layout.layers), self.layout.chunks
        lanes = range(self.layout.lanes)
        return [self.chunk_constant([numbers[c.layer] + c.first + lane for c in chunks], chunk) for lane in lanes]

    def chunk_constant(self, values: list[int], chunk: Value) -> Value:
        """One of `values` by chunk."""
        if len(set(values)) == 1:
            return Const(values[0])
        return Array(Const(v, max(1, max(values).bit_length())) for v in values)[chunk]

    def _chunk_word(self, word: Value, chunk: Value) -> Value:
        """The word as lane 0 of the chunk draws from it; lane p draws from this, rotated by p neurons more."""
        rotations = [neuron_rotation(c.layer, c.first) for c in self.layout.chunks]
        if len(set(rotations)) == 1:
            return rotate_right(word, rotations[0])
        return Array(rotate_right(word, amount) for amount in rotations)[chunk]

    def _program_devices(
        self,
        m: Module,
        op_a: data.View,
        op_r: data.View,
        sends_a: Value,
        pg_lanes: Value,
        pg_above: Value,
        read_r: data.View,
    ) -> tuple[Value, Value]:
        """Programming where devices are not ideal: (the word, the lanes that saturated) as of stage X."""
        m.submodules.devices = devices = self.devices
        m.d.comb += [
            devices.enable.eq(
                (op_a.program & ((op_a.kind != Kind.ROW) | sends_a | self.naive)) | (op_a.kind == Kind.POKE)
            ),
            devices.pokes.eq(op_r.kind == Kind.POKE),
            devices.address.eq(op_a.address),
            devices.chunk.eq(op_a.chunk),
            devices.layer.eq(op_a.synapses),
            devices.number.eq(op_a.number),
            devices.negative.eq(self.negative),
            devices.halvings.eq(self.halvings),
            devices.step_word.eq(self.word_r),
            devices.pg_lanes.eq(pg_lanes.replicate(self.layout.lanes)),
            devices.pg_above.eq(pg_above),
            devices.read.eq(read_r),
        ]
        return devices.new, devices.saturated

    def _program(
        self, m: Module, op_a: data.View, op_r: data.View, op_e: data.View, pulses: Pulses,
        signals: list[Value], signal_above: Value, word_e: data.View, pg_above: Value,
    ) -> tuple[Value, Value]:  # fmt: skip
        """Programming of ideal devices: (the word, the lanes that saturated) as of stage X."""
        lanes = self.layout.lanes
        steps, post_step = self._steps(m, op_a, op_r, pulses, signals, signal_above)
        op, word = op_e, word_e
        if self.deep:
            op, word = Signal.like(op_e, name="op_f"), Signal.like(word_e, name="word_f")
            m.d.sync += [op.eq(op_e), word.eq(word_e)]
        word_x, saturated = Signal(self.word_layout), Signal(lanes)
        for lane in range(lanes):
            turned: Value = steps[lane]
            if post_step is not None:
                both = self._plus(
                    turned, Mux(pg_above[lane], post_step, self.negative.replicate(len(post_step)).as_signed())
                )
                turned = Signal(both.shape(), name=f"turned_{lane}")
                m.d["sync" if self.deep else "comb"] += turned.eq(both)
            new, outside = self._add_step(m, lane, op, word, turned)
            m.d.sync += word_x[lane].eq(new)
            m.d.sync += saturated[lane].eq(outside & op.program)
        return word_x, saturated

    def _program_others(self, m: Module, op_r: data.View, signals: list[Value], others: list[Bank]) -> None:
        """Stages R and E of the other banks, all of whose words are rows of inputs."""
        for bank in others:
            if not self.synapses[0].per_synapse:
                # One draw a neuron: a lane's step is the same for all rows of a chunk.
                bank.program(self.row_steps)
                continue
            key = Signal(32, name=f"key_{bank.number}")
            m.d.sync += key.eq(row_key(self.operation.rows[bank.number - 1].number))
            rounder = StepRounder(self.synapses, [0])
            control = Signal(rounder.control, name=f"control_{bank.number}")
            rounder.choose(m, control, Const(0), self.halvings)
            turned = Signal(32, name=f"drawn_{bank.number}")
            m.d.comb += turned.eq(rounder.turn(self._chunk_word(xorshift32(self.word_r ^ key), op_r.chunk), control))
            steps = []
            for lane in range(self.layout.lanes):
                step = Signal(rounder.shape(self.signal_bits), name=f"row_step_{bank.number}_{lane}")
                self._row_step(m, op_r, step, rounder.step(signals[lane], self._lane_word(turned, lane), control))
                steps.append(step)
            bank.program(steps)

    def _row_step(self, m: Module, op_r: data.View, step: Signal, rounded: Value) -> None:
        """A lane's step for rows in the other banks, with the image's sign, as of stage E. What the host writes passes
        unchanged; other words that are not programmed are not written."""
        m.d.sync += step.eq(self._turned(Value.cast(Mux(op_r.kind == Kind.POKE, 0, rounded))))

    def _lane_word(self, turned: Value, lane: int) -> Value:
        """The word that a lane draws from."""
        return rotate_right(turned, neuron_rotation(0, lane))

    def _steps(
        self, m: Module, op_a: data.View, op_r: data.View, pulses: Pulses, signals: list[Value], signal_above: Value
    ) -> tuple[list[Signal], Signal | None]:
        """Stage R: every lane's weight step, and that of the neuron above (draws per neuron), turned, as of stage E."""
        lanes = self.layout.lanes
        count = len(self.synapses)
        rounder = StepRounder(self.synapses, list(range(count)))
        per_synapse = [s for s in range(count) if self.synapses[s].per_synapse]
        control_a, control = (Signal(rounder.control, name=f"control_{stage}") for stage in "ar")
        turned = Signal(32)
        rounder.choose(m, control_a, op_a.synapses, self.halvings)
        m.d.sync += control.eq(control_a)
        is_drawn = Const(0)
        if per_synapse:
            key = Signal(32)
            m.d.sync += key.eq(row_key(op_a.number))
            is_drawn = Cat(op_r.synapses == s for s in per_synapse).any()
            drawn = Mux(is_drawn, xorshift32(self.word_r ^ key), self.word_r)
            m.d.comb += turned.eq(rounder.turn(self._chunk_word(drawn, op_r.chunk), control))
        else:
            m.d.sync += turned.eq(rounder.turn(self._chunk_word(self.word, op_a.chunk), control_a))
        is_pair = op_r.kind == Kind.PAIR
        pairs_drawn = Signal()
        m.d.comb += pairs_drawn.eq(is_drawn & is_pair)

        moves = Signal()
        """The lanes' own rho-bars move weights: a pulse arrives from below or above."""
        m.d.comb += moves.eq((op_r.kind == Kind.ROW) | (is_pair & (pulses.above | is_drawn | self.naive)))
        value_bits = self.signal_bits + (2 if self.naive else 1) if per_synapse else self.signal_bits
        steps = []
        self.row_steps: list[Signal] = []
        """Those of the rows that other banks serve in the same cycle. When bank 0 serves another layer, they stay: the
        first operation after a chunk's LOAD is none such."""
        for lane in range(lanes):
            value = Signal(signed(value_bits), name=f"value_{lane}")
            m.d.comb += value.eq(signals[lane])
            if self.naive:
                other = Mux(is_pair, pulses.above, pulses.row)
                m.d.comb += value.eq(Mux(pulses.lanes[lane], signals[lane], 0) + Mux(other, signals[lane], 0))
            elif per_synapse:
                both = Mux(pulses.lanes[lane], signal_above, 0) + Mux(pulses.above, signals[lane], 0)
                with m.If(pairs_drawn):
                    m.d.comb += value.eq(both)
            step, rounded = (Signal(rounder.shape(value_bits), name=f"{name}_{lane}") for name in ("step", "rounded"))
            m.d.comb += rounded.eq(rounder.step(value, self._lane_word(turned, lane), control))
            m.d.sync += step.eq(self._turned(Value.cast(Mux(moves, rounded, 0))))
            steps.append(step)
            if self.layout.banks > 1 and not self.synapses[0].per_synapse:
                row_step = Signal(rounder.shape(value_bits), name=f"row_step_{lane}")
                with m.If(op_r.synapses == 0):
                    self._row_step(m, op_r, row_step, rounded)
                self.row_steps.append(row_step)

        if not self.both_sides:
            return steps, None
        pairs = StepRounder(self.synapses, self.pair_layers)
        above_a, above = (Signal(pairs.control, name=f"control_above_{stage}") for stage in "ar")
        pairs.choose(m, above_a, op_a.synapses, self.halvings)
        drawn_a, drawn = (Signal(32, name=f"drawn_above_{stage}") for stage in "ar")
        with m.Switch(op_a.synapses):
            for s in self.pair_layers:
                with m.Case(s):
                    words = [
                        rotate_right(self.word, neuron_rotation(s + 1, k)) for k in range(self.layout.layers[s + 1])
                    ]
                    m.d.comb += drawn_a.eq(Array(words)[op_a.post])
        m.d.sync += [above.eq(above_a), drawn.eq(pairs.turn(drawn_a, above_a))]
        post_step = Signal(pairs.shape(self.signal_bits))
        rounded = pairs.step(signal_above, drawn, above)
        m.d.sync += post_step.eq(self._turned(Value.cast(Mux(is_pair & ~is_drawn, rounded, 0))))
        return steps, post_step

    def _sum_current(
        self, m: Module, lane: int, op_e: data.View, word: data.View, adds: Value, others: list[Bank]
    ) -> None:
        """Stage E: what the rows bring the lane, aligned to membrane LSBs; in X it is added to the lane's current."""
        aligns = {s: numbers.align for s, numbers in enumerate(self.synapses)}
        aligned = word[lane] << aligns[0]
        for s, align in aligns.items():
            if align != aligns[0]:
                aligned = Mux(op_e.synapses == s, word[lane] << align, aligned)
        # The other banks' words are 0 where they serve no row.
        total = add(m, f"rows_{lane}", [Mux(adds, aligned, 0), *(b.word[lane] << aligns[0] for b in others)])
        current, rows = self.current[lane], Signal(total.shape(), name=f"rows_{lane}_x")
        m.d.sync += rows.eq(total)
        m.submodules[f"adder_current_{lane}"] = adder = Adder(len(current), len(rows), len(current))
        m.d.comb += [adder.a.eq(current), adder.b.eq(rows)]
        with m.If(self.clears):
            m.d.sync += current.eq(0)
        with m.Else():
            m.d.sync += current.eq(adder.sum)

    def _add_step(self, m: Module, lane: int, op_e: data.View, word: data.View, turned: Value) -> tuple[Value, Value]:
        """Stage E or F: (new weight, saturated)."""
        exact = self._exact(m, word[lane], turned, f"exact_{lane}")
        formats = [numbers.weight.bits for numbers in self.synapses]
        new, outside = saturate_layers(exact, formats, op_e.synapses)
        if len(set(formats)) > 1:
            new = Mux(op_e.program, new, word[lane])
        return new, outside

    def _exact(self, m: Module, weight: Value, turned: Value, name: str) -> Signal:
        """The weight plus the step times the image's sign; `turned` is the step, or its complement for a minus."""
        value = self._plus(weight, turned)
        exact = Signal(value.shape(), name=name)
        m.d.comb += exact.eq(value)
        return exact

    def _plus(self, value: Value, turned: Value) -> Value:
        """The value plus what was turned; of two turned ones, their sum, turned."""
        # Minus is the complement plus 1: one adder serves both signs, with a bit below the weights for its carry.
        total = Cat(self.negative, turned).as_signed() + Cat(self.negative, value).as_signed()
        return total[1:].as_signed()

    def _turned(self, step: Value) -> Value:
        """The step, or its complement where the image's sign is minus."""
        return (step.as_unsigned() ^ self.negative.replicate(len(step))).as_signed()

    def _forward(self, m: Module, op_e: data.View, others: list[Bank]) -> None:
        """The tree's sums, with the neuron they belong to; and the weight that the host reads, from any bank."""
        passing = data.StructLayout(
            {"valid": 1, "peek": 1, "synapses": len(self.forward_synapses), "post": len(self.forward_post)}
        )
        entering = Signal(passing, name="forward_0")
        m.d.comb += [
            entering.valid.eq(op_e.kind == Kind.PAIR),
            entering.peek.eq(op_e.kind == Kind.PEEK),
            entering.synapses.eq(op_e.synapses),
            entering.post.eq(op_e.post),
        ]
        passes = [entering]
        for stage in range(self.tree.latency):
            leaving = Signal(passing, name=f"forward_{stage + 1}")
            m.d.sync += leaving.eq(passes[-1])
            passes.append(leaving)
        entering = passes[-1]
        peeked = self.tree.sum
        if others:
            # As many cycles as the tree takes: one of each sixteen lanes, then one of those where there are more.
            lane = op_e.post[: ceil_log2(self.layout.lanes)]
            group = self.PEEKED if self.tree.latency > 1 else self.layout.lanes
            words = Array(bank.word.as_value() for bank in others)[self.bank - 1]
            parts = [words[i : i + group * self.weight_bits] for i in range(0, len(words), group * self.weight_bits)]
            taken: list[Value] = []
            for i, part in enumerate(parts):
                taken.append(Signal(signed(self.weight_bits), name=f"peeked_0_{i}"))
                m.d.sync += taken[-1].eq(part.word_select(lane[: ceil_log2(group)], self.weight_bits))
            for stage in range(1, self.tree.latency):
                later = Signal(signed(self.weight_bits), name=f"peeked_{stage}")
                m.d.sync += later.eq(Array(taken)[passes[1].post >> ceil_log2(group)] if len(taken) > 1 else taken[0])
                taken = [later]
            peeked = Mux(self.bank == 0, peeked, taken[0])
        m.d.comb += [
            self.forward.eq(self.tree.sum),
            self.peek_valid.eq(entering.peek),
            self.peek_data.eq(peeked),
            self.forward_valid.eq(entering.valid),
            self.forward_synapses.eq(entering.synapses),
            self.forward_post.eq(entering.post),
        ]


class Bank:
    """One of the crossbar's other banks: rows of inputs, with lanes of its own for reading and programming."""

    def __init__(
        self, crossbar: Crossbar, m: Module, number: int, op_a: data.View, op_r: data.View, op_e: data.View
    ) -> None:
        self.crossbar, self.m, self.number = crossbar, m, number
        layout, lanes = crossbar.layout, crossbar.layout.lanes
        first, depth = layout.bank_first[number], layout.bank_words[number]
        memory = Memory(
            shape=unsigned(crossbar.word_layout.size), depth=depth, init=crossbar.initial[first : first + depth]
        )
        m.submodules[f"weights_{number}"] = memory
        read, self.write = memory.read_port(), memory.write_port()
        m.d.comb += read.addr.eq(op_a.rows[number - 1].address)
        self.word = Signal(crossbar.word_layout, name=f"word_{number}_e")
        """The word as it was read, in stage E; 0 where there is no row to serve."""
        self.word_x = Signal(crossbar.word_layout, name=f"word_{number}_x")
        self.saturated = Signal(lanes, name=f"saturated_{number}")
        self.mine = crossbar.bank == number
        # With what the host reads or writes, the lanes' currents are not right until the next LOAD clears them.
        takes = op_r.rows[number - 1].valid | (op_r.kind == Kind.POKE) | (op_r.kind == Kind.PEEK)
        for lane in range(lanes):
            # A weight from the host takes the place of the one that was read.
            poked = (op_r.kind == Kind.POKE) & self.mine & (op_r.post == lane)
            kept = Mux(takes, read.data.word_select(lane, crossbar.weight_bits), 0)
            m.d.sync += self.word[lane].eq(Mux(poked, crossbar.poke_data, kept))
        self.row = op_e.rows[number - 1]
        self.reads = Signal(name=f"cg_{number}")
        self.programs = Signal(name=f"pg_{number}")
        row_r = op_r.rows[number - 1]
        m.d.sync += [self.reads.eq(row_r.valid), self.programs.eq(row_r.valid & row_r.program)]
        self.programs_late = crossbar._later(m, self.programs, f"pg_{number}")

    def program(self, steps: list[Signal]) -> None:
        """Stage E: add the lanes' steps, which have the image's sign, where the row is programmed; saturate, in F if
        there is one."""
        crossbar, m = self.crossbar, self.m
        bits = crossbar.synapses[0].weight.bits
        for lane, step in enumerate(steps):
            exact = crossbar._later(
                m, crossbar._exact(m, self.word[lane], step, f"exact_{self.number}_{lane}"), f"sum_{self.number}_{lane}"
            )
            new, outside = saturate(exact, -(1 << (bits - 1)), (1 << (bits - 1)) - 1)
            m.d.sync += [
                self.word_x[lane].eq(new),
                self.saturated[lane].eq(outside & self.programs_late),
            ]

    def write_back(self, op_x: data.View) -> None:
        """Stage X."""
        crossbar, m, number = self.crossbar, self.m, self.number
        programmed = Signal(name=f"programmed_{number}")
        m.d.sync += programmed.eq(self.programs_late)
        m.d.comb += [
            crossbar.write_valid[number].eq(programmed | ((op_x.kind == Kind.POKE) & self.mine)),
            crossbar.write_address[number].eq(op_x.rows[number - 1].address),
            crossbar.write_data[number].eq(self.word_x),
            self.write.en.eq(crossbar.write_valid[number]),
            self.write.addr.eq(crossbar.write_address[number]),
            self.write.data.eq(crossbar.write_data[number]),
        ]
