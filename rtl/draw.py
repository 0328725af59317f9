"""Circuits for `golden.draw`: the seeded generator, each neuron's and row's draws from its word, the hashes."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Signal, Value

from eqspike.golden.draw import DEVIATE_LIMIT, MIX_ROUNDS, ROTATE_LAYER, ROTATE_NEURON, SUBSTITUTION, WEYL
from eqspike.rtl.number import table


def xorshift32(word: Value) -> Value:
    """One round of the generator, a function of 32 bits."""
    word = word ^ (word << 13)[:32]
    word = word ^ (word >> 17)
    return word ^ (word << 5)[:32]


def rotate_right(word: Value, amount: int) -> Value:
    """A 32-bit word rotated right by a constant."""
    return word.rotate_right(amount % 32)


def neuron_rotation(layer: int, neuron: int) -> int:
    """How far the word is rotated for a neuron's draw."""
    return (ROTATE_NEURON * neuron + ROTATE_LAYER * layer) % 32


def row_key(number: Value) -> Value:
    """The 32 bits that tell one row's word from another's: xorshift32(word ^ row_key(row)) is `row_word`."""
    return (number * WEYL)[:32]


def mix(m: Module, word: Value, name: str) -> Value:
    """The hash of a 32-bit word: `golden.draw.mix`, combinational.

    A table a nibble: written as bitwise logic, the many intermediate events made Icarus thirty times slower.
    """
    for index in range(MIX_ROUNDS):
        nibbles = [Signal(4, name=f"{name}_{index}_{k}") for k in range(8)]
        for k, nibble in enumerate(nibbles):
            m.d.comb += nibble.eq(table(SUBSTITUTION, word[4 * k : 4 * k + 4]))
        # Bit b of nibble k goes to place 8 b + k (`golden.draw.PERMUTATION`).
        mixed = Signal(32, name=f"{name}_{index}")
        m.d.comb += mixed.eq(Cat(nibble[bit] for bit in range(4) for nibble in nibbles))
        word = mixed
    return word


def spread(number: Value) -> Value:
    """The bits of a number spread over the nibbles of a word: wires."""
    places: list[Value] = [Const(0, 1)] * 32
    for bit in range(min(16, len(number))):
        places[4 * (bit & 7) + (bit >> 3)] = number[bit]
    return Cat(places)


def noise_of(word: Value) -> Value:
    """A nearly normal signed number from the four bytes of a word."""
    return sum((word[8 * i : 8 * i + 8] for i in range(1, 4)), word[:8]) - 510


def deviate_index(word: Value, half: int) -> Value:
    """0..60: `golden.draw.deviate_of` plus its limit, an index into a table of deviates."""
    nibbles = [word[16 * half + 4 * i : 16 * half + 4 * i + 4] for i in range(4)]
    return sum(nibbles[1:], nibbles[0])[: (2 * DEVIATE_LIMIT).bit_length()]
