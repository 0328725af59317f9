"""Files as other programs write them."""

from __future__ import annotations

from pathlib import Path

import nir
import numpy as np
import pytest

from eqspike.lab.nir.read import Refused, from_graph, imported_network, read_graph
from eqspike.lab.nir.write import graph_bytes
from tests.lab.nir.test_graph import ones, plain
from tests.lab.nir.test_simulate import cuba

FILES = Path(__file__).parent / "files"


def file_of(graph: nir.NIRGraph, tmp_path: Path) -> nir.NIRGraph:
    (tmp_path / "x.nir").write_bytes(graph_bytes(graph))
    return read_graph(tmp_path / "x.nir")


def test_a_picture_is_flattened(tmp_path: Path) -> None:
    """Pixels as [2, 2], with a Flatten before the first matrix, batch and time in the shape: the same network."""
    wanted = from_graph(plain(), approximate=True)
    for shape in ([2, 2], [1, 2, 2], [1, 5, 4]):
        graph = plain()
        graph.nodes["input"] = nir.Input(input_type={"input": np.array(shape)})
        if shape[-1] == 2:
            graph.nodes["flat"] = nir.Flatten(
                input_type={"input": np.array(shape)}, start_dim=len(shape) - 2, end_dim=-1
            )
            graph.edges.remove(("input", "fc1"))
            graph.edges += [("input", "flat"), ("flat", "fc1")]
        found = from_graph(file_of(graph, tmp_path), approximate=True)
        assert found.config == wanted.config
        assert all(np.array_equal(a, b) for a, b in zip(found.weights, wanted.weights, strict=True))


def test_norse() -> None:
    """Its tau is dt / (1 / tau), with single numbers for all neurons: 0.01 s are 1e-5."""
    found = from_graph(read_graph(FILES / "shape-norse_scalar.nir"), dt=1e-3, approximate=True, real=True)
    assert found.config.network.layers == (64, 32, 10)
    assert found.config.neuron.leak == pytest.approx(0.1)
    said = "node '1': tau is 1e-05, too short for a step; taken as Norse writes it, 0.01"
    assert said in found.approximations
    with pytest.raises(Refused, match="too short for a step"):
        from_graph(read_graph(FILES / "shape-norse_scalar.nir"), dt=1e-3)
    # As NIR means it, where that is possible: a tau of ten steps.
    found = from_graph(read_graph(FILES / "shape-norse_scalar.nir"), dt=1e-6, approximate=True, real=True)
    assert found.config.neuron.leak == pytest.approx(0.1)
    assert not any("Norse" in note for note in found.approximations)


def test_arrays_with_a_short_tau_are_not_norses() -> None:
    one = np.ones(3, np.float32)
    lif = nir.LIF(tau=1e-5 * one, r=one, v_leak=0 * one, v_threshold=one)
    with pytest.raises(Refused, match=r"node 'lif1': tau is 1e-05, dt 0.001: neuron.leak: .* is not valid"):
        from_graph(plain(lif1=lif, lif2=nir.LIF(*([x[:2] for x in (lif.tau, one, 0 * one, one)]))), dt=1e-3,
                   approximate=True)  # fmt: skip


def test_cuba_lif(tmp_path: Path) -> None:
    """A current that stays for some steps becomes one of a single step with its sum."""
    found = from_graph(file_of(plain(lif1=cuba(3), lif2=cuba(2)), tmp_path), approximate=True)
    assert found.config.neuron.leak == 2.0**-3
    assert "node 'lif1': tau_syn is 4 steps; a current of the chip is there for one step, here with its sum" in (
        found.approximations
    )
    weights = plain().nodes["fc1"].weight.T * 16 / 8 * 1.5
    np.testing.assert_allclose(found.weights[0][:-1], weights)
    for what, value, said in (
        ("tau_syn", 0.5, "tau_syn is 0.5, less than a step of 1"),
        ("tau_mem", 1.0, "tau_mem is 1, dt 1: neuron.leak: 1.0 is not valid"),
        ("tau_syn", 0.0, "tau_syn is 0; it must be above 0"),
        ("w_in", np.nan, "w_in is nan at entry 0"),
    ):
        nodes = {"lif1": cuba(3), "lif2": cuba(2)}
        for node in nodes.values():
            setattr(node, what, np.full_like(node.r, value))
        with pytest.raises(Refused, match=f"^node 'lif1': {said}"):
            from_graph(plain(**nodes), approximate=True)


def single(shape: list[int], **changes: float) -> nir.NIRGraph:
    """One layer of neurons, with batch and time in the shapes."""
    one = np.ones(2, np.float32)
    values = {"tau": 0.0025, "r": 24.0, "v_leak": 0.0, "v_threshold": 0.1} | changes
    nodes = {
        "input": nir.Input(input_type={"input": np.array([*shape, 3])}),
        "w": nir.Linear(weight=np.array([[0.04, -0.02, 0.01], [0.0, 0.03, 0.04]], np.float32)),
        "n": nir.LIF(**{key: one * value for key, value in values.items()}),
        "output": nir.Output(output_type={"output": np.array([*shape, 2])}),
    }
    return nir.NIRGraph(nodes=nodes, edges=[("input", "w"), ("w", "n"), ("n", "output")], type_check=False)


def test_a_single_layer(tmp_path: Path) -> None:
    """Hidden neurons pass on the inputs' spikes, one for one."""
    graph = file_of(single([1, 1]), tmp_path)
    found = from_graph(graph, dt=1e-3, approximate=True)
    assert found.config.network.layers == (3, 3, 2)
    assert found.config.neuron.threshold == 1  # 0.1 in the graph: no power of two
    assert found.approximations[-1].startswith("node 'n': leaks 0.4 a step; the nearest in fixed point is 0.5")
    assert any("node 'n': the only layer; 3 hidden neurons before it pass on" in note for note in found.approximations)
    np.testing.assert_allclose(found.weights[1][:-1], graph.nodes["w"].weight.T * 24 * 0.4 / 0.1, rtol=1e-6)
    assert np.array_equal(found.weights[0][:-1], 1.125 * np.eye(3))
    imported_network(found)


def test_thresholds_and_weights_are_scaled() -> None:
    """By the same number, which changes no spike; layers may differ in their thresholds."""
    one, two = np.ones(3), np.ones(2)
    lif1 = nir.LIF(tau=64 * one, r=64 * one, v_leak=0 * one, v_threshold=0.3 * one)
    lif2 = nir.LIF(tau=64 * two, r=64 * two, v_leak=0 * two, v_threshold=0.7 * two)
    graph = plain(lif1=lif1, lif2=lif2)
    found = from_graph(graph, approximate=True)
    assert found.config.neuron.threshold == 1
    for name, weights, threshold in zip(("fc1", "fc2"), found.weights, (0.3, 0.7), strict=True):
        np.testing.assert_allclose(weights[:-1], graph.nodes[name].weight.T / threshold)
    # A threshold of its own where the format has it.
    lif1.v_threshold, lif2.v_threshold = 0.25 * one, 0.25 * two
    found = from_graph(plain(lif1=lif1, lif2=lif2), approximate=True)
    assert found.config.neuron.threshold == 0.25
    # Weights too small for the narrowest range: up with both.
    small = plain(fc1=nir.Linear(weight=ones(3, 4) * 1e-5), fc2=nir.Linear(weight=ones(2, 3) * 1e-4))
    found = from_graph(small, approximate=True)
    assert found.config.neuron.threshold == 128
    network = imported_network(found)
    for real, wanted in zip(network.real_weights(), (1.28e-3, 1.28e-2), strict=True):
        np.testing.assert_allclose(real[:-1], wanted, rtol=1e-3)


def test_small_leaks_get_a_finer_membrane() -> None:
    """A leak is rounded down: with 12 bits of fraction little would be left of 2^-13 of a membrane."""

    def lif(size: int) -> nir.LIF:
        one = np.ones(size)
        return nir.LIF(tau=8192 * one, r=8192 * one, v_leak=0 * one, v_threshold=one)

    found = from_graph(plain(lif1=lif(3), lif2=lif(2)), approximate=True)
    assert found.config.neuron.leak == 2.0**-13
    assert found.config.membrane_fraction_bits == 21


def test_a_bias_that_is_no_number() -> None:
    affine = nir.Affine(weight=ones(3, 4), bias=np.array([0.0, 0.0, np.nan]))
    with pytest.raises(Refused, match=r"^node 'fc1': bias is nan at entry 2; it must be finite"):
        from_graph(plain(fc1=affine), approximate=True)
