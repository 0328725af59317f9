"""cocotb: the LIF neuron (rtl.neuron) against golden.neuron."""

from __future__ import annotations

import cocotb
import numpy as np
from amaranth.lib import wiring

from cocotb_tests.bench import TIMEOUT, Bench, config_data
from eqspike.golden.configfile import config_from_dict
from eqspike.golden.deviations import fixed_thresholds
from eqspike.golden.neuron import Membrane, integrate_and_fire
from eqspike.golden.number import leak_down
from eqspike.rtl.neuron import Lif
from eqspike.sim import harness

JOBS = {
    "lif": {"current_bits": 20, "config": config_data()},
    # No leak, a longer refractory period, a membrane so wide that currents cannot saturate it alone.
    "if_neuron": {
        "current_bits": 13,
        "config": config_data(
            neuron={"leak": 0, "refractory": 5, "threshold": 0.5, "membrane_limit": 4},
            learning={"window": 80},
        ),
    },
    # Neurons differ in gain.
    "gains": {
        "current_bits": 20,
        "config": config_data(neuron={"gain_spread": 0.4}, network={"layers": [5, 9, 9]}),
    },
}
for _seed, _job in enumerate(JOBS.values()):
    _job.update(seed=200 + _seed)


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    return Lif(config_from_dict(job["config"]), job["current_bits"])


@cocotb.test(**TIMEOUT)
async def neuron(dut: object) -> None:
    """A new neuron every cycle, its result `LATENCY` cycles later."""
    job = harness.job()
    bench = Bench(dut, make(job), job["seed"])
    await bench.start()
    await _lif(bench, job)
    bench.report()


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
    constants = Membrane(
        leak=numbers.leak_shift,
        low=numbers.membrane.low,
        high=numbers.membrane.high,
        threshold=np.array([[threshold]], np.int64),
        period=lif.period,
    )
    fired, saturated = integrate_and_fire(0, 1, np.array([current], np.int64), constants, *states)
    assert fired == states[2][0, 0]
    return {
        "next_membrane": int(states[0][0, 0]),
        "next_refractory": int(states[1][0, 0]),
        "spike": int(fired),
        "saturated": int(saturated),
    }


async def _lif(bench: Bench, job: dict) -> None:
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
    half, rests = 1 << (job["current_bits"] - 1), [0] * lif.CURRENT_LATENCY
    for vector in range(VECTORS + lif.LATENCY):
        stimulus = _lif_stimulus(bench, job, thresholds)
        membrane, refractory, current, threshold = stimulus
        # Where gains are all 1 the port is not read.
        given = threshold if lif.gains else bench.pick(0, membranes.high)
        # Part of the current comes with the membrane, the rest `CURRENT_LATENCY` cycles later.
        drive = bench.random.randint(max(-half, current - half + 1), min(half - 1, current + half))
        bench.drive(membrane=membrane, refractory=refractory, drive=drive, current=rests.pop(0), threshold=given)
        rests.append(current - drive)
        await bench.settle()
        golden = _lif_golden(lif, *stimulus)
        pipeline.append((stimulus, golden))
        if vector >= lif.LATENCY:
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
