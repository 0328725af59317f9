"""cocotb: the crossbar and its adder tree against golden.crossbar, every operation and every cycle."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import cocotb
import numpy as np
from amaranth.lib import wiring

from cocotb_tests import harness
from cocotb_tests.bench import TIMEOUT, Bench, config_data
from golden import crossbar
from golden.config import Config, config_from_dict
from golden.network import fixed_parameters, row_bases
from rtl.crossbar import AdderTree, Crossbar, Kind
from rtl.layout import Chunk, Layout

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
}
for _seed, _job in enumerate(JOBS.values()):
    _job.update(seed=500 + _seed)


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    if job["part"] == "tree":
        return AdderTree(job["inputs"], job["bits"])
    config = config_from_dict(job["config"])
    return Crossbar(config, Layout(config, job["lanes"]))


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

EPISODES = 20
HAZARD = 4
"""An address must not come again within so many cycles, for its word is still being changed."""
READ, EXECUTE, WRITE = 1, 2, 3
"""Cycles after stage A in which an operation is in stages R, E and X. A current shows what stage E added in X."""


@dataclass
class Lanes:
    """What belongs to an operation in stage R."""

    integrator: list[int]
    spikes: int
    post_spike: int
    post_integrator: int
    word: int


@dataclass
class Issue:
    """An operation, its inputs and what the golden model makes of it."""

    operation: dict[str, int]
    lanes: Lanes
    poke_data: int
    current: list[int] = field(default_factory=list)
    operations: int = 0
    programmed: int = 0
    saturations: int = 0
    peek: int | None = None
    write: list[int] | None = None
    forward: int | None = None


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
        self.current = [0] * self.layout.lanes
        self.negative = 0
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """The learning rates of an epoch."""
        self.parameters = fixed_parameters(self.config, self.bench.component.numbers, epoch)
        self.halvings = [sum(1 for at in s.halve_at if at <= epoch) for s in self.config.synapses]

    def word(self, address: int) -> list[int]:
        """A word of the weight memory."""
        lanes = range(self.layout.lanes)
        at = [self.places.get((address, lane)) for lane in lanes]
        return [int(self.weights[place[:2]]) if place else 0 for place in at]

    def _vectors(self) -> np.ndarray:
        """Two arrays of shape (layers, neurons): spikes and rho-bars."""
        return np.zeros((2, len(self.layers), max(self.layers[1:])), np.int64)

    def row(self, issue: Issue, chunk: Chunk, row: int) -> None:
        """A spike of the neuron `row` below (or the bias) into the chunk."""
        p, s = self.parameters, chunk.layer - 1
        width = self.layers[chunk.layer]
        _, integrator = self._vectors()
        integrator[chunk.layer, chunk.first : chunk.first + chunk.count] = issue.lanes.integrator[: chunk.count]
        fired = np.array([row], np.int64)
        forward = np.zeros_like(integrator)
        crossbar.read_rows(self.weights, self.bases[s], fired, 1, chunk.layer, width, forward)
        self._add(chunk, forward[chunk.layer] << p.align[s])
        issue.operations = chunk.count
        if not issue.programmed:
            return
        sign = -1 if self.negative else 1
        common = (self.weights, self.bases[s], fired, 1, chunk.layer, width, sign)
        numbers = (p.step_gain[s], p.step_shift[s], p.rounding[s])
        limits = (p.weight_low[s], p.weight_high[s])
        word = issue.lanes.word
        if p.per_synapse[s]:
            issue.saturations = crossbar.program_rows_drawing(
                *common, integrator, p.row_number[s], *numbers, word, *limits
            )
        else:
            steps = np.zeros_like(integrator)
            crossbar.neuron_steps(chunk.layer, width, integrator, word, *numbers, steps)
            issue.saturations = crossbar.program_rows(*common, steps, *limits)

    def pair(self, issue: Issue, chunk: Chunk, post: int) -> None:
        """The two-way synapses between the chunk and neuron `post` above."""
        p, s, layer = self.parameters, chunk.layer, chunk.layer
        lanes = issue.lanes
        mine = slice(chunk.first, chunk.first + chunk.count)
        spikes, integrator = self._vectors()
        spikes[layer, mine] = [lanes.spikes >> lane & 1 for lane in range(chunk.count)]
        spikes[layer + 1, post] = lanes.post_spike
        integrator[layer, mine] = lanes.integrator[: chunk.count]
        integrator[layer + 1, post] = lanes.post_integrator
        widths = np.array(self.layers, np.int64)
        above = self.layers[layer + 1]
        forward, backward = np.zeros_like(spikes), np.zeros_like(spikes)
        crossbar.read_pairs(self.weights, self.bases[s], layer, widths, above, spikes, forward, backward)
        self._add(chunk, backward[layer] << p.align[s])
        issue.forward = int(forward[layer + 1, post])
        issue.operations = int(spikes[layer].sum()) + (chunk.count if lanes.post_spike else 0)
        if not issue.programmed:
            return
        sign = -1 if self.negative else 1
        numbers = (p.step_gain[s], p.step_shift[s], p.rounding[s])
        limits = (p.weight_low[s], p.weight_high[s])
        if p.per_synapse[s]:
            issue.saturations = crossbar.program_pairs_drawing(
                self.weights, self.bases[s], layer, widths, spikes, sign, integrator, p.row_number[s],
                *numbers, lanes.word, *limits,
            )  # fmt: skip
        else:
            steps_backward, steps_forward = np.zeros_like(integrator), np.zeros_like(integrator)
            crossbar.neuron_steps(layer, self.layers[layer], integrator, lanes.word, *numbers, steps_backward)
            crossbar.neuron_steps(layer + 1, above, integrator, lanes.word, *numbers, steps_forward)
            issue.saturations = crossbar.program_pairs(
                self.weights, self.bases[s], layer, self.layers[layer], above, spikes, sign,
                steps_backward, steps_forward, *limits,
            )  # fmt: skip

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
        self.pipeline: deque[Issue | None] = deque([None] * (EXECUTE + self.crossbar.forward_latency + 2))
        """The newest first: place i entered stage A i cycles ago."""
        self.current = [0] * self.layout.lanes
        self.used: dict[int, int] = {}

    def lanes(self, chunk: Chunk | None = None, clean: bool = False) -> Lanes:
        """Random inputs of stage R. In lanes past the chunk's last neuron: rho-bar 0, and if `clean` no spike."""
        bench, count = self.bench, self.layout.lanes
        used = count if chunk is None else chunk.count
        integrator = [bench.pick(self.rate.low, self.rate.high) if lane < used else 0 for lane in range(count)]
        spikes = bench.random.choice((0, (1 << count) - 1, bench.random.getrandbits(count)))
        return Lanes(
            integrator=integrator,
            spikes=spikes & ((1 << used) - 1) if clean else spikes,
            post_spike=bench.random.getrandbits(1),
            post_integrator=bench.pick(self.rate.low, self.rate.high),
            word=bench.random.getrandbits(32) or 1,
        )

    def issue(self, kind: Kind, lanes: Lanes | None = None, **fields: int) -> Issue:
        """An operation that is not yet in the pipeline."""
        low = -(1 << (self.crossbar.weight_bits - 1))
        data = self.bench.random.randint(low, -low - 1)
        operation = {"kind": kind.value, **{name: int(value) for name, value in fields.items()}}
        return Issue(operation, lanes or self.lanes(), data, programmed=int(fields.get("program", 0)))

    async def send(self, issue: Issue | None = None) -> None:
        """One cycle with `issue` (or an idle operation) in stage A."""
        bench = self.bench
        if issue is None:
            issue = self.issue(bench.random.choice((Kind.NOP, Kind.TAP, Kind.UPDATE)), chunk=0)
        issue.current = list(self.golden.current)
        self.pipeline.appendleft(issue)
        self.pipeline.pop()
        reading, writing = self.pipeline[READ], self.pipeline[WRITE]
        if issue.operation["kind"] != Kind.NOP.value:
            self.used[issue.operation.get("address", 0)] = bench.now
        bench.drive(operation=issue.operation)
        if reading:
            lanes = reading.lanes
            bench.drive(
                integrator=lanes.integrator, spikes=lanes.spikes, post_spike=lanes.post_spike,
                post_integrator=lanes.post_integrator, word=lanes.word, poke_data=reading.poke_data,
            )  # fmt: skip
        await bench.settle()
        if writing:
            self._check_write(writing)
        self._check_forward(self.pipeline[EXECUTE + self.crossbar.forward_latency])
        await bench.cycle()

    def _check_write(self, issue: Issue) -> None:
        """Stage X."""
        bench, what = self.bench, issue.operation
        bench.check("current", issue.current, operation=what)
        bench.check("operations", issue.operations, operation=what)
        bench.check("programmed", issue.programmed, operation=what)
        bench.check("saturations", int(issue.saturations), operation=what)
        bench.check("write_valid", int(issue.write is not None), operation=what)
        if issue.write is not None:
            bench.check("write_address", what["address"], operation=what)
            bench.check("write_data", issue.write, operation=what, lanes=issue.lanes, negative=self.golden.negative)

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
        while self.bench.now - self.used.get(address, -HAZARD) < HAZARD:
            await self.send()

    async def drain(self) -> None:
        """Idle until the pipeline is empty."""
        for _ in range(len(self.pipeline)):
            await self.send()

    async def poke(self, address: int, lane: int, value: int) -> None:
        """The host writes a weight."""
        await self.free(address)
        issue = self.issue(Kind.POKE, address=address, post=lane)
        issue.poke_data = value
        self.golden.weights[self.golden.places[address, lane][:2]] = value
        issue.write = self.golden.word(address)
        self.bench.seen["poke"] += 1
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
        await self.send(self.issue(Kind.LOAD, chunk=chunk.index))

    async def row(self, chunk: Chunk, row: int, program: bool) -> None:
        """A spike from below."""
        s = chunk.layer - 1
        bias = self.golden.layers[s]
        address = chunk.bias if row == bias else chunk.base + row
        await self.free(address)
        number = self.golden.parameters.row_number[s] + row
        issue = self.issue(
            Kind.ROW, self.lanes(chunk), chunk=chunk.index, address=address, synapses=s, program=program, number=number
        )
        await self._served(issue, lambda: self.golden.row(issue, chunk, row), s)

    async def pair(self, chunk: Chunk, post: int, program: bool) -> None:
        """The synapses with a neuron above."""
        s = chunk.layer
        address = chunk.pairs + post
        await self.free(address)
        number = self.golden.parameters.row_number[s] + post
        issue = self.issue(
            Kind.PAIR, self.lanes(chunk, clean=True), chunk=chunk.index, address=address, synapses=s,
            program=program, post=post, number=number,
        )  # fmt: skip
        self.bench.seen["both sides"] += bool(issue.lanes.spikes and issue.lanes.post_spike)
        await self._served(issue, lambda: self.golden.pair(issue, chunk, post), s)

    async def _served(self, issue: Issue, golden: object, s: int) -> None:
        bench = self.bench
        address = issue.operation["address"]
        before = self.golden.word(address)
        golden()
        if issue.programmed:
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
    config = config_from_dict(job["config"])
    golden = Golden(bench, config)
    driver = Driver(bench, golden)
    layers = config.network.layers
    # Else there would be nothing to round, and no draw would matter.
    assert all(s.step_shift >= 2 for s in bench.component.synapses)

    async def idle() -> None:
        while bench.chance(0.2):
            await driver.send()

    for episode in range(EPISODES):
        epoch = bench.random.randrange(4)
        golden.negative = episode % 2
        golden.set_epoch(epoch)
        bench.drive(negative=golden.negative, halvings=golden.halvings)
        for (word, lane), (_, _, s) in golden.places.items():
            if episode == 0 or bench.chance(0.2):
                weight = bench.component.synapses[s].weight
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
            await driver.send(driver.issue(Kind.UPDATE, chunk=chunk.index))
        for word, lane in bench.random.sample(sorted(golden.places), 8):
            await driver.peek(word, lane)
        await driver.drain()
    for word, lane in golden.places:
        await driver.peek(word, lane)
    await driver.drain()
