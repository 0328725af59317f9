"""Counts, error, nudge, the skip rule and the prediction."""

from __future__ import annotations

import numpy as np
import pytest

from eqspike.golden import nudge


def test_counts_are_spikes_in_the_window() -> None:
    generator = np.random.default_rng(0)
    trains = generator.integers(0, 2, (60, 3))
    window, depth = 9, 12
    history, counts = np.zeros((depth, 1, 3), np.int64), np.zeros(3, np.int64)
    for t, spikes in enumerate(trains):
        history[t % depth, 0] = spikes
        nudge.count_step(t % depth, (t - window) % depth, 0, history, counts)
        assert counts.tolist() == trains[max(0, t + 1 - window) : t + 1].sum(axis=0).tolist()


@pytest.mark.parametrize("sign", [1, -1])
def test_nudge_current(sign: int) -> None:
    counts = np.array([3, 0, 8])
    current = np.array([10, 20, 30])
    nudge.nudge_current(1, 8, counts, sign, 2, current)
    assert current.tolist() == [10 + sign * 4 * -3, 20 + sign * 4 * 8, 30 + sign * 4 * -8]
    real = np.zeros(3)
    nudge.nudge_current(1, 8, counts, sign, 0.5 / 8, real)
    np.testing.assert_allclose(real, sign * 0.5 * (np.array([0, 1, 0]) - counts / 8))


def test_skip_rule() -> None:
    for counts, tolerance, within in (
        ([0, 8, 0], 0, True),
        ([1, 8, 0], 0, False),
        ([1, 7, 1], 1, True),
        ([0, 6, 0], 1, False),
        ([0, 8, 0], -1, False),
    ):
        assert nudge.within_tolerance(1, 8, np.array(counts), tolerance) == within


def test_highest_takes_the_first_of_equals() -> None:
    assert nudge.highest(np.array([2, 5, 5, 1])) == 1
    assert nudge.highest(np.zeros(4, np.int64)) == 0


def test_first_spike() -> None:
    spikes = np.array([[1, 1, 1], [0, 1, 1]])
    assert nudge.first_spike(spikes, 1, 3) == 1
    assert nudge.first_spike(spikes, 1, 1) == -1
