"""The golden model as an engine: what it gives back, and that it keeps nothing that the caller has not."""

from __future__ import annotations

import numpy as np

from eqspike.golden.data import load_split
from eqspike.golden.engine import GoldenEngine
from eqspike.golden.network import Network


def test_an_engine_is_the_network(make_config) -> None:
    config = make_config()
    part, network = load_split(config), Network(config)
    images, labels = part.train_images[:12], part.train_labels[:12]
    network.set_epoch(1)
    expected = np.array([network.learn(images[i : i + 1], labels[i : i + 1]) for i in range(12)])
    engine = GoldenEngine(config)
    learned = engine.learn(images, labels, Network(config).weights, Network(config).key, 1)
    assert ((learned.results[:, 0] == labels) == expected).all()
    assert learned.results.shape == (12, 4)
    assert learned.counters == network.counter_values()
    assert learned.key == network.key
    assert (learned.cycles, engine.lost) == (0, ())
    assert learned.seconds > 0
    for mine, theirs in zip(learned.weights, network.weights, strict=True):
        assert np.array_equal(mine, theirs)


def test_a_run_goes_on_with_another_engine(make_config) -> None:
    config = make_config()
    part = load_split(config)
    images, labels = part.train_images[:16], part.train_labels[:16]
    start, key = [w.copy() for w in Network(config).weights], Network(config).key
    whole = GoldenEngine(config).learn(images, labels, start, key, 0)
    first = GoldenEngine(config).learn(images[:9], labels[:9], start, key, 0)
    used = GoldenEngine(config)
    used.learn(images, labels, start, 99, 1)
    second = used.learn(images[9:], labels[9:], first.weights, first.key, 0)
    assert second.key == whole.key
    assert second.counters["images"] == 7
    for mine, theirs in zip(second.weights, whole.weights, strict=True):
        assert np.array_equal(mine, theirs)
