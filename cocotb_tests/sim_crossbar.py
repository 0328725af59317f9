"""cocotb: the crossbar and its adder tree against golden.crossbar, every operation and every cycle."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import cocotb
import numpy as np
from amaranth.lib import wiring

from cocotb_tests import faults, sim_device
from cocotb_tests.bench import TIMEOUT, Bench, config_data
from eqspike.golden import crossbar
from eqspike.golden.config import Config
from eqspike.golden.derived import halvings
from eqspike.golden.device import network_devices
from eqspike.golden.device_numbers import fixed_devices
from eqspike.golden.device_section import FREE, STUCK_ON
from eqspike.golden.draw import sends_pulse
from eqspike.golden.parameters import fixed_parameters, row_bases
from eqspike.golden.state import Moment
from eqspike.golden.synapses import synapses_of
from eqspike.rtl.adder import AdderTree
from eqspike.rtl.crossbar import Crossbar
from eqspike.rtl.layout import Chunk, Layout
from eqspike.rtl.operation import Kind
from eqspike.sim import harness

_LEARNING = {"window": 16, "free_steps": 20}
_SEVERAL = {"layers": [6, 5, 4, 3]}
_FEW_BITS = {"fraction_bits": 3, "integer_bits": 4}

JOBS = {
    "tree_1": {"part": "tree", "inputs": 1, "bits": 5},
    "tree_5": {"part": "tree", "inputs": 5, "bits": 9},
    "tree_16": {"part": "tree", "inputs": 16, "bits": 12},
    # One draw a neuron; formats, roundings and learning rates differ; several chunks a layer, of which the last is
    # not full.
    "neurons": {
        "part": "crossbar",
        "lanes": 3,
        "deep": True,
        "config": config_data(
            network=_SEVERAL,
            rate=_FEW_BITS,
            learning=_LEARNING,
            synapses=[
                {"bits": 8, "range": 0.5, "learning_rate": "2^-7", "halve_at": [1, 2], "rounding": "nearest"},
                {"bits": 12, "range": 0.25, "learning_rate": "2^-12", "halve_at": [1]},
                {"bits": 6, "range": 0.25, "learning_rate": "2^-7", "rounding": "truncate"},
            ],
        ),
    },
    # One draw a synapse.
    "synapses": {
        "part": "crossbar",
        "lanes": 3,
        "config": config_data(
            network=_SEVERAL,
            rate=_FEW_BITS,
            learning=_LEARNING,
            synapses=[
                {"bits": 8, "range": 0.5, "learning_rate": "2^-7", "halve_at": [2], "draw": "synapse"},
                {"bits": 10, "range": 0.25, "learning_rate": "2^-11", "draw": "synapse"},
                {"bits": 8, "range": 1, "learning_rate": "2^-6", "halve_at": [1, 2], "draw": "synapse"},
            ],
        ),
    },
    # Both in one network, the format the same for all (but not the range), and lanes to spare.
    "both": {
        "part": "crossbar",
        "lanes": 5,
        "config": config_data(
            network=_SEVERAL,
            rate=_FEW_BITS,
            learning=_LEARNING,
            synapses=[
                {"bits": 8, "range": 0.5, "learning_rate": "2^-7", "halve_at": [1]},
                {"bits": 8, "range": 0.25, "learning_rate": "2^-9", "draw": "synapse"},
                {"bits": 8, "range": 1, "learning_rate": "2^-6"},
            ],
        ),
    },
    # Only some spikes send a programming pulse: those that chance picks, here, out of those that the neurons send.
    "chance": {
        "part": "crossbar",
        "lanes": 3,
        "config": config_data(
            network=_SEVERAL,
            rate=_FEW_BITS,
            learning=_LEARNING,
            programming={"probability": 0.4},
            synapses=[
                {"bits": 8, "range": 0.5, "learning_rate": "2^-8", "halve_at": [1]},
                {"bits": 9, "range": 0.25, "learning_rate": "2^-9", "halve_at": [1, 2]},
                {"bits": 8, "range": 1, "learning_rate": "2^-7", "draw": "synapse"},
            ],
        ),
    },
    **{f"devices_{name}": {"part": "crossbar", **faults.job(name)} for name in faults.FAULTS},
}
for _seed, _job in enumerate(JOBS.values()):
    _job.update(seed=540 + _seed)


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    if job["part"] == "tree":
        return AdderTree(job["inputs"], job["bits"])
    config = faults.config_of(job)
    return Crossbar(config, Layout(config, job["lanes"]), job.get("deep", False))


@cocotb.test(**TIMEOUT)
async def crossbar_part(dut: object) -> None:
    """The part that the job names."""
    job = harness.job()
    bench = Bench(dut, make(job), job["seed"])
    await bench.start()
    await {"tree": _tree, "crossbar": _crossbar}[job["part"]](bench, job)
    bench.report()


# ---------------------------------------------------------------------------------------------------------------------

SUMS = 400


async def _tree(bench: Bench, job: dict) -> None:
    """A sum a cycle."""
    low, high = -(1 << (job["bits"] - 1)), (1 << (job["bits"] - 1)) - 1
    waiting = deque()
    for number in range(SUMS + bench.component.latency):
        words = [bench.pick(low, high) for _ in range(job["inputs"])]
        if number < 3:
            words = [(low, high, 1)[number]] * job["inputs"]
        bench.drive(words=words)
        waiting.append(words)
        await bench.settle()
        if len(waiting) > bench.component.latency:
            words = waiting.popleft()
            bench.check("sum", sum(words), words=words)
            bench.seen["negative" if sum(words) < 0 else "positive"] += 1
        await bench.cycle()


# ---------------------------------------------------------------------------------------------------------------------

EPISODES = 30
DEVICE_EPISODES = {"icarus": 3, "verilator": 30}
"""Icarus is slow on the hashes."""
RARE_EPISODES = 8
"""Where few spikes program, and both sides of a synapse seldom do."""
READ, EXECUTE = 1, 2
"""Cycles after stage A in which an operation is in stages R and E; it is in X as many later as `Crossbar.write_stage`
says."""


@dataclass
class Lanes:
    """What belongs to an operation in stage R."""

    integrator: list[int]
    spikes: int
    pulses: int
    """Of the spikes, those that send a programming pulse."""
    post_spike: int
    post_pulse: int
    post_integrator: int
    word: int


@dataclass
class Issue:
    """An operation, its inputs and what the golden model makes of it."""

    operation: dict[str, int]
    lanes: Lanes
    poke_data: int
    program: bool = False
    writes: bool = False
    """It leaves the word changed, or the same, in the memory."""
    current: list[int] = field(default_factory=list)
    lanes_used: int = 0
    operations: int = 0
    programmed: int = 0
    saturations: int = 0
    peek: int | None = None
    write: list[int] | None = None
    forward: int | None = None
    both: bool = False
    """Pulses of both sides program it."""


class Golden:
    """The golden model's weights, and one operation at a time on them.

    The golden kernels serve whole layers. To have the share of one chunk, and for two-way synapses of one neuron above,
    all other neurons are given no spikes and a rho-bar of 0, whose step is 0 in every rounding mode.
    """

    def __init__(self, bench: Bench, config: Config) -> None:
        self.bench, self.config = bench, config
        self.layout: Layout = bench.component.layout
        self.layers = config.network.layers
        self.bases = row_bases(self.layers)
        rows = sum(size + 1 for size in self.layers[:-1])
        self.weights = np.zeros((rows, max(self.layers[1:])), np.int64)
        self.places = {
            (word, lane): (self.bases[s] + row, column, s) for s, row, column, word, lane in self.layout.places()
        }
        self.devices = network_devices(
            config, fixed_devices(config, bench.component.numbers), self.weights.shape, self.bases
        )
        self.current = [0] * self.layout.lanes
        self.negative = 0
        self.set_epoch(0)
        for row, column, s in self.places.values():
            if (ends := self.stuck(row, column, s)) is not None:
                self.weights[row, column] = ends

    def set_epoch(self, epoch: int) -> None:
        """The learning rates of an epoch."""
        self.parameters = fixed_parameters(self.config, self.bench.component.numbers, epoch)
        self.halvings = [halvings(s.halve_at, epoch) for s in self.config.synapses]

    def stuck(self, row: int, column: int, synapses: int) -> int | None:
        """The weight of a stuck device."""
        mark = self.devices.stuck[row, column]
        if mark == FREE:
            return None
        p = self.parameters
        return int((p.weight_high if mark == STUCK_ON else p.weight_low)[synapses])

    def sends(self, word: int, number: int) -> int:
        """Does chance let this neuron's spike send a programming pulse?"""
        limit = self.parameters.pulse_limit
        return int(limit == 1 << 16 or sends_pulse(word, number, limit))

    def word(self, address: int) -> list[int]:
        """A word of the weight memory."""
        lanes = range(self.layout.lanes)
        at = [self.places.get((address, lane)) for lane in lanes]
        return [int(self.weights[place[:2]]) if place else 0 for place in at]

    def _only(self, places: list[tuple[int, int]]) -> object:
        """The devices, of which no others than these are ever written."""
        stuck = np.full_like(self.devices.stuck, STUCK_ON)
        for place in places:
            stuck[place] = self.devices.stuck[place]
        return self.devices._replace(stuck=stuck)

    def _vectors(self) -> np.ndarray:
        """Two arrays of shape (layers, neurons): spikes and rho-bars."""
        return np.zeros((2, len(self.layers), max(self.layers[1:])), np.int64)

    def row(self, issue: Issue, chunk: Chunk, row: int) -> None:
        """A spike of the neuron `row` below (or the bias) into the chunk."""
        p, s = self.parameters, chunk.layer - 1
        width = self.layers[chunk.layer]
        synapses = synapses_of(p, s)._replace(padded=width)
        _, integrator = self._vectors()
        integrator[chunk.layer, chunk.first : chunk.first + chunk.count] = issue.lanes.integrator[: chunk.count]
        fired = np.array([row], np.int64)
        forward = np.zeros_like(integrator)
        crossbar.read_rows(self.weights, synapses, fired, 1, forward)
        self._add(chunk, forward[chunk.layer] << p.align[s])
        issue.operations = chunk.count
        word = issue.lanes.word
        if not (issue.program and self.sends(word, p.number[s] + row)):
            return
        issue.writes, issue.programmed = True, chunk.count
        moment = Moment(1, -1 if self.negative else 1, word)
        common = (self.weights, synapses, fired, 1)
        if not self.devices.alike:
            devices = self._only([(self.bases[s] + row, chunk.first + lane) for lane in range(chunk.count)])
            issue.saturations = crossbar.program_rows_devices(*common, moment, integrator, devices)
        elif p.per_synapse[s]:
            issue.saturations = crossbar.program_rows_drawing(*common, moment, integrator)
        else:
            steps = np.zeros_like(integrator)
            crossbar.neuron_steps(chunk.layer, width, integrator, word, synapses.programming, steps)
            issue.saturations = crossbar.program_rows(*common, moment.sign, steps)

    def pair(self, issue: Issue, chunk: Chunk, post: int) -> None:
        """The two-way synapses between the chunk and neuron `post` above."""
        p, s, layer = self.parameters, chunk.layer, chunk.layer
        lanes, word = issue.lanes, issue.lanes.word
        served = slice(chunk.first, chunk.first + chunk.count)
        spikes, integrator = self._vectors()
        pulses = np.zeros_like(spikes)
        spikes[layer, served] = [lanes.spikes >> lane & 1 for lane in range(chunk.count)]
        spikes[layer + 1, post] = lanes.post_spike
        integrator[layer, served] = lanes.integrator[: chunk.count]
        integrator[layer + 1, post] = lanes.post_integrator
        above = self.layers[layer + 1]
        synapses = synapses_of(p, s)._replace(padded=above)
        forward, backward = np.zeros_like(spikes), np.zeros_like(spikes)
        crossbar.read_pairs(self.weights, synapses, spikes, forward, backward)
        self._add(chunk, backward[layer] << p.align_down[s])
        issue.forward = int(forward[layer + 1, post])
        issue.operations = int(spikes[layer].sum()) + (chunk.count if lanes.post_spike else 0)
        if not issue.program:
            return
        issue.writes = True
        for lane in range(chunk.count):
            n = chunk.first + lane
            pulses[layer, n] = lanes.pulses >> lane & 1 and self.sends(word, p.number[layer] + n)
        pulses[layer + 1, post] = lanes.post_pulse and self.sends(word, p.number[layer + 1] + post)
        below = [int(pulse) for pulse in pulses[layer, served]]
        issue.programmed = sum(below) + (chunk.count if pulses[layer + 1, post] else 0)
        issue.both = bool(any(below) and pulses[layer + 1, post])
        moment = Moment(1, -1 if self.negative else 1, word)
        drawing = (self.weights, synapses, pulses, moment, integrator)
        if not self.devices.alike:
            devices = self._only([(self.bases[s] + chunk.first + lane, post) for lane in range(chunk.count)])
            issue.saturations = crossbar.program_pairs_devices(*drawing, devices)
        elif p.per_synapse[s]:
            issue.saturations = crossbar.program_pairs_drawing(*drawing)
        else:
            steps_backward, steps_forward = np.zeros_like(integrator), np.zeros_like(integrator)
            programming = synapses.programming
            crossbar.neuron_steps(layer, self.layers[layer], integrator, word, programming, steps_backward)
            crossbar.neuron_steps(layer + 1, above, integrator, word, programming, steps_forward)
            issue.saturations = crossbar.program_pairs(
                self.weights, synapses, pulses, moment.sign, steps_backward, steps_forward
            )

    def _add(self, chunk: Chunk, sums: np.ndarray) -> None:
        for lane in range(chunk.count):
            self.current[lane] += int(sums[chunk.first + lane])


class Driver:
    """Feeds operations into the pipeline, one a cycle, and checks every output in every cycle."""

    def __init__(self, bench: Bench, golden: Golden) -> None:
        self.bench, self.golden = bench, golden
        self.crossbar: Crossbar = bench.component
        self.layout = golden.layout
        self.rate = self.crossbar.numbers.rate
        self.words = sim_device.words(golden.config, self.layout)
        self.write = self.crossbar.write_stage
        self.hazard = self.write + 1
        """An address must not come again within so many cycles, for its word is still being changed."""
        self.pipeline: deque[Issue | None] = deque(
            [None] * (max(self.write, EXECUTE + self.crossbar.forward_latency) + 2)
        )
        """The newest first: place i entered stage A i cycles ago."""
        self.used: dict[int, int] = {}
        self.lanes_used = self.layout.lanes
        """Lanes whose currents matter."""

    def _word(self) -> int:
        return self.bench.random.getrandbits(32) or 1

    def lanes(self, chunk: Chunk | None = None, clean: bool = False) -> Lanes:
        """Random inputs of stage R, and the word of stage A; past the chunk: rho-bar 0, and if `clean` no spike."""
        bench, count = self.bench, self.layout.lanes
        used = count if chunk is None else chunk.count
        integrator = [bench.pick(self.rate.low, self.rate.high) if lane < used else 0 for lane in range(count)]
        spikes = bench.random.choice((0, (1 << count) - 1, bench.random.getrandbits(count)))
        if clean:
            spikes &= (1 << used) - 1
        post_spike = bench.random.getrandbits(1)
        # Every spike sends a programming pulse, or some do.
        subset = bench.chance(0.5)
        return Lanes(
            integrator=integrator,
            spikes=spikes,
            pulses=spikes & bench.random.getrandbits(count) if subset else spikes,
            post_spike=post_spike,
            post_pulse=post_spike & bench.random.getrandbits(1) if subset else post_spike,
            post_integrator=bench.pick(self.rate.low, self.rate.high),
            word=self._word(),
        )

    def issue(self, kind: Kind, lanes: Lanes | None = None, **fields: int) -> Issue:
        """An operation that is not yet in the pipeline."""
        low = -(1 << (self.crossbar.weight_bits - 1))
        data = self.bench.random.randint(low, -low - 1)
        operation = {"kind": kind.value, **{name: int(value) for name, value in fields.items()}}
        return Issue(operation, lanes or self.lanes(), data, program=bool(fields.get("program")))

    async def send(self, issue: Issue | None = None) -> None:
        """One cycle with `issue` (or an idle operation) in stage A."""
        bench = self.bench
        if issue is None:
            issue = self.issue(Kind.NOP, chunk=0, update=bench.random.getrandbits(1))
        issue.current, issue.lanes_used = list(self.golden.current), self.lanes_used
        self.pipeline.appendleft(issue)
        self.pipeline.pop()
        reading, writing = self.pipeline[READ], self.pipeline[self.write]
        if issue.operation["kind"] != Kind.NOP.value:
            self.used[issue.operation.get("address", 0)] = bench.now
        bench.drive(operation=issue.operation, word=issue.lanes.word)
        if reading:
            lanes = reading.lanes
            bench.drive(
                integrator=lanes.integrator, spikes=lanes.spikes, pulses=lanes.pulses, post_spike=lanes.post_spike,
                post_pulse=lanes.post_pulse, post_integrator=lanes.post_integrator,
                poke_data=reading.poke_data,
            )  # fmt: skip
        await bench.settle()
        if summed := self.pipeline[EXECUTE + self.crossbar.CURRENT_LATENCY]:
            current = [value if lane < summed.lanes_used else 0 for lane, value in enumerate(bench.get("current"))]
            bench.check("current", summed.current, current, operation=summed.operation)
        if writing:
            self._check_write(writing)
        self._check_forward(self.pipeline[EXECUTE + self.crossbar.forward_latency])
        await bench.cycle()

    def _check_write(self, issue: Issue) -> None:
        """Stage X."""
        bench, what = self.bench, issue.operation
        bench.check("operations", issue.operations, operation=what)
        bench.check("programmed", issue.programmed, operation=what)
        bench.check("saturations", int(issue.saturations), operation=what)
        bench.check("write_valid", int(issue.write is not None), operation=what)
        if issue.write is not None:
            bench.check("write_address", what["address"], bench.get("write_address")[0], operation=what)
            data = bench.get("write_data")[0]
            if self.crossbar.devices:
                # Where no device is, the host may have left the weight of one that would be stuck.
                places = self.golden.places
                data = [v if (what["address"], lane) in places else 0 for lane, v in enumerate(data)]
            bench.check(
                "write_data", issue.write, data, operation=what, lanes=issue.lanes, negative=self.golden.negative
            )

    def _check_forward(self, issue: Issue | None) -> None:
        """What leaves the adder tree: a sum for the neuron above, or the weight that the host asked for."""
        bench = self.bench
        bench.check("peek_valid", int(issue is not None and issue.peek is not None))
        if issue is not None and issue.peek is not None:
            bench.check("peek_data", issue.peek, operation=issue.operation)
        bench.check("forward_valid", int(issue is not None and issue.forward is not None))
        if issue is not None and issue.forward is not None:
            bench.check("forward", issue.forward, operation=issue.operation)
            bench.check("forward_post", issue.operation["post"])
            bench.check("forward_synapses", issue.operation["synapses"])

    async def free(self, address: int) -> None:
        """Idle until no operation on this address is under way."""
        while self.bench.now - self.used.get(address, -self.hazard) < self.hazard:
            await self.send()

    async def drain(self) -> None:
        """Idle until the pipeline is empty."""
        for _ in range(len(self.pipeline)):
            await self.send()

    async def poke(self, address: int, lane: int, value: int) -> None:
        """The host writes a weight."""
        await self.free(address)
        golden, word = self.golden, self.words[address]
        # Which devices a word has must be told where they may be stuck, as the core does.
        named = {"chunk": word.chunk, "synapses": word.synapses, "number": word.number}
        sticks = self.crossbar.devices is not None and self.crossbar.devices.sticks
        issue = self.issue(Kind.POKE, address=address, post=lane, **(named if sticks else {}))
        issue.poke_data = value
        place = golden.places[address, lane]
        stuck = golden.stuck(*place)
        golden.weights[place[:2]] = value if stuck is None else stuck
        issue.write = golden.word(address)
        self.bench.seen["poke"] += 1
        self.bench.seen["stuck device poked"] += stuck is not None
        await self.send(issue)

    async def peek(self, address: int, lane: int) -> None:
        """The host reads a weight."""
        await self.free(address)
        issue = self.issue(Kind.PEEK, address=address, post=lane)
        issue.peek = self.golden.word(address)[lane]
        self.bench.seen["peek"] += 1
        await self.send(issue)

    async def load(self, chunk: Chunk) -> None:
        """Begin a chunk: currents are cleared."""
        self.golden.current = [0] * self.layout.lanes
        self.lanes_used = chunk.count if self.crossbar.devices else self.layout.lanes
        await self.send(self.issue(Kind.LOAD, chunk=chunk.index))

    async def row(self, chunk: Chunk, row: int, program: bool) -> None:
        """A spike from below."""
        s = chunk.layer - 1
        bias = self.golden.layers[s]
        address = chunk.bias if row == bias else chunk.base + row
        await self.free(address)
        number = self.golden.parameters.number[s] + row
        issue = self.issue(
            Kind.ROW, self.lanes(chunk), chunk=chunk.index, address=address, synapses=s, program=program, number=number
        )
        await self._served(issue, lambda: self.golden.row(issue, chunk, row), s)

    async def pair(self, chunk: Chunk, post: int, program: bool) -> None:
        """The synapses with a neuron above."""
        s = chunk.layer
        address = chunk.pairs + post
        await self.free(address)
        number = self.golden.parameters.number[s + 1] + post
        issue = self.issue(
            Kind.PAIR, self.lanes(chunk, clean=True), chunk=chunk.index, address=address, synapses=s,
            program=program, post=post, number=number,
        )  # fmt: skip
        await self._served(issue, lambda: self.golden.pair(issue, chunk, post), s)

    async def _served(self, issue: Issue, golden: object, s: int) -> None:
        bench = self.bench
        address = issue.operation["address"]
        before = self.golden.word(address)
        golden()
        bench.seen["both sides"] += issue.both
        bench.seen["no pulse"] += issue.program and not issue.programmed
        if issue.writes:
            after = self.golden.word(address)
            issue.write = after
            p = self.golden.parameters
            for old, new in zip(before, after, strict=True):
                bench.seen[f"layer {s} " + ("up" if new > old else "down" if new < old else "same")] += 1
            if issue.saturations:
                bench.seen["saturated high"] += p.weight_high[s] in after
                bench.seen["saturated low"] += p.weight_low[s] in after
        await self.send(issue)


async def _crossbar(bench: Bench, job: dict) -> None:
    """Episodes: pokes, then passes over chunks as the core makes them, with idle cycles and peeks."""
    config = bench.component.config
    golden = Golden(bench, config)
    driver = Driver(bench, golden)
    layers = config.network.layers
    places = list(golden.places)
    if bench.component.devices:
        # No word twice in a row: fewer cycles.
        places.sort(key=lambda place: place[::-1])
    # Else there would be nothing to round, and no draw would matter.
    assert all(golden.parameters.step_shift >= 2)
    episodes = (
        EPISODES
        if golden.devices.alike
        else DEVICE_EPISODES["icarus" if cocotb.SIM_NAME.startswith("Icarus") else "verilator"]
    )
    if golden.parameters.pulse_limit < 1 << 16:
        episodes = max(episodes, RARE_EPISODES)

    async def idle() -> None:
        while bench.chance(0.2):
            await driver.send()

    for episode in range(episodes):
        epoch = bench.random.randrange(4)
        golden.negative = episode % 2
        golden.set_epoch(epoch)
        bench.drive(negative=golden.negative, halvings=golden.halvings)
        for word, lane in places:
            if episode == 0 or bench.chance(0.2):
                weight = bench.component.synapses[golden.places[word, lane][2]].weight
                await driver.poke(word, lane, bench.pick(weight.low, weight.high))
        for chunk in bench.random.sample(golden.layout.chunks, len(golden.layout.chunks)):
            program = bench.chance(0.8)
            await driver.load(chunk)
            below = layers[chunk.layer - 1]
            rows = [*range(below), below] if chunk.layer == 1 else [below]
            for row in sorted(bench.random.sample(rows, bench.random.randint(1, len(rows)))):
                await driver.row(chunk, row, program)
                await idle()
            if chunk.layer + 1 < len(layers):
                for post in range(layers[chunk.layer + 1]):
                    if bench.chance(0.8):
                        await driver.pair(chunk, post, program)
                        await idle()
            await driver.send(driver.issue(Kind.NOP, chunk=chunk.index, update=1))
        for word, lane in bench.random.sample(sorted(golden.places), 8):
            await driver.peek(word, lane)
        await driver.drain()
    for word, lane in places:
        await driver.peek(word, lane)
    await driver.drain()
