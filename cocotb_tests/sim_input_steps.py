"""cocotb: when input neurons take their steps (rtl.input_steps) against its definition."""

from __future__ import annotations

import cocotb
from amaranth.lib import wiring

from cocotb_tests.bench import TIMEOUT, Bench, config_data
from eqspike.golden.configfile import config_from_dict
from eqspike.rtl.input_steps import InputSteps
from eqspike.rtl.spike_list import SpikeQueue
from eqspike.sim import harness

JOBS = {
    "steps": {"seed": 2300, "config": config_data(
        network={"layers": [5, 3, 2]}, learning={"window": 4, "free_steps": 9, "nudge_steps": 7}, rate={"delay": 4},
    )},
}  # fmt: skip
IMAGES = 60


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    return InputSteps(config_from_dict(job["config"]))


class Chip:
    """The parts around: a step that was started ends some cycles later, and lists are taken step by step."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.under_way, self.waiting, self.started = 0, 0, 0

    async def cycle(self, wanted: bool | None, **inputs: int) -> None:
        """One cycle: `wanted` says whether a step must start if it is free to (None: it never may)."""
        bench = self.bench
        free = self.under_way < 2 and bench.chance(0.6)
        close = self.under_way > 0 and bench.chance(0.3)
        bench.drive(restart=0, begin_step=0, free=free, close=close, waiting=self.waiting)
        bench.drive(**inputs)
        await bench.settle()
        room = self.waiting + self.under_way < SpikeQueue.LISTS - 1
        start = bool(wanted) and free and room
        bench.check("start", int(start))
        bench.seen["start"] += start
        bench.seen["no room"] += bool(wanted) and free and not room
        bench.seen["started and closed"] += start and close
        await bench.cycle()
        self.under_way += start - close
        self.waiting += close
        self.started += start


@cocotb.test(**TIMEOUT)
async def steps(dut: object) -> None:
    """Images with one phase or both, some of them step by step."""
    job = harness.job()
    bench = Bench(dut, make(job), job["seed"])
    learning = config_from_dict(job["config"]).learning
    await bench.start()
    for _ in range(IMAGES):
        chip = Chip(bench)
        alone, nudges = int(bench.chance(0.3)), bench.chance(0.5)
        bench.drive(nudging=0, alone=alone)
        # The last image's numbers are still there.
        await chip.cycle(None, restart=1)
        for _ in range(bench.random.randrange(4)):
            await chip.cycle(None)
        phases = [learning.free_steps, learning.nudge_steps] if nudges else [learning.free_steps]
        begun = 0
        for number, length in enumerate(phases):
            bench.drive(nudging=number)
            for step in range(length):
                first = begun == 0
                # A phase's first step begins late, the others with the end of the one before.
                if step == 0:
                    for _ in range(bench.random.randrange(4)):
                        await chip.cycle(None if first or alone else chip.started < sum(phases[: number + 1]))
                waits = chip.started < sum(phases[: number + 1])
                await chip.cycle(None if first or alone else waits, begin_step=1)
                begun += 1
                until = begun if alone else sum(phases[: number + 1])
                while not chip.waiting or bench.chance(0.7):
                    await chip.cycle(chip.started < until)
                chip.waiting -= 1
            while chip.under_way:
                await chip.cycle(None if alone else chip.started < sum(phases[: number + 1]))
        bench.check("steps", sum(phases), chip.started)
        bench.seen["alone" if alone else "ahead"] += 1
        bench.seen["nudged"] += nudges
    bench.report()
