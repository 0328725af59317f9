"""Graphs in real numbers, for many images at once: as another interpreter, as the golden model, and as layers."""

from __future__ import annotations

import dataclasses

import nir
import numpy as np
import pytest

from eqspike.golden.modes import INFER
from eqspike.golden.network import Network
from eqspike.lab.nir.layered import answers, as_chip, input_spikes
from eqspike.lab.nir.read import from_graph
from eqspike.lab.nir.simulate import Simulator, output_spikes
from eqspike.lab.nir.write import to_graph
from tests.lab.nir.nir_interpreter import Interpreter
from tests.lab.nir.test_graph import ones, plain, trained


def some_spikes(steps: int, images: int, inputs: int, seed: int = 5) -> np.ndarray:
    return (np.random.default_rng(seed).random((steps, images, inputs)) < 0.4).astype(np.int64)


def lively(two_way: bool = False, **changes: nir.NIRNode) -> nir.NIRGraph:
    """The plain graph with weights of two to three times the size and a positive mean, so that its outputs spike."""
    graph = plain(two_way, **changes)
    for name in ("fc1", "fc2"):
        if name not in changes:
            graph.nodes[name] = nir.Linear(weight=graph.nodes[name].weight * 2 + 0.4)
    if two_way:
        graph.nodes["back"] = nir.Linear(weight=graph.nodes["fc2"].weight.T)
    return graph


def affine() -> nir.Affine:
    return nir.Affine(weight=ones(3, 4) * 0.3, bias=np.array([0.1, 0.2, -0.1]))


@pytest.mark.parametrize("make", [lively, lambda: lively(fc1=affine()), lambda: lively(two_way=True)])
def test_as_another_interpreter(make) -> None:
    """Every spike, image by image, against the interpreter that was written from NIR's definitions."""
    graph, spikes = make(), some_spikes(60, 3, 4)
    found = output_spikes(graph, 1.0, spikes, 2)
    for image in range(3):
        machine = Interpreter(graph)
        expected = [machine.step({"input": now[image]})["output"] for now in spikes]
        np.testing.assert_array_equal(found[:, image], expected)
    assert 10 < found.sum() < 300


@pytest.mark.parametrize("changes", [{}, {"network": {"layers": [9, 7, 6, 4]}}, {"neuron": {"leak": 0}}])
def test_the_chips_graph_and_its_layers_fire_as_golden(changes, make_config) -> None:
    config = make_config(number={"format": "real"}, **changes)
    network, images = trained(config), np.random.default_rng(1).integers(0, 17, (4, 9))
    golden = Network(config.replace(neuron=dataclasses.replace(config.neuron, membrane_limit=1024.0)))
    golden.load_weights(network.weights)
    spikes, outputs = input_spikes(config, images), config.network.layers[-1]
    graph = output_spikes(to_graph(config, network.weights), 1.0, spikes, config.neuron.refractory)
    layers = as_chip(golden.config, network.weights).outputs(spikes)
    for image in range(4):
        trace = golden.empty_trace(config.learning.free_steps)
        result = golden.present(images[image], 0, INFER, trace)
        np.testing.assert_array_equal(spikes[:, image], trace.input_spikes)
        np.testing.assert_array_equal(graph[:, image], trace.spikes[:, -outputs:])
        np.testing.assert_array_equal(layers[:, image], trace.spikes[:, -outputs:])
        assert answers(config, layers)[image] == result.prediction
    assert layers.sum() > 20


@pytest.mark.parametrize(("phase", "limit"), [("zero", 2.0), ("golden", 1.0)])
def test_layers_with_a_bound(phase: str, limit: float, make_config) -> None:
    """Membranes that saturate, and inputs that all begin at 0."""
    neuron = {"membrane_limit": limit, "threshold": limit / 2, "refractory": 4}
    config = make_config(number={"format": "real"}, input={"phase": phase}, neuron=neuron)
    network, images = trained(config), np.random.default_rng(2).integers(0, 17, (5, 9))
    found = as_chip(config, network.weights).outputs(input_spikes(config, images))
    for image in range(5):
        trace = network.empty_trace(config.learning.free_steps)
        network.present(images[image], 0, INFER, trace)
        np.testing.assert_array_equal(found[:, image], trace.spikes[:, -3:])
    assert network.counter_values()["membrane_saturations"] > 10


def cuba(size: int) -> nir.CubaLIF:
    one = np.ones(size)
    return nir.CubaLIF(tau_mem=8 * one, tau_syn=4 * one, r=16 * one, v_leak=0 * one, v_threshold=one, w_in=1.5 * one)


@pytest.mark.parametrize(
    "make",
    [
        lively,
        lambda: lively(two_way=True),
        lambda: lively(fc1=affine()),
        lambda: lively(lif1=cuba(3), lif2=cuba(2)),
        lambda: lively(lif1=nir.IF(r=ones(3), v_threshold=2 * ones(3)), lif2=nir.IF(r=ones(2), v_threshold=ones(2))),
    ],
)
def test_layers_found_in_a_graph_compute_as_it_does(make) -> None:
    """Before anything is made the chip's, also in the chip's unit of the membrane."""
    graph, spikes = make(), some_spikes(80, 4, 4)
    found = from_graph(graph, approximate=True)
    wanted = output_spikes(graph, 1.0, spikes, 2)
    np.testing.assert_array_equal(found.layered.outputs(spikes), wanted)
    assert 20 < wanted.sum() < wanted.size


def test_current_of_a_cuba_lif() -> None:
    """By hand: i = i + dt / tau_syn (w_in x - i), v = v + dt / tau_mem (r i - v)."""
    nodes = {
        "input": nir.Input(input_type={"input": np.array([1])}),
        "n": cuba(1),
        "output": nir.Output(output_type={"output": np.array([1])}),
    }
    graph = nir.NIRGraph(nodes=nodes, edges=[("input", "n"), ("n", "output")], type_check=False)
    machine = Simulator(graph, 2.0, 1)
    fired = [float(np.ravel(machine.step({"input": np.ones((1, 1))})["output"])[0]) for _ in range(2)]
    # i = 0.5 * 1.5 = 0.75, v = 0.25 * 16 * 0.75 = 3 > 1; then i = 1.125, v = 4.5.
    assert fired == [1.0, 1.0]
    assert machine.current["n"].item() == 1.125


def test_a_circle_without_delay_takes_a_step() -> None:
    graph = plain()
    graph.nodes["back"] = nir.Linear(weight=np.array([[-9.0, -9.0]] * 3))
    graph.edges += [("lif2", "back"), ("back", "lif1")]
    graph.nodes["fc1"], graph.nodes["fc2"] = nir.Linear(weight=2 * ones(3, 4)), nir.Linear(weight=2 * ones(2, 3))
    found = output_spikes(graph, 1.0, np.ones((6, 1, 4)), 2)
    # -18 come back in the step after a spike: membranes of about -10, -2, 6.
    assert found[:, 0, 0].tolist() == [1, 0, 0, 1, 0, 0]


def test_delays_of_some_steps_and_of_none() -> None:
    for delay, steps in ((0.0, 0), (1.0, 1), (3.0, 3)):
        nodes = {
            "input": nir.Input(input_type={"input": np.array([1])}),
            "d": nir.Delay(delay=np.array([delay * 0.5])),
            "output": nir.Output(output_type={"output": np.array([1])}),
        }
        graph = nir.NIRGraph(nodes=nodes, edges=[("input", "d"), ("d", "output")], type_check=False)
        given = some_spikes(12, 1, 1)
        found = output_spikes(graph, 0.5, given, 2)
        np.testing.assert_array_equal(found[steps:, 0, 0], given[: len(given) - steps, 0, 0])
        assert not found[:steps].any()
