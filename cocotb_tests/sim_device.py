"""cocotb: the memristors of the lanes (rtl.device) against golden.device, a word every cycle."""

from __future__ import annotations

from dataclasses import dataclass

import cocotb
import numpy as np
from amaranth.lib import wiring

from cocotb_tests import faults
from cocotb_tests.bench import TIMEOUT, Bench
from cocotb_tests.programs import Reference, Steps, Word, serve_all, words
from eqspike.golden.device import half_volts, write
from eqspike.golden.device_section import FREE, STUCK_ON
from eqspike.golden.draw import neuron_draw, noise_row, row_word
from eqspike.golden.number import fixed_numbers
from eqspike.golden.synapses import synapses_of
from eqspike.rtl.device import Devices
from eqspike.rtl.layout import Layout
from eqspike.rtl.operation import Kind
from eqspike.sim import harness

JOBS = {name: faults.job(name) for name in faults.FAULTS}
for _seed, _job in enumerate(JOBS.values()):
    _job.update(seed=600 + _seed)


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    config = faults.config_of(job)
    return Devices(config, Layout(config, job["lanes"]), max(s.weight.bits for s in fixed_numbers(config).synapses))


OPERATIONS = {"icarus": 500, "verilator": 4000}
"""By simulator: Icarus is slow on the hashes."""


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


class Golden(Reference):
    """`golden.device` on one word at a time."""

    def serve(self, issue: Issue, bench: Bench) -> None:
        """Fill in the results."""
        p, devices, word = self.parameters, self.devices, issue.word
        s = word.synapses
        programming = synapses_of(p, s).programming
        factor, gain, shift = programming.factor, programming.gain, programming.shift
        low, high = int(programming.low), int(programming.high)
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
                draws = neuron_draw(drawn, word.layer, neuron, shift), noise ^ devices.key[word.layer, neuron]
                issue.saturated |= int(write(weights, place, up, down, draws, programming, devices)) << lane
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
    count = OPERATIONS["icarus" if cocotb.SIM_NAME.startswith("Icarus") else "verilator"]
    await serve_all(
        bench,
        golden,
        Steps(count, devices.LATENCY, lambda: _issue(bench, golden, bench.random.choice(places)), _drive, _check),
    )
    bench.report()


def _drive(bench: Bench, entering: Issue | None, reading: Issue | None) -> None:
    """The inputs of stages A and R; where no operation is, whatever."""
    if entering:
        word = entering.word
        bench.drive(
            enable=entering.enable,
            address=word.address,
            chunk=word.chunk,
            layer=word.synapses,
            number=word.number,
            step_word=entering.step_word,
        )
    else:
        bench.drive(enable=bench.random.getrandbits(1))
    if reading:
        bench.drive(
            kind=(Kind.POKE if reading.pokes else Kind.NOP).value, pg_lanes=reading.own, pg_above=reading.other,
            integrator=reading.integrator, post_integrator=reading.post_integrator, read=reading.read,
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
