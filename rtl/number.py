"""Circuits for `golden.number`: saturation, leaks, tables, rounding of weight steps."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data
from amaranth.utils import ceil_log2

from eqspike.golden.number import NEAREST, STOCHASTIC, TRUNCATE, SynapseNumbers, bits_for_signed


def saturate(value: Value, low: int, high: int) -> tuple[Value, Value]:
    """(`value` clamped to low..high, 1 where it was outside)."""
    bits = high.bit_length()
    if high == (1 << bits) - 1 and low == -(1 << bits):
        # A two's complement format: outside when the bits above it are not all copies of the sign. No comparators.
        if len(value) <= bits + 1:
            return value, Const(0)
        negative = value[-1]
        outside = (value[bits:-1] ^ negative.replicate(len(value) - 1 - bits)).any()
        kept = Mux(outside, (~negative).replicate(bits), value[:bits])
        return Cat(kept, negative).as_signed(), outside
    under, over = value < low, value > high
    return Mux(under, low, Mux(over, high, value)), under | over


def saturate_layers(value: Value, bits: list[int], layer: Value) -> tuple[Value, Value]:
    """As `saturate`, to a format of so many bits in each layer, `layer` being the one at hand."""
    formats = sorted(set(bits))
    new, outside = saturate(value, -(1 << (formats[0] - 1)), (1 << (formats[0] - 1)) - 1)
    for size in formats[1:]:
        chosen = Cat(layer == s for s, other in enumerate(bits) if other == size).any()
        wide, wide_outside = saturate(value, -(1 << (size - 1)), (1 << (size - 1)) - 1)
        new, outside = Mux(chosen, wide, new), Mux(chosen, wide_outside, outside)
    return new, outside


def popcount(bits: Value) -> Value:
    """How many bits are set."""
    count = Const(0, 1)
    groups = [bits[i : i + 3] for i in range(0, len(bits), 3)]
    sums = [sum((group[i] for i in range(1, len(group))), group[0]) for group in groups]
    while len(sums) > 1:
        sums = [sums[i] + sums[i + 1] if i + 1 < len(sums) else sums[i] for i in range(0, len(sums), 2)]
    return sums[0] if sums else count


def leak_down(value: Value, shift: int) -> Value:
    """value - (value >> shift), the shift rounding down; shift -1: no leak."""
    return value if shift < 0 else value - (value >> shift)


def leak_to_zero(value: Value, shift: int) -> Value:
    """value minus (value / 2^shift rounded toward zero)."""
    negative = value[-1]
    ones = Cat(negative.replicate(shift)) if shift else Const(0, 1)
    return value - ((value + ones) >> shift)


def table(values: Sequence[int], index: Value) -> Value:
    """Entry `index` of a table of constants; a constant where all entries are the same.

    A part of one wide constant, entries at powers of two: an `Array` of as many constants would be as small on a chip,
    but a hundred times larger in a simulator.
    """
    if len(set(values)) == 1:
        return Const(values[0])
    bits = bits_for_signed(min(*values, 0), max(values)) if min(values) < 0 else max(values).bit_length()
    stride = ceil_log2(bits)
    packed = sum((value & ((1 << bits) - 1)) << (entry << stride) for entry, value in enumerate(values))
    chosen = Const(packed, len(values) << stride).bit_select(Cat(Const(0, stride), index), bits)
    return chosen.as_signed() if min(values) < 0 else chosen


class StepRounder:
    """Rounds rho-bar to a weight step for any of the network's synapse layers, its rate halved so and so often, both
    chosen at run time (`golden.number.weight_step`).

    The learning rate is a power of two, so a step is (value * factor + term) >> shift, with one bit more of shift for
    each halving. Of the term, which is made of `step_shift` bits, those below `step_boost` less the halvings lie under
    the value's lowest bit: they cannot carry, and no lane adds them. What is the same for all lanes is chosen once
    (`choose`, `turn`); a lane has one adder, and chooses among the shifts.
    """

    def __init__(self, synapses: tuple[SynapseNumbers, ...], layers: list[int]) -> None:
        self.synapses = synapses
        self.layers = layers
        """Synapse layers that this circuit can meet."""
        self.cases = [(s, h) for s in layers for h in range(synapses[s].halvings + 1)]
        shifts = [self._shift(s, h) for s, h in self.cases]
        self.shifts = range(min(shifts), max(shifts) + 1)
        self.offsets = sorted({self._offset(s, h) for s, h in self.cases})
        self.bits = max(1, *shifts)
        """Of the widest term."""
        fixed = any(synapses[s].rounding != STOCHASTIC for s in layers)
        self.control = data.StructLayout(
            {
                "shift": range(max(2, len(self.shifts))),
                "turn": range(max(2, len(self.offsets))),
                "mask": self.bits,
                # Terms that are not drawn, of values from 0 on and of negative ones.
                "term": self.bits * fixed,
                "negative_term": self.bits * fixed,
            }
        )
        """What all lanes have in common, besides the draw."""

    def _offset(self, s: int, halvings: int) -> int:
        """Bits of a layer's term below the value's lowest."""
        return self.synapses[s].step_boost - halvings

    def _shift(self, s: int, halvings: int) -> int:
        return self.synapses[s].step_shift - self._offset(s, halvings)

    def choose(self, m: Module, control: data.View, synapses: Value, halvings: Sequence[Value]) -> None:
        """Combinational: `control` for a layer, halved as often as `halvings` says of it."""
        for s, h in self.cases:
            numbers, offset = self.synapses[s], self._offset(s, h)
            ones, half = (1 << numbers.step_shift) - 1, (1 << numbers.step_shift) >> 1
            assert offset >= 0, "eqspike.golden.number.fixed_numbers keeps the boost above the halvings"
            mask, term, below = {
                STOCHASTIC: (ones, 0, 0),
                NEAREST: (0, half, max(half - 1, 0)),
                TRUNCATE: (0, 0, ones),
            }[numbers.rounding]
            with m.If((synapses == s) & (halvings[s] == h)):
                m.d.comb += [
                    control.shift.eq(self._shift(s, h) - self.shifts.start),
                    control.turn.eq(self.offsets.index(offset)),
                    control.mask.eq(mask >> offset),
                ]
                if len(control.term):
                    m.d.comb += [control.term.eq(term >> offset), control.negative_term.eq(below >> offset)]

    def turn(self, word: Value, control: data.View) -> Value:
        """The word, its bits where a lane's term takes them."""
        turned = [word.rotate_right(offset) for offset in self.offsets]
        return turned[0] if len(turned) == 1 else Array(turned)[control.turn]

    def step(self, value: Value, draw: Value, control: data.View) -> Value:
        """The weight step. `draw` is the lane's word, turned, whose low bits are its draw."""
        scaled = value * self.factor if self.factor > 1 else value
        term = draw[: self.bits] & control.mask
        if len(control.term):
            term = term | Mux(scaled[-1], control.negative_term, control.term)
        # A zero above the term keeps it positive.
        total = scaled + Cat(term, Const(0, 1)).as_signed()
        choices = [total >> shift if shift >= 0 else total << -shift for shift in self.shifts]
        chosen = choices[0] if len(choices) == 1 else Value.cast(Array(choices)[control.shift])
        return chosen[: self.width(len(value))].as_signed()

    @property
    def factor(self) -> int:
        """What every value is multiplied by."""
        return self.synapses[0].factor

    def width(self, value_bits: int) -> int:
        """Bits of a step made from a value of so many bits."""
        widest = 1
        for s in self.layers:
            numbers = self.synapses[s]
            factor_bits = (self.factor - 1).bit_length()
            widest = max(widest, value_bits + factor_bits + numbers.step_boost - numbers.step_shift + 1)
        return max(widest, 2)

    def shape(self, value_bits: int) -> signed:
        """Shape of a step."""
        return signed(self.width(value_bits))


class Rounder:
    """Rounds the changes of devices to weight steps for any of the network's synapse layers, chosen at run time.

    The layers' right shifts differ; aligning both the value and the draw to the longest shift makes one adder serve
    all of them: ((v << boost) + draw) >> S == ((v << boost + a) + (draw << a)) >> (S + a).
    """

    def __init__(self, synapses: tuple[SynapseNumbers, ...], layers: list[int]) -> None:
        self.synapses = synapses
        self.layers = layers
        """Synapse layers that this circuit can meet."""
        self.shift = max(synapses[s].step_shift for s in layers)
        lefts = [self.left(s, h) for s in layers for h in range(synapses[s].halvings + 1)]
        self.least = min(lefts)
        self.amount_range = range(max(lefts) - self.least + 1)
        """Values of `amount`: the left shift beyond the least."""

    def left(self, synapses: int, halvings: int) -> int:
        """Left shift of the value for a layer after so many halvings of the learning rate."""
        numbers = self.synapses[synapses]
        return numbers.step_boost - halvings + self.shift - numbers.step_shift

    def amount(self, synapses: int, halvings: Value) -> Value:
        """The run-time part of the left shift for a layer."""
        return (self.left(synapses, 0) - self.least - halvings)[: len(Signal(self.amount_range))]

    @property
    def factor(self) -> int:
        """What every value is multiplied by."""
        return self.synapses[0].factor

    def rounded(self, total: Value, draw_word: Value, selected: dict[int, Value], high: bool = False) -> Value:
        """`total`, which has `shift` bits right of a weight's LSB, in LSBs, as the selected layer rounds; draws are the
        low bits of `draw_word`, or its `high` ones."""
        negative = total[-1]
        rounding = Const(0, unsigned(max(self.shift, 1)))
        for s in self.layers:
            shift = self.synapses[s].step_shift
            mode = self.synapses[s].rounding
            if mode == STOCHASTIC:
                term = draw_word[len(draw_word) - shift :] if high else draw_word[:shift]
            elif mode == NEAREST:
                half = (1 << shift) >> 1
                term = Mux(negative, half - 1, half) if shift > 0 else Const(0)
            else:
                assert mode == TRUNCATE
                term = negative.replicate(shift)
            term = Value.cast(term) << (self.shift - shift)
            rounding = Mux(selected[s], term, rounding) if len(self.layers) > 1 else term
        # A zero above the term keeps it positive.
        return (total + Cat(rounding, Const(0, 1)).as_signed()) >> self.shift
