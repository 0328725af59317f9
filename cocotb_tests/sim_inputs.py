"""cocotb: the input neurons (rtl.inputs) against golden.neuron, behind their streams; and their parts alone."""

from __future__ import annotations

import cocotb
import numpy as np
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from cocotb_tests.bench import TIMEOUT, Bench, config_data
from eqspike.golden.config import Config
from eqspike.golden.configfile import config_from_dict
from eqspike.golden.network import Network
from eqspike.golden.neuron import drive_inputs
from eqspike.golden.step import count_to, reset
from eqspike.rtl.inputs import InputNeurons, PixelGatherer, SpikeSerialiser
from eqspike.sim import harness

JOBS = {
    # The last word is not full.
    "inputs": {
        "part": "inputs",
        "lanes": 4,
        "config": config_data(network={"layers": [10, 3, 2]}, input={"full_scale": 16}),
    },
    "one_lane": {
        "part": "inputs",
        "lanes": 1,
        "config": config_data(
            network={"layers": [5, 3, 2]},
            input={"full_scale": 64},
            neuron={"refractory": 3},
            learning={"window": 48, "free_steps": 60},
        ),
    },
    # More lanes than neurons, all of which start at 0.
    "one_word": {
        "part": "inputs",
        "lanes": 8,
        "config": config_data(network={"layers": [3, 3, 2]}, input={"phase": "zero"}),
    },
    # The next image is filled while one is presented; neurons of which every third spike programs.
    "prefetch": {
        "part": "inputs",
        "lanes": 4,
        "prefetch": True,
        "config": config_data(network={"layers": [10, 3, 2]}, programming={"every": 3}),
    },
    # Every so many spikes a programming pulse.
    "every_third": {
        "part": "inputs",
        "lanes": 4,
        "config": config_data(network={"layers": [10, 3, 2]}, programming={"every": 3}),
    },
    "every_fourth": {
        "part": "inputs",
        "lanes": 1,
        "config": config_data(network={"layers": [3, 3, 2]}, programming={"every": 4}),
    },
    # Some of the inputs, as a bank has them.
    "gatherer": {
        "part": "gatherer",
        "lanes": 2,
        "neurons": [0, 2, 3, 7, 8],
        "config": config_data(network={"layers": [10, 3, 2]}, input={"full_scale": 16}),
    },
    "serialiser": {"part": "serialiser", "lanes": 5, "words": 7},
    "serialiser_one_lane": {"part": "serialiser", "lanes": 1, "words": 3},
    # Dark words are passed over, and steps follow each other closely; the memory's words go through a register.
    "eager": {
        "part": "inputs",
        "lanes": 6,
        "eager": True,
        "config": config_data(network={"layers": [52, 3, 2]}, programming={"every": 3}),
    },
    # Words of so many spikes that those of a step follow the last step's at once.
    "eager_prefetch": {
        "part": "inputs",
        "lanes": 16,
        "eager": True,
        "prefetch": True,
        "config": config_data(network={"layers": [52, 3, 2]}),
    },
}
for _seed, _job in enumerate(JOBS.values()):
    _job.update(seed=203 + _seed)


class InputProbe(wiring.Component):
    """`InputNeurons` as a top module, whose ports cannot be constant: `spikes` without its `ready`."""

    def __init__(self, config: Config, lanes: int, prefetch: bool = False, eager: bool = False) -> None:
        self.neurons = InputNeurons(config, lanes, prefetch=prefetch, eager=eager)
        self.inputs, self.lanes = self.neurons.inputs, self.neurons.lanes
        members = dict(self.neurons.signature.members)
        spike = members.pop("spikes").signature.members["payload"]
        super().__init__({**members, "spike": spike, "spike_valid": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.neurons = neurons = self.neurons
        wiring.connect(m, wiring.flipped(self.pixels), neurons.pixels)
        m.d.comb += [
            neurons.restart.eq(self.restart),
            neurons.start.eq(self.start),
            neurons.counting.eq(self.counting),
            self.pulse.eq(neurons.pulse),
            self.loaded.eq(neurons.loaded),
            self.empty.eq(neurons.empty),
            self.busy.eq(neurons.busy),
            self.spike.eq(neurons.spikes.payload),
            self.spike_valid.eq(neurons.spikes.valid),
        ]
        if neurons.eager:
            m.d.comb += [self.free.eq(neurons.free), self.ends.eq(neurons.ends)]
        return m


class SerialiserProbe(wiring.Component):
    """`SpikeSerialiser` as a top module: `spikes` without its `ready`."""

    def __init__(self, lanes: int, words: int) -> None:
        self.lanes, self.count = lanes, words
        index_bits = (lanes * words - 1).bit_length()
        self.serialiser = SpikeSerialiser(lanes, (words - 1).bit_length(), index_bits)
        members = dict(self.serialiser.signature.members)
        members.pop("spikes")
        super().__init__({**members, "spike": Out(index_bits), "spike_valid": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.serialiser = serialiser = self.serialiser
        wiring.connect(m, wiring.flipped(self.words), serialiser.words)
        m.d.comb += [
            self.holds.eq(serialiser.holds),
            self.steps.eq(serialiser.steps),
            self.pulse.eq(serialiser.pulse),
            self.spike.eq(serialiser.spikes.payload),
            self.spike_valid.eq(serialiser.spikes.valid),
        ]
        return m


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    if job["part"] == "serialiser":
        return SerialiserProbe(job["lanes"], job["words"])
    if job["part"] == "gatherer":
        return PixelGatherer(config_from_dict(job["config"]), job["lanes"], job["neurons"])
    return InputProbe(
        config_from_dict(job["config"]), job["lanes"], job.get("prefetch", False), job.get("eager", False)
    )


@cocotb.test(**TIMEOUT)
async def inputs(dut: object) -> None:
    """The part that the job names."""
    job = harness.job()
    bench = Bench(dut, make(job), job["seed"])
    await bench.start()
    await {"inputs": _inputs, "gatherer": _gatherer, "serialiser": _serialiser}[job["part"]](bench, job)
    bench.report()


# ---------------------------------------------------------------------------------------------------------------------

IMAGES = 14
STEPS = 25


def _image(bench: Bench, number: int, count: int, full_scale: int) -> list[int]:
    """Dark, white, random or mixed pixels."""
    if number < 3:
        return [(0, full_scale, full_scale // 2)[number]] * count
    return [bench.pick(0, full_scale) for _ in range(count)]


async def _fill(bench: Bench, pixels: list[int], gaps: float, stop: int | None = None) -> None:
    """Stream pixels, with an idle cycle before each with probability `gaps`; `stop`: no more than so many."""
    sent = 0
    bench.check("empty", 1)
    while sent < (len(pixels) if stop is None else stop):
        offered = not bench.chance(gaps)
        bench.drive(
            pixels__valid=int(offered), pixels__payload=pixels[sent] if offered else bench.random.choice(pixels)
        )
        await bench.settle()
        bench.check("loaded", 0, pixels=sent)
        bench.check("pixels__ready", 1, pixels=sent)
        bench.check("spike_valid", 0, pixels=sent)
        bench.seen["gap"] += not offered
        sent += offered
        await bench.cycle()
    bench.drive(pixels__valid=0)


async def _step(bench: Bench, fired: list[int], counting: int, pulses: list[int]) -> None:
    """Start one step and collect its list of spikes, each with its programming pulse."""
    lanes = bench.component.lanes
    bench.drive(start=1, counting=counting)
    await bench.settle()
    bench.check("busy", 0)
    await bench.cycle()
    bench.drive(start=0)
    spikes, sent, cycles = [], [], 0
    while True:
        await bench.settle()
        bench.check("loaded", 1)
        if bench.get("spike_valid"):
            spikes.append(bench.get("spike"))
            sent.append(bench.get("pulse"))
        if not bench.get("busy"):
            break
        cycles += 1
        await bench.cycle()
    bench.check("spikes", fired, spikes)
    bench.check("pulses", pulses, sent, spikes=spikes, counting=counting)
    bench.seen["pulse"] += sum(pulses)
    bench.seen["not counted"] += len(fired) * (1 - counting)
    bench.check("spike_valid", 0)
    limit = -(-bench.component.inputs // lanes) + len(fired) + bench.component.neurons.latency
    if cycles > limit:
        bench.fail("cycles of a step", cycles, f"at most {limit}")
    bench.seen["spike"] += len(fired)
    bench.seen["no spike"] += not fired
    bench.seen["many at once"] += len(fired) > lanes
    await bench.cycle()


async def _inputs(bench: Bench, job: dict) -> None:
    """Images, some of them given up half way; the lists of spikes of every step."""
    if job.get("eager"):
        await _eager(bench, job)
        return
    if job.get("prefetch"):
        await _prefetch(bench, job)
        return
    config = config_from_dict(job["config"])
    network = Network(config)
    count = config.network.layers[0]
    for number in range(IMAGES):
        pixels = _image(bench, number, count, config.input.full_scale)
        gaps = (0.0, 0.5, 0.9)[number % 3]
        if number % 4 == 3:
            await _restart(bench)
            await _fill(bench, pixels, gaps, stop=bench.random.randrange(count))
            bench.seen["given up"] += 1
        await _restart(bench)
        await _fill(bench, pixels, gaps)
        # A pixel too many waits.
        bench.drive(pixels__valid=1, pixels__payload=config.input.full_scale)
        reset(network.state, network.parameters, network.key)
        # Spikes are counted from some step on, in some images here and there.
        begin = bench.random.randrange(STEPS // 2)
        for step in range(STEPS):
            state = network.state
            counting = int(step >= begin) if number % 3 else bench.random.getrandbits(1)
            fired = drive_inputs(
                np.array(pixels, state.input_membrane.dtype), network.parameters.input_threshold,
                state.input_membrane, state.input_spikes, state.fired_list,
            )  # fmt: skip
            while bench.chance(0.3):
                await bench.settle()
                bench.check("busy", 0)
                bench.check("pixels__ready", 0)
                await bench.cycle()
            listed = [int(n) for n in state.fired_list[:fired]]
            await _step(bench, listed, counting, [_pulse(network, n, counting) for n in listed])
        bench.drive(pixels__valid=0)


class Ahead:
    """Fills images one after the other while steps run: one is ready before it is presented."""

    def __init__(self, bench: Bench, images: list[list[int]]) -> None:
        self.bench, self.images = bench, images
        self.number, self.sent = 0, 0
        """The image being filled, and its pixels so far."""

    async def cycle(self, **inputs: int) -> dict[str, int]:
        """One cycle with these inputs; perhaps a pixel is taken. Returns what the outputs were in it."""
        bench = self.bench
        count = bench.component.inputs
        wanted = self.number < len(self.images) and bench.chance(0.6)
        pixel = self.images[self.number][self.sent % count] if self.number < len(self.images) else 0
        bench.drive(restart=0, start=0, pixels__valid=int(wanted), pixels__payload=pixel)
        bench.drive(**inputs)
        await bench.settle()
        outputs = {name: bench.get(name) for name in ("loaded", "empty", "busy", "spike_valid", "spike", "pulse")}
        bench.check("pixels__ready", int(self.sent < count), sent=self.sent)
        bench.check("loaded", int(self.sent == count), sent=self.sent)
        bench.check("empty", int(self.sent == 0), sent=self.sent)
        bench.seen["gap"] += not wanted
        if inputs.get("restart"):
            self.number, self.sent = self.number + 1, 0
        elif wanted and self.sent < count:
            self.sent += 1
        await bench.cycle()
        return outputs


async def _prefetch(bench: Bench, job: dict) -> None:
    """Images, each filled while the one before is presented."""
    config = config_from_dict(job["config"])
    network = Network(config)
    count = config.network.layers[0]
    images = [_image(bench, number, count, config.input.full_scale) for number in range(IMAGES)]
    ahead = Ahead(bench, images)
    for number, pixels in enumerate(images):
        while ahead.sent < count:
            await ahead.cycle()
            bench.seen["waited"] += 1
        await ahead.cycle(restart=1)
        reset(network.state, network.parameters, network.key)
        for _ in range(STEPS):
            state = network.state
            counting = bench.random.getrandbits(1)
            fired = drive_inputs(
                np.array(pixels, state.input_membrane.dtype), network.parameters.input_threshold,
                state.input_membrane, state.input_spikes, state.fired_list,
            )  # fmt: skip
            listed = [int(n) for n in state.fired_list[:fired]]
            pulses = [_pulse(network, n, counting) for n in listed]
            await ahead.cycle(start=1, counting=counting)
            spikes, sent = [], []
            while True:
                outputs = await ahead.cycle(counting=counting)
                if outputs["spike_valid"]:
                    spikes.append(outputs["spike"])
                    sent.append(outputs["pulse"])
                if not outputs["busy"]:
                    break
            bench.check("spikes", listed, spikes, number=number)
            bench.check("pulses", pulses, sent, spikes=spikes, counting=counting)
            bench.seen["pulse"] += sum(pulses)
            bench.seen["not counted"] += len(listed) * (1 - counting)
            bench.seen["spike"] += len(listed)
            bench.seen["no spike"] += not listed


async def _eager(bench: Bench, job: dict) -> None:
    """Images whose steps start as soon as they may, or a little later: the spikes of each, in order."""
    config = config_from_dict(job["config"])
    network, probe = Network(config), bench.component
    count, lanes = config.network.layers[0], probe.lanes
    images = [_image(bench, number, count, config.input.full_scale) for number in range(IMAGES)]
    for number, pixels in enumerate(images):
        if number > 2 and number % 2:
            # A dark word here and there, and dark ends.
            dark = [bench.chance(0.5) for _ in range(-(-count // lanes))]
            pixels[:] = [0 if dark[n // lanes] else pixel for n, pixel in enumerate(pixels)]
        if job.get("prefetch"):
            await _fill_next(bench, pixels)
            await _restart(bench)
        else:
            await _restart(bench)
            await _fill_next(bench, pixels)
        reset(network.state, network.parameters, network.key)
        counting, state = int(number % 3 != 0), network.state
        wanted = []
        for _ in range(STEPS):
            fired = drive_inputs(
                np.array(pixels, state.input_membrane.dtype), network.parameters.input_threshold,
                state.input_membrane, state.input_spikes, state.fired_list,
            )  # fmt: skip
            listed = [int(n) for n in state.fired_list[:fired]]
            wanted.append([(n, _pulse(network, n, counting)) for n in listed])
        words = sum(any(pixels[first : first + lanes]) for first in range(0, count, lanes))
        await _close_steps(bench, wanted, words, counting, hurry=0.2 if number % 4 == 3 else 1)


async def _fill_next(bench: Bench, pixels: list[int]) -> None:
    for pixel in pixels:
        while bench.chance(0.3):
            bench.drive(pixels__valid=0)
            await bench.cycle()
            bench.seen["gap"] += 1
        bench.drive(pixels__valid=1, pixels__payload=pixel)
        await bench.cycle()
    bench.drive(pixels__valid=0)
    await bench.cycle()


async def _close_steps(
    bench: Bench, wanted: list[list[tuple[int, int]]], words: int, counting: int, hurry: float
) -> None:
    """Start a step whenever it may, with probability `hurry`, and hold what comes out against `wanted`."""
    started, ended, cycles, free, found = 0, 0, 0, False, []
    while ended < len(wanted):
        # Who was free in the last cycle, and was not started then, still is.
        start = started < len(wanted) and free and bench.chance(hurry)
        bench.drive(start=start, counting=counting)
        await bench.settle()
        free = bool(bench.get("free")) and not start
        # Nothing is filled meanwhile; what is under way keeps the neurons busy.
        bench.check("pixels__ready", int(bool(bench.get("empty"))))
        bench.check("loaded", int(not bench.get("empty")))
        if bench.get("spike_valid"):
            bench.check("busy", 1)
        if start:
            bench.check("free", 1)
        if bench.get("ends"):
            bench.check("spikes of a step", wanted[ended], found)
            bench.seen["spike"] += len(found)
            bench.seen["no spike"] += not found
            ended, found = ended + 1, []
        if bench.get("spike_valid"):
            found.append((bench.get("spike"), bench.get("pulse")))
            bench.seen["pulse"] += found[-1][1]
            bench.seen["beside the end"] += bool(bench.get("ends"))
        bench.seen["overlap"] += start and started > ended
        started += start
        cycles += 1
        await bench.cycle()
    bench.drive(start=0)
    bench.check("spikes after the last step", [], found)
    limit = sum(words + len(step) + bench.component.neurons.latency + 1 for step in wanted)
    if hurry == 1 and cycles > limit:
        bench.fail("cycles of all steps", cycles, f"at most {limit}")


def _pulse(network: Network, neuron: int, counting: int) -> int:
    """Does this spike send a programming pulse?"""
    every = network.parameters.pulse_every
    if every == 1:
        return 1
    return int(counting and count_to(every, 0, neuron, network.state.input_pulse_count))


async def _restart(bench: Bench) -> None:
    bench.drive(restart=1)
    await bench.cycle()
    bench.drive(restart=0)


# ---------------------------------------------------------------------------------------------------------------------


async def _gatherer(bench: Bench, job: dict) -> None:
    """Images in a stream with gaps, some given up half way: every word, in the cycle after its last pixel."""
    gatherer = bench.component
    config = config_from_dict(job["config"])
    numbers, neurons, lanes = gatherer.numbers, job["neurons"], job["lanes"]
    count = config.network.layers[0]
    network = Network(config)
    reset(network.state, network.parameters, network.key)
    # Counted so that a membrane above the threshold carries into the bit above its own.
    rest = (1 << numbers.input_bits) - 1 - numbers.input_threshold
    phases = [int(membrane) + rest for membrane in network.state.input_membrane]
    for number in range(IMAGES):
        pixels = _image(bench, number, count, config.input.full_scale)
        expected = {
            neurons[min(first + lanes, len(neurons)) - 1]: (
                first // lanes,
                [{"pixel": pixels[n], "membrane": phases[n]} for n in neurons[first : first + lanes]],
            )
            for first in range(0, len(neurons), lanes)
        }
        stop = bench.random.randrange(count) if number % 4 == 3 else count
        bench.seen["given up"] += stop < count
        await _restart(bench)
        sent, written = 0, None
        while sent < stop or written is not None:
            offered = sent < stop and not bench.chance((0.0, 0.5, 0.9)[number % 3])
            bench.drive(pixels__valid=int(offered), pixels__payload=pixels[sent] if offered else 0)
            await bench.settle()
            bench.check("pixels__ready", int(sent < count), sent=sent)
            bench.check("loaded", int(sent == count), sent=sent)
            bench.check("empty", int(sent == 0), sent=sent)
            bench.check("write", int(written is not None), sent=sent)
            if written is not None:
                address, word = written
                bench.check("address", address, sent=sent)
                bench.check("word", word + [{"pixel": 0, "membrane": 0}] * (lanes - len(word)), sent=sent)
            written = expected.get(sent) if offered else None
            bench.seen["gap"] += not offered
            sent += offered
            await bench.cycle()
        bench.drive(pixels__valid=0)


WORDS = 600


async def _serialiser(bench: Bench, job: dict) -> None:
    """Words in a stream with gaps; the spikes in order, and none of the cycles wasted."""
    lanes, words = job["lanes"], job["words"]
    expected: list[tuple[int, int]] = []
    steps: list[int] = []
    """Of the spikes expected."""
    found: list[tuple[int, int]] = []
    sent = stalled = 0
    word = None
    gaps = 0.0
    while sent < WORDS or len(found) < len(expected):
        if sent % 100 == 0:
            gaps = bench.random.choice((0.0, 0.3, 0.9))
        if word is None and sent < WORDS and not bench.chance(gaps):
            fired = bench.random.choice((0, (1 << lanes) - 1, bench.random.getrandbits(lanes)))
            word = {
                "word": bench.random.randrange(words), "step": bench.random.getrandbits(1), "fired": fired,
                "sends": bench.random.getrandbits(lanes),
            }  # fmt: skip
        bench.drive(words__valid=int(word is not None), words__payload=word or 0)
        await bench.settle()
        ready, waiting = bench.get("words__ready"), len(expected) - len(found)
        bench.check("steps", sum({1 << step for step in steps[len(found) :]}))
        if bench.get("holds"):
            bench.seen["held"] += 1
            assert waiting, "nothing is held"
        if bench.get("spike_valid"):
            found.append((bench.get("spike"), bench.get("pulse")))
            bench.check("spike", expected[len(found) - 1], found[-1])
        elif waiting:
            # What was taken last cycle is not out yet; no other wait is needed.
            stalled += 1
            if stalled > bench.component.serialiser.LATENCY - 1:
                bench.fail("cycles without a spike", stalled, bench.component.serialiser.LATENCY - 1)
        if bench.get("spike_valid") or not waiting:
            stalled = 0
        if word is not None and not ready:
            bench.seen["back-pressure"] += 1
        if word is not None and ready:
            expected += [
                (lanes * word["word"] + lane, word["sends"] >> lane & 1)
                for lane in range(lanes)
                if word["fired"] >> lane & 1
            ]
            steps += [word["step"]] * word["fired"].bit_count()
            bench.seen["no spike"] += word["fired"] == 0
            sent, word = sent + 1, None
        await bench.cycle()
