"""Input and LIF neurons against one written down again, neuron by neuron, with Python's integers."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from eqspike.golden.neuron import Membrane, drive_inputs, integrate_and_fire


class Lif:
    """A LIF neuron in exact arithmetic; `leak` is a fraction of the membrane, lost rounded down to whole LSBs."""

    def __init__(self, threshold: int, leak: Fraction, low: int, high: int, period: int) -> None:
        self.threshold, self.leak, self.low, self.high, self.period = threshold, leak, low, high, period
        self.membrane = 0
        self.since = period

    def step(self, current: int) -> tuple[bool, bool]:
        exact = self.membrane - math.floor(self.membrane * self.leak) + current
        self.membrane = max(self.low, min(self.high, exact))
        saturated = self.membrane != exact
        self.since += 1
        spike = self.membrane > self.threshold and self.since >= self.period
        if spike:
            self.membrane -= self.threshold
            self.since = 0
        return spike, saturated


@pytest.mark.parametrize("leak_shift", [-1, 3, 7])
@pytest.mark.parametrize("period", [2, 5])
def test_fixed(leak_shift: int, period: int) -> None:
    generator = np.random.default_rng(5)
    width, low, high = 6, -512, 511
    thresholds = np.zeros((3, 8), np.int64)
    thresholds[1, :width] = [256, 256, 200, 331, 511, 17]  # neurons differ in gain; 511 is never exceeded
    leak = Fraction(0) if leak_shift < 0 else Fraction(1, 2**leak_shift)
    neurons = [Lif(int(threshold), leak, low, high, period) for threshold in thresholds[1, :width]]
    membrane, refractory, spikes = (np.zeros((3, 8), np.int64) for _ in range(3))
    seen = 0
    for _ in range(400):
        current = generator.integers(-300, 400, 8)
        fired, saturations = integrate_and_fire(
            1, width, current, Membrane(leak_shift, low, high, thresholds, period), membrane, refractory, spikes
        )
        outcomes = [neuron.step(int(current[n])) for n, neuron in enumerate(neurons)]
        assert spikes[1, :width].tolist() == [int(spike) for spike, _ in outcomes]
        assert membrane[1, :width].tolist() == [neuron.membrane for neuron in neurons]
        assert refractory[1, :width].tolist() == [max(period - 1 - neuron.since, 0) for neuron in neurons]
        assert fired == sum(spike for spike, _ in outcomes)
        assert saturations == sum(saturated for _, saturated in outcomes)
        seen += saturations
    assert seen > 0
    assert neurons[4].since > 400
    for array in (membrane, refractory, spikes):  # nothing outside the layer's neurons
        assert not array[[0, 2]].any()
        assert not array[1, width:].any()


def test_real() -> None:
    generator = np.random.default_rng(6)
    membrane, refractory, spikes = np.zeros((2, 4)), np.zeros((2, 4), np.int64), np.zeros((2, 4), np.int64)
    thresholds = np.array([np.zeros(4), [1.0, 0.8, 1.3, 2.0]])
    constants = Membrane(leak=0.01, low=-2.0, high=2.0, threshold=thresholds, period=2)
    u, wait = [0.0] * 4, [0] * 4
    for _ in range(300):
        current = generator.normal(0.2, 0.5, 4)
        integrate_and_fire(1, 4, current, constants, membrane, refractory, spikes)
        for n in range(4):
            u[n] = min(max(u[n] * 0.99 + current[n], -2.0), 2.0)
            fire = u[n] > thresholds[1, n] and wait[n] == 0
            u[n] -= fire * thresholds[1, n]
            wait[n] = 1 if fire else max(wait[n] - 1, 0)
            assert spikes[1, n] == fire
            assert membrane[1, n] == pytest.approx(u[n], abs=1e-9)
            u[n] = membrane[1, n]


def test_threshold_must_be_exceeded() -> None:
    membrane, refractory, spikes = (np.zeros((1, 1), np.int64) for _ in range(3))
    constants = Membrane(leak=-1, low=-512, high=511, threshold=np.array([[256]]), period=2)
    for current, fires in ((256, 0), (0, 0), (1, 1)):
        integrate_and_fire(0, 1, np.array([current]), constants, membrane, refractory, spikes)
        assert spikes[0, 0] == fires
    assert membrane[0, 0] == 1


def test_never_two_spikes_within_the_refractory_period() -> None:
    for period in (2, 3, 8):
        constants = Membrane(leak=7, low=-512, high=511, threshold=np.array([[256]]), period=period)
        membrane, refractory, spikes = (np.zeros((1, 1), np.int64) for _ in range(3))
        train = []
        for _ in range(60):
            integrate_and_fire(0, 1, np.array([500]), constants, membrane, refractory, spikes)
            train.append(int(spikes[0, 0]))
        times = np.flatnonzero(train)
        assert set(np.diff(times)) == {period}


@pytest.mark.parametrize("period", [2, 4])
def test_inputs_fire_at_their_rate(period: int) -> None:
    """Pixel p of full scale 16 fires p times in 16 T_refract steps, never closer than T_refract."""
    scale, steps = 16, 16 * period
    pixels = np.arange(scale + 1)
    membrane = np.arange(scale + 1) * 7 % (scale * period)
    spikes, fired_list = np.zeros(scale + 1, np.int64), np.zeros(scale + 2, np.int64)
    trains = []
    for _ in range(5 * steps):
        fired = drive_inputs(pixels, scale * period, membrane, spikes, fired_list)
        assert fired_list[:fired].tolist() == np.flatnonzero(spikes).tolist()
        assert membrane.min() >= 0
        assert membrane.max() <= scale * period
        trains.append(spikes.copy())
    counts = np.array(trains).reshape(5, steps, -1).sum(axis=1)
    assert (counts[1:] == pixels).all()
    for train in np.array(trains).T[1:]:
        assert np.diff(np.flatnonzero(train)).min() >= period
