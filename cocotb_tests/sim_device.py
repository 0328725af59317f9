"""cocotb: the memristors of the lanes (rtl.device) against golden.device, a word every cycle."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import cocotb
import numpy as np
from amaranth.lib import wiring

from cocotb_tests import faults, harness
from cocotb_tests.bench import TIMEOUT, Bench
from golden.config import Config
from golden.device import FREE, STUCK_ON, fixed_devices, half_volts, network_devices, write
from golden.network import fixed_parameters, row_bases
from golden.number import fixed_numbers, neuron_draw, neuron_numbers, noise_row, row_word
from rtl.device import Devices
from rtl.layout import Layout

JOBS = {name: faults.job(name) for name in faults.FAULTS}
for _seed, _job in enumerate(JOBS.values()):
    _job.update(seed=600 + _seed)


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    config = faults.config_of(job)
    return Devices(config, Layout(config, job["lanes"]), max(s.weight.bits for s in fixed_numbers(config).synapses))


@dataclass(frozen=True)
class Word:
    """A word of the weight memory, as a spike names it."""

    address: int
    chunk: int
    layer: int
    """Of neurons, that the lanes belong to."""
    first: int
    """The lanes' first neuron."""
    synapses: int
    number: int
    """Of the neuron on the other side."""
    places: tuple[tuple[int, int] | None, ...]
    """(row, column) of each lane's device in the network's array of weights; None where there is none."""


def words(config: Config, layout: Layout) -> list[Word]:
    """All words, in order."""
    layers, bases, numbers = (
        config.network.layers,
        row_bases(config.network.layers),
        neuron_numbers(config.network.layers),
    )
    out = []
    for chunk in layout.chunks:
        below, lanes = chunk.layer - 1, range(chunk.first, chunk.first + chunk.count)
        beyond = (None,) * (layout.lanes - chunk.count)
        rows = [*range(layers[0]), layers[0]] if chunk.layer == 1 else [layers[below]]
        for row in rows:
            places = tuple((bases[below] + row, n) for n in lanes)
            out.append((chunk, below, numbers[below] + row, places + beyond))
        for post in range(layers[chunk.layer + 1] if chunk.layer + 1 < len(layers) else 0):
            places = tuple((bases[chunk.layer] + n, post) for n in lanes)
            out.append((chunk, chunk.layer, numbers[chunk.layer + 1] + post, places + beyond))
    return [
        Word(address, chunk.index, chunk.layer, chunk.first, synapses, number, places)
        for address, (chunk, synapses, number, places) in enumerate(out)
    ]


OPERATIONS = {"icarus": 500, "verilator": 4000}
"""By simulator: Icarus is slow on the hashes."""
SETTLE = 3
"""Cycles after an operation in which the image's sign and the learning rates must not change."""


@dataclass
class Issue:
    """An operation, and what the golden model makes of it."""

    word: Word
    enable: int
    pokes: int
    own: int
    """Bits: lanes whose own rho-bar programs, while the other neuron sends a pulse."""
    other: int
    """Bits: lanes whose own pulse programs."""
    integrator: list[int]
    post_integrator: int
    step_word: int
    read: list[int]
    stuck: list[int] | None = None
    new: list[int] | None = None
    saturated: int = 0


class Golden:
    """`golden.device` on one word at a time."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.numbers = fixed_numbers(config)
        layers = config.network.layers
        rows = sum(size + 1 for size in layers[:-1])
        self.shape = (rows, max(layers[1:]))
        self.devices = network_devices(config, fixed_devices(config, self.numbers), self.shape, row_bases(layers))
        self.sign = 1
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """The learning rates of an epoch."""
        self.parameters = fixed_parameters(self.config, self.numbers, epoch)
        self.halvings = [sum(1 for at in s.halve_at if at <= epoch) for s in self.config.synapses]

    def serve(self, issue: Issue, bench: Bench) -> None:
        """Fill in the results."""
        p, devices, word = self.parameters, self.devices, issue.word
        s = word.synapses
        factor, gain, shift = p.step_factor[s], p.step_gain[s], p.step_shift[s]
        low, high = int(p.weight_low[s]), int(p.weight_high[s])
        drawn, noise = row_word(issue.step_word, word.number), noise_row(issue.step_word, word.number)
        issue.stuck, issue.new = [], []
        for lane, place in enumerate(word.places):
            weight = issue.read[lane]
            if place is None:
                issue.stuck.append(weight)
                issue.new.append(weight)
                continue
            stuck = devices.stuck[place]
            if issue.pokes and stuck != FREE:
                weight = high if stuck == STUCK_ON else low
                bench.seen["stuck on" if stuck == STUCK_ON else "stuck off"] += 1
            issue.stuck.append(weight)
            neuron = word.first + lane
            up = down = 0
            own, other = issue.own >> lane & 1, issue.other >> lane & 1
            for acts, rhobar in ((own, issue.integrator[lane]), (other, issue.post_integrator)):
                if acts:
                    x = self.sign * half_volts(rhobar, factor, gain)
                    up += max(x - devices.offset_up[place], 0)
                    down += min(x + devices.offset_down[place], 0)
            new = weight
            if own or other:
                weights = np.full(self.shape, weight, np.int64)
                issue.saturated |= int(
                    write(
                        weights, *place, s, up, down, noise ^ devices.key[word.layer, neuron], shift, p.rounding[s],
                        neuron_draw(drawn, word.layer, neuron, shift), low, high, devices,
                    )
                ) << lane  # fmt: skip
                new = int(weights[place])
                bench.seen[f"layer {s} " + ("up" if new > weight else "down" if new < weight else "same")] += 1
                bench.seen["both sides"] += own & other
                bench.seen["both halves"] += int(up > 0 and down < 0)
                bench.seen["no half"] += int(up == 0 and down == 0)
                bench.seen["stuck"] += int(stuck != FREE)
                if issue.saturated >> lane & 1:
                    bench.seen["saturated high" if new == high else "saturated low"] += 1
            issue.new.append(new)


def _issue(bench: Bench, golden: Golden, word: Word) -> Issue:
    """A random operation: programming, the host's, or none."""
    rate, lanes = golden.numbers.rate, len(word.places)
    weight = golden.numbers.synapses[word.synapses].weight
    kind = bench.random.choices(("program", "poke", "none"), (8, 1, 1))[0]

    every = (1 << lanes) - 1
    # A row's pulse programs all lanes alike; the two sides of a two-way word each their own.
    if kind != "program":
        own, other = 0, 0
    elif word.number < golden.parameters.number[word.layer]:
        own, other = every, 0
    else:
        own, other = (bench.random.choice((0, every, bench.random.getrandbits(lanes))) for _ in range(2))
    issue = Issue(
        word=word,
        enable=int(kind != "none"),
        pokes=int(kind == "poke"),
        own=own,
        other=other,
        integrator=[bench.pick(rate.low, rate.high) for _ in range(lanes)],
        post_integrator=bench.pick(rate.low, rate.high),
        step_word=bench.random.getrandbits(32) or 1,
        read=[bench.pick(weight.low, weight.high) if place else 0 for place in word.places],
    )
    bench.seen[kind] += 1
    golden.serve(issue, bench)
    return issue


@cocotb.test(**TIMEOUT)
async def device(dut: object) -> None:
    """Operations on all words, mostly one every cycle."""
    job = harness.job()
    bench = Bench(dut, make(job), job["seed"])
    devices: Devices = bench.component
    await bench.start()
    golden = Golden(devices.config)
    places = words(devices.config, devices.layout)
    pipeline: deque[Issue | None] = deque([None] * (2 + devices.LATENCY))
    """The newest first: place 0 is stage A, place 1 stage R."""
    left, until_change = OPERATIONS["icarus" if cocotb.SIM_NAME.startswith("Icarus") else "verilator"], 0
    while left or any(pipeline):
        issue = None
        if left and until_change > 0:
            if not bench.chance(0.1):
                issue = _issue(bench, golden, bench.random.choice(places))
                left -= 1
            until_change -= 1
        elif until_change > -SETTLE:
            until_change -= 1
        elif left:
            golden.set_epoch(bench.random.randrange(4))
            golden.sign = bench.random.choice((-1, 1))
            bench.drive(negative=int(golden.sign < 0), halvings=golden.halvings)
            until_change = bench.random.randint(1, 120)
        pipeline.appendleft(issue)
        pipeline.pop()
        _drive(bench, *list(pipeline)[:2])
        await bench.settle()
        _check(bench, pipeline[1], pipeline[1 + devices.LATENCY])
        await bench.cycle()
    bench.report()


def _drive(bench: Bench, entering: Issue | None, reading: Issue | None) -> None:
    """The inputs of stages A and R; where no operation is, whatever."""
    if entering:
        word = entering.word
        bench.drive(
            enable=entering.enable, address=word.address, chunk=word.chunk, layer=word.synapses, number=word.number
        )
    else:
        bench.drive(enable=bench.random.getrandbits(1))
    if reading:
        bench.drive(
            pokes=reading.pokes, pg_lanes=reading.own, pg_above=reading.other, integrator=reading.integrator,
            post_integrator=reading.post_integrator, step_word=reading.step_word, read=reading.read,
        )  # fmt: skip


def _check(bench: Bench, reading: Issue | None, writing: Issue | None) -> None:
    """The outputs of stage R and, `LATENCY` cycles later, of the devices that were written."""

    def existing(issue: Issue, name: str) -> list[int]:
        # What the host writes where there is no device does not matter.
        values = bench.get(name)
        return [v if place or not issue.pokes else 0 for v, place in zip(values, issue.word.places, strict=True)]

    if reading:
        bench.check("word", reading.stuck, existing(reading, "word"), word=reading.word)
    if writing:
        context = {"operation": writing}
        bench.check("new", writing.new, existing(writing, "new"), **context)
        bench.check("saturated", writing.saturated, **context)
