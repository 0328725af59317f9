"""LIF neurons and input neurons (the circuits of `golden.neuron`)."""

from __future__ import annotations

import itertools

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from golden.config import Config
from golden.number import fixed_numbers
from rtl.number import leak_down, saturate, table


class Lif(wiring.Component):
    """One LIF neuron a cycle: leak, add, saturate, fire, reset by subtraction, refractory period (eq 2.5).

    Latency 4, throughput 1: `membrane`, `refractory` and `drive` of one cycle, and `current` two cycles later, which is
    added to `drive`, give the outputs four cycles after the former.
    The exact sum is formed before the membrane saturates; `saturated` tells when it did. A refractory neuron
    integrates but does not fire. `threshold` is this neuron's, where neurons differ in gain; else it is not read.
    """

    def __init__(self, config: Config, current_bits: int) -> None:
        self.numbers = fixed_numbers(config)
        self.gains = config.neuron.gain_spread > 0
        self.period = config.neuron.refractory
        membrane = signed(self.numbers.membrane.bits)
        refractory = unsigned((self.period - 1).bit_length())
        super().__init__(
            {
                "membrane": In(membrane),
                "refractory": In(refractory),
                "drive": In(signed(current_bits)),
                "current": In(signed(current_bits)),
                "threshold": In(unsigned(self.numbers.membrane.bits - 1)),
                "next_membrane": Out(membrane),
                "next_refractory": Out(refractory),
                "spike": Out(1),
                "saturated": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        numbers = self.numbers
        # Stage 1: leak.
        leaked = Signal(signed(numbers.membrane.bits + 1))
        drive = Signal.like(self.drive)
        refractory_1, refractory_2, refractory_3 = (Signal.like(self.refractory) for _ in range(3))
        m.d.sync += [
            leaked.eq(leak_down(self.membrane, numbers.leak_shift)),
            drive.eq(self.drive),
            refractory_1.eq(self.refractory),
        ]
        # Stages 2 and 3: integrate, exactly.
        exact = Signal(signed(max(len(leaked), len(drive)) + 1))
        driven = Signal.like(exact)
        m.d.sync += [
            driven.eq(leaked + drive),
            refractory_2.eq(refractory_1),
            exact.eq(driven + self.current),
            refractory_3.eq(refractory_2),
        ]
        # Stage 4: saturate, fire, reset.
        membrane = Signal(signed(numbers.membrane.bits))
        saturated = Signal()
        clamped, outside = saturate(exact, numbers.membrane.low, numbers.membrane.high)
        m.d.comb += [membrane.eq(clamped), saturated.eq(outside)]
        spike = Signal()
        threshold = Const(numbers.threshold)
        # Without gains the threshold is a power of two: above it is whatever has a bit above that one, or that one and
        # any below.
        # Taken from the sum before it saturates (the membrane's limit lies above the threshold), so that both go on
        # at once.
        bit = numbers.threshold.bit_length() - 1
        above = ~exact[-1] & (exact[bit + 1 : -1].any() | (exact[bit] & exact[:bit].any()))
        if self.gains:
            threshold_1, threshold_2, threshold = (Signal.like(self.threshold) for _ in range(3))
            m.d.sync += [threshold_1.eq(self.threshold), threshold_2.eq(threshold_1), threshold.eq(threshold_2)]
            above = membrane > threshold
        m.d.comb += spike.eq(above & (refractory_3 == 0))
        m.d.sync += [
            self.next_membrane.eq(Mux(spike, membrane - threshold, membrane)),
            self.next_refractory.eq(
                Mux(spike, self.period - 1, Mux(refractory_3 == 0, 0, refractory_3 - 1)),
            ),
            self.spike.eq(spike),
            self.saturated.eq(saturated),
        ]
        return m


def at_most_one(bits: Value) -> Value:
    """Is none of the bits set, or one?"""
    pairs = [(bit, Const(0, 1)) for bit in bits]
    while len(pairs) > 1:
        halves = itertools.zip_longest(pairs[::2], pairs[1::2], fillvalue=(Const(0, 1), Const(0, 1)))
        pairs = [(a | b, many_a | many_b | (a & b)) for (a, many_a), (b, many_b) in halves]
    return ~pairs[0][1]


LONG = 8
"""A longer memory goes to block RAM. Yosys would make it of an ECP5's LUTs, 16 words deep, which wastes fewer bits; but
28 x 28 pixels then cost 8,000 of them."""


def _memory(bits: int, words: int) -> Memory:
    return Memory(shape=unsigned(bits), depth=words, init=[], attrs={"ram_style": "block"} if words > LONG else {})


class InputNeurons(wiring.Component):
    """Input neurons: IF neurons, each with the constant current of its pixel; one list of spikes a step.

    `pixels` are those of all inputs, in order 0, 1, ...; after the last one `loaded` is high and the membranes stand at
    the phases of the start of an image. `start` then runs one step: `Q` neurons a cycle, and `spikes` (valid only,
    never stalled) gives the places, among `neurons` (by default all inputs), of those that fired, in rising order, one
    a cycle. `busy` is high from the cycle after `start` until the last spike is out: at most words + spikes + `latency`
    cycles, with words = ceil(len(neurons) / Q); words without a spike cost nothing while those of the word before wait.
    `restart` forgets the image. With `prefetch`, it begins with the image that was filled instead, and the next one may
    be filled while its steps run; `loaded` then tells of the next. `empty` is high before an image's first pixel. Where
    only every N-th spike programs, `pulse` says with each spike whether it sends a
    programming pulse; spikes are counted in steps that `counting` is high in.
    """

    def __init__(self, config: Config, lanes: int, neurons: list[int] | None = None, prefetch: bool = False) -> None:
        self.numbers = fixed_numbers(config)
        self.inputs = config.network.layers[0]
        self.neurons = list(range(self.inputs)) if neurons is None else neurons
        """Which inputs these are, in rising order."""
        self.lanes = min(lanes, len(self.neurons))
        self.words = -(-len(self.neurons) // self.lanes)
        self.index_bits = max(1, ceil_log2(len(self.neurons)))
        self.every = config.programming.every
        self.prefetch = prefetch
        self.registered = self.words > LONG
        """A block RAM is slow to read: its words go through a register."""
        self.latency = 4 + int(self.registered)
        super().__init__(
            {
                "pixels": In(stream.Signature(unsigned(self.numbers.pixel_bits))),
                "restart": In(1),
                "loaded": Out(1),
                "empty": Out(1),
                "start": In(1),
                "busy": Out(1),
                "spikes": Out(stream.Signature(unsigned(self.index_bits), always_ready=True)),
                "counting": In(1),
                "pulse": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        numbers, lanes = self.numbers, self.lanes
        # In memory, membranes are counted from here on: above the threshold a carry goes out, with no comparator.
        rest_state = (1 << numbers.input_bits) - 1 - numbers.input_threshold
        fields = {"pixel": numbers.pixel_bits, "membrane": numbers.input_bits}
        counts = {"pulse_count": (self.every - 1).bit_length()} if self.every > 1 else {}
        # Filled: a pixel, and the phase that the membrane starts an image at.
        filled = data.ArrayLayout(data.StructLayout(fields), lanes)
        word = data.ArrayLayout(data.StructLayout(fields | counts), lanes)
        address_bits = ceil_log2(self.words)
        fill_address = Signal(address_bits)
        address = Signal(address_bits)
        go = Signal()
        # What the memory gives, and the word that is at work.
        given, given_valid, given_address = Signal(word), Signal(), Signal(address_bits)
        old, new = Signal(word), Signal(word)
        valid, read_address = Signal(), Signal(address_bits)
        moves = [old.eq(given), valid.eq(given_valid), read_address.eq(given_address)]
        if self.registered:
            with m.If(go):
                m.d.sync += moves
        else:
            m.d.comb += moves
        filling, write_filled = Signal(filled), Signal()
        if self.prefetch:
            # The image being presented, and the next; the membranes of the former by themselves.
            changing = data.ArrayLayout(data.StructLayout({"membrane": numbers.input_bits} | counts), lanes)
            m.submodules.images = images = _memory(filled.size, 2 * self.words)
            m.submodules.memory = memory = _memory(changing.size, self.words)
            fill_write, image_read = images.write_port(), images.read_port()
            write, read = memory.write_port(), memory.read_port()
            half, begun, first = Signal(), Signal(), Signal()
            """The half being filled; a step has begun; it is the image's first."""
            image, state, changed = Signal(filled), Signal(changing), Signal(changing)
            with m.If(self.restart):
                m.d.sync += [half.eq(~half), begun.eq(0)]
            with m.Elif(self.start):
                m.d.sync += [begun.eq(1), first.eq(~begun)]
            m.d.comb += [
                fill_write.addr.eq(fill_address + Mux(half, self.words, 0)),
                fill_write.data.eq(filling),
                fill_write.en.eq(write_filled),
                image_read.addr.eq(address + Mux(half, 0, self.words)),
                image_read.en.eq(go),
                read.addr.eq(address),
                read.en.eq(go),
                image.eq(image_read.data),
                state.eq(read.data),
                write.addr.eq(read_address),
                write.data.eq(changed),
                write.en.eq(valid & go),
            ]
            for lane in range(lanes):
                m.d.comb += [
                    given[lane].pixel.eq(image[lane].pixel),
                    given[lane].membrane.eq(Mux(first, image[lane].membrane, state[lane].membrane)),
                    changed[lane].membrane.eq(new[lane].membrane),
                ]
                if counts:
                    m.d.comb += [
                        given[lane].pulse_count.eq(Mux(first, 0, state[lane].pulse_count)),
                        changed[lane].pulse_count.eq(new[lane].pulse_count),
                    ]
        else:
            m.submodules.memory = memory = _memory(word.size, self.words)
            write, read = memory.write_port(), memory.read_port()
            fresh = Signal(word)
            m.d.comb += [read.addr.eq(address), read.en.eq(go), given.eq(read.data)]
            for lane in range(lanes):
                m.d.comb += [
                    fresh[lane].pixel.eq(filling[lane].pixel), fresh[lane].membrane.eq(filling[lane].membrane)
                ]  # fmt: skip
            with m.If(write_filled):
                m.d.comb += [write.addr.eq(fill_address), write.data.eq(fresh), write.en.eq(1)]
            with m.Else():
                m.d.comb += [write.addr.eq(read_address), write.data.eq(new), write.en.eq(valid & go)]

        # Filling: pixels are gathered into a word, which is written the cycle after its last one.
        gathered = Signal(filled)
        place = Signal(range(lanes + 1))
        count = Signal(range(self.inputs + 1))
        phase = Signal(range(max(2, numbers.input_threshold)))
        m.d.comb += [
            gathered.eq(Mux(place == 0, 0, filling.as_value())),
            self.empty.eq(count == 0),
            self.pixels.ready.eq(~self.loaded),
        ]
        with m.Switch(place):
            for lane in range(lanes):
                with m.Case(lane):
                    m.d.comb += [
                        gathered[lane].pixel.eq(self.pixels.payload),
                        gathered[lane].membrane.eq(phase + rest_state),
                    ]
        accepted = self.pixels.valid & self.pixels.ready
        fill = accepted
        neurons = set(self.neurons)
        all_mine = [int(n in neurons) for n in range(self.inputs)]
        mine = Signal(init=all_mine[0])
        """The next pixel belongs to one of these neurons."""
        if len(self.neurons) < self.inputs:
            fill = accepted & mine
        full = (place == lanes - 1) | (count == self.neurons[-1])
        with m.If(accepted):
            advanced = phase + numbers.phase_step
            m.d.sync += [
                count.eq(count + 1),
                mine.eq(table([*all_mine[1:], 0], count[: ceil_log2(self.inputs)])),
                self.loaded.eq(count == self.inputs - 1),
                phase.eq(Mux(advanced >= numbers.input_threshold, advanced - numbers.input_threshold, advanced)),
            ]
        with m.If(fill):
            m.d.sync += [place.eq(Mux(full, 0, place + 1)), filling.eq(gathered)]
        m.d.sync += write_filled.eq(fill & full)
        with m.If(write_filled):
            m.d.sync += fill_address.eq(fill_address + 1)

        # A step: read a word, update it, write it back; its spikes wait (`held`) until those of the word before are
        # handed out one by one (`pending`).
        running = Signal()
        held, held_word, held_sends = Signal(lanes), Signal(address_bits), Signal(lanes)
        pending, pending_word, pending_sends = Signal(lanes), Signal(address_bits), Signal(lanes)
        rest = pending & (pending - 1)[:lanes]
        next_pending = Signal(lanes)
        # What moves the words on reaches too much to be found out in the same cycle.
        take, waits = Signal(init=1), Signal()
        """`take`: at most one spike is pending. `waits`: spikes are held."""
        fired, sends = Signal(lanes), Signal(lanes)
        m.d.comb += [
            go.eq(take | ~waits),
            self.busy.eq(running | given_valid | valid | waits | self.spikes.valid),
            next_pending.eq(Mux(take, held, rest)),
        ]
        m.d.sync += [
            pending.eq(next_pending),
            take.eq(at_most_one(next_pending)),
            self.spikes.valid.eq(next_pending.any()),
        ]
        for lane in range(lanes):
            u = old[lane].pixel + old[lane].membrane
            m.d.comb += [
                fired[lane].eq(u[numbers.input_bits]),
                new[lane].pixel.eq(old[lane].pixel),
                new[lane].membrane.eq(Mux(fired[lane], u - numbers.input_threshold, u)),
            ]
            if self.every > 1:
                counted = fired[lane] & self.counting
                m.d.comb += sends[lane].eq(counted & (old[lane].pulse_count == self.every - 1))
                after = Mux(sends[lane], 0, old[lane].pulse_count + counted)
                m.d.comb += new[lane].pulse_count.eq(after)
            else:
                m.d.comb += sends[lane].eq(fired[lane])
        with m.If(go):
            m.d.sync += [
                given_valid.eq(running),
                given_address.eq(address),
                held.eq(Mux(valid, fired, 0)),
                waits.eq(valid & fired.any()),
                held_sends.eq(sends),
                held_word.eq(read_address),
            ]
            with m.If(running):
                m.d.sync += address.eq(address + 1)
                with m.If(address == self.words - 1):
                    m.d.sync += running.eq(0)
        with m.If(take):
            m.d.sync += [pending_sends.eq(held_sends), pending_word.eq(held_word)]
        with m.If(self.start):
            m.d.sync += [running.eq(1), address.eq(0)]

        # The lowest of those pending, as one bit, then as a number.
        lowest = Signal(lanes)
        m.d.comb += [
            lowest.eq(pending ^ rest),
            self.spikes.payload.eq(
                pending_word * lanes
                + Cat(
                    Cat(Const(0, 1), *(lowest[lane] for lane in range(lanes) if lane >> bit & 1)).any()
                    for bit in range(ceil_log2(max(2, lanes)))
                )
            ),
            self.pulse.eq((lowest & pending_sends).any()),
        ]

        with m.If(self.restart):
            m.d.sync += [count.eq(0), phase.eq(0), place.eq(0), fill_address.eq(0)]
            m.d.sync += [self.loaded.eq(0), mine.eq(all_mine[0])]
        return m


__all__ = ["InputNeurons", "Lif"]
