"""The weight memory beside the golden weights: writes one after another, all at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from cocotb_tests import networks
from eqspike.golden.config import Config
from eqspike.golden.network import Network
from eqspike.rtl.core import Core
from eqspike.sim.recording import Recorded
from eqspike.sim.shadow import WeightShadow

PASSES = 9
NOTHING = np.zeros(0, np.int64)


def writes(steps: np.ndarray, places: np.ndarray, cells: np.ndarray) -> Recorded:
    """A recording of nothing but writes."""
    return Recorded(NOTHING, NOTHING, {}, NOTHING, NOTHING, NOTHING, NOTHING, steps, places, cells)


@pytest.fixture
def shadow(make_config: Callable[..., Config]) -> WeightShadow:
    config = make_config()
    return WeightShadow(Core(config), Network(config))


def one_by_one(memory: np.ndarray, recorded: Recorded) -> tuple[np.ndarray, int]:
    """`WeightShadow.follow`, as it reads; changes the memory."""
    events = list(zip(recorded.write_steps, recorded.write_places, recorded.write_cells, strict=True))
    rows = []
    for step in range(PASSES):
        for _, place, cells in (event for event in events if event[0] == step):
            memory[place] = cells
        rows.append(memory.copy().ravel())
    return np.array(rows), len({step for step, *_ in events if step >= PASSES})


@pytest.mark.parametrize("count", [0, 1, 60])
def test_as_one_write_after_the_other(shadow: WeightShadow, count: int) -> None:
    """Words written twice in a step, steps out of order, steps after the last pass; image after image."""
    draw = np.random.default_rng(count)
    expected = shadow.memory.copy()
    for _ in range(3):
        steps, places = draw.integers(0, PASSES + 3, count), draw.integers(0, len(expected), count)
        recorded = writes(steps, places, draw.integers(-8, 8, (count, expected.shape[1])))
        rows, late = one_by_one(expected, recorded)
        found, found_late = shadow.follow(recorded, PASSES)
        np.testing.assert_array_equal(found, rows)
        assert found_late == late
        np.testing.assert_array_equal(shadow.memory, expected)


@pytest.mark.parametrize("name", ["7-5-3", "gather-7-5-3", "banks-24-18-3"])
def test_each_weight_has_its_place(name: str) -> None:
    """One weight that differs in one pass is seen there, and nowhere else."""
    config = networks.odd(name)
    network = Network(config)
    shadow = WeightShadow(Core(config), network)
    unchanged = writes(NOTHING, NOTHING, np.zeros((0, shadow.memory.shape[1]), np.int64))
    trace = network.empty_trace(PASSES, weights=True)
    trace.weights[:] = network.array
    if len(trace.accumulators):
        trace.accumulators[:] = network.accumulators
    *_, equal, _ = shadow.compared(unchanged, trace, PASSES)
    assert equal
    at, bases = 0, np.cumsum([0, *(layer.shape[0] for layer in network.weights)])
    for s, layer in enumerate(network.weights):
        for row, column in np.ndindex(layer.shape):
            trace.weights[4, bases[s] + row, column] ^= 1
            rtl, golden, equal, _ = shadow.compared(unchanged, trace, PASSES)
            assert not equal
            different = rtl[:, shadow.places] != golden[:, shadow.places]
            assert np.argwhere(different).tolist() == [[4, at]]
            trace.weights[4, bases[s] + row, column] ^= 1
            at += 1
