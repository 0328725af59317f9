"""Proofs of `rtl/draw.py`."""

from __future__ import annotations

from unittest import mock

from amaranth.hdl import Signal

from eqspike.golden import draw as golden_draw
from eqspike.rtl import draw
from formal import golden
from formal.bench import Bench
from formal.registry import proof


@proof("golden.draw.xorshift32, and row_word of every word and row.", depth=1, bug=("(word << 5)", "(word << 6)"))
def generator(b: Bench) -> None:
    word, row = b.free(32, "word"), b.free(16, "row")
    b.prove(draw.xorshift32(word) == golden.run(b.m, golden_draw.xorshift32, word))
    b.prove(draw.xorshift32(word ^ draw.row_key(row)) == golden.run(b.m, golden_draw.row_word, word, row))
    b.reach((draw.xorshift32(word) == 1) & (row != 0))


@proof("A word that is not 0 never becomes 0: the generator cannot get stuck.", depth=1,
       bug=("word = word ^ (word >> 17)", "word = word & (word >> 17)"))  # fmt: skip
def never_stuck(b: Bench) -> None:
    word = b.free(32, "word")
    b.prove((word == 0) | (draw.xorshift32(word) != 0))
    b.reach(draw.xorshift32(word) == 0)


@proof("The draw of every neuron of a layer is golden.draw.neuron_draw.", depth=1,
       bug=("ROTATE_NEURON * neuron + ROTATE_LAYER * layer",
       "ROTATE_NEURON * neuron - ROTATE_LAYER * layer"))  # fmt: skip
def neurons(b: Bench) -> None:
    word = b.free(32, "word")
    for layer in range(1, 4):
        for neuron in range(40):
            drawn = draw.rotate_right(word, draw.neuron_rotation(layer, neuron))[:11]
            b.prove(drawn == golden.run(b.m, golden_draw.neuron_draw, word, layer, neuron, 11))
    b.reach(draw.rotate_right(word, 7) == 5)


@proof("A round of the hash, of which golden.draw.mix and rtl.draw.mix make as many, is the same for every "
       "word; so is the "
       "spread of every number.", depth=1,
       bug=("nibble[bit] for bit in range(4)", "nibble[3 - bit] for bit in range(4)"))  # fmt: skip
def hash_of_words(b: Bench) -> None:
    word, number = b.free(32, "word"), b.free(16, "number")
    with mock.patch.object(draw, "MIX_ROUNDS", 1), mock.patch.object(golden_draw, "MIX_ROUNDS", 1):
        b.prove(draw.mix(b.m, word, "mixed") == golden.run(b.m, golden_draw.mix, word))
    b.prove(draw.spread(number) == golden.run(b.m, golden_draw.spread, number))
    b.reach(number == 77)


@proof("Noise and deviates of a word are those of golden.draw.", depth=1, bug=("- 510", "- 511"))
def deviates(b: Bench) -> None:
    word = b.free(32, "word")
    b.prove(draw.noise_of(word) == golden.run(b.m, golden_draw.noise_of, word))
    for half in (0, 1):
        index = Signal(6, name=f"index_{half}")
        b.m.d.comb += index.eq(draw.deviate_index(word, half))
        wanted = golden.run(b.m, golden_draw.deviate_of, word, half)
        b.prove(index - golden_draw.DEVIATE_LIMIT == wanted)
        b.reach(index == 2 * golden_draw.DEVIATE_LIMIT)
