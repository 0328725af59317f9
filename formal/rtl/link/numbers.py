"""Proofs of `rtl/link/numbers.py`."""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Const, Value

from eqspike.rtl.layout import Layout
from eqspike.rtl.link.numbers import NumberCheck
from eqspike.rtl.link.protocol import sizes_of
from formal import configs
from formal.bench import Bench
from formal.registry import proof

WIDE = [{"bits": 10, "range": 1, "learning_rate": "2^-8"}, {"bits": 6, "range": 2, "learning_rate": "2^-6"}]
WEIGHTS = {
    "narrow": {},
    "wide": {"synapses": WIDE},
    "banks": {"banks": 2},
}


def check(b: Bench, pixels: int, banks: int = 1, **sections: object) -> tuple:
    """(config, layout, the component, which begins in cycle 0, its numbers' bytes)."""
    config = configs.small(input={"full_scale": 64}, **sections)
    layout = Layout(config, 2, banks)
    sizes = sizes_of(config, layout, max(synapses.bits for synapses in config.synapses), 8)
    block = b.add(NumberCheck(config, layout, sizes), leave=("begin", "pixels"))
    b.m.d.comb += [block.begin.eq(b.first), block.pixels.eq(pixels)]
    b.assume(~b.first | ~block.bytes.valid)
    return config, layout, block, sizes.pixel_bytes if pixels else sizes.weight_bytes


def wrong_if(b: Bench, block: NumberCheck, last: Value, outside: Value) -> None:
    """`wrong` is high from the first number on that is outside."""
    wrong = b.register(1, "wrong")
    b.m.d.sync += wrong.eq(wrong | (last & outside))
    b.prove(b.first | (block.wrong == wrong))
    b.reach(~wrong & last & ~outside & (block.bytes.payload != 0) & ~b.past(b.first))
    b.reach(~b.first & block.wrong)


@proof("`wrong` says whether a pixel that was taken is above full scale; a byte is taken in every cycle.", depth=5,
       any_state=True, bug=("outside.eq(pixel > self.full_scale)", "outside.eq(pixel >= self.full_scale)"))  # fmt: skip
def pixels(b: Bench) -> None:
    config, _, block, width = check(b, pixels=1)
    assert width == 1
    b.prove(block.bytes.ready)
    wrong_if(b, block, block.bytes.valid & ~b.first, block.bytes.payload > config.input.full_scale)


@proof("`wrong` says whether a weight whose bytes were taken is outside its layer's format, or not 0 in a lane "
       "without a neuron, wherever the block begins; its first byte is taken after a cycle for each run of words at "
       "most.", depth=14, any_state=True, cases=WEIGHTS,
       bug=("right & ((lane < lanes) |", "right & ((lane <= lanes) |"))  # fmt: skip
def weights(b: Bench, **sections: object) -> None:
    config, layout, block, width = check(b, pixels=0, **sections)
    # What each word holds: the bits of a weight, and lanes with a neuron. A block ends with its word.
    bits, used = [0] * layout.words, [0] * layout.words
    for synapses, _, _, place, column in layout.places():
        bits[place], used[place] = config.synapses[synapses].bits, max(used[place], column + 1)
    word, first = b.as_of_first(block.word, 16), b.as_of_first(block.lane, 16)
    b.assume(~b.first | ((block.word < layout.words) & (block.lane < layout.lanes)))
    taken = block.bytes.valid & block.bytes.ready & ~b.first
    before, index, number = b.register(8, "before"), b.register(1, "index"), b.register(4, "number")
    last = taken & (index == width - 1)
    with b.m.If(taken):
        b.m.d.sync += [before.eq(block.bytes.payload), index.eq(~last), number.eq(number + last)]
    lane = first + number
    b.assume(b.first | ~taken | (lane < layout.lanes))
    weight = (block.bytes.payload if width == 1 else Cat(before, block.bytes.payload)).as_signed()
    bound = Array(Const(1 << (size - 1), 16) for size in bits)[word].as_signed()
    outside = (weight >= bound) | (weight < -bound) | ((lane >= Array(Const(n, 4) for n in used)[word]) & (weight != 0))
    b.prove((b.cycle <= len(block.runs)) | block.bytes.ready)
    wrong_if(b, block, last, outside)
