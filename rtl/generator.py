"""The seeded generator: the word that all draws of a step are made from, and the place in the stream of words."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from eqspike.golden.config import Config
from eqspike.golden.draw import MASK32, WARM_UP, WEYL
from eqspike.golden.number import fixed_numbers
from eqspike.rtl.draw import xorshift32


class Generator(wiring.Component):
    """xorshift32, started anew for each image from a key that a Weyl sequence moves on.

    - `key` (32): place in the stream; `key_load` (1) sets it to `key_data` (32), `next_key` (1) moves it on. Where both
      are high the key is the one that was loaded.
    - `begin` (1): an image begins: `word` (32) is the key. `warm_up` (1): rounds that nobody draws from, one a cycle,
      until `warm` (1) is high, `golden.draw.WARM_UP` of them. `next_word` (1): the word of the next step, in the next
      cycle.
    - `draw_sign` (1): `negative` (1), the image's sign in the nudge phase, is drawn from the word (if the config says
      that it is random; else it is 0).
    """

    LATENCY = 1

    def __init__(self, config: Config) -> None:
        self.random_sign = config.learning.random_sign
        super().__init__(
            {
                "key_load": In(1),
                "key_data": In(32),
                "next_key": In(1),
                "key": Out(32, init=fixed_numbers(config).seed),
                "begin": In(1),
                "warm_up": In(1),
                "warm": Out(1),
                "next_word": In(1),
                "word": Out(32),
                "draw_sign": In(1),
                "negative": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        rounds = Signal(range(WARM_UP + 1))
        m.d.comb += self.warm.eq(rounds == WARM_UP)
        with m.If(self.key_load):
            m.d.sync += self.key.eq(self.key_data)
        with m.Elif(self.next_key):
            m.d.sync += self.key.eq(self.key + WEYL)
        with m.If(self.next_word):
            m.d.sync += self.word.eq(xorshift32(self.word))
        with m.If(self.begin):
            m.d.sync += [self.word.eq(Mux(self.key == 0, MASK32, self.key)), rounds.eq(0)]
        with m.If(self.warm_up & ~self.warm):
            m.d.sync += [self.word.eq(xorshift32(self.word)), rounds.eq(rounds + 1)]
        with m.If(self.draw_sign):
            sign = self.word[0] if self.random_sign else 0
            m.d.sync += self.negative.eq(sign)
        return m


__all__ = ["Generator"]
