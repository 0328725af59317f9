"""The rho-bar block against its definition (an integrator, delayed, subtracted, averaged), and its limits."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from eqspike.golden.config import rate_bound
from eqspike.golden.rate import rate_step
from eqspike.golden.sections import RateConfig
from eqspike.golden.state import HistoryRows


class Block:
    """Blocks of one layer fed with trains of spikes; `run` returns rho-bar after each step, shape (steps, neurons)."""

    def __init__(self, neurons: int, delay: int, filter_steps: int, gain: float | int, leak: float | int) -> None:
        self.delay, self.filter, self.gain, self.leak = delay, filter_steps, gain, leak
        self.filtered = np.zeros((1, neurons), np.int64)
        self.integrator = np.zeros((1, neurons), np.float64 if isinstance(leak, float) else np.int64)

    def run(self, trains: np.ndarray) -> np.ndarray:
        depth = 1 + self.delay + self.filter
        history = np.zeros((depth, 1, trains.shape[1]), np.int64)
        out = []
        for t, spikes in enumerate(trains):
            history[t % depth, 0] = spikes
            rows = [(t - back) % depth for back in (0, self.filter, self.delay, self.delay + self.filter)]
            rate_step(
                0, trains.shape[1], HistoryRows(*rows, 0), history, self.gain, self.leak, self.filtered, self.integrator
            )
            out.append(self.integrator[0].copy())
        return np.array(out)


def sparse_trains(generator: np.random.Generator, steps: int, neurons: int, period: int) -> np.ndarray:
    """Random trains that obey the refractory period."""
    trains = np.zeros((steps, neurons), np.int64)
    for n in range(neurons):
        t = int(generator.integers(0, period))
        while t < steps:
            trains[t, n] = 1
            t += period + int(generator.integers(0, 1 + int(generator.integers(1, 12))))
    return trains


@pytest.mark.parametrize(("delay", "filter_steps"), [(10, 1), (12, 4), (40, 8), (1, 1)])
def test_real_is_the_thesis_block(delay: int, filter_steps: int) -> None:
    """Integrate, subtract what was tau ago, average the last N_filt values: eqs 2.7 to 2.12 in their own order."""
    gamma = 0.1
    trains = sparse_trains(np.random.default_rng(1), 200, 5, 2)
    found = Block(5, delay, filter_steps, 1.0 / filter_steps, gamma).run(trains)
    integrator = np.zeros(5)
    values = []
    for spikes in trains:
        integrator = (integrator + spikes) * (1 - gamma)
        values.append(integrator)
    padded = np.concatenate([np.zeros((delay + filter_steps, 5)), values])
    difference = padded[delay:] - padded[:-delay]
    expected = np.array([difference[t + 1 : t + 1 + filter_steps].mean(axis=0) for t in range(len(trains))])
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize(("delay", "filter_steps"), [(10, 1), (12, 4), (40, 8)])
def test_fixed(delay: int, filter_steps: int) -> None:
    """Again with exact fractions: what leaks is rounded toward zero to whole LSBs."""
    trains = sparse_trains(np.random.default_rng(2), 200, 5, 2)
    gain, shift = 6 - int(math.log2(filter_steps)), 3
    found = Block(5, delay, filter_steps, gain, shift).run(trains)
    padded = np.concatenate([np.zeros((delay + filter_steps, 5), np.int64), trains])
    for n in range(5):
        value = 0
        for t in range(len(trains)):
            end = t + 1 + delay + filter_steps
            late = padded[end - filter_steps : end, n].sum()
            early = padded[end - filter_steps - delay : end - delay, n].sum()
            value += int(late - early) * 2**gain
            value -= math.trunc(Fraction(value, 2**shift))
            assert found[t, n] == value


@pytest.mark.parametrize("period", [2, 3, 7, 20])
@pytest.mark.parametrize("filter_steps", [1, 10])
def test_mean_at_a_constant_rate(period: int, filter_steps: int) -> None:
    """Before differencing (the delay is longer than the run) the mean of V_LI is rho / gamma_LI.

    The block is read after its leak, which takes gamma_LI of V_LI.
    """
    gamma, steps = 0.1, 40 * 21 * period
    trains = np.zeros((steps, 1), np.int64)
    trains[::period] = 1
    out = Block(1, steps, filter_steps, 1.0 / filter_steps, gamma).run(trains)
    mean = out[-20 * period :].mean() / (1 - gamma)
    assert mean == pytest.approx(1 / period / gamma, rel=1e-6)


def test_a_constant_rate_has_no_derivative() -> None:
    trains = np.zeros((400, 1), np.int64)
    trains[::4] = 1
    out = Block(1, 40, 4, 0.25, 0.1).run(trains)
    assert abs(out[200:]).max() < 1e-6


def test_a_ramp_gives_tau_over_gamma_times_its_slope() -> None:
    """The mean of rho-bar while the rate rises steadily: tau / gamma_LI d rho/dt, read after the leak."""
    steps, tau, gamma = 4000, 100, 0.1
    slope = 0.4 / steps
    phase = np.cumsum(0.05 + slope * np.arange(steps))
    trains = np.diff(np.floor(phase), prepend=0).astype(np.int64)[:, None]
    out = Block(1, tau, 10, 0.1, gamma).run(trains)
    assert out[400:].mean() / (1 - gamma) == pytest.approx(tau / gamma * slope, rel=0.02)


def worst_trains(steps: int, delay: int, period: int) -> np.ndarray:
    """Trains that drive the integrator to its ends: as dense as can be, then silent; in blocks of tau; and shifted."""
    time = np.arange(steps)
    dense = (time % period == 0).astype(np.int64)
    block = (time // delay) % 2
    trains = [dense, dense * (time < delay), dense * block, dense * (1 - block), dense * (time >= steps // 2)]
    trains += [np.roll(train, shift) for train in trains for shift in (1, delay - 1)]
    return np.stack(trains, axis=1)


@pytest.mark.parametrize("leak_shift", [1, 3, 5])
@pytest.mark.parametrize("filter_steps", [1, 2, 8])
@pytest.mark.parametrize("period", [2, 3, 8])
def test_integrator_stays_within_its_bound(leak_shift: int, filter_steps: int, period: int) -> None:
    delay = 24
    rate = RateConfig(leak=2.0**-leak_shift, delay=delay, filter=filter_steps, fraction_bits=6)
    bound = rate_bound(rate, period)
    gain = rate.fraction_bits - int(math.log2(filter_steps))
    trains = np.concatenate(
        [worst_trains(400, delay, period), sparse_trains(np.random.default_rng(3), 400, 60, period)], axis=1
    )
    out = Block(trains.shape[1], delay, filter_steps, gain, leak_shift).run(trains)
    assert abs(out).max() <= bound
    if filter_steps == 1 and leak_shift == 3:  # the bound is no waste: the worst train comes near
        assert abs(out).max() > 0.6 * bound
