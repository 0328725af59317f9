"""The memories of input neurons: an image's words, read and written back in each step."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from eqspike.golden.config import Config
from eqspike.golden.number import fixed_numbers

LONG = 8
"""A longer memory goes to block RAM. Yosys would make it of an ECP5's LUTs, 16 words deep, which wastes fewer bits; but
28 x 28 pixels then cost 8,000 of them."""


def _memory(bits: int, words: int) -> Memory:
    return Memory(shape=unsigned(bits), depth=words, init=[], attrs={"ram_style": "block"} if words > LONG else {})


def filled_layout(config: Config, lanes: int) -> data.ArrayLayout:
    """A word as it is filled: for each lane a pixel, and the phase that its membrane starts an image at."""
    numbers = fixed_numbers(config)
    fields = {"pixel": numbers.pixel_bits, "membrane": numbers.input_bits}
    return data.ArrayLayout(data.StructLayout(fields), lanes)


def state_layout(config: Config, lanes: int) -> data.ArrayLayout:
    """A word as a step changes it: for each lane its membrane and, where only every N-th spike programs, the spikes
    since the last that did (`pulse_count`)."""
    fields = {"membrane": fixed_numbers(config).input_bits}
    if config.programming.every > 1:
        fields["pulse_count"] = (config.programming.every - 1).bit_length()
    return data.ArrayLayout(data.StructLayout(fields), lanes)


def word_layout(config: Config, lanes: int) -> data.ArrayLayout:
    """A word as a step reads it: for each lane its pixel and what `state_layout` holds."""
    fields = {"pixel": fixed_numbers(config).pixel_bits}
    fields |= {name: field.shape for name, field in state_layout(config, lanes).elem_shape}
    return data.ArrayLayout(data.StructLayout(fields), lanes)


class _Store(wiring.Component):
    """The memory of an image's words, read and written back in each step.

    Members:
    - `restart`, `start` (1 bit each): the image that was filled is presented; one of its steps begins;
    - `fill` (1 bit), `fill_address`, `fill_word` (`filled_layout`): a word of an image;
    - `read` (1 bit), `read_address`: gives `word` (`word_layout`), LATENCY cycles later and until the next `read`;
    - `write` (1 bit), `write_address`, `write_word` (`word_layout`): what a step makes of a word.
    """

    LATENCY = 1

    def __init__(self, config: Config, lanes: int, words: int) -> None:
        self.lanes, self.words = lanes, words
        self.filled = filled_layout(config, lanes)
        self.state = state_layout(config, lanes)
        whole, address = word_layout(config, lanes), ceil_log2(words)
        super().__init__(
            {
                "restart": In(1),
                "start": In(1),
                "fill": In(1),
                "fill_address": In(address),
                "fill_word": In(self.filled),
                "read": In(1),
                "read_address": In(address),
                "word": Out(whole),
                "write": In(1),
                "write_address": In(address),
                "write_word": In(whole),
            }
        )


class PlainStore(_Store):
    """One image: it is not filled while its steps run."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.memory = memory = _memory(self.word.shape().size, self.words)
        write, read = memory.write_port(), memory.read_port()
        fresh = Signal.like(self.word)
        m.d.comb += [read.addr.eq(self.read_address), read.en.eq(self.read), self.word.eq(read.data)]
        for lane in range(self.lanes):
            m.d.comb += [
                fresh[lane].pixel.eq(self.fill_word[lane].pixel),
                fresh[lane].membrane.eq(self.fill_word[lane].membrane),
            ]
        with m.If(self.fill):
            m.d.comb += [write.addr.eq(self.fill_address), write.data.eq(fresh), write.en.eq(1)]
        with m.Else():
            m.d.comb += [
                write.addr.eq(self.write_address),
                write.data.eq(self.write_word),
                write.en.eq(self.write),
            ]
        return m


class PrefetchStore(_Store):
    """Two images: one is presented while the next is filled; `restart` exchanges them."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # The pixels of both images; the membranes of the one being presented by themselves.
        m.submodules.images = images = _memory(self.filled.size, 2 * self.words)
        m.submodules.memory = memory = _memory(self.state.size, self.words)
        fill_write, image_read = images.write_port(), images.read_port()
        write, read = memory.write_port(), memory.read_port()
        half, begun, first = Signal(), Signal(), Signal()
        """The half being filled; a step has begun; it is the image's first."""
        image, state, changed = Signal(self.filled), Signal(self.state), Signal(self.state)
        with m.If(self.restart):
            m.d.sync += [half.eq(~half), begun.eq(0)]
        with m.Elif(self.start):
            m.d.sync += [begun.eq(1), first.eq(~begun)]
        m.d.comb += [
            fill_write.addr.eq(self.fill_address + Mux(half, self.words, 0)),
            fill_write.data.eq(self.fill_word),
            fill_write.en.eq(self.fill),
            image_read.addr.eq(self.read_address + Mux(half, 0, self.words)),
            image_read.en.eq(self.read),
            read.addr.eq(self.read_address),
            read.en.eq(self.read),
            image.eq(image_read.data),
            state.eq(read.data),
            write.addr.eq(self.write_address),
            write.data.eq(changed),
            write.en.eq(self.write),
        ]
        for lane in range(self.lanes):
            m.d.comb += [
                self.word[lane].pixel.eq(image[lane].pixel),
                self.word[lane].membrane.eq(Mux(first, image[lane].membrane, state[lane].membrane)),
                changed[lane].membrane.eq(self.write_word[lane].membrane),
            ]
            if "pulse_count" in self.state.elem_shape.members:
                m.d.comb += [
                    self.word[lane].pulse_count.eq(Mux(first, 0, state[lane].pulse_count)),
                    changed[lane].pulse_count.eq(self.write_word[lane].pulse_count),
                ]
        return m


__all__ = ["LONG", "PlainStore", "PrefetchStore", "filled_layout"]
