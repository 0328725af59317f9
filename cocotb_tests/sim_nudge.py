"""cocotb: output rates, nudge, prediction, skip rule and first spike against golden.nudge."""

from __future__ import annotations

import cocotb
import numpy as np
from amaranth.lib import wiring

from cocotb_tests.bench import TIMEOUT, Bench, config_data
from eqspike.golden import nudge
from eqspike.golden.configfile import config_from_dict
from eqspike.rtl.layout import Layout
from eqspike.rtl.nudge import OutputRates
from eqspike.sim import harness

JOBS = {
    # Three chunks, the last of them not full.
    "chunks": {
        "lanes": 4,
        "config": config_data(
            network={"layers": [4, 5, 10]}, learning={"window": 16, "skip_tolerance": 0.25, "free_steps": 40}
        ),
    },
    # One chunk; images are skipped only when every rate is exactly on target.
    "one_chunk": {
        "lanes": 5,
        "config": config_data(
            network={"layers": [4, 5, 3]},
            neuron={"refractory": 3},
            learning={"window": 24, "skip_tolerance": 0, "beta": 2, "free_steps": 40},
        ),
    },
    # No skip rule, a single output.
    "never_skip": {
        "lanes": 2,
        "config": config_data(
            network={"layers": [4, 2, 1]}, learning={"window": 8, "skip_tolerance": None, "free_steps": 40}
        ),
    },
}
for _seed, _job in enumerate(JOBS.values()):
    _job.update(seed=400 + _seed)

IMAGES = 60


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    config = config_from_dict(job["config"])
    return OutputRates(config, Layout(config, job["lanes"]))


def _goal(bench: Bench, label: int) -> list[int]:
    """Counts to reach: ties, all on target, at the edge of the tolerance, one past it, or any."""
    rates = bench.component
    numbers, outputs = rates.numbers, rates.outputs
    most = (1 << numbers.count_bits) - 1
    kind = bench.random.choice(("tie", "tie", "target", "edge", "past", "any", "silent"))
    if kind == "silent":
        return [0] * outputs
    if kind == "tie":
        top = bench.random.randint(1, numbers.target)
        return [top if bench.chance(0.5) else bench.random.randint(0, top) for _ in range(outputs)]
    if kind == "any":
        return [bench.random.randint(0, numbers.target) for _ in range(outputs)]
    goal = [numbers.target if k == label else 0 for k in range(outputs)]
    if kind != "target":
        far = max(numbers.skip_counts, 0) + (kind == "past")
        k = bench.random.randrange(outputs)
        goal[k] += far if goal[k] == 0 or (bench.chance(0.5) and goal[k] + far <= most) else -far
    return [min(max(value, 0), most) for value in goal]


class Golden:
    """The golden model's counts of an image."""

    def __init__(self, bench: Bench, label: int, negative: int) -> None:
        self.rates = bench.component
        self.numbers = self.rates.numbers
        self.label, self.negative = label, negative
        self.counts = np.zeros(self.rates.outputs, np.int64)
        self.first: int | None = None

    def step(self, spikes: list[int], leaving: list[int]) -> None:
        """Take the spikes of a step."""
        nudge.count_step(0, 1, 0, np.array([[spikes], [leaving]], np.int64), self.counts)
        found = nudge.first_spike(np.array([spikes], np.int64), 0, self.rates.outputs)
        if self.first is None and found >= 0:
            self.first = int(found)

    def drive(self) -> list[int]:
        """The nudge of every output."""
        current = np.zeros(self.rates.outputs, np.int64)
        sign = -1 if self.negative else 1
        nudge.nudge_current(self.label, self.numbers.target, self.counts, sign, self.numbers.nudge_shift, current)
        return [int(value) for value in current]

    def prediction(self) -> int:
        """The winner."""
        return int(nudge.highest(self.counts))

    def within(self) -> int:
        """The skip rule."""
        numbers = self.numbers
        return int(nudge.within_tolerance(self.label, numbers.target, self.counts, numbers.skip_counts))


async def _check_state(bench: Bench, golden: Golden) -> None:
    """Counts, first spike and drive, of every part."""
    rates = bench.component
    drive = golden.drive()
    for chunk in bench.random.sample(rates.parts, len(rates.parts)):
        bench.drive(part_drive=chunk.part)
        await bench.settle()
        bench.check("counts", [int(count) for count in golden.counts])
        bench.check("first_valid", int(golden.first is not None))
        if golden.first is not None:
            bench.check("first_spike", golden.first)
        shown = bench.get("drive")[: chunk.count]
        bench.check("drive", drive[chunk.first : chunk.first + chunk.count], shown, part=chunk.part)
        await bench.cycle()


async def _step(bench: Bench, golden: Golden, goal: list[int]) -> None:
    """One step that moves every count toward its goal or leaves it."""
    rates = bench.component
    spikes, leaving = [], []
    for count, wanted in zip(golden.counts, goal, strict=True):
        move = int(np.sign(wanted - count)) if bench.chance(0.8) else 0
        # A count stays where it is without spikes, or with one that comes and one that goes.
        still = int(count > 0 and bench.chance(0.5))
        spikes.append(1 if move > 0 else 0 if move < 0 else still)
        leaving.append(1 if move < 0 else 0 if move > 0 else still)
    for chunk in rates.parts:
        lanes = slice(chunk.first, chunk.first + chunk.count)
        padding = [0] * (rates.layout.lanes - chunk.count)
        bits = [int("".join(str(b) for b in reversed([*row[lanes], *padding])), 2) for row in (spikes, leaving)]
        bench.drive(update=1, part=chunk.part, spikes=bits[0], leaving=bits[1])
        await bench.cycle()
        bench.drive(update=0, spikes=bench.random.getrandbits(rates.layout.lanes))
        if bench.chance(0.3):
            await bench.cycle()
    golden.step(spikes, leaving)
    await _check_state(bench, golden)


async def _scan(bench: Bench, golden: Golden) -> None:
    """Evaluate; as many cycles as there are outputs."""
    bench.drive(scan=1)
    await bench.cycle()
    bench.drive(scan=0)
    for _ in range(bench.component.outputs):
        await bench.settle()
        bench.check("scanned", 0)
        await bench.cycle()
    await bench.settle()
    bench.check("scanned", 1)
    counts = [int(count) for count in golden.counts]
    bench.check("prediction", golden.prediction(), counts=counts)
    bench.check("within", golden.within(), counts=counts, label=golden.label)
    bench.seen["tie"] += counts.count(max(counts)) > 1
    bench.seen["within" if golden.within() else "not within"] += 1
    off = [abs((golden.numbers.target if k == golden.label else 0) - count) for k, count in enumerate(counts)]
    bench.seen["at the edge"] += max(off) == golden.numbers.skip_counts
    bench.seen["one past"] += max(off) == golden.numbers.skip_counts + 1
    await bench.cycle()


@cocotb.test(**TIMEOUT)
async def rates(dut: object) -> None:
    """Images: steps toward chosen counts, an evaluation, and some steps of the nudge phase."""
    job = harness.job()
    bench = Bench(dut, make(job), job["seed"])
    await bench.start()
    for _ in range(IMAGES):
        label, negative = bench.random.randrange(bench.component.outputs), bench.random.getrandbits(1)
        golden = Golden(bench, label, negative)
        bench.drive(restart=1, label=label, negative=negative)
        await bench.cycle()
        bench.drive(restart=0)
        await bench.settle()
        bench.check("scanned", 0)
        await bench.cycle()
        await _check_state(bench, golden)
        goal = _goal(bench, label)
        while list(golden.counts) != goal:
            await _step(bench, golden, goal)
        await _scan(bench, golden)
        decided = golden.prediction(), golden.within()
        for _ in range(2):
            await _step(bench, golden, _goal(bench, label))
        await bench.settle()
        # The decision stands while the counts go on.
        bench.check("scanned", 1)
        bench.check("prediction", decided[0])
        bench.check("within", decided[1])
        bench.seen["no spike"] += golden.first is None
        bench.seen["first spike"] += golden.first is not None
        await bench.cycle()
    bench.report()
