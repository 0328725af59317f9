"""cocotb: what a core does at its edges: reset in an image, no reset at all, another learning rate in an image.

Each against the golden network, with a run of whole images before or after.
"""

from __future__ import annotations

import itertools
import random

import cocotb
import numpy as np
from cocotb.triggers import ReadOnly, RisingEdge, ValueChange
from cocotb.utils import get_sim_time

from eqspike.golden import nudge
from eqspike.golden.config import Config
from eqspike.golden.configfile import config_from_dict
from eqspike.golden.counters import IMAGES, NUDGED, SKIPPED, STEPS
from eqspike.golden.draw import image_word, next_key, xorshift32
from eqspike.golden.modes import LEARN
from eqspike.golden.network import Network, Result
from eqspike.golden.parameters import fixed_parameters
from eqspike.golden.state import Moment, Trace
from eqspike.golden.step import neuron_update, record, reset, synapse_pass
from eqspike.sim import harness
from eqspike.sim.driver import CLOCK_NS, CoreDriver, Recording
from eqspike.sim.jobs.compare import Comparison, Session, begin

TIMEOUT = {"timeout_time": 50, "timeout_unit": "ms"}


def _report(session: Session, **more: object) -> None:
    comparison = session.comparison
    harness.report(
        {
            "mismatches": comparison.mismatches,
            "first_mismatch": comparison.first,
            "compared": comparison.compared,
            **more,
        }
    )


@cocotb.test(**TIMEOUT)
async def without_reset(dut: object) -> None:
    """`rst` is 0 from the first cycle on, and no register is set: all begins with initial values."""
    job = harness.job()
    config = config_from_dict(job["config"])
    driver, network = CoreDriver(dut, config), Network(config)
    await driver.start(reset=False)
    session = Session(driver, network, Comparison())
    check = session.comparison.check
    for s, layer in enumerate(await driver.read_weights()):
        check(-1, -1, f"weights at first, layer {s}", layer, np.zeros_like(layer))
    await driver.write_weights(network.weights)
    driver.record()
    for number, (image, label) in enumerate(zip(job["images"], map(int, job["labels"]), strict=True)):
        await driver.send(image, label, LEARN)
        await session.image(number, image, label, LEARN, 0, 0)
    await session.weights(len(job["images"]) - 1)
    _report(session)


@cocotb.test(**TIMEOUT)
async def reset_in_image(dut: object) -> None:
    """Reset at any time: while pixels come, in a step, while a result waits. Weights are then as some step left them;
    the rest is as at first, and the next image is learned as if nothing had been."""
    job = harness.job() | {"watch": False}
    session = await begin(dut, job)
    driver, network, check = session.driver, session.network, session.comparison.check
    chance, seen = random.Random(job["seed"]), {"filling": 0, "steps": 0, "result": 0}
    first_key = Network(network.config).key
    parts = list(zip(job["images"], map(int, job["labels"]), strict=True))
    lasts = 500
    for number in range(job["resets"]):
        image, label = parts[2 * number % len(parts)]
        sender = cocotb.start_soon(driver.send(image, label, LEARN))
        # Of six, one comes while pixels are taken and one while the result waits: by chance alone, both are seldom.
        for _ in range(chance.randint(1, 6 if number % 6 == 0 else int(1.2 * lasts))):
            await RisingEdge(dut.clk)
        while number % 6 == 3 and not int(dut.results__valid.value):
            await RisingEdge(dut.clk)
        sender.cancel()
        await ReadOnly()
        steps = len(driver.recording.words)
        seen["result" if int(dut.results__valid.value) else "steps" if steps else "filling"] += 1
        await RisingEdge(dut.clk)
        await driver.reset()
        check(number, -1, "a result is offered", int(dut.results__valid.value), 0)
        check(number, -1, "key", int(dut.key.value), first_key)
        counters = await driver.counters()
        check(number, -1, "counters", sum(counters.pop("spikes")) + sum(counters.values()), 0)
        _check_left(session, number, image, label, steps, await driver.read_weights())
        # On from the weights that it has, as the memory has them.
        driver.recording = Recording()
        network.key = first_key
        image, label = parts[(2 * number + 1) % len(parts)]
        await driver.send(image, label, LEARN)
        lasts = (await session.image(number, image, label, LEARN, 0, 0)).cycles
    await session.weights(number)
    _report(session, seen=seen)


def _check_left(
    session: Session, number: int, image: np.ndarray, label: int, steps: int, left: tuple[np.ndarray, ...]
) -> None:
    """Each weight is as it was after a step around the last that was seen to end; the network goes on from them."""
    network = session.network
    before = network.array.copy()
    trace = network.empty_trace(session.steps, weights=True)
    done = network.counter_values()["steps"]
    network.present(image, label, LEARN, trace)
    done = network.counter_values()["steps"] - done
    states = [before, *trace.weights[:done]]
    # States 0..steps have ended; the pass of the next step is on its way, and the one after it may have begun.
    near = np.stack(states[max(0, steps - 1) : steps + 3])
    network.load_weights(left)
    session.shadow.load(network)
    rows = np.concatenate([layer.ravel() for layer in left])
    some = np.stack([np.concatenate([layer.ravel() for layer in network.views(state)]) for state in near])
    session.comparison.check(number, steps, "weights left", (rows == some).any(axis=0), np.ones(rows.shape, bool))


@cocotb.test(**TIMEOUT)
async def halvings_in_image(dut: object) -> None:
    """Another learning rate between two steps: the steps before are learned with the old one, those after with the new.

    The image is presented twice. The first run shows a step before which nothing is programmed for a while; before that
    step the rate changes in the second.
    """
    job = harness.job()
    session = await begin(dut, job)
    driver, network = session.driver, session.network
    image, label = job["images"][0], int(job["labels"][0])
    start, key = [w.copy() for w in network.weights], network.key
    writes: list[tuple[int, int]] = []
    watch = cocotb.start_soon(_note_writes(dut, writes))
    await driver.send(image, label, LEARN)
    sent = _now()
    await session.image(0, image, label, LEARN, 0, 0)
    watch.cancel()
    step, at = _quiet_place(writes)
    plain = network.array.copy()

    session.network = network = ChangingNetwork(network.config, step)
    network.load_weights(start)
    network.key = key
    session.shadow.load(network)
    await driver.set_key(key)
    await driver.write_weights(start)
    driver.recording = Recording()
    await driver.send(image, label, LEARN)

    async def change() -> None:
        for _ in range(at - sent):
            await RisingEdge(dut.clk)
        driver.set_epoch(1)

    cocotb.start_soon(change())
    await session.image(1, image, label, LEARN, 0, 1)
    await session.weights(1)
    _report(session, step=step, changed=int(np.count_nonzero(plain != network.array)))


def _now() -> int:
    """In clock cycles."""
    return int(get_sim_time("ns")) // CLOCK_NS


async def _note_writes(dut: object, writes: list[tuple[int, int]]) -> None:
    """Note (step, cycle) of each write into the weight memory."""
    while True:
        await ValueChange(dut.trace__write_toggle)
        await ReadOnly()
        writes.append((int(dut.trace__write_step.value), _now()))


def _quiet_place(writes: list[tuple[int, int]]) -> tuple[int, int]:
    """A step in the middle half of those that program, and a cycle far from all writes, before that step's first."""
    middle = writes[len(writes) // 4 : 3 * len(writes) // 4]
    gap, step, cycle = max(
        (later - earlier, after, (earlier + later) // 2)
        for (before, earlier), (after, later) in itertools.pairwise(middle)
        if before != after
    )
    # A word is written some cycles after the rate was read.
    assert gap >= 16, "choose an image with a pause between two steps"
    return step, cycle


class ChangingNetwork(Network):
    """A network whose learning rates are those of epoch 1 from step `change` of each image on."""

    def __init__(self, config: Config, change: int) -> None:
        super().__init__(config)
        self.change = change

    def present(self, image: np.ndarray, label: int, mode: int, trace: Trace | None = None) -> Result:
        """As `golden.phases.present` learns an image."""
        assert mode == LEARN
        trace = trace or self.empty_trace()
        p, state, counters, pixels = self.parameters, self.state, self.counters, self._pixels(image)
        reset(state, p, self.key)
        word = image_word(self.key)
        self.key = int(next_key(self.key))
        sign = -1 if p.random_sign and (word & 1) else 1
        prediction, first, first_step, counts, nudged = 0, -1, -1, (), False
        for t in range(p.free_steps + p.nudge_steps):
            if t == self.change:
                p = fixed_parameters(self.config, self.numbers, 1)
            word = xorshift32(word)
            moment = Moment(t, sign, word)
            synapse_pass(t > p.free_steps, moment, p, state, self.array, counters, self.devices)
            neuron_update(moment, label, t >= p.free_steps, p, pixels, state, counters)
            record(moment, p, state, self.array, trace)
            counters[STEPS] += 1
            if first < 0:
                first = nudge.first_spike(state.spikes, len(self.layers) - 1, self.outputs)
                first_step = t if first >= 0 else -1
            if t == p.free_steps - 1:
                counts = tuple(int(count) for count in state.counts)
                prediction = nudge.highest(state.counts)
                nudged = not nudge.within_tolerance(label, p.target, state.counts, p.skip_counts)
                counters[NUDGED if nudged else SKIPPED] += 1
                if not nudged:
                    break
        counters[IMAGES] += 1
        return Result(prediction, first, first_step, nudged, counts)
