"""cocotb: rtl.neuron against golden.neuron: the LIF neuron, and the input neurons behind their streams."""

from __future__ import annotations

import cocotb
import numpy as np
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from cocotb_tests import harness
from cocotb_tests.bench import TIMEOUT, Bench, config_data
from golden.config import Config, config_from_dict
from golden.device import fixed_thresholds
from golden.network import Network, count_to, reset
from golden.neuron import drive_inputs, integrate_and_fire
from golden.number import leak_down
from rtl.neuron import InputNeurons, Lif

LATENCY = 4
"""Of a LIF neuron."""

JOBS = {
    "lif": {"part": "lif", "current_bits": 20, "config": config_data()},
    # No leak, a longer refractory period, a membrane so wide that currents cannot saturate it alone.
    "if_neuron": {
        "part": "lif",
        "current_bits": 13,
        "config": config_data(
            neuron={"leak": 0, "refractory": 5, "threshold": 0.5, "membrane_limit": 4},
            learning={"window": 80},
        ),
    },
    # Neurons differ in gain.
    "gains": {
        "part": "lif",
        "current_bits": 20,
        "config": config_data(neuron={"gain_spread": 0.4}, network={"layers": [5, 9, 9]}),
    },
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
}
for _seed, _job in enumerate(JOBS.values()):
    _job.update(seed=200 + _seed)


class InputProbe(wiring.Component):
    """`InputNeurons` as a top module, whose ports cannot be constant: `spikes` without its `ready`."""

    def __init__(self, config: Config, lanes: int, prefetch: bool = False) -> None:
        self.neurons = InputNeurons(config, lanes, prefetch=prefetch)
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
        return m


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    config = config_from_dict(job["config"])
    return (
        Lif(config, job["current_bits"])
        if job["part"] == "lif"
        else InputProbe(config, job["lanes"], job.get("prefetch", False))
    )


@cocotb.test(**TIMEOUT)
async def neuron(dut: object) -> None:
    """The part that the job names."""
    job = harness.job()
    bench = Bench(dut, make(job), job["seed"])
    await bench.start()
    await {"lif": _lif, "inputs": _inputs}[job["part"]](bench, job)
    bench.report()


# ---------------------------------------------------------------------------------------------------------------------

VECTORS = 3000


def _lif_stimulus(bench: Bench, job: dict, thresholds: list[int]) -> tuple[int, int, int, int]:
    """(membrane, refractory, current, threshold); every other time the sum is near the threshold or an end of the
    membrane."""
    lif = bench.component
    numbers = lif.numbers
    half = 1 << (job["current_bits"] - 1)
    threshold = bench.random.choice(thresholds)
    membrane = bench.pick(numbers.membrane.low, numbers.membrane.high, threshold, threshold + 1)
    refractory = 0 if bench.chance(0.6) else bench.random.randrange(lif.period)
    current = bench.pick(-half, half - 1)
    if bench.chance(0.5):
        goal = bench.random.choice((threshold, numbers.membrane.low, numbers.membrane.high))
        wanted = goal + bench.random.randint(-1, 1) - leak_down(membrane, numbers.leak_shift)
        if -half <= wanted < half:
            current = wanted
    return membrane, refractory, current, threshold


def _lif_golden(lif: Lif, membrane: int, refractory: int, current: int, threshold: int) -> dict[str, int]:
    """What the golden model makes of one neuron."""
    numbers = lif.numbers
    states = [np.array([[value]], np.int64) for value in (membrane, refractory, 0)]
    fired, saturated = integrate_and_fire(
        0, 1, np.array([current], np.int64), numbers.leak_shift, numbers.membrane.low, numbers.membrane.high,
        np.array([[threshold]], np.int64), lif.period, *states,
    )  # fmt: skip
    assert fired == states[2][0, 0]
    return {
        "next_membrane": int(states[0][0, 0]),
        "next_refractory": int(states[1][0, 0]),
        "spike": int(fired),
        "saturated": int(saturated),
    }


async def _lif(bench: Bench, job: dict) -> None:
    """A new neuron every cycle, its result `LATENCY` cycles later."""
    lif = bench.component
    numbers = lif.numbers
    membranes = numbers.membrane
    # The first: a neuron of gain 1. The last: one whose gain is so small, or below 0, that it never fires.
    thresholds = [numbers.threshold]
    if lif.gains:
        drawn = fixed_thresholds(config_from_dict(job["config"]), membranes)[1:]
        thresholds += [1, membranes.high - 1, *(int(t) for layer in drawn for t in layer), membranes.high]
        assert len(set(thresholds)) > 15
    pipeline: list[tuple[tuple[int, ...], dict[str, int]]] = []
    half, rests = 1 << (job["current_bits"] - 1), [0, 0]
    for vector in range(VECTORS + LATENCY):
        stimulus = _lif_stimulus(bench, job, thresholds)
        membrane, refractory, current, threshold = stimulus
        # Where gains are all 1 the port is not read.
        given = threshold if lif.gains else bench.pick(0, membranes.high)
        # Part of the current comes with the membrane, the rest two cycles later.
        drive = bench.random.randint(max(-half, current - half + 1), min(half - 1, current + half))
        bench.drive(membrane=membrane, refractory=refractory, drive=drive, current=rests.pop(0), threshold=given)
        rests.append(current - drive)
        await bench.settle()
        golden = _lif_golden(lif, *stimulus)
        pipeline.append((stimulus, golden))
        if vector >= LATENCY:
            old, expected = pipeline.pop(0)
            for name, value in expected.items():
                bench.check(name, value, membrane_refractory_current_threshold=old)
        exact = leak_down(membrane, numbers.leak_shift) + current
        for name, goal in (("threshold", threshold), ("low", membranes.low), ("high", membranes.high)):
            if abs(exact - goal) <= 1:
                bench.seen[f"{name} {exact - goal:+d}"] += 1
        bench.seen["spike"] += golden["spike"]
        bench.seen["held back"] += exact > threshold and refractory > 0
        bench.seen["never fires"] += exact > threshold == membranes.high
        await bench.cycle()


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
            pixels__valid=int(offered), pixels__payload=pixels[sent] if offered else bench.random.getrandbits(8)
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
        reset(network.state, network.parameters)
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
        reset(network.state, network.parameters)
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
