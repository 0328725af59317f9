"""Reading and programming synapses against matrix products and against one synapse at a time."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from eqspike.golden import crossbar
from eqspike.golden.draw import neuron_draw, row_word
from eqspike.golden.number import NEAREST, STOCHASTIC, weight_step
from eqspike.golden.state import Moment
from eqspike.golden.synapses import Programming, Synapses

BEFORE, AFTER, BASE, WIDTH = 5, 4, 3, 8
"""A two-way matrix of 5 + bias rows from row 3 on, and 4 columns in arrays padded to 8."""
LOW, HIGH = -64, 63


class Scene:
    """Random weights, spikes and rho-bars of layer 1 (5 neurons) and layer 2 (4 neurons)."""

    def __init__(self, seed: int) -> None:
        generator = np.random.default_rng(seed)
        self.weights = np.zeros((BASE + BEFORE + 2, WIDTH), np.int64)
        self.weights[BASE : BASE + BEFORE + 1, :AFTER] = generator.integers(LOW, HIGH + 1, (BEFORE + 1, AFTER))
        self.spikes = np.zeros((3, WIDTH), np.int64)
        self.spikes[1, :BEFORE] = generator.integers(0, 2, BEFORE)
        self.spikes[2, :AFTER] = generator.integers(0, 2, AFTER)
        self.integrator = np.zeros((3, WIDTH), np.int64)
        self.integrator[1, :BEFORE] = generator.integers(-300, 301, BEFORE)
        self.integrator[2, :AFTER] = generator.integers(-300, 301, AFTER)
        self.word = int(generator.integers(1, 2**32))

    @property
    def matrix(self) -> np.ndarray:
        return self.weights[BASE : BASE + BEFORE, :AFTER]


def synapses(number: int = 0, factor: int = 1, gain: int = 0, shift: int = 0, rounding: int = NEAREST) -> Synapses:
    """The two-way synapses of a `Scene`; `number` is that of the first neuron below, and of the first one above."""
    programming = Programming(1, factor, gain, shift, rounding, LOW, HIGH, 0, 0, 0, shift)
    return Synapses(1, BASE, BEFORE, AFTER, WIDTH, number, number, True, programming)


def clip(values: np.ndarray) -> tuple[np.ndarray, int]:
    return np.clip(values, LOW, HIGH), int(np.sum((values < LOW) | (values > HIGH)))


@pytest.mark.parametrize("seed", range(8))
def test_read_rows(seed: int) -> None:
    scene = Scene(seed)
    fired = np.flatnonzero(scene.spikes[1])
    fired_list = np.concatenate([fired, [BEFORE, 99]])  # the bias, and an entry beyond the count
    forward = np.zeros((3, WIDTH), np.int64)
    crossbar.read_rows(scene.weights, synapses(), fired_list, len(fired) + 1, forward)
    expected = scene.spikes[1, :BEFORE] @ scene.matrix + scene.weights[BASE + BEFORE, :AFTER]
    assert forward[2, :AFTER].tolist() == expected.tolist()
    assert not forward[:2].any()
    assert not forward[2, AFTER:].any()


@pytest.mark.parametrize("seed", range(8))
def test_read_pairs(seed: int) -> None:
    scene = Scene(seed)
    forward, backward = np.zeros((3, WIDTH), np.int64), np.zeros((3, WIDTH), np.int64)
    operations = crossbar.read_pairs(scene.weights, synapses(), scene.spikes, forward, backward)
    pre, post = scene.spikes[1, :BEFORE], scene.spikes[2, :AFTER]
    assert forward[2, :AFTER].tolist() == (pre @ scene.matrix).tolist()
    assert backward[1, :BEFORE].tolist() == (scene.matrix @ post).tolist()
    assert operations == pre.sum() * AFTER + post.sum() * BEFORE


@pytest.mark.parametrize("rounding", [NEAREST, STOCHASTIC])
def test_neuron_steps(rounding: int) -> None:
    scene = Scene(1)
    steps = np.zeros((3, WIDTH), np.int64)
    programming = synapses(factor=3, gain=1, shift=5, rounding=rounding).programming
    crossbar.neuron_steps(2, WIDTH, scene.integrator, scene.word, programming, steps)
    for n in range(WIDTH):
        draw = neuron_draw(scene.word, 2, n, 5)
        assert steps[2, n] == weight_step(int(scene.integrator[2, n]), 3, 1, 5, rounding, draw)
    assert not steps[2, AFTER:].any()  # neurons that do not exist program nothing, whatever they draw


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("seed", range(4))
def test_program_rows(seed: int, sign: int) -> None:
    scene = Scene(seed)
    fired = np.flatnonzero(scene.spikes[1])
    steps = np.zeros((3, WIDTH), np.int64)
    steps[2, :AFTER] = np.random.default_rng(seed).integers(-90, 91, AFTER)
    expected = scene.weights.copy()
    total = 0
    for row in fired:
        expected[BASE + row, :AFTER], saturated = clip(expected[BASE + row, :AFTER] + sign * steps[2, :AFTER])
        total += saturated
    found = crossbar.program_rows(scene.weights, synapses(), fired, len(fired), sign, steps)
    assert scene.weights.tolist() == expected.tolist()
    assert found == total


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("seed", range(4))
def test_program_pairs(seed: int, sign: int) -> None:
    """A spike of i adds the step of k, a spike of k adds the step of i, both at once their exact sum, clipped once."""
    scene = Scene(seed)
    generator = np.random.default_rng(seed)
    forward, backward = np.zeros((3, WIDTH), np.int64), np.zeros((3, WIDTH), np.int64)
    forward[2, :AFTER] = generator.integers(-90, 91, AFTER)
    backward[1, :BEFORE] = generator.integers(-90, 91, BEFORE)
    pre, post = scene.spikes[1, :BEFORE], scene.spikes[2, :AFTER]
    change = np.outer(pre, forward[2, :AFTER]) + np.outer(backward[1, :BEFORE], post)
    expected = scene.weights.copy()
    expected[BASE : BASE + BEFORE, :AFTER], total = clip(scene.matrix + sign * change)
    found = crossbar.program_pairs(scene.weights, synapses(), scene.spikes, sign, backward, forward)
    assert scene.weights.tolist() == expected.tolist()
    assert found == total


@pytest.mark.parametrize("rounding", [NEAREST, STOCHASTIC])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_draw_for_each_synapse(sign: int, rounding: int) -> None:
    scene, factor, gain, shift, number = Scene(3), 5, 0, 4, 11
    expected = scene.weights.copy()
    total = 0
    for i, k in product(range(BEFORE), range(AFTER)):
        pre, post = int(scene.spikes[1, i]), int(scene.spikes[2, k])
        if not (pre or post):
            continue
        rhobar = int(pre * scene.integrator[2, k] + post * scene.integrator[1, i])
        draw = neuron_draw(row_word(scene.word, number + k), 1, i, shift)
        exact = expected[BASE + i, k] + sign * weight_step(rhobar, factor, gain, shift, rounding, draw)
        expected[BASE + i, k], saturated = clip(exact)
        total += saturated
    drawing = synapses(number, factor, gain, shift, rounding)
    moment = Moment(1, sign, scene.word)
    found = crossbar.program_pairs_drawing(scene.weights, drawing, scene.spikes, moment, scene.integrator)
    assert scene.weights.tolist() == expected.tolist()
    assert found == total

    fired = np.flatnonzero(scene.spikes[1])
    for row in fired:
        for k in range(AFTER):
            draw = neuron_draw(row_word(scene.word, number + row), 2, k, shift)
            step = weight_step(int(scene.integrator[2, k]), factor, gain, shift, rounding, draw)
            expected[BASE + row, k], _ = clip(expected[BASE + row, k] + sign * step)
    crossbar.program_rows_drawing(scene.weights, drawing, fired, len(fired), moment, scene.integrator)
    assert scene.weights.tolist() == expected.tolist()
