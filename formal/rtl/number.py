"""Proofs of `rtl/number.py`."""

from __future__ import annotations

from amaranth.hdl import Array, Const, Mux, Signal, Value, signed

from eqspike.golden import number as golden_number
from eqspike.golden.number import NEAREST, fixed_numbers
from eqspike.rtl import number
from formal import configs, golden
from formal.bench import Bench
from formal.registry import proof


def clamped(value: Value, low: int, high: int) -> Value:
    """The formula of saturation."""
    return Mux(value < low, low, Mux(value > high, high, value))


@proof("The value clamped to its bounds, and 1 where it was outside: two's complement formats and others.", depth=1,
       bug=("(~negative).replicate(bits)", "negative.replicate(bits)"))  # fmt: skip
def saturate(b: Bench) -> None:
    value = b.free(signed(12), "value")
    for low, high in ((-128, 127), (-2048, 2047), (-1, 0), (-127, 127), (-5, 40), (-4096, 4095)):
        kept, outside = number.saturate(value, low, high)
        b.prove(kept == clamped(value, low, high))
        b.prove(outside == (clamped(value, low, high) != value))
        if low > -2048:
            b.reach(outside & (value < low))


@proof("Each layer's weights are clamped to that layer's format.", depth=1,
       bug=("Mux(chosen, wide, new)", "Mux(chosen, new, wide)"))  # fmt: skip
def saturate_layers(b: Bench) -> None:
    value, layer = b.free(signed(12), "value"), b.free(range(3), "layer")
    bits = [8, 10, 6]
    b.assume(layer < 3)
    kept, outside = number.saturate_layers(value, bits, layer)
    for s, size in enumerate(bits):
        exact = clamped(value, -(1 << (size - 1)), (1 << (size - 1)) - 1)
        b.prove((layer != s) | ((kept == exact) & (outside == (exact != value))))
        b.reach((layer == s) & outside)


@proof("The number of bits that are set, of words of 1 to 20 bits.", depth=1,
       bug=("range(1, len(group))", "range(1, max(1, len(group) - 1))"))  # fmt: skip
def popcount(b: Bench) -> None:
    word = b.free(20, "word")
    for bits in range(1, 21):
        b.prove(number.popcount(word[:bits]) == sum(word[i] for i in range(bits)))
    b.reach(word.all())


@proof("golden.number.leak_down and leak_to_zero, for all values and all leaks.", depth=1,
       bug=("value + ones", "value - ones"))  # fmt: skip
def leaks(b: Bench) -> None:
    value = b.free(signed(12), "value")
    for leak in range(-1, 13):
        b.prove(number.leak_down(value, leak) == golden.run(b.m, golden_number.leak_down, value, leak))
        if leak >= 0:
            b.prove(number.leak_to_zero(value, leak) == golden.run(b.m, golden_number.leak_to_zero, value, leak))
    b.reach((value < 0) & (number.leak_to_zero(value, 3) == value))


@proof("Every entry of a table, negative ones too.", depth=1, bug=("entry << stride", "entry << (stride + 1)"))
def table(b: Bench) -> None:
    index = b.free(range(7), "index")
    b.assume(index < 7)
    for values in ([3, 1, 4, 1, 5, 9, 2], [-3, 0, 2, -8, 7, 1, -1], [5] * 7):
        entry = Array(Const(value, signed(6)) for value in values)[index]
        b.prove(number.table(values, index) == entry)
    b.reach(index == 6)


def rounder(b: Bench, sections: dict) -> tuple:
    """(numbers, synapse layer, halvings, value, word, step of `StepRounder`) of a network."""
    numbers = fixed_numbers(configs.small(**sections))
    steps = number.StepRounder(numbers.synapses, list(range(len(numbers.synapses))))
    value, word = b.free(signed(numbers.signal.bits), "value"), b.free(32, "word")
    layer, halvings = b.free(range(max(2, len(numbers.synapses))), "layer"), []
    for s, synapse in enumerate(numbers.synapses):
        halvings.append(b.free(range(max(2, synapse.halvings + 1)), f"halvings_{s}"))
        b.assume(halvings[s] <= synapse.halvings)
    b.assume(layer < len(numbers.synapses))
    control, step = Signal(steps.control), Signal(steps.shape(numbers.signal.bits))
    steps.choose(b.m, control, layer, halvings)
    b.m.d.comb += step.eq(steps.step(value, steps.turn(word, control), control))
    return numbers, layer, halvings, value, word, step


MODES = {
    "small": {},
    "modes": {
        "network": {"layers": [2, 2, 2, 2]},
        "synapses": [
            {"bits": 8, "range": 1, "learning_rate": "2^-9", "halve_at": [1, 2], "rounding": "nearest"},
            {"bits": 6, "range": 2, "learning_rate": "2^-6", "rounding": "truncate"},
            {"bits": 10, "range": 1, "learning_rate": "2^-4", "halve_at": [1, 3, 5]},
        ],
    },
    "sparse": {"programming": {"every": 3}},
}


@proof("StepRounder: a step is golden.number.weight_step of the value and the word's low bits, for every value, word, "
       "layer and number of halvings.", depth=1,
       bug=("Cat(term, Const(0, 1)).as_signed()", "term.as_signed()"), cases=MODES)  # fmt: skip
def step(b: Bench, **sections: object) -> None:
    numbers, layer, halvings, value, word, made = rounder(b, sections)
    for s, synapse in enumerate(numbers.synapses):
        for h in range(synapse.halvings + 1):
            draw = word[: synapse.step_shift] if synapse.step_shift else 0
            wanted = golden.run(
                b.m, golden_number.weight_step, value, synapse.factor, synapse.step_boost - h, synapse.step_shift,
                synapse.rounding, draw,
            )  # fmt: skip
            here = (layer == s) & (halvings[s] == h)
            b.prove(~here | (made == wanted))
            b.reach(here & (made != 0))


@proof("StepRounder: a step is less than one weight LSB from the exact product, at most half a one where it rounds to "
       "the nearest; no step from a signal of zero.", depth=1,
       bug=("NEAREST: (0, half, max(half - 1, 0))", "NEAREST: (0, half + half, max(half - 1, 0))"),
       cases={"modes": MODES["modes"]})  # fmt: skip
def step_error(b: Bench, **sections: object) -> None:
    numbers, layer, halvings, value, _, made = rounder(b, sections)
    b.prove((value != 0) | (made == 0))
    for s, synapse in enumerate(numbers.synapses):
        for h in range(synapse.halvings + 1):
            exact = (value * synapse.factor).shift_left(synapse.step_boost - h)
            unit = 1 << synapse.step_shift
            error = made.shift_left(synapse.step_shift) - exact
            bound = (error > -unit) & (error < unit)
            if synapse.rounding == NEAREST:
                bound = (error.shift_left(1) <= unit) & (error.shift_left(1) >= -unit)
            b.prove((layer != s) | (halvings[s] != h) | bound)
    b.reach((made == 0) & (value != 0))


@proof("Rounder: the change of a device in the widest fraction is rounded as golden.number.rounded rounds it in its "
       "own.", depth=1, bug=("half - 1, half)", "half, half)"), cases={"modes": MODES["modes"]})  # fmt: skip
def rounder_of_devices(b: Bench, **sections: object) -> None:
    numbers = fixed_numbers(configs.small(**sections))
    layers = list(range(len(numbers.synapses)))
    rounds = number.Rounder(numbers.synapses, layers)
    value, word, layer = b.free(signed(14), "value"), b.free(32, "word"), b.free(range(len(layers)), "layer")
    b.assume(layer < len(layers))
    selected = {s: layer == s for s in layers}
    for s, synapse in enumerate(numbers.synapses):
        total = Signal(signed(40), name=f"total_{s}")
        b.m.d.comb += total.eq(value.shift_left(rounds.shift - synapse.step_shift))
        made = rounds.rounded(total, word, selected)
        draw = word[: synapse.step_shift]
        wanted = golden.run(b.m, golden_number.rounded, value, synapse.step_shift, synapse.rounding, draw)
        b.prove((layer != s) | (made == wanted))
        b.reach((layer == s) & (made < 0))
