"""Input neurons (the circuit of `golden.neuron.drive_inputs`): pixels gathered into words of neurons, their memory, and
the spikes of each step one by one."""

from __future__ import annotations

import itertools

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from eqspike.golden.config import Config
from eqspike.golden.number import fixed_numbers
from eqspike.rtl.input_store import LONG, PlainStore, PrefetchStore, filled_layout
from eqspike.rtl.number import table


def at_most_one(bits: Value) -> Value:
    """Is none of the bits set, or one?"""
    pairs = [(bit, Const(0, 1)) for bit in bits]
    while len(pairs) > 1:
        halves = itertools.zip_longest(pairs[::2], pairs[1::2], fillvalue=(Const(0, 1), Const(0, 1)))
        pairs = [(a | b, many_a | many_b | (a & b)) for (a, many_a), (b, many_b) in halves]
    return ~pairs[0][1]


def place_of(bit: Value, bits: int) -> Value:
    """The place of the only bit that is set."""
    return Cat(Cat(Const(0, 1), *(bit[i] for i in range(len(bit)) if i >> n & 1)).any() for n in range(bits))


class PixelGatherer(wiring.Component):
    """Gathers the pixels of these neurons into words, in order, each with its neuron's phase.

    Members:
    - `pixels`, a stream of pixel_bits: those of all inputs, 0, 1, ...; takes one a cycle until all are there;
    - `restart` (1 bit): begin with input 0 again, whose phase is `first_phase` (with input.phase random; else 0);
    - `loaded`, `empty` (1 bit each): all pixels are there; none is;
    - `write` (1 bit), `address`, `word` (`filled_layout`): a word is complete; LATENCY cycles after its last pixel.
    """

    LATENCY = 1

    def __init__(self, config: Config, lanes: int, neurons: list[int]) -> None:
        self.numbers = fixed_numbers(config)
        self.inputs = config.network.layers[0]
        self.lanes, self.neurons = lanes, neurons
        self.random = config.input.phase == "random"
        super().__init__(
            {
                "pixels": In(stream.Signature(unsigned(self.numbers.pixel_bits))),
                "restart": In(1),
                "loaded": Out(1),
                "empty": Out(1),
                "write": Out(1),
                "address": Out(ceil_log2(-(-len(neurons) // lanes))),
                "word": Out(filled_layout(config, lanes)),
            }
            | ({"first_phase": In(range(self.numbers.input_threshold))} if self.random else {})
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        numbers, lanes, filling = self.numbers, self.lanes, self.word
        gathered = Signal.like(self.word)
        place = Signal(range(lanes + 1))
        count = Signal(range(self.inputs + 1))
        phase = Signal(range(max(2, numbers.input_threshold)))
        m.d.comb += [
            gathered.eq(Mux(place == 0, 0, filling.as_value())),
            self.empty.eq(count == 0),
            self.pixels.ready.eq(~self.loaded),
        ]
        # In memory, membranes are counted from here on: above the threshold a carry goes out, with no comparator.
        rest_state = (1 << numbers.input_bits) - 1 - numbers.input_threshold
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
        chosen = [int(n in neurons) for n in range(self.inputs)]
        belongs = Signal(init=chosen[0])
        """The next pixel belongs to one of these neurons."""
        if len(self.neurons) < self.inputs:
            fill = accepted & belongs
        full = (place == lanes - 1) | (count == self.neurons[-1])
        with m.If(accepted):
            advanced = phase + numbers.phase_step
            m.d.sync += [
                count.eq(count + 1),
                belongs.eq(table([*chosen[1:], 0], count[: ceil_log2(self.inputs)])),
                self.loaded.eq(count == self.inputs - 1),
                phase.eq(Mux(advanced >= numbers.input_threshold, advanced - numbers.input_threshold, advanced)),
            ]
        with m.If(fill):
            m.d.sync += [place.eq(Mux(full, 0, place + 1)), filling.eq(gathered)]
        m.d.sync += self.write.eq(fill & full)
        with m.If(self.write):
            m.d.sync += self.address.eq(self.address + 1)
        with m.If(self.restart):
            first = self.first_phase if self.random else 0
            m.d.sync += [count.eq(0), phase.eq(first), place.eq(0), self.address.eq(0)]
            m.d.sync += [self.loaded.eq(0), belongs.eq(chosen[0])]
        return m


class SpikeSerialiser(wiring.Component):
    """Hands out the spikes of words one by one, a cycle each.

    Members:
    - `words`, a stream of words: its number `word`, and for each lane whether it `fired` and whether its spike `sends`
      a programming pulse; `step`, a bit that tells the spikes of one step from those of the next;
    - `spikes`, a stream that is never stalled: lanes * word + lane of each that fired, in rising order, LATENCY cycles
      after its word at the earliest; `pulse` (1 bit): this spike sends a programming pulse;
    - `holds` (1 bit): a word's spikes wait behind those of the word before; until then `spikes.valid` says that spikes
      are still to come. Words without a spike cost nothing meanwhile;
    - `steps` (a bit for each value of `step`): spikes of such a step are still to come, or come now.
    """

    LATENCY = 2

    def __init__(self, lanes: int, word_bits: int, index_bits: int) -> None:
        self.lanes = lanes
        word = data.StructLayout({"word": word_bits, "step": 1, "fired": lanes, "sends": lanes})
        super().__init__(
            {
                "words": In(stream.Signature(word)),
                "spikes": Out(stream.Signature(unsigned(index_bits), always_ready=True)),
                "pulse": Out(1),
                "holds": Out(1),
                "steps": Out(2),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        lanes = self.lanes
        valid, word = self.words.valid, self.words.payload
        # A word's spikes wait (`held`) until those of the word before are handed out (`pending`).
        held, pending = Signal.like(word, name="held"), Signal.like(word, name="pending")
        rest = pending.fired & (pending.fired - 1)[:lanes]
        next_pending = Signal(lanes)
        # What moves the words on reaches too much to be found out in the same cycle.
        take = Signal(init=1)
        """`take`: at most one spike is pending."""
        m.d.comb += [
            self.words.ready.eq(take | ~self.holds),
            next_pending.eq(Mux(take, held.fired, rest)),
        ]
        m.d.sync += [
            pending.fired.eq(next_pending),
            take.eq(at_most_one(next_pending)),
            self.spikes.valid.eq(next_pending.any()),
        ]
        with m.If(self.words.ready):
            m.d.sync += [
                held.fired.eq(Mux(valid, word.fired, 0)),
                self.holds.eq(valid & word.fired.any()),
                held.sends.eq(word.sends),
                held.word.eq(word.word),
                held.step.eq(word.step),
            ]
        with m.If(take):
            m.d.sync += [pending.sends.eq(held.sends), pending.word.eq(held.word), pending.step.eq(held.step)]
        m.d.comb += [
            self.steps[step].eq((self.holds & (held.step == step)) | (self.spikes.valid & (pending.step == step)))
            for step in range(2)
        ]

        # The lowest of those pending, as one bit, then as a number.
        lowest = Signal(lanes)
        m.d.comb += [
            lowest.eq(pending.fired ^ rest),
            self.spikes.payload.eq(pending.word * lanes + place_of(lowest, ceil_log2(max(2, lanes)))),
            self.pulse.eq((lowest & pending.sends).any()),
        ]
        return m


class InputNeurons(wiring.Component):
    """Input neurons: IF neurons, each with the constant current of its pixel; one list of spikes a step.

    `neurons` says which inputs they are (by default all), in rising order; `lanes` (Q) of them are served a cycle.
    Members:
    - `pixels`, a stream of pixel_bits: those of all inputs, in order 0, 1, ...; after the last one `loaded` (1 bit) is
      high, and the membranes stand at the phases of the start of an image. `empty` (1 bit) is high before the first;
    - `restart` (1 bit) forgets the image; with input.phase random, `first_phase` is the next one's. With `prefetch`, it
      begins with the image that was filled instead, and the next one may be filled while its steps run; `loaded` then
      tells of the next;
    - `start` (1 bit) runs one step; `spikes`, a stream that is never stalled, gives the places among `neurons` of those
      that fired, in rising order, one a cycle;
    - `busy` (1 bit) is high from the cycle after `start` until the last spike is out: at most words + spikes +
      `latency` cycles, with words = ceil(len(neurons) / Q);
    - `pulse` (1 bit) says with each spike whether it sends a programming pulse, where only every N-th spike does;
      spikes are counted in steps that `counting` (1 bit) is high in.

    With `eager`, words whose pixels are all 0 are passed over, and a step may start while spikes of the one before are
    still to come: when `free` (1 bit) is high, whatever `busy` is. `ends` (1 bit) strobes once for each step, when all
    its spikes were out; a spike of that cycle is the next step's.
    """

    def __init__(
        self,
        config: Config,
        lanes: int,
        neurons: list[int] | None = None,
        prefetch: bool = False,
        eager: bool = False,
    ) -> None:
        self.numbers = fixed_numbers(config)
        self.inputs = config.network.layers[0]
        self.neurons = list(range(self.inputs)) if neurons is None else neurons
        """Which inputs these are, in rising order."""
        self.lanes = min(lanes, len(self.neurons))
        self.words = -(-len(self.neurons) // self.lanes)
        self.index_bits = max(1, ceil_log2(len(self.neurons)))
        self.every = config.programming.every
        self.eager, self.prefetch = eager, prefetch
        self.gatherer = PixelGatherer(config, self.lanes, self.neurons)
        self.store = (PrefetchStore if prefetch else PlainStore)(config, self.lanes, self.words)
        self.serialiser = SpikeSerialiser(self.lanes, ceil_log2(self.words), self.index_bits)
        self.registered = self.words > LONG
        """A block RAM is slow to read: its words go through a register."""
        self.latency = 1 + self.store.LATENCY + int(self.registered) + self.serialiser.LATENCY
        """Cycles from `start` to the first spike of word 0."""
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
            | ({"first_phase": In(range(self.numbers.input_threshold))} if self.gatherer.random else {})
            | ({"free": Out(1), "ends": Out(1)} if eager else {})
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.gatherer = gatherer = self.gatherer
        m.submodules.store = store = self.store
        m.submodules.serialiser = serialiser = self.serialiser
        address_bits = ceil_log2(self.words)
        running, address, go = Signal(), Signal(address_bits), serialiser.words.ready
        # What the memory gives, and the word that is at work.
        given_valid, given_address = Signal(), Signal(address_bits)
        old, new = Signal.like(store.word), Signal.like(store.word)
        valid, old_address = Signal(), Signal(address_bits)
        moves = [old.eq(store.word), valid.eq(given_valid), old_address.eq(given_address)]
        if self.registered:
            with m.If(go):
                m.d.sync += moves
        else:
            m.d.comb += moves
        wiring.connect(m, wiring.flipped(self.pixels), gatherer.pixels)
        wiring.connect(m, serialiser.spikes, wiring.flipped(self.spikes))
        m.d.comb += [
            gatherer.restart.eq(self.restart),
            *([gatherer.first_phase.eq(self.first_phase)] if gatherer.random else []),
            self.loaded.eq(gatherer.loaded),
            self.empty.eq(gatherer.empty),
            store.restart.eq(self.restart),
            store.start.eq(self.start),
            store.fill.eq(gatherer.write),
            store.fill_address.eq(gatherer.address),
            store.fill_word.eq(gatherer.word),
            store.read.eq(go),
            store.read_address.eq(address),
            store.write.eq(valid & go),
            store.write_address.eq(old_address),
            store.write_word.eq(new),
            serialiser.words.valid.eq(valid),
            serialiser.words.payload.word.eq(old_address),
            self.pulse.eq(serialiser.pulse),
            self.busy.eq(running | given_valid | valid | serialiser.holds | self.spikes.valid),
        ]
        for lane in range(self.lanes):
            self._integrate(m, lane, old[lane], new[lane])
        with m.If(go):
            m.d.sync += [given_valid.eq(running), given_address.eq(address)]
        if self.eager:
            self._pass_over(m, running, address)
            self._follow_steps(m, running, given_valid, valid)
            return m
        with m.If(go & running):
            m.d.sync += address.eq(address + 1)
            with m.If(address == self.words - 1):
                m.d.sync += running.eq(0)
        with m.If(self.start):
            m.d.sync += [running.eq(1), address.eq(0)]
        return m

    def _pass_over(self, m: Module, running: Signal, address: Signal) -> None:
        """Only words with a bright pixel are read, in rising order."""
        gatherer = self.gatherer
        bright, left = Signal(self.words, name="bright"), Signal(self.words, name="left")
        """Words with a bright pixel, of the image that is filled; those that are still to be read in this step."""
        shown = bright
        with m.If(gatherer.write & Cat(lane.pixel.any() for lane in gatherer.word).any()):
            m.d.sync += bright.bit_select(gatherer.address, 1).eq(1)
        with m.If(self.restart):
            m.d.sync += bright.eq(0)
        if self.prefetch:
            shown = Signal(self.words, name="shown")
            with m.If(self.restart):
                m.d.sync += shown.eq(bright)
        rest = left & (left - 1)[: self.words]
        m.d.comb += [running.eq(left.any()), address.eq(place_of(left ^ rest, len(address)))]
        with m.If(self.start):
            m.d.sync += left.eq(shown)
        with m.Elif(self.serialiser.words.ready):
            m.d.sync += left.eq(rest)

    def _follow_steps(self, m: Module, running: Value, given_valid: Value, valid: Value) -> None:
        """Which step words and spikes belong to, of the two that may be under way: a bit tells them apart."""
        newest, oldest = Signal(init=1, name="newest"), Signal(name="oldest")
        under_way = Signal(range(3))
        given, taken = Signal(), Signal()
        moves = [taken.eq(given)]
        with m.If(self.serialiser.words.ready):
            m.d.sync += [given.eq(newest), *(moves if self.registered else [])]
        if not self.registered:
            m.d.comb += moves
        with m.If(self.start):
            m.d.sync += newest.eq(~newest)
        steps = [
            (running & (newest == step)) | (given_valid & (given == step)) | (valid & (taken == step))
            | self.serialiser.steps[step]
            for step in range(2)
        ]  # fmt: skip
        m.d.comb += [
            self.serialiser.words.payload.step.eq(taken),
            self.ends.eq((under_way != 0) & ~Mux(oldest, steps[1], steps[0])),
            self.free.eq(~(running | given_valid | valid) & (under_way != 2)),
        ]
        with m.If(self.ends):
            m.d.sync += oldest.eq(~oldest)
        m.d.sync += under_way.eq(under_way + self.start - self.ends)

    def _integrate(self, m: Module, lane: int, old: data.View, new: data.View) -> None:
        """One neuron's step: its membrane grows by its pixel; at the threshold it fires, and the threshold goes off."""
        numbers = self.numbers
        fired = self.serialiser.words.payload.fired[lane]
        sends = self.serialiser.words.payload.sends[lane]
        u = old.pixel + old.membrane
        m.d.comb += [
            fired.eq(u[numbers.input_bits]),
            new.pixel.eq(old.pixel),
            new.membrane.eq(Mux(fired, u - numbers.input_threshold, u)),
        ]
        if self.every > 1:
            counted = fired & self.counting
            m.d.comb += sends.eq(counted & (old.pulse_count == self.every - 1))
            m.d.comb += new.pulse_count.eq(Mux(sends, 0, old.pulse_count + counted))
        else:
            m.d.comb += sends.eq(fired)


__all__ = ["InputNeurons", "PixelGatherer", "SpikeSerialiser"]
