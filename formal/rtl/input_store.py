"""Proofs of `rtl/input_store.py`."""

from __future__ import annotations

from amaranth.hdl import Mux, Signal

from eqspike.rtl import input_store
from formal import configs
from formal.bench import Bench
from formal.registry import proof

EVERY = {"programming": {"every": 3}}


def last_read(b: Bench, block: object, address: Signal) -> tuple:
    """(the word that stands at the output is that of this address, a register's value at the time of its read)."""
    here = b.register(1, "here")
    with b.m.If(block.read):
        b.m.d.sync += here.eq(block.read_address == address)

    def then(value: Signal, name: str) -> Signal:
        kept = b.register(value.shape(), name)
        with b.m.If(block.read):
            b.m.d.sync += kept.eq(value)
        return kept

    return here, then


@proof("A word is read as it was last filled or written, from every state of the memory.", depth=6, any_state=True,
       cases={"plain": {}, "every": EVERY},
       bug=("with m.If(self.fill):", "with m.If(self.fill & ~self.write):"))  # fmt: skip
def plain(b: Bench, **sections: object) -> None:
    block = b.add(input_store.PlainStore(configs.small(**sections), 2, 3))
    b.assume((block.fill_address < 3) & (block.read_address < 3) & (block.write_address < 3))
    address = b.held(range(3), "address")
    b.assume(address < 3)
    known, word = b.register(1, "known"), b.register(block.word.shape().size, "word")
    fresh = Signal(block.word.shape(), name="fresh")
    for lane in range(2):
        b.m.d.comb += fresh[lane].pixel.eq(block.fill_word[lane].pixel)
        b.m.d.comb += fresh[lane].membrane.eq(block.fill_word[lane].membrane)
    with b.m.If(block.fill & (block.fill_address == address)):
        b.m.d.sync += [known.eq(1), word.eq(fresh)]
    with b.m.Elif(~block.fill & block.write & (block.write_address == address)):
        b.m.d.sync += [known.eq(1), word.eq(block.write_word)]
    here, then = last_read(b, block, address)
    given = then(known, "known_then"), then(word, "word_then")
    b.prove(~here | ~given[0] | (block.word.as_value() == given[1]))
    b.reach(here & given[0] & (block.word[1].pixel == 1) & (block.word[1].membrane == 5) & ~block.read)


@proof("With two images: in an image's first step a word is read as it was filled, in the others with the membranes "
       "that were written; filling the next image changes nothing of it.", depth=8, any_state=True,
       cases={"plain": {}, "every": EVERY}, bug=("Mux(half, 0, self.words)", "Mux(half, self.words, 0)"))  # fmt: skip
def prefetch(b: Bench, **sections: object) -> None:
    block = b.add(input_store.PrefetchStore(configs.small(**sections), 2, 3))
    b.assume((block.fill_address < 3) & (block.read_address < 3) & (block.write_address < 3))
    address = b.held(range(3), "address")
    b.assume(address < 3)
    # The image being filled, the one that is presented, and what its last step wrote.
    filled, shown = Signal(block.filled, name="formal_filled"), Signal(block.filled, name="formal_shown")
    filled_known, shown_known = b.register(1, "filled_known"), b.register(1, "shown_known")
    written, written_known = Signal(block.word.shape(), name="formal_written"), b.register(1, "written_known")
    steps = b.register(2, "steps")
    """Steps of this image that began; 3: it is not known."""
    fills = block.fill & (block.fill_address == address)
    with b.m.If(fills):
        b.m.d.sync += [filled.eq(block.fill_word), filled_known.eq(1)]
    with b.m.If(block.restart):
        b.m.d.sync += [
            shown.eq(Mux(fills, block.fill_word.as_value(), filled.as_value())), shown_known.eq(filled_known | fills),
            filled.eq(shown), filled_known.eq(shown_known), steps.eq(0),
        ]  # fmt: skip
    with b.m.Elif(block.start & (steps < 2)):
        b.m.d.sync += steps.eq(steps + 1)
    with b.m.If(block.write & (block.write_address == address)):
        b.m.d.sync += [written.eq(block.write_word), written_known.eq(1)]
    b.assume(~b.first | block.restart)  # so that it is known which step this is
    here, then = last_read(b, block, address)
    pixels, pixels_known = then(shown.as_value(), "shown_then"), then(shown_known, "shown_known_then")
    old, old_known = then(written.as_value(), "written_then"), then(written_known, "written_known_then")
    image, state = Signal(block.filled, name="image"), Signal(block.word.shape(), name="state")
    b.m.d.comb += [image.eq(pixels), state.eq(old)]
    first, later = here & pixels_known & (steps == 1), here & old_known & (steps == 2)
    for lane in range(2):
        b.prove(~here | ~pixels_known | (block.word[lane].pixel == image[lane].pixel))
        b.prove(~first | (block.word[lane].membrane == image[lane].membrane))
        b.prove(~later | (block.word[lane].membrane == state[lane].membrane))
        if sections:
            b.prove(~first | (block.word[lane].pulse_count == 0))
            b.prove(~later | (block.word[lane].pulse_count == state[lane].pulse_count))
    b.reach(first & (block.word[1].membrane == 5))
    b.reach(later & pixels_known & (block.word[1].membrane == 6))
