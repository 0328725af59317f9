"""Are the numbers of a payload in their ranges? Looked at one after another, before any of them is used."""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

from amaranth.hdl import Array, Cat, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from eqspike.golden.cells import cell_bits
from eqspike.golden.config import Config
from eqspike.rtl.layout import Layout
from eqspike.rtl.link.protocol import Sizes


class Run(NamedTuple):
    """Words of the weight memory that follow each other and hold weights of one kind."""

    words: int
    bits: int
    """Of a weight of their layer."""
    lanes: int
    """That have a neuron, from lane 0 on."""


def weight_runs(config: Config, layout: Layout) -> list[Run]:
    """All words of the weight memory, in the order of the host's numbers."""
    kinds, bits = [(0, 0)] * layout.words, cell_bits(config)
    for synapses, _, _, word, lane in layout.places():
        kinds[word] = bits[synapses], max(kinds[word][1], lane + 1)
    return [Run(len(list(words)), *kind) for kind, words in groupby(kinds)]


class NumberCheck(wiring.Component):
    """Checks the pixels of an image, or a block of weights.

    - `begin` (1): the numbers of a payload follow. Of weights, `word` and `lane` (16 each) say then where the first one
      stands; the word is one that there is.
    - `pixels` (1, steady): they are pixels, else weights.
    - `bytes` (stream of bytes): the payload. Of weights, the first byte is taken once it is known what their word
      holds, which takes a cycle for each run of words before it.
    - `wrong` (1): one of the numbers whose bytes have been taken is outside its range: a pixel above input.full_scale,
      a weight outside its layer's format, or one that is not 0 in a lane without a neuron, an accumulator that holds a
      whole pulse. It stays until `begin`.
    """

    def __init__(self, config: Config, layout: Layout, sizes: Sizes) -> None:
        self.full_scale, self.sizes, self.lanes = config.input.full_scale, sizes, layout.lanes
        self.runs = weight_runs(config, layout)
        self.rest_bits = config.programming.rest_bits
        """Of an accumulator, below the weight. It never holds the least number that they could mean, a whole pulse."""
        super().__init__(
            {
                "begin": In(1),
                "word": In(16),
                "lane": In(16),
                "pixels": In(1),
                "bytes": In(stream.Signature(8)),
                "wrong": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        sizes = self.sizes
        widest = max(sizes.pixel_bytes, sizes.weight_bytes)
        before, index = Signal(8 * (widest - 1)), Signal(range(max(2, widest)))
        """The bytes of this number that came before, the last of them highest; how many."""
        lane = Signal(range(self.lanes + 1))
        value = Cat(before, self.bytes.payload)
        pixel = value[8 * (widest - sizes.pixel_bytes) :]
        weight = value[8 * (widest - sizes.weight_bytes) :]
        taken, last, outside = Signal(), Signal(), Signal()
        found, fits = self._find_word(m, weight, lane)
        m.d.comb += [
            self.bytes.ready.eq(found | self.pixels),
            taken.eq(self.bytes.valid & self.bytes.ready),
        ]
        with m.If(self.pixels):
            m.d.comb += [last.eq(index == sizes.pixel_bytes - 1), outside.eq(pixel > self.full_scale)]
        with m.Else():
            m.d.comb += [last.eq(index == sizes.weight_bytes - 1), outside.eq(~fits)]
        with m.If(self.begin):
            m.d.sync += [self.wrong.eq(0), index.eq(0), lane.eq(self.lane)]
        with m.Elif(taken):
            m.d.sync += [before.eq(value[8:]), index.eq(index + 1)]
            with m.If(last):
                m.d.sync += [index.eq(0), lane.eq(lane + 1), self.wrong.eq(self.wrong | outside)]
        return m

    def _find_word(self, m: Module, weight: Value, lane: Value) -> tuple[Value, Value]:
        """(the word's run is known, this weight is one of the run and lane)."""
        found, run = Signal(init=1), Signal(range(max(2, len(self.runs))))
        left = Signal(range(max(2, self.sizes.words)))
        """How far the word lies behind the run's first."""
        if len(self.runs) > 1:
            words = Array(entry.words for entry in self.runs)[run]
            with m.If(self.begin):
                m.d.sync += [found.eq(0), run.eq(0), left.eq(self.word)]
            with m.Elif(~found):
                with m.If(left < words):
                    m.d.sync += found.eq(1)
                with m.Else():
                    m.d.sync += [run.eq(run + 1), left.eq(left - words)]
        fits = Signal()
        with m.Switch(run):
            for bits, lanes in dict.fromkeys((entry.bits, entry.lanes) for entry in self.runs):
                with m.Case(*(i for i, entry in enumerate(self.runs) if (entry.bits, entry.lanes) == (bits, lanes))):
                    signs = weight[bits - 1 :]
                    right = signs.all() | ~signs.any()
                    if self.rest_bits:
                        right = right & (weight[: self.rest_bits] != 1 << (self.rest_bits - 1))
                    m.d.comb += fits.eq(right if lanes == self.lanes else right & ((lane < lanes) | (weight == 0)))
        return found, fits


__all__ = ["NumberCheck", "Run", "weight_runs"]
