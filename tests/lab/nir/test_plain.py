"""Plain graphs: what other programs load, how they differ from the chip, and that they say what they should."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import h5py
import nir
import numpy as np
import pytest

from eqspike.golden.config import Config
from eqspike.lab.nir.export import export_plain
from eqspike.lab.nir.layered import as_chip
from eqspike.lab.nir.plain import differences, to_plain
from eqspike.lab.nir.read import from_graph, read_graph
from eqspike.lab.nir.simulate import output_spikes
from eqspike.lab.nir.write import graph_bytes
from tests.lab.nir.test_graph import trained
from tests.lab.nir.test_simulate import some_spikes


def changed(config: Config, weights) -> object:
    """The chip's layers with all that a plain graph says otherwise."""
    chip, none = as_chip(config, weights), (False,) * len(weights)
    period = config.neuron.refractory
    rows = tuple(np.vstack([w[:-1], 0 * w[-1:]]) for w in weights)
    constants = tuple(w[-1] / period for w in weights)
    return dataclasses.replace(
        chip,
        weights=rows,
        constants=constants,
        subtract=none,
        refractory=1,
        back=(0.0,) * len(rows),
        delayed=none,
        limit=None,
    )


@pytest.mark.parametrize(
    "changes", [{}, {"network": {"layers": [9, 7, 6, 4]}}, {"neuron": {"leak": "2^-4", "refractory": 4}},
                {"neuron": {"leak": 0}}]
)  # fmt: skip
@pytest.mark.parametrize("sinabs", [False, True])
def test_it_fires_as_it_is_said_to(changes, sinabs: bool, make_config) -> None:
    """As layers that reset to 0, without refractory period, feedback, delays and bounds, with a constant bias."""
    config = make_config(**changes)
    weights = trained(config).real_weights()
    graph = to_plain(config, weights, sinabs)
    assert {type(node) for node in graph.nodes.values()} == {
        nir.Input, nir.Affine, nir.LIF if config.neuron.leak else nir.IF, nir.Output,
    }  # fmt: skip
    assert graph.edges == list(zip(list(graph.nodes), list(graph.nodes)[1:], strict=False))
    spikes = some_spikes(60, 4, config.network.layers[0])
    layers = changed(config, weights)
    if sinabs and config.neuron.leak:  # e^(-1 / tau) is 1 - leak there; by Euler's steps that is nearly so
        layers = dataclasses.replace(layers, leak=-np.log1p(-config.neuron.leak))
    found, wanted = output_spikes(graph, graph.metadata["dt"], spikes, 2), layers.outputs(spikes)
    assert np.mean(found != wanted) < 2e-3  # single precision
    assert wanted.sum() > 50


def test_neurons_that_differ_in_gain_differ_in_weights(make_config) -> None:
    config = make_config(neuron={"gain_spread": 0.3})
    graph = to_plain(config, trained(config).real_weights())
    assert set(graph.nodes["lif1"].v_threshold) == {1.0}
    even = to_plain(make_config(), trained(config).real_weights())
    own, same = graph.nodes["fc1"].weight, even.nodes["fc1"].weight
    gains = np.abs(own).sum(axis=1) / np.abs(same).sum(axis=1)
    assert np.ptp(gains) > 0.1
    np.testing.assert_allclose(own, same * gains[:, None], rtol=1e-5)


def test_files_know_no_v_reset(tmp_path: Path, make_config) -> None:
    """NIR 1.0.4, which Sinabs asks for, refuses it; it is 0 where it is not said."""
    config = make_config()
    network = trained(config)
    found = export_plain(config, network, tmp_path / "p.nir")
    with h5py.File(tmp_path / "p.nir") as file:
        names: list[str] = []
        file.visit(names.append)
    assert not any("v_reset" in name for name in names)
    assert any("v_threshold" in name for name in names)
    assert not np.any(nir.read(tmp_path / "p.nir").nodes["lif1"].v_reset)
    assert 0 <= found.alike <= found.images == 24
    with h5py.File(io.BytesIO(graph_bytes(to_plain(config, network.real_weights())))) as file:
        assert "v_reset" in file["node/nodes/lif1"]


def test_it_comes_back_nearly(tmp_path: Path, make_config) -> None:
    """The same weights, with all differences noted: but for single precision, and the constant bias."""
    config = make_config()
    network = trained(config)
    for sinabs in (False, True):
        (tmp_path / "p.nir").write_bytes(graph_bytes(to_plain(config, network.real_weights(), sinabs)))
        found = from_graph(read_graph(tmp_path / "p.nir"), config, approximate=True)
        assert found.config.neuron.leak == config.neuron.leak
        for new, old in zip(found.weights, network.real_weights(), strict=True):
            np.testing.assert_allclose(new, old, rtol=1e-5, atol=1e-7)
    assert len(list(differences(config))) == 6
