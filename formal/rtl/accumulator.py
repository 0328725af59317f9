"""Proofs of `rtl/accumulator.py`."""

from __future__ import annotations

from collections.abc import Iterator
from unittest import mock

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value

from eqspike.golden import accumulator as golden_accumulator
from eqspike.golden.accumulator import change, change_column, change_row, gather
from eqspike.golden.config import Config
from eqspike.golden.derived import neuron_numbers
from eqspike.golden.draw import neuron_draw, row_word
from eqspike.golden.number import fixed_numbers
from eqspike.golden.parameters import fixed_parameters
from eqspike.golden.state import Moment
from eqspike.golden.synapses import Synapses, synapses_of
from eqspike.rtl.accumulator import Accumulators, GatheredProgram, RowDraw
from eqspike.rtl.layout import Chunk, Layout
from eqspike.rtl.operation import Kind
from eqspike.rtl.program import chunk_word
from formal import configs, golden
from formal.bench import Bench
from formal.network import Ideal
from formal.registry import proof

FEW_BITS = {
    "network": {"layers": [1, 3, 1]},
    "rate": {"delay": 6, "leak": 0.25, "fraction_bits": 1, "integer_bits": 4},
    "synapses": [
        {"bits": 4, "range": 0.5, "learning_rate": "2^-4", "halve_at": [1], "draw": "synapse"},
        {"bits": 5, "range": 1, "learning_rate": "2^-3", "draw": "synapse"},
    ],
}
GATHERING = {"accumulator": 3, "step": "2^-2"}
OTHER_ROUNDINGS = [
    FEW_BITS["synapses"][0] | {"rounding": "nearest"},
    FEW_BITS["synapses"][1] | {"rounding": "truncate"},
]
CASES = {
    "spike": FEW_BITS | {"programming": GATHERING},
    "roundings": FEW_BITS | {"programming": GATHERING, "synapses": OTHER_ROUNDINGS},
    # The shortest nudge phase there is: products of few bits.
    "image_end": FEW_BITS
    | {"programming": GATHERING | {"when": "image_end"}, "learning": {**configs.SMALL["learning"], "nudge_steps": 2}},
}
LANES = 2


@proof("The word that lane 0 of a chunk draws from makes each lane's draw golden.draw.neuron_draw of row_word of the "
       "step's word.", depth=2, any_state=True, bug=("row_key(self.number)", "row_key(self.number + 1)"))  # fmt: skip
def draws(b: Bench) -> None:
    config = configs.small(**CASES["spike"])
    layout = Layout(config, LANES)
    block = b.add(RowDraw(layout))
    drawn = golden.run(b.m, row_word, b.past(block.step_word), b.past(block.number))
    for chunk in layout.chunks:
        here = ~b.first & (b.past(block.chunk) == chunk.index)
        for lane in range(chunk.count):
            wanted = golden.run(b.m, neuron_draw, drawn, chunk.layer, chunk.first + lane, 32)
            b.prove(~here | (golden.run(b.m, neuron_draw, block.word, 0, lane, 32) == wanted))
        b.reach(here & (block.word == 5))


def halvings(config: Config, s: int) -> Iterator[tuple[int, Synapses]]:
    """How often the learning rate of a layer has been halved, and its synapses then."""
    epochs = {0: 0} | {i + 1: epoch for i, epoch in enumerate(config.synapses[s].halve_at)}
    for halved, epoch in epochs.items():
        yield halved, synapses_of(fixed_parameters(config, fixed_numbers(config), epoch), s)


@proof("Accumulators: what each holds after an operation is as golden.accumulator.gather leaves it, and a pulse up or "
       "down goes to its device when gather gives one, for all values, rests, draws, signs, layers and halvings; one "
       "whose synapse is not programmed stays as it is.", depth=4, any_state=True, cases=CASES,
       bug=("exact >= self.full, exact <= -self.full", "exact >= self.full, exact < -self.full"))  # fmt: skip
def gathers(b: Bench, **sections: object) -> None:
    config = configs.small(**sections)
    layout = Layout(config, LANES)
    block = b.add(Accumulators(config, layout), leave=("negative", "halvings"))
    layers = len(config.synapses)
    negative = b.held(1, "negative")
    b.m.d.comb += block.negative.eq(negative)
    for s in range(layers):
        passed = b.held(block.halvings[s].shape(), f"halvings_{s}")
        b.m.d.comb += block.halvings[s].eq(passed)
        b.assume(passed <= len(config.synapses[s].halve_at))
    b.assume(block.layer < layers)
    known, late = b.since(1 + block.LATENCY), block.LATENCY

    def then(value: object) -> Value:
        return b.past(value, late)

    kind, layer = b.past(Value.cast(block.kind), late), b.past(block.layer, 1 + late)
    below, above = then(block.pulses.lanes), then(block.pulses.above)
    others = then(block.post_integrator)
    for lane in range(LANES):
        rest, own = then(block.rests[lane]), then(block.integrator[lane])
        b.assume(~known | (rest > -block.full))
        value = own
        if not config.programming.image_end:
            both = Mux(below[lane], others, 0) + Mux(above, own, 0)
            value = Mux(kind == Kind.PAIR.value, both, own)
        draw = golden.run(b.m, neuron_draw, then(block.draw), 0, lane, 32)
        programs = then(block.pg_lanes)[lane] | then(block.pg_above)[lane]
        idle = known & ~programs
        b.prove(~idle | ((block.new[lane] == rest) & ~block.up[lane] & ~block.down[lane]))
        for s in range(layers):
            for halved, synapses in halvings(config, s):
                here = known & programs & (layer == s) & (block.halvings[s] == halved)
                # A device whose every pulse is a step shows which way it went.
                moves = synapses.programming._replace(pulse=1, low=-8, high=8)
                weights, rests = golden.array((1, 1)), golden.array((1, 1), lambda *at, r=rest: r)
                golden.run(
                    b.m, gather, weights, rests, (0, 0), b.wire(value), Mux(negative, -1, 1), (draw, 0), moves, Ideal()
                )  # fmt: skip
                b.prove(~here | (block.new[lane] == rests[0, 0]))
                b.prove(~here | (block.up[lane] == (weights[0, 0] == 1)))
                b.prove(~here | (block.down[lane] == (weights[0, 0] == -1)))
                b.reach(here & block.down[lane] & (block.new[lane] == 1 - block.full))
                b.reach(here & block.up[lane] & (block.new[lane] > 0))


def served(layout: Layout) -> list[tuple[Chunk, int, int, int]]:
    """(chunk, synapse layer, number of the neuron on the other side, neuron above or -1 for a row) of every word."""
    layers, numbers = layout.layers, neuron_numbers(layout.layers)
    out = []
    for chunk in layout.chunks:
        below = chunk.layer - 1
        rows = range(layers[below] + 1) if below == 0 else [layers[below]]
        out += [(chunk, below, numbers[below] + row, -1) for row in rows]
        if chunk.layer + 1 < len(layers):
            out += [(chunk, chunk.layer, numbers[chunk.layer + 1] + k, k) for k in range(layers[chunk.layer + 1])]
    return out


@proof("GatheredProgram: a word of ideal devices, its weights and what is gathered below them, is programmed as "
       "golden.accumulator.change_row and change_column do (at an image's end `change`, with the products), each "
       "synapse by its own draw, saturations and pulses given too; a word that is not programmed passes unchanged.",
       depth=6, any_state=True, cases=CASES, bug=("Mux(down, -pulse, 0)", "Mux(down, pulse, 0)"))  # fmt: skip
def programs(b: Bench, **sections: object) -> None:
    config = configs.small(**sections)
    layout, numbers = Layout(config, LANES), fixed_numbers(config)
    words = served(layout)
    rest_bits, weight_bits = config.programming.accumulator, max(s.bits for s in config.synapses)
    block = b.add(
        GatheredProgram(config, layout, weight_bits + rest_bits),
        leave=("negative", "halvings", "chunk", "layer", "number", "kind", "pg_lanes", "pg_above"),
    )
    # `draws` proves the word that lane 0 draws from: here it is that of any word in its place.
    drawn = b.free(32, "drawn")
    block.draw.elaborate = lambda platform: draw_of(block.draw, drawn, layout)
    negative = b.held(1, "negative")
    b.m.d.comb += block.negative.eq(negative)
    for s in range(len(config.synapses)):
        passed = b.held(block.halvings[s].shape(), f"halvings_{s}")
        b.m.d.comb += block.halvings[s].eq(passed)
        b.assume(passed <= len(config.synapses[s].halve_at))
    late = block.latency
    known = b.since(1 + late)

    # The operation: any word, by any of those who may program it.
    which = b.free(range(len(words)), "which")
    b.assume(which < len(words))
    b.m.d.comb += [
        block.chunk.eq(Array(Const(chunk.index, 4) for chunk, *_ in words)[which]),
        block.layer.eq(Array(Const(s, 4) for _, s, *_ in words)[which]),
        block.number.eq(Array(Const(number, 8) for *_, number, _ in words)[which]),
    ]
    is_pair = b.past(Array(Const(int(above >= 0), 1) for *_, above in words)[which])
    programmed = b.free(1, "programmed")
    pulses = block.pulses
    everyone = Mux(is_pair, pulses.above, 1) & programmed
    b.m.d.comb += [
        block.kind.eq(Mux(is_pair, Kind.PAIR.value, Kind.ROW.value)),
        block.pg_lanes.eq(everyone.replicate(LANES)),
        block.pg_above.eq(Mux(is_pair & programmed, pulses.lanes, 0)),
    ]

    def then(value: object) -> Value:
        return b.past(value, late)

    read, below, above = then(block.read), then(pulses.lanes), then(pulses.above)
    changes, own, others = then(programmed), then(block.integrator), then(block.post_integrator)
    cell = weight_bits + rest_bits
    weights = [read.word_select(lane, cell)[rest_bits:].as_signed() for lane in range(LANES)]
    rests = [read.word_select(lane, cell)[:rest_bits].as_signed() for lane in range(LANES)]
    signal = len(block.integrator[0])
    signals = [own.word_select(lane, signal).as_signed() for lane in range(LANES)]
    b.prove(Value.cast(block.word) == Value.cast(block.read))
    for lane in range(LANES):
        b.assume(~known | (rests[lane] > -block.accumulators.full))
    sign = b.wire(Mux(negative, -1, 1))
    for place, (chunk, s, number, k) in enumerate(words):
        chosen = known & (b.past(which, 1 + late) == place)
        weight = numbers.synapses[s].weight
        for lane in range(chunk.count):
            b.assume(~chosen | ((weights[lane] >= weight.low) & (weights[lane] <= weight.high)))
        for halved, synapses in halvings(config, s):
            here = chosen & (block.halvings[s] == halved)
            with mock.patch.object(golden_accumulator, "row_word", lambda word, number: word):
                after = one_word(b, config, synapses, (chunk, number, k), then(drawn), sign, weights, rests, signals,
                                 (below, above, others))  # fmt: skip
            saturations = []
            for lane in range(chunk.count):
                acts = changes & (1 if k < 0 else below[lane] | above)
                new = block.new[lane].as_unsigned()
                made = after[lane]
                kept = Cat(Value.cast(made[1])[:rest_bits], Value.cast(made[0])[:weight_bits])
                b.prove(~here | ~acts | (new == kept))
                b.prove(~here | acts | (new == read.word_select(lane, cell)))
                b.prove(~here | (block.given[lane] == Mux(acts, made[2], 0)))
                b.prove(~here | (block.saturated[lane] == Mux(acts, made[3], 0)))
                saturations.append(block.saturated[lane])
            b.reach(here & saturations[0] & (block.new[0][rest_bits:].as_signed() < 0))


def draw_of(block: RowDraw, drawn: Value, layout: Layout) -> Module:
    """`RowDraw` of a row whose word is `drawn`."""
    m, chunk = Module(), Signal.like(block.chunk)
    m.d.sync += chunk.eq(block.chunk)
    m.d.comb += block.word.eq(chunk_word(drawn, chunk, layout))
    return m


def one_word(
    b: Bench, config: Config, synapses: Synapses, word: tuple[Chunk, int, int], drawn: Value, sign: Value,
    weights: list[Value], rests: list[Value], signals: list[Value], pulses: tuple[Value, Value, Value],
) -> list[tuple]:  # fmt: skip
    """(weight, rest, pulses given, saturations) of each lane by the golden kernels; `drawn` is the row's word."""
    chunk, number, k = word
    below, above, other = pulses
    out = []
    for lane in range(chunk.count):
        n = chunk.first + lane
        grid = [golden.array((1, 1), lambda *at, v=v[lane]: v) for v in (weights, rests)]
        if config.programming.image_end:
            draw = golden.run(b.m, neuron_draw, drawn, chunk.layer, n, 32), 0
            given = golden.run(b.m, change, *grid, (0, 0), signals[lane], sign, draw, synapses.programming, Ideal())
        else:
            # The kernel's layer with this one neuron, at its place: of the others nothing is asked.
            shape = (4, 4)
            signal, counts = golden.array(shape), golden.array(shape)
            signal[chunk.layer, n] = signals[lane]
            grid = [golden.array(shape), golden.array(shape)]
            own = synapses._replace(base=0)
            if k < 0:
                at = (number - own.number_below, n)
                grid[0][at], grid[1][at] = weights[lane], rests[lane]
                row = at[0], 1, Moment(1, sign, drawn), signal
                given = golden.run(b.m, change_row, *grid, own, *row, Ideal())
            else:
                at = (n, k)
                grid[0][at], grid[1][at] = weights[lane], rests[lane]
                signal[chunk.layer + 1, k] = other
                counts[chunk.layer, n], counts[chunk.layer + 1, k] = below[lane], above
                given = golden.run(b.m, change_column, *grid, own, k, Moment(1, sign, drawn), counts, signal,
                                   Ideal())  # fmt: skip
            grid = [golden.array((1, 1), lambda *_, g=g, at=at: g[at]) for g in grid]
        out.append((grid[0][0, 0], grid[1][0, 0], *given))
    return out
