"""Proofs of `rtl/inputs.py`."""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Const, Signal

from eqspike.golden.neuron import drive_inputs
from eqspike.golden.number import fixed_numbers
from eqspike.rtl.inputs import InputNeurons, PixelGatherer
from formal import configs, golden
from formal.bench import Bench
from formal.registry import proof

INPUTS, LANES = 5, 2
FEW = {"network": {"layers": [INPUTS, 2, 2]}, "input": {"full_scale": 4}}


def rest(config: object) -> int:
    """What memory adds to a membrane, so that a carry goes out above the threshold."""
    numbers = fixed_numbers(config)
    return (1 << numbers.input_bits) - 1 - numbers.input_threshold


@proof("From every state: after a restart pixels come into words in order, whenever they come, each with the phase "
       "that its neuron begins an image at; a lane without a neuron is 0.", depth=9, any_state=True,
       cases={"all": {"neurons": [0, 1, 2, 3, 4]}, "some": {"neurons": [0, 2, 3]}},
       bug=("full = (place == lanes - 1) |", "full = (place == lanes) |"))  # fmt: skip
def gathers(b: Bench, neurons: list[int]) -> None:
    config = configs.small(**FEW)
    numbers = fixed_numbers(config)
    block = b.add(PixelGatherer(config, LANES, neurons), leave=("restart",))
    b.m.d.comb += block.restart.eq(b.first)
    # The sequencer takes no pixel in the restart's cycle.
    b.assume(~b.first | ~block.pixels.valid | ~block.pixels.ready)
    taken = block.pixels.valid & block.pixels.ready & ~b.first
    count = b.register(range(INPUTS + 1), "count")
    words, pixels = b.register(2, "words"), [b.register(numbers.pixel_bits, f"pixel_{n}") for n in range(INPUTS)]
    with b.m.If(taken):
        b.m.d.sync += count.eq(count + 1)
        for n in range(INPUTS):
            with b.m.If(count == n):
                b.m.d.sync += pixels[n].eq(block.pixels.payload)
    writes = block.write & ~b.first
    b.m.d.sync += words.eq(words + (writes & ~b.past(b.first)))
    known = ~b.first & ~b.past(b.first)
    for number in range(-(-len(neurons) // LANES)):
        here = known & block.write & (words == number)
        b.prove(~here | ((block.address == number) & (count > neurons[min(len(neurons), LANES * (number + 1)) - 1])))
        for lane in range(LANES):
            place = LANES * number + lane
            made = block.word[lane]
            if place < len(neurons):
                n = neurons[place]
                phase = rest(config) + n * numbers.phase_step % numbers.input_threshold
                b.prove(~here | ((made.pixel == pixels[n]) & (made.membrane == phase)))
            else:
                b.prove(~here | ((made.pixel == 0) & (made.membrane == 0)))
    b.prove(b.first | (block.loaded == (count == INPUTS)))
    b.prove(b.first | (block.empty == (count == 0)))
    b.prove(b.first | (block.pixels.ready == (count < INPUTS)))
    # The last word is complete a cycle after the last pixel.
    done = known & block.loaded & b.past(block.loaded)
    b.prove(~done | (words == -(-len(neurons) // LANES)))
    b.reach(done & (pixels[3] == 3))


@proof("A step of the input neurons is that of golden.neuron.drive_inputs: who fires, in rising order, and every "
       "membrane, from every state of the memory; it ends within the cycles that InputNeurons says, and uses no word "
       "that was read as it was written. One that hurries leaves dark words out, and says once, when all spikes are "
       "out, that it ended.",
       depth=14, any_state=True, cases={"plain": {}, "eager": {"eager": True}},
       bug=("fired.eq(u[numbers.input_bits])", "fired.eq(u[numbers.input_bits - 1])"))  # fmt: skip
def steps(b: Bench, eager: bool = False) -> None:
    config = configs.small(**FEW)
    numbers = fixed_numbers(config)
    block = b.add(InputNeurons(config, LANES, eager=eager), leave=("restart", "start", "pixels", "spikes"))
    b.m.d.comb += block.start.eq(b.first)
    word = block.store.word.shape()
    memory = [Signal(word, name=f"word_{i}") for i in range(block.words)]
    for i, view in enumerate(memory):
        b.m.d.comb += view.eq(b.peek(f"dut.store.memory[{i}]", word.size))
    # It begins with nothing on its way, and filled with pixels and membranes in their ranges.
    for name in ("held", "pending"):
        waits = b.peek(f"dut.serialiser.{name}", len(block.serialiser.words.payload.as_value()))
        b.assume(~b.first | (waits[-2 * LANES : -LANES] == 0))  # its `fired`
    b.assume(~b.first | (~block.busy & b.peek("dut.serialiser.take", 1)))
    b.assume(~b.first | ~b.peek("dut.gatherer.write", 1))
    pixels, membranes, sent = [], golden.array(INPUTS), golden.array(INPUTS)
    for n in range(INPUTS):
        own = memory[n // LANES][n % LANES]
        pixels.append(own.pixel)
        membranes[n] = (own.membrane - rest(config)).as_signed()
        b.assume(~b.first | ((own.pixel <= config.input.full_scale) & (membranes[n] >= 0)))
        b.assume(~b.first | (membranes[n] <= numbers.input_threshold))
    other = memory[-1][INPUTS % LANES]
    b.assume(~b.first | ((other.pixel == 0) & (other.membrane == 0)))
    reads = Const(1)
    """What is read is used."""
    if eager:
        left = b.peek("dut.left", block.words)
        reads = left.any()
        bright = b.peek("dut.bright", block.words)
        for i, view in enumerate(memory):
            b.assume(~b.first | (bright[i] == Cat(view[lane].pixel.any() for lane in range(LANES)).any()))
        b.assume(~b.first | (left == 0) & (b.peek("dut.under_way", 2) == 0))
        b.assume(~b.first | (b.peek("dut.newest", 1) != b.peek("dut.oldest", 1)))
    before = list(pixels)
    listed = golden.array(INPUTS + 1)
    values = golden.array(INPUTS, lambda n: pixels[n])
    count = golden.run(b.m, drive_inputs, values, numbers.input_threshold, membranes, sent, listed)
    count = b.as_of_first(count, 4)
    wanted = [b.as_of_first(listed[j], 4) for j in range(INPUTS)]
    came = b.register(4, "came")
    b.assume(~b.first | ~block.spikes.valid)
    with b.m.If(block.spikes.valid):
        b.m.d.sync += came.eq(came + 1)
    b.prove(~block.spikes.valid | ((came < count) & (block.spikes.payload == Array(wanted)[came])))
    b.prove(~block.spikes.valid | block.busy)
    store = block.store
    b.prove(~(store.read & reads) | ~store.write | (store.read_address != store.write_address))
    over = b.cycle > block.words + count + block.latency
    b.prove(~over | ~block.busy)
    ends = ~b.first & ~block.busy
    b.prove(~ends | (came == count))
    for n in range(INPUTS):
        own = memory[n // LANES][n % LANES]
        made = b.as_of_first(membranes[n], 16)
        b.prove(~ends | ((own.pixel == b.as_of_first(before[n], 8)) & ((own.membrane - rest(config)) == made)))
    if eager:
        ended = b.register(1, "ended")
        b.m.d.sync += ended.eq(ended | block.ends)
        b.prove(~block.ends | (~b.first & ~ended & (came == count) & ~block.busy))
        b.prove(~over | ended | block.ends)
        b.reach(block.ends & (bright == 2))
    b.reach(ends & (count == 3) & (wanted[0] == 1))
    b.reach(ends & (count == INPUTS))
