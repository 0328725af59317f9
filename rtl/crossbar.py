"""The emulated crossbar: one wide memory of weights, and P lanes that read and program a word in one pass."""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, enum, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from golden.config import Config
from golden.number import fixed_numbers
from rtl.layout import Layout
from rtl.number import Rounder, neuron_rotation, rotate_right, row_key, saturate, xorshift32


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


def operation_layout(layout: Layout) -> data.StructLayout:
    """An operation as it goes down the pipeline."""
    return data.StructLayout(
        {
            "kind": Kind,
            "chunk": range(max(2, len(layout.chunks))),
            "address": range(max(2, layout.words)),
            "synapses": range(max(2, len(layout.layers) - 1)),
            "program": 1,
            "post": range(max(2, *layout.layers[1:], layout.lanes)),
            "number": range(max(2, sum(layout.layers) + len(layout.layers))),
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


class AdderTree(wiring.Component):
    """The exact sum of `inputs` signed words, registered after every third level of adders.

    Latency `latency` cycles, throughput 1.
    """

    LEVELS = 3

    def __init__(self, inputs: int, bits: int) -> None:
        self.inputs = inputs
        depth = max(1, ceil_log2(inputs)) if inputs > 1 else 1
        self.latency = -(-depth // self.LEVELS)
        super().__init__(
            {
                "words": In(data.ArrayLayout(signed(bits), inputs)),
                "sum": Out(signed(bits + ceil_log2(max(2, inputs)))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        values = [self.words[i] for i in range(self.inputs)]
        for _ in range(self.latency):
            for _ in range(self.LEVELS):
                values = [
                    values[i] + values[i + 1] if i + 1 < len(values) else values[i] for i in range(0, len(values), 2)
                ]
            registered = [Signal(signed(len(value))) for value in values]
            m.d.sync += [r.eq(v) for r, v in zip(registered, values, strict=True)]
            values = registered
        m.d.comb += self.sum.eq(values[0])
        return m


class Crossbar(wiring.Component):
    """Weights and lanes. An operation enters at stage A and passes one stage a cycle, never stalled:

    - A: its address goes to the memory;
    - R: the word is read; every lane rounds its rho-bar to a weight step (`integrator`, `spikes`, `post_spike`,
      `post_integrator`, `word` and `poke_data` belong to the operation in this stage);
    - E: currents are summed from the word as it was; the step is added and saturated;
    - X: the word is written back.

    `current` holds each lane's exact sum, in membrane LSBs, the cycle after E. The sum over the lanes that spiked, for
    the neuron above, is `forward` (in weight LSBs of that layer) with `forward_valid`, `forward_synapses` and
    `forward_post`, `forward_latency` cycles after E; a weight that the host reads comes the same way. `operations`,
    `programmed` and `saturations` count in stage X. A synapse's current is the weight from before the programming pulse
    that the same spike sends. A word is written three cycles after its address entered: the same address must not enter
    again within four (a step serves each word once, and drains).
    """

    def __init__(self, config: Config, layout: Layout) -> None:
        self.config = config
        self.layout = layout
        self.numbers = fixed_numbers(config)
        self.synapses = self.numbers.synapses
        self.weight_bits = max(s.weight.bits for s in self.synapses)
        self.pair_layers = list(range(1, len(self.synapses)))
        lanes = layout.lanes
        self.rate_bits = self.numbers.rate.bits
        self.tree = AdderTree(lanes, self.weight_bits)
        self.forward_latency = self.tree.latency
        self.accumulator_bits = max(self.numbers.current_bits)
        halvings = max(s.halvings for s in self.synapses)
        self.word_layout = data.ArrayLayout(signed(self.weight_bits), lanes)
        self.initial: list[int] = []
        """Words that the weight memory holds after configuration (the rest 0); set it before elaboration."""
        operations = range(2 * lanes + 1)
        super().__init__(
            {
                "operation": In(operation_layout(layout)),
                "poke_data": In(signed(self.weight_bits)),
                "negative": In(1),
                "halvings": In(data.ArrayLayout(range(max(2, halvings + 1)), len(self.synapses))),
                "word": In(32),
                "integrator": In(data.ArrayLayout(signed(self.rate_bits), lanes)),
                "spikes": In(lanes),
                "post_spike": In(1),
                "post_integrator": In(signed(self.rate_bits)),
                "current": Out(data.ArrayLayout(signed(self.accumulator_bits), lanes)),
                "forward": Out(signed(len(self.tree.sum))),
                "forward_valid": Out(1),
                "forward_synapses": Out(range(max(2, len(self.synapses)))),
                "forward_post": Out(range(max(2, *layout.layers[1:], layout.lanes))),
                "operations": Out(operations),
                "programmed": Out(1),
                "saturations": Out(range(lanes + 1)),
                "peek_valid": Out(1),
                "peek_data": Out(signed(self.weight_bits)),
                "write_valid": Out(1),
                "write_address": Out(range(max(2, layout.words))),
                "write_data": Out(self.word_layout),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        layout, lanes = self.layout, self.layout.lanes
        m.submodules.weights = weights = Memory(
            shape=unsigned(self.word_layout.size), depth=layout.words, init=self.initial
        )
        read, write = weights.read_port(), weights.write_port()
        m.submodules.tree = tree = self.tree

        op_shape = operation_layout(layout)
        op_a = self.operation
        op_r, op_e, op_x = (Signal(op_shape, name=f"op_{stage}") for stage in "rex")
        m.d.sync += [op_r.eq(op_a), op_e.eq(op_r), op_x.eq(op_e)]

        # A: read.
        m.d.comb += read.addr.eq(op_a.address)
        rounder = Rounder(self.synapses, list(range(len(self.synapses))))
        amount = Signal(rounder.amount_range)
        with m.Switch(op_a.synapses):
            for s in range(len(self.synapses)):
                with m.Case(s):
                    m.d.sync += amount.eq(rounder.amount(s, self.halvings[s]))

        # R: steps.
        steps, post_step = self._steps(m, rounder, amount, op_a, op_r)
        word_e = Signal(self.word_layout)
        spikes_e, post_spike_e = Signal(lanes), Signal()
        m.d.sync += [spikes_e.eq(self.spikes), post_spike_e.eq(self.post_spike)]
        with m.If(op_r.kind == Kind.PEEK):
            # As if only that lane had spiked: its weight comes out of the tree.
            m.d.sync += spikes_e.eq(1 << op_r.post)
        for lane in range(lanes):
            # A weight from the host takes the place of the one that was read.
            poked = (op_r.kind == Kind.POKE) & (op_r.post == lane)
            m.d.sync += word_e[lane].eq(Mux(poked, self.poke_data, read.data.word_select(lane, self.weight_bits)))

        # E: currents and programming. Without a spike the step is 0, so that a word passes through unchanged.
        word_x = Signal(self.word_layout)
        saturated = Signal(lanes)
        is_row, is_pair = op_e.kind == Kind.ROW, op_e.kind == Kind.PAIR
        for lane in range(lanes):
            self._sum_current(m, lane, op_e, word_e, is_row | (is_pair & post_spike_e))
            m.d.comb += tree.words[lane].eq(Mux(spikes_e[lane], word_e[lane], 0))
            step = steps[lane]
            if post_step is not None:
                step = step + Mux(spikes_e[lane], post_step, 0)
            new, outside = self._program(m, lane, op_e, word_e, step)
            m.d.sync += word_x[lane].eq(new)
            m.d.sync += saturated[lane].eq(outside & op_e.program)
        counts = self.chunk_constant([chunk.count for chunk in layout.chunks], op_e.chunk)
        served = Signal.like(self.operations)
        m.d.sync += served.eq(Mux(is_row, counts, Mux(is_pair, popcount(spikes_e) + Mux(post_spike_e, counts, 0), 0)))

        # X: write back and report.
        m.d.comb += [
            self.write_valid.eq(op_x.program | (op_x.kind == Kind.POKE)),
            self.write_address.eq(op_x.address),
            self.write_data.eq(word_x),
            write.en.eq(self.write_valid),
            write.addr.eq(self.write_address),
            write.data.eq(self.write_data),
            self.operations.eq(served),
            self.programmed.eq(op_x.program),
            self.saturations.eq(popcount(saturated)),
        ]
        self._forward(m, op_e)
        return m

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

    def _steps(
        self, m: Module, rounder: Rounder, amount: Value, op_a: data.View, op_r: data.View
    ) -> tuple[list[Signal], Signal | None]:
        """Stage R: every lane's weight step, and the step of the neuron above (draws per neuron), as of stage E."""
        lanes = self.layout.lanes
        count = len(self.synapses)
        selected = {s: op_r.synapses == s for s in range(count)}
        per_synapse = [s for s in range(count) if self.synapses[s].per_synapse]
        drawn = self.word
        is_drawn = Const(0)
        if per_synapse:
            key = Signal(32)
            m.d.sync += key.eq(row_key(op_a.number))
            is_drawn = Cat(selected[s] for s in per_synapse).any()
            drawn = Mux(is_drawn, xorshift32(self.word ^ key), self.word)
        chunk_word = Signal(32)
        m.d.comb += chunk_word.eq(self._chunk_word(drawn, op_r.chunk))
        is_pair = op_r.kind == Kind.PAIR
        pairs_drawn = Signal()
        m.d.comb += pairs_drawn.eq(is_drawn & is_pair)

        moves = Signal()
        """The lanes' own rho-bars move weights: a spike arrives from below or above."""
        m.d.comb += moves.eq((op_r.kind == Kind.ROW) | (is_pair & (self.post_spike | is_drawn)))
        value_bits = self.rate_bits + 1 if per_synapse else self.rate_bits
        steps = []
        for lane in range(lanes):
            value = Signal(signed(value_bits), name=f"value_{lane}")
            m.d.comb += value.eq(self.integrator[lane])
            if per_synapse:
                both = Mux(self.spikes[lane], self.post_integrator, 0) + Mux(self.post_spike, self.integrator[lane], 0)
                with m.If(pairs_drawn):
                    m.d.comb += value.eq(both)
            step = Signal(rounder.shape(value_bits), name=f"step_{lane}")
            lane_word = rotate_right(chunk_word, neuron_rotation(0, lane))
            m.d.sync += step.eq(Mux(moves, rounder.step(value, amount, lane_word, selected), 0))
            steps.append(step)

        if all(s in per_synapse for s in self.pair_layers):
            return steps, None
        above = Signal(32)
        with m.Switch(op_r.synapses):
            for s in self.pair_layers:
                with m.Case(s):
                    words = [
                        rotate_right(self.word, neuron_rotation(s + 1, k)) for k in range(self.layout.layers[s + 1])
                    ]
                    m.d.comb += above.eq(Array(words)[op_r.post])
        post_step = Signal(rounder.shape(self.rate_bits))
        pair_rounder = Rounder(self.synapses, self.pair_layers)
        pair_amount = Signal(pair_rounder.amount_range)
        with m.Switch(op_a.synapses):
            for s in self.pair_layers:
                with m.Case(s):
                    m.d.sync += pair_amount.eq(pair_rounder.amount(s, self.halvings[s]))
        rounded = pair_rounder.step(self.post_integrator, pair_amount, above, selected)
        m.d.sync += post_step.eq(Mux(is_pair & ~is_drawn, rounded, 0))
        return steps, post_step

    def _sum_current(self, m: Module, lane: int, op_e: data.View, word: data.View, adds: Value) -> None:
        """Stage E: the lane's current, aligned to membrane LSBs."""
        aligns = {s: numbers.align for s, numbers in enumerate(self.synapses)}
        aligned = word[lane] << aligns[0]
        for s, align in aligns.items():
            if align != aligns[0]:
                aligned = Mux(op_e.synapses == s, word[lane] << align, aligned)
        current = self.current[lane]
        with m.If(op_e.kind == Kind.LOAD):
            m.d.sync += current.eq(0)
        with m.Elif(adds):
            m.d.sync += current.eq(current + aligned)

    def _program(self, m: Module, lane: int, op_e: data.View, word: data.View, step: Value) -> tuple[Value, Value]:
        """Stage E: (new weight, saturated)."""
        # Minus is the complement plus 1: one adder serves both signs, with a bit below the weights for its carry.
        turned = step.as_unsigned() ^ self.negative.replicate(len(step))
        low = Cat(self.negative, turned).as_signed() + Cat(self.negative, word[lane]).as_signed()
        exact = Signal(signed(len(low) - 1), name=f"exact_{lane}")
        m.d.comb += exact.eq(low[1:].as_signed())
        formats = sorted({numbers.weight.bits for numbers in self.synapses})
        new, outside = saturate(exact, -(1 << (formats[0] - 1)), (1 << (formats[0] - 1)) - 1)
        for bits in formats[1:]:
            chosen = Cat(op_e.synapses == s for s, n in enumerate(self.synapses) if n.weight.bits == bits).any()
            wide, wide_outside = saturate(exact, -(1 << (bits - 1)), (1 << (bits - 1)) - 1)
            new, outside = Mux(chosen, wide, new), Mux(chosen, wide_outside, outside)
        if len(formats) > 1:
            new = Mux(op_e.program, new, word[lane])
        return new, outside

    def _forward(self, m: Module, op_e: data.View) -> None:
        """The tree's sums, with the neuron they belong to."""
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
        for stage in range(self.tree.latency):
            leaving = Signal(passing, name=f"forward_{stage + 1}")
            m.d.sync += leaving.eq(entering)
            entering = leaving
        m.d.comb += [
            self.forward.eq(self.tree.sum),
            self.peek_valid.eq(entering.peek),
            self.peek_data.eq(self.tree.sum),
            self.forward_valid.eq(entering.valid),
            self.forward_synapses.eq(entering.synapses),
            self.forward_post.eq(entering.post),
        ]
