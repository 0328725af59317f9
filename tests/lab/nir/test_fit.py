"""What an imported network answers beside its graph: measured, explained, and won back where gains can."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import nir
import numpy as np
import pytest

from eqspike.golden.config import Config
from eqspike.lab.configs import read_config
from eqspike.lab.nir.agreement import Agreement, Cost, agreement
from eqspike.lab.nir.assemble import Imported
from eqspike.lab.nir.fit import Fit, fitted
from eqspike.lab.nir.layered import as_chip
from eqspike.lab.nir.read import from_graph, imported_network, read_graph, rounding
from eqspike.lab.nir.shown import shown
from eqspike.lab.nir.write import to_graph
from tests.lab.nir.test_graph import plain, trained

FILES = Path(__file__).parent / "files"
"""Networks of Digits that snnTorch 1.0 and Norse 1.1 wrote; the second is untrained."""


def compared(plain: Imported, gains: bool) -> tuple[Imported, Agreement, Fit | None]:
    found, fit = fitted(plain, gains)
    return found, agreement(found, plain, imported_network(found), fit), fit


@pytest.fixture(scope="module")
def digits() -> Config:
    return read_config("digits")


@pytest.fixture(scope="module")
def snntorch(digits: Config) -> Imported:
    return from_graph(read_graph(FILES / "float32-leak-0.875.nir"), digits, 1e-4, approximate=True)


def test_a_large_loss_is_explained(snntorch: Imported) -> None:
    found, seen, fit = compared(snntorch, gains=False)
    assert fit is None
    assert found.config.neuron.leak == 2.0**-3
    assert (seen.images, seen.said) == (100, "test images of digits")
    assert seen.alike < 80
    assert seen.right_of_graph >= 92
    assert seen.right < 80
    assert seen.reason == "synapses after the first layer are two-way"
    lines = list(seen.lines())
    assert lines[0].endswith("; mainly because of this: synapses after the first layer are two-way")
    cost = next(cost for cost in seen.costs if cost.what == seen.reason)
    assert cost.alike > 20
    assert any(str(cost) == line for line in lines)


def test_gains_win_it_back(snntorch: Imported) -> None:
    """The goal: less than two points below the graph, on images that gains were not fitted to."""
    found, seen, fit = compared(snntorch, gains=True)
    assert seen.alike >= 95
    assert seen.right >= seen.right_of_graph - 2
    assert fit.after > fit.before + 0.2
    assert seen.reason is None
    assert any(cost.alike < -20 and str(fit) in str(cost) for cost in seen.costs)
    np.testing.assert_allclose(found.weights[0], snntorch.weights[0] * fit.gains[0])
    np.testing.assert_allclose(found.weights[1][:-1], snntorch.weights[1][:-1] * fit.gains[1])
    np.testing.assert_allclose(found.weights[1][-1], fit.bias * found.config.neuron.threshold)
    for synapse, weights in zip(found.config.synapses, found.weights, strict=True):
        assert synapse.range / 2 <= np.abs(weights).max() <= synapse.range
    assert rounding(found, imported_network(found)).rms < 2e-3


def test_what_the_chip_computes_as_the_graph_is_left_alone(make_config) -> None:
    config = make_config()
    plain = from_graph(to_graph(config, trained(config).real_weights()))
    found, seen, fit = compared(plain, gains=True)
    assert found is plain
    assert fit is None
    assert seen.costs == ()
    assert seen.images == 24
    assert seen.alike >= 20  # membranes in fixed point, and their bounds
    assert seen.right is not None


def test_networks_of_no_known_data(digits: Config) -> None:
    """Random images, and no labels; a graph that is silent, or says the same to all, is called so."""
    graph = read_graph(FILES / "shape-norse_scalar.nir")
    found, seen, _ = compared(from_graph(graph, None, 1e-3, approximate=True), gains=True)
    assert (seen.said, seen.right, seen.right_of_graph) == ("random images", None, None)
    assert seen.silent > 50
    assert any(
        line.startswith(f"the graph's outputs are silent at {seen.silent} of them: --dt") for line in seen.lines()
    )
    assert found.config.dataset.name == "random"
    small = from_graph(plain(), dataclasses.replace(digits, name="other"), approximate=True)
    assert shown(small.config, True, small.own).said.startswith("random images (the config's do not fit: dataset dig")


def test_words() -> None:
    assert str(Cost("x", 3.0, None)) == "costs 3.0 points of the same answers: x"
    assert str(Cost("x", -3.0, 2.0)) == "wins back 3.0 points of the same answers, costs 2.0 of the right ones: x"
    seen = Agreement(10, "random images", 5, None, None, 0, 1, ())
    assert seen.reason == "the format of the numbers"
    assert "the graph has the same answer to all of them, so that this comparison says little" in seen.lines()


def test_membranes_are_wide_enough(make_config) -> None:
    """The least bound, from the config's own up, that changes no answer."""
    config, limits = make_config(network={"layers": [4, 3, 2]}), []
    for seed in range(6):
        draw = np.random.default_rng(seed)
        fc1, fc2 = (nir.Linear(weight=draw.normal(0, 3, shape)) for shape in ((3, 4), (2, 3)))
        found, _ = fitted(from_graph(plain(fc1=fc1, fc2=fc2), config, approximate=True), gains=False)
        on, chip = shown(found.config, False, True), as_chip(found.config, found.weights)
        wanted = on.answers(dataclasses.replace(chip, limit=None))
        limits.append(chip.limit)
        assert np.array_equal(on.answers(chip), wanted)
        if chip.limit > 2:
            assert not np.array_equal(on.answers(dataclasses.replace(chip, limit=chip.limit / 2)), wanted)
    assert min(limits) == 2.0
    assert max(limits) > 2.0


def test_work_is_bounded(make_config) -> None:
    config = make_config(network={"layers": [4000, 3000, 10]}, learning={"free_steps": 300})
    assert len(shown(config, True, False).images) == 5
