"""More images than 16 bits count, learned in one run of the compiled RTL."""

from __future__ import annotations

import numpy as np
import pytest

from cocotb_tests import networks
from eqspike.golden.configfile import config_from_dict
from eqspike.golden.modes import LEARN
from eqspike.golden.network import Network
from eqspike.sim.engine import RtlEngine

IMAGES = (1 << 16) + 500
SHORT = networks.TINY | {
    "network": {"layers": [2, 2, 2]},
    "rate": {"delay": 3},
    "learning": {"free_steps": 6, "nudge_steps": 5, "window": 4, "beta": 1},
    # Small steps, else weights would soon stand at the ends of their ranges.
    "synapses": [synapse | {"bits": 12, "learning_rate": "2^-9"} for synapse in networks.TINY["synapses"]],
    "hardware": {"lanes": 2, "input_lanes": 2},
}


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_more_than_65536_images() -> None:
    """Every result, and at the end weights, key and counters."""
    config = config_from_dict(SHORT)
    random = np.random.default_rng(65536)
    images = random.integers(0, config.input.full_scale + 1, (IMAGES, 2))
    labels = random.integers(0, 2, IMAGES)
    golden = Network(config)
    start, key = tuple(w.copy() for w in golden.weights), golden.key
    with RtlEngine(config) as engine:
        learned = engine.learn(images, labels, start, key, 0)
    expected = golden.present_all(images, labels, LEARN)
    np.testing.assert_array_equal(learned.results, expected)
    for ours, theirs in zip(learned.weights, golden.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert learned.key == golden.key
    assert learned.counters == golden.counter_values()
    assert learned.counters["images"] == IMAGES
    # It did learn until the end: the second half of the images left other weights than the first.
    half = Network(config)
    half.present_all(images[: IMAGES // 2], labels[: IMAGES // 2], LEARN)
    assert any(np.any(a != b) for a, b in zip(half.weights, golden.weights, strict=True))
    assert 0.01 < learned.results[:, 3].mean() < 1
