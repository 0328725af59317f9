"""cocotb: a lane (rtl.lane) against golden.neuron, golden.rate, golden.pulse and golden.sweep."""

from __future__ import annotations

from types import SimpleNamespace

import cocotb
import numpy as np
from amaranth.lib import wiring

from cocotb_tests.bench import TIMEOUT, Bench, config_data
from eqspike.golden.config import Config
from eqspike.golden.configfile import config_from_dict
from eqspike.golden.neuron import Membrane, integrate_and_fire
from eqspike.golden.number import fixed_numbers
from eqspike.golden.pulse import SHAPES, Tail, tail_step
from eqspike.golden.rate import rate_step
from eqspike.golden.state import HistoryRows
from eqspike.golden.sweep import sum_step
from eqspike.rtl.lane import Lane
from eqspike.rtl.neuron import Lif
from eqspike.sim import harness

JOBS = {
    "rho_bar": {"config": config_data(rate={"filter": 1, "delay": 24})},
    # Neurons that differ in gain, of which every third spike programs.
    "filter_every_third": {
        "config": config_data(rate={"filter": 4, "delay": 8}, neuron={"gain_spread": 0.3}, programming={"every": 3})
    },
    "image_end": {
        "config": config_data(
            rate={"filter": 4, "delay": 8}, synapses=[{"draw": "synapse"}], programming={"when": "image_end"}
        )
    },
    "saw": {"config": config_data(learning={"signal": "pulse"}, pulse={"shape": "saw", "length": 12})},
    "square": {"config": config_data(learning={"signal": "pulse"}, pulse={"shape": "square", "length": 12})},
}
for _seed, _job in enumerate(JOBS.values()):
    _job.update(seed=1400 + _seed)

VECTORS = 1500
NOW, NONE = 0, 5
"""Rows of a history of one neuron: its spike of this step; between them one for each tap; no spike."""


def make(job: dict) -> wiring.Component:
    """The component of a job."""
    config = config_from_dict(job["config"])
    return Lane(config, max(fixed_numbers(config).current_bits) + 1)


def _array(value: int) -> np.ndarray:
    return np.array([[value]], np.int64)


def _golden(config: Config, given: dict) -> dict:
    """What the golden model makes of a neuron: its next state, spike, pulse and whether it saturated."""
    numbers, state = fixed_numbers(config), given["state"]
    threshold = given["threshold"] if config.neuron.gain_spread else numbers.threshold
    membrane, refractory, spike = _array(state["membrane"]), _array(state["refractory"]), _array(0)
    constants = Membrane(
        leak=numbers.leak_shift,
        low=numbers.membrane.low,
        high=numbers.membrane.high,
        threshold=_array(threshold),
        period=config.neuron.refractory,
    )
    current = np.array([given["drive"] + given["current"]], np.int64)
    _, saturated = integrate_and_fire(0, 1, current, constants, membrane, refractory, spike)
    fired = int(spike[0, 0]) & given["exists"]
    taps = [given["taps"] >> i & 1 for i in range(3)]
    history = np.zeros((NONE + 1, 1, 1), np.int64)
    filtered, signal, pulse = _array(state.get("filtered", 0)), _array(state["integrator"]), _array(fired)
    history[NOW] = fired
    if config.pulses:
        history[1:5, 0, 0] = given["last_spike"], taps[0], given["last_pulse"], taps[1]
        tail = Tail(half=config.pulse.half, shape=SHAPES[config.pulse.shape], clip=0, collision_limit=0)
        tail_step(0, 1, HistoryRows(NOW, 1, 2, 3, 4), tail, history, filtered, signal, pulse)
    else:
        # Without a filter, the golden model's running difference takes what cancels it.
        history[1:4, 0, 0] = taps[1], taps[0], taps[2]
        rows = (1, 2, 3) if config.rate.filter > 1 else (NONE, 2, NONE)
        rows = HistoryRows(NOW, *rows, NONE)
        rate_step(0, 1, rows, history, numbers.rate_gain, numbers.rate_leak_shift, filtered, signal)
    after = {"membrane": membrane, "refractory": refractory, "integrator": signal, "filtered": filtered}
    after = {name: int(value[0, 0]) for name, value in after.items() if name in state}
    sends = int(pulse[0, 0])
    if "pulse_count" in state:
        counted = state["pulse_count"] + (fired & given["counting"])
        sends = int(counted == config.programming.every)
        after["pulse_count"] = 0 if sends else counted
    after |= _sums(given)
    return {
        "next_state": after, "spike": fired, "pulse": sends, "saturated": int(saturated) & given["exists"]
    }  # fmt: skip


def _sums(given: dict) -> dict:
    """The sums over the nudge phase with this step's pass, which serves the step before."""
    state, names = given["state"], ("rate_sum", "spike_count")
    if names[0] not in state or not given["summing"]:
        return {name: state[name] for name in names if name in state}
    served = {"integrator": state["integrator"], "spikes": given["last_spike"]}
    sums = {name: np.array([[0], [value]]) for name, value in (served | {name: state[name] for name in names}).items()}
    sum_step(SimpleNamespace(widths=np.array([0, 1])), SimpleNamespace(fired=np.array([0]), **sums))
    return {name: int(sums[name][1, 0]) for name in names}


def _fits(config: Config, after: dict[str, int]) -> bool:
    """Do the formats hold a next state? (The golden model's bounds say that all states do that a neuron reaches.)"""
    numbers = fixed_numbers(config)
    low, high = numbers.filter.low, numbers.filter.high
    if config.pulses:
        low, high = 0, (1 << numbers.tail_count_bits) - 1
    if not numbers.rate_sum.low <= after.get("rate_sum", 0) <= numbers.rate_sum.high:
        return False
    if after.get("spike_count", 0) >= 1 << numbers.spike_count.bits:
        return False
    return numbers.signal.low <= after["integrator"] <= numbers.signal.high and low <= after.get("filtered", 0) <= high


def _stimulus(bench: Bench, config: Config) -> dict:
    """A neuron in any state whose successor the formats hold."""
    while True:
        given = _neuron(bench, config)
        if _fits(config, _golden(config, given)["next_state"]):
            return given


def _neuron(bench: Bench, config: Config) -> dict:
    """A neuron in any state."""
    lane, numbers = bench.component, fixed_numbers(config)
    half = 1 << (lane.lif.drive.shape().width - 1)
    threshold = bench.random.choice((numbers.threshold, max(1, numbers.threshold // 2)))
    total = bench.pick(-half, half - 1, threshold, threshold + 1)
    drive = bench.random.randint(max(-half, total - half + 1), min(half - 1, total + half))
    names = lane.next_state.shape().members
    state = {
        "membrane": bench.pick(numbers.membrane.low, numbers.membrane.high, threshold, threshold + 1),
        "refractory": 0 if bench.chance(0.6) else bench.random.randrange(config.neuron.refractory),
        "integrator": bench.pick(numbers.signal.low, numbers.signal.high),
    }
    if "filtered" in names:
        top = (1 << numbers.tail_count_bits) - 1
        state["filtered"] = bench.pick(0, top) if config.pulses else bench.pick(numbers.filter.low, numbers.filter.high)
    if "pulse_count" in names:
        state["pulse_count"] = bench.random.randrange(config.programming.every)
    bits = {name: bench.random.getrandbits(1) for name in ("last_spike", "last_pulse", "counting", "summing")}
    if "rate_sum" in names:
        state["rate_sum"] = bench.pick(numbers.rate_sum.low, numbers.rate_sum.high)
        state["spike_count"] = bench.pick(0, (1 << numbers.spike_count.bits) - 1)
    return {
        "state": state, "drive": drive, "current": total - drive, "threshold": threshold,
        "taps": bench.random.getrandbits(len(lane.taps)), "exists": int(bench.chance(0.8)), **bits,
    }  # fmt: skip


@cocotb.test(**TIMEOUT)
async def lane(dut: object) -> None:
    """A neuron every cycle, its outputs `LATENCY` cycles later."""
    job = harness.job()
    bench = Bench(dut, make(job), job["seed"])
    config = config_from_dict(job["config"])
    late, current_delay = bench.component.LATENCY, Lif.CURRENT_LATENCY
    await bench.start()
    given: list[dict] = []
    early = ("state", "drive", "threshold", "taps", "last_spike", "last_pulse")
    for cycle in range(VECTORS + late):
        given.append(_stimulus(bench, config))
        bench.drive(**{name: given[cycle][name] for name in early})
        if cycle >= current_delay:
            bench.drive(current=given[cycle - current_delay]["current"])
        if cycle >= late:
            leaves = given[cycle - late]
            bench.drive(exists=leaves["exists"], counting=leaves["counting"], summing=leaves["summing"])
            await bench.settle()
            golden = _golden(config, leaves)
            for name, value in golden.items():
                bench.check(name, value, **leaves)
            bench.seen["spike"] += golden["spike"]
            bench.seen["pulse"] += golden["pulse"]
            bench.seen["saturated"] += golden["saturated"]
        await bench.cycle()
    bench.report()
