"""Proofs of `rtl/generator.py`."""

from __future__ import annotations

from unittest import mock

from amaranth.hdl import Mux

from eqspike.golden import draw as golden_draw
from eqspike.golden.draw import WARM_UP, image_word, next_key, xorshift32
from eqspike.rtl.generator import Generator
from formal import configs, golden
from formal.bench import Bench
from formal.registry import INDUCTION, proof


@proof("The key is the one that is loaded, or else moves on as golden.draw.next_key; the word as xorshift32.", depth=2,
       method=INDUCTION, cover_depth=5, bug_depth=4, bug=("self.key.eq(self.key + WEYL)",
       "self.key.eq(self.key - WEYL)"))  # fmt: skip
def moves_on(b: Bench) -> None:
    block = b.add(Generator(configs.small()))
    # A key that is loaded wins.
    key = Mux(block.key_load, block.key_data, Mux(block.next_key, golden.run(b.m, next_key, block.key), block.key))
    b.prove(b.first | (block.key == b.past(key)))
    word = golden.run(b.m, xorshift32, block.word)
    quiet = ~block.begin & ~(block.warm_up & ~block.warm)
    b.prove(b.first | ~b.past(quiet) | (block.word == b.past(Mux(block.next_word, word, block.word))))
    b.prove(b.first | (block.negative == b.past(Mux(block.draw_sign, block.word[0], block.negative))))
    b.reach(block.negative & (block.key == 5))


@proof("WARM_UP cycles after an image's begin, the word is golden.draw.image_word of its key, key 0 included.",
       depth=WARM_UP + 3, any_state=True, bug=("Mux(self.key == 0, MASK32, self.key)", "self.key"))  # fmt: skip
def warms_up(b: Bench) -> None:
    block = b.add(Generator(configs.small()))
    b.assume(block.begin == b.first)
    b.assume(~block.next_word & (block.warm_up == ~b.first))
    # One solver needs it round by round: what image_word does is that many rounds, and the word makes one a cycle.
    with mock.patch.object(golden_draw, "WARM_UP", 0):
        start = golden.run(b.m, image_word, block.key)
    rounds = start
    for _ in range(WARM_UP):
        rounds = golden.run(b.m, xorshift32, rounds)
    b.prove(rounds == golden.run(b.m, image_word, block.key))
    word = b.register(32, "word")
    b.m.d.sync += word.eq(Mux(b.first, start, golden.run(b.m, xorshift32, word)))
    b.prove(b.first | (b.cycle > WARM_UP + 1) | (block.word == word))
    ends = b.cycle == WARM_UP + 1
    b.prove(~ends | block.warm)
    b.prove((b.cycle == 0) | (b.cycle > WARM_UP) | ~block.warm)
    b.reach(ends & (b.as_of_first(block.key, 32) == 0))
