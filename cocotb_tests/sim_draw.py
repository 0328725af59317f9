"""cocotb: rtl.draw against golden.draw: the generator, its draws, the hashes and what is made of their words."""

from __future__ import annotations

import cocotb
from amaranth.hdl import Module, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from cocotb_tests.bench import TIMEOUT, Bench
from eqspike.golden.draw import (
    DEVIATE_LIMIT,
    WARM_UP,
    deviate_of,
    image_word,
    mix,
    neuron_draw,
    noise_of,
    row_word,
    spread,
    xorshift32,
)
from eqspike.rtl import draw
from eqspike.sim import harness

PLACES = ((0, 0), (1, 0), (1, 1), (1, 31), (2, 3), (3, 9), (2, 4095))
"""(layer, neuron) of the draws."""
NARROW = 9
"""Bits of a second, narrower number that is spread."""

JOBS = {"words": {"seed": 150, "vectors": 1500}}


class DrawProbe(wiring.Component):
    """The functions of rtl.draw, made into a circuit without a clock."""

    def __init__(self) -> None:
        super().__init__(
            {
                "word": In(32),
                "row": In(16),
                "next_word": Out(32),
                "warm_word": Out(32),
                "row_word": Out(32),
                "draws": Out(data.ArrayLayout(32, len(PLACES))),
                "mixed": Out(32),
                "spread": Out(32),
                "spread_narrow": Out(32),
                "noise": Out(signed(11)),
                "deviate": Out(data.ArrayLayout(6, 2)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        warm = self.word
        for i in range(WARM_UP):
            # A signal each round: the expression alone would double with every xor.
            rounded = Signal(32, name=f"warm_{i}")
            m.d.comb += rounded.eq(draw.xorshift32(warm))
            warm = rounded
        m.d.comb += [
            self.next_word.eq(draw.xorshift32(self.word)),
            self.warm_word.eq(warm),
            self.row_word.eq(draw.xorshift32(self.word ^ draw.row_key(self.row))),
        ]
        for i, (layer, neuron) in enumerate(PLACES):
            rotation = draw.neuron_rotation(layer, neuron)
            m.d.comb += self.draws[i].eq(draw.rotate_right(self.word, rotation))
        m.d.comb += [
            self.mixed.eq(draw.mix(m, self.word, "mixed")),
            self.spread.eq(draw.spread(self.row)),
            self.spread_narrow.eq(draw.spread(self.row[:NARROW])),
            self.noise.eq(draw.noise_of(self.word)),
        ]
        m.d.comb += [self.deviate[half].eq(draw.deviate_index(self.word, half)) for half in (0, 1)]
        return m


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    return DrawProbe()


@cocotb.test(**TIMEOUT)
async def draw_functions(dut: object) -> None:
    """Every function, on corner values and random ones."""
    job = harness.job()
    bench = Bench(dut, make(job), job["seed"])
    for _ in range(job["vectors"]):
        word = bench.random.choice((1, 2**31, 2**32 - 1, bench.random.getrandbits(32) or 1))
        row = bench.pick(0, 2**16 - 1)
        bench.drive(word=word, row=row)
        await bench.settle_combinational()
        bench.check("next_word", xorshift32(word), word=word)
        bench.check("warm_word", image_word(word), word=word)
        bench.check("row_word", row_word(word, row), word=word, row=row)
        bench.check("draws", [neuron_draw(word, layer, neuron, 32) for layer, neuron in PLACES], word=word)
        bench.check("mixed", mix(word), word=word)
        bench.check("spread", spread(row), row=row)
        bench.check("spread_narrow", spread(row & ((1 << NARROW) - 1)), row=row)
        bench.check("noise", noise_of(word), word=word)
        bench.check("deviate", [deviate_of(word, half) + DEVIATE_LIMIT for half in (0, 1)], word=word)
    bench.report()
