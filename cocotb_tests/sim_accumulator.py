"""cocotb: accumulators of synapses (rtl.accumulator) against golden.accumulator, a word every cycle."""

from __future__ import annotations

from dataclasses import dataclass, field

import cocotb
import numpy as np
from amaranth.lib import wiring

from cocotb_tests.bench import TIMEOUT, Bench, config_data
from cocotb_tests.programs import Reference, Steps, Word, serve_all, words
from eqspike.golden import accumulator
from eqspike.golden.configfile import config_from_dict
from eqspike.golden.draw import neuron_draw, row_word
from eqspike.golden.state import Moment
from eqspike.golden.synapses import synapses_of
from eqspike.rtl.accumulator import Accumulators, GatheredProgram
from eqspike.rtl.layout import Layout
from eqspike.rtl.operation import Kind
from eqspike.sim import harness


def _job(lanes: int, seed: int, alone: bool = False, **programming: object) -> dict:
    """Formats, roundings, pulses and schedules differ; several chunks a layer, of which the last is not full. `alone`:
    `Accumulators`, whose devices are others'."""
    config = config_data(
        network={"layers": [6, 5, 4, 3]}, rate={"fraction_bits": 3, "integer_bits": 4},
        learning={"window": 16, "free_steps": 20}, programming=programming,
        synapses=[
            {"bits": 6, "range": 0.5, "learning_rate": "2^-6", "halve_at": [1, 2], "draw": "synapse"},
            {"bits": 7, "range": 0.25, "learning_rate": "2^-7", "halve_at": [1], "rounding": "nearest"},
            {"bits": 5, "range": 0.25, "learning_rate": "2^-6", "rounding": "truncate"},
        ],
    )  # fmt: skip
    return {"config": config, "lanes": lanes, "seed": seed, "alone": alone}


JOBS = {
    "program": _job(3, 2400, accumulator=4, step="2^-4"),
    "two_bits": _job(2, 2401, accumulator=2, step="2^-5"),
    "image_end": _job(3, 2402, accumulator=5, step="2^-3", when="image_end"),
    "alone": _job(3, 2403, alone=True, accumulator=4, step="2^-4"),
    "alone_image_end": _job(2, 2404, alone=True, accumulator=3, step="2^-3", when="image_end"),
}
OPERATIONS = 1500


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    config = config_from_dict(job["config"])
    layout = Layout(config, job["lanes"])
    if job["alone"]:
        return Accumulators(config, layout)
    return GatheredProgram(config, layout, max(s.bits for s in config.synapses) + config.programming.rest_bits)


@dataclass
class Issue:
    """An operation, and what the golden model makes of it."""

    word: Word
    kind: Kind
    row: int
    """Pulses: of the row's neuron, the lanes' (bits), the neuron above."""
    lanes: int
    above: int
    integrator: list[int]
    post_integrator: int
    step_word: int
    weights: list[int]
    rests: list[int]
    new_weights: list[int] = field(default_factory=list)
    new_rests: list[int] = field(default_factory=list)
    up: int = 0
    down: int = 0
    saturated: int = 0

    @property
    def acts(self) -> tuple[int, int]:
        """`pg_lanes` and `pg_above`, as the crossbar has them."""
        every = (1 << len(self.weights)) - 1
        if self.kind == Kind.ROW:
            return every * self.row, 0
        return (every * self.above, self.lanes) if self.kind == Kind.PAIR else (0, 0)


class Golden(Reference):
    """`golden.accumulator` on one word at a time."""

    def serve(self, issue: Issue, bench: Bench) -> None:
        """Fill in the results: lane by lane, as if no other neuron had a signal."""
        programming = synapses_of(self.parameters, issue.word.synapses).programming
        for lane, place in enumerate(issue.word.places):
            weight, rest, acts = issue.weights[lane], issue.rests[lane], any(bits >> lane & 1 for bits in issue.acts)
            issue.new_weights.append(weight)
            issue.new_rests.append(rest)
            if place is None or not acts:
                continue
            weights, rests = np.zeros(self.shape, np.int64), np.zeros(self.shape, np.int64)
            weights[place], rests[place] = weight, rest
            # What a device with a pulse of one step, and room for it, would do tells the pulse's direction.
            free, same = np.zeros_like(weights), rests.copy()
            one = programming._replace(pulse=1, low=-1, high=1)
            self._change(issue, lane, free, same, one)
            given, saturated = self._change(issue, lane, weights, rests, programming)
            assert np.array_equal(same, rests)
            assert bool(given) == bool(free[place])
            issue.new_weights[lane], issue.new_rests[lane] = int(weights[place]), int(rests[place])
            issue.up |= int(free[place] > 0) << lane
            issue.down |= int(free[place] < 0) << lane
            issue.saturated |= int(saturated) << lane
            way = "up" if free[place] > 0 else "down" if free[place] < 0 else "no pulse"
            bench.seen[f"layer {issue.word.synapses} {way}"] += 1
            least = programming.full - programming.least
            bench.seen["all that fits"] += int(bool(given) and abs(issue.new_rests[lane]) == least)
            bench.seen["saturated"] += int(saturated)
            bench.seen["both sides"] += int(issue.kind == Kind.PAIR and issue.above and issue.lanes >> lane & 1)

    def _change(self, issue: Issue, lane: int, weights: np.ndarray, rests: np.ndarray, programming: object) -> tuple:
        """One lane's synapse. Returns (pulses given, saturations)."""
        word, n = issue.word, issue.word.first + lane
        place, own = word.places[lane], issue.integrator[lane]
        synapses = synapses_of(self.parameters, word.synapses)._replace(programming=programming)
        moment = Moment(1, self.sign, issue.step_word)
        if self.config.programming.image_end:
            draws = neuron_draw(row_word(issue.step_word, word.number), word.layer, n, 32), 0
            return accumulator.change(weights, rests, place, own, self.sign, draws, programming, self.devices)
        signal = np.zeros((len(self.config.network.layers), self.shape[1]), np.int64)
        signal[word.layer, n] = own
        if issue.kind == Kind.ROW:
            row = place[0] - self.bases[word.synapses]
            return accumulator.change_row(weights, rests, synapses, row, 1, moment, signal, self.devices)
        counts = np.zeros_like(signal)
        counts[word.layer, n], counts[word.layer + 1, place[1]] = issue.lanes >> lane & 1, issue.above
        signal[word.layer + 1, place[1]] = issue.post_integrator
        return accumulator.change_column(weights, rests, synapses, place[1], moment, counts, signal, self.devices)


def _issue(bench: Bench, golden: Golden, word: Word) -> Issue:
    """A random operation: one that programs, the host's, or none."""
    count, numbers = len(word.places), golden.numbers
    synapse, moving = numbers.synapses[word.synapses], numbers.moving
    is_row = word.number < golden.parameters.number[word.layer]
    programs = bench.chance(0.85)
    kind = (Kind.ROW if is_row else Kind.PAIR) if programs else bench.random.choice((Kind.NOP, Kind.POKE, Kind.LOAD))
    # At an image's end products reach far beyond what moves a device by one pulse.
    most = min(moving.high, 4 << (synapse.step_shift - synapse.step_boost + synapse.rest.bits))
    low, high = bench.random.choice(((moving.low, moving.high), (-most, most)))
    full, exist = synapse.rest.high, sum(1 << lane for lane in range(count) if word.places[lane])
    issue = Issue(
        word=word, kind=kind, row=int(bench.chance(0.9)), above=bench.random.getrandbits(1),
        lanes=bench.random.choice((0, exist, exist & bench.random.getrandbits(count))),
        integrator=[bench.pick(low, high) if place else 0 for place in word.places],
        post_integrator=0 if golden.config.programming.image_end else bench.pick(low, high),
        step_word=bench.random.getrandbits(32) or 1,
        weights=[bench.pick(synapse.weight.low, synapse.weight.high) if place else 0 for place in word.places],
        rests=[bench.pick(-full, full) if place else 0 for place in word.places],
    )  # fmt: skip
    golden.serve(issue, bench)
    return issue


@cocotb.test(**TIMEOUT)
async def accumulators(dut: object) -> None:
    """Operations on all words, mostly one every cycle."""
    job = harness.job()
    bench = Bench(dut, make(job), job["seed"])
    config, late = config_from_dict(job["config"]), Accumulators.LATENCY if job["alone"] else GatheredProgram.latency
    await bench.start()
    golden, places = Golden(config), words(config, Layout(config, job["lanes"]))
    alone = job["alone"]
    await serve_all(
        bench,
        golden,
        Steps(
            OPERATIONS,
            late,
            lambda: _issue(bench, golden, bench.random.choice(places)),
            lambda bench, entering, reading: _drive(bench, alone, entering, reading),
            lambda bench, reading, leaving: _check(bench, alone, reading, leaving),
        ),
    )
    bench.report()


def _drive(bench: Bench, alone: bool, entering: Issue | None, reading: Issue | None) -> None:
    """The inputs of stages A and R; where no operation is, whatever."""
    if entering:
        word = entering.word
        bench.drive(layer=word.synapses)
        if not alone:
            bench.drive(chunk=word.chunk, number=word.number, step_word=entering.step_word)
    if reading:
        lanes, above = reading.acts
        bench.drive(
            kind=reading.kind.value, pg_lanes=lanes, pg_above=above, integrator=reading.integrator,
            post_integrator=reading.post_integrator,
            pulses={"row": reading.row, "lanes": reading.lanes, "above": reading.above},
        )  # fmt: skip
        if alone:
            # Lane 0's draw is turned back by as much as each other lane turns it on.
            first = row_word(reading.step_word, reading.word.number)
            bench.drive(rests=reading.rests, draw=neuron_draw(first, reading.word.layer, reading.word.first, 32))
        else:
            bench.drive(read=_cells(bench, reading.weights, reading.rests))


def _cells(bench: Bench, weights: list[int], rests: list[int]) -> list[int]:
    """Words of weights with their rests below them."""
    bits = bench.component.rest_bits
    return [(weight << bits) | (rest & ((1 << bits) - 1)) for weight, rest in zip(weights, rests, strict=True)]


def _check(bench: Bench, alone: bool, reading: Issue | None, leaving: Issue | None) -> None:
    """What stands in stage R, and the results in stage X."""
    if reading and not alone:
        bench.check("word", _cells(bench, reading.weights, reading.rests))
    if leaving is None:
        return
    context = {"operation": leaving}
    if alone:
        bench.check("new", leaving.new_rests, **context)
        bench.check("up", leaving.up, **context)
        bench.check("down", leaving.down, **context)
    else:
        bench.check("new", _cells(bench, leaving.new_weights, leaving.new_rests), **context)
        bench.check("given", leaving.up | leaving.down, **context)
        bench.check("saturated", leaving.saturated, **context)
