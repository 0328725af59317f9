"""Programming at the image's end: sums over the nudge phase, and what one sweep makes of them."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from cocotb_tests import networks
from eqspike.golden.config import Config
from eqspike.golden.configfile import config_from_dict
from eqspike.golden.data import load_split
from eqspike.golden.modes import INFER, LEARN
from eqspike.golden.network import Network
from eqspike.golden.validation import ConfigError

FREE, NUDGE = 40, 30


def config(format: str, rounding: str = "nearest", rate: float = 2.0**-6, **programming: object) -> Config:
    synapse = {"bits": 14, "range": 1, "learning_rate": rate, "rounding": rounding, "draw": "synapse", "init": 1.5}
    return config_from_dict(
        {
            "network": {"layers": [9, 6, 5, 4]}, "dataset": {"name": "random"}, "number": {"format": format},
            "rate": {"delay": 12}, "learning": {"free_steps": FREE, "nudge_steps": NUDGE, "window": 16},
            "synapses": [synapse] * 3, "programming": {"when": "image_end"} | programming,
        }
    )  # fmt: skip


def presented(network: Network, index: int):
    """One image learned: (result, trace, weights before)."""
    part = load_split(network.config)
    before = [w.copy() for w in network.weights]
    trace = network.empty_trace(FREE + NUDGE, weights=True)
    return network.present(part.train_images[index], int(part.train_labels[index]), LEARN, trace), trace, before


def expected(network: Network, trace, sign: int) -> list[np.ndarray]:
    """eta (n_i R_j, plus n_j R_i where two-way) / steps, from the spikes and the rho-bars of the trace."""
    config, served = network.config, slice(FREE, FREE + NUDGE - 1)
    sizes = config.network.layers
    edges = np.cumsum([0, *sizes[1:]])
    counts, sums = [trace.input_spikes[served].sum(axis=0)], [np.zeros(sizes[0])]
    for first, last in itertools.pairwise(edges):
        counts.append(trace.spikes[served, first:last].sum(axis=0))
        sums.append(trace.integrator[served, first:last].sum(axis=0))
    bias = sum(1 for t in range(FREE, FREE + NUDGE - 1) if t % config.neuron.refractory == 0)
    out = []
    for s in range(len(sizes) - 1):
        change = np.outer(np.append(counts[s], bias), sums[s + 1]).astype(float)
        if s > 0:
            change[:-1] += np.outer(sums[s], counts[s + 1])
        out.append(sign * change)
    return out


def sign_of(before: list[np.ndarray], network: Network, change: list[np.ndarray]) -> int:
    """The image's sign, which the weights show."""
    moved = sum(float(((w - b) * c).sum()) for w, b, c in zip(network.weights, before, change, strict=True))
    return 1 if moved > 0 else -1


def test_real_numbers_make_exactly_that_change() -> None:
    network = Network(config("real"))
    nudged = 0
    for index in range(12):
        result, trace, before = presented(network, index)
        change = expected(network, trace, 1)
        if not result.nudged:
            assert all(np.array_equal(w, b) for w, b in zip(network.weights, before, strict=True))
            continue
        nudged += 1
        sign = sign_of(before, network, change)
        for w, b, c in zip(network.weights, before, change, strict=True):
            new = np.clip(b + sign * 2.0**-6 * c / (NUDGE - 1), -1, 1)
            assert w == pytest.approx(new, abs=1e-12)
    assert nudged > 6


def test_fixed_point_rounds_it_once() -> None:
    """Exact integers, the divisor as a power of two and an odd factor of at most four bits."""
    network = Network(config("fixed"))
    factor, shift = network.config.compensation_parts
    assert abs(factor / 2**shift * (NUDGE - 1) - 1) <= 1 / 16
    bits = network.config.rate.fraction_bits + 6 - 13 + shift
    nudged = 0
    for index in range(12):
        result, trace, before = presented(network, index)
        if not result.nudged:
            continue
        nudged += 1
        change = expected(network, trace, 1)
        sign = sign_of(before, network, change)
        for w, b, c in zip(network.weights, before, change, strict=True):
            exact = c.astype(np.int64) * factor
            step = np.sign(exact) * ((2 * abs(exact) + (1 << bits)) >> (bits + 1))  # halves away from zero
            assert np.array_equal(w, np.clip(b + sign * step, -(2**13), 2**13 - 1))
    assert nudged > 6


def test_weights_stay_as_they_are_until_the_end() -> None:
    network = Network(config("fixed", "stochastic"))
    for index in range(4):
        result, trace, _ = presented(network, index)
        steps = FREE + NUDGE if result.nudged else FREE
        assert (trace.weights[:steps] == trace.weights[0]).all()
        if result.nudged:
            assert np.array_equal(trace.weights[steps], network.array)
            assert (trace.weights[steps] != trace.weights[0]).any()


def test_inference_changes_nothing() -> None:
    network = Network(config("fixed", "stochastic"))
    before, part = network.array.copy(), load_split(network.config)
    for index in range(5):
        network.present(part.train_images[index], 0, INFER)
    assert np.array_equal(network.array, before)


def test_it_learns_what_every_spike_would() -> None:
    """Small learning rates: the change of many images is that of programming at every spike, but for chance."""
    totals = []
    for when in ("spike", "image_end"):
        network = Network(config("real", rate=2.0**-16, when=when))
        part, before = load_split(network.config), network.array.copy()
        network.learn(part.train_images[:200], part.train_labels[:200])
        totals.append((network.array - before).ravel())
    assert np.corrcoef(totals)[0, 1] > 0.95
    assert np.polyfit(totals[0], totals[1], 1)[0] == pytest.approx(1, abs=0.15)


def test_far_fewer_synapses_are_programmed() -> None:
    counts = []
    for when in ("spike", "image_end"):
        config = networks.odd("sweep-33-17-10")
        network = Network(config.replace(programming=dataclasses.replace(config.programming, when=when)))
        part = load_split(config)
        network.learn(part.train_images[:20], part.train_labels[:20])
        counts.append(network.counter_values()["programming_pulses"])
    assert counts[1] < counts[0] / 4


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"when": "sometimes"}, r"programming.when: 'sometimes' is not valid; allowed: spike, image_end"),
        ({"every": 2}, r"programming.every: 2 is not valid; 1 with programming.when image_end"),
        ({"probability": 0.5}, r"programming.probability: 0.5 is not valid; 1 with programming.when image_end"),
    ],
)
def test_what_cannot_be(sections: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        config("fixed", **sections)


def test_pulses_learn_from_time_alone() -> None:
    """A-EqSpike's tails rise as much before a pulse as they fall behind it: sums over a phase keep nothing of that."""
    with pytest.raises(ConfigError, match=r"programming.when: 'image_end' is not valid; spike, with learning.signal"):
        config_from_dict({"learning": {"signal": "pulse"}, "programming": {"when": "image_end"},
                          "synapses": [{"draw": "synapse"}]})  # fmt: skip
