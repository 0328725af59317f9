"""The NIR graph fires as the golden model, comes back whole, and what cannot be said is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nir
import numpy as np
import pytest

from eqspike.golden.config import Config
from eqspike.golden.modes import INFER
from eqspike.golden.network import Network
from eqspike.lab.nir.read import Refused, from_graph, read_graph
from eqspike.lab.nir.write import graph_bytes, to_graph, unlimited
from tests.lab.nir.nir_interpreter import Interpreter


def trained(config: Config, seed: int = 3) -> Network:
    """A network with weights large enough for a lively activity."""
    network, draw = Network(config), np.random.default_rng(seed)
    weights = []
    for w, s in zip(network.weights, config.synapses, strict=True):
        real = np.clip(draw.normal(0.1, 0.5, w.shape), -s.range, s.range - 2.0**-8)
        weights.append(real if network.real else np.rint(real * 2.0**s.fraction_bits).astype(np.int64))
    network.load_weights(weights)
    return network


def written(tmp_path: Path, graph: nir.NIRGraph) -> nir.NIRGraph:
    """The graph through a file."""
    (tmp_path / "x.nir").write_bytes(graph_bytes(graph))
    return nir.read(tmp_path / "x.nir")


def spikes_of_graph(graph: nir.NIRGraph, config: Config, inputs: np.ndarray) -> np.ndarray:
    """Spikes of all layers but the inputs, shape (steps, neurons)."""
    machine, rows = Interpreter(graph), []
    for t, spikes in enumerate(inputs):
        out = machine.step({"input": spikes, "bias": np.array([float(t % config.neuron.refractory == 0)])})
        rows.append(np.concatenate([out[f"spike_{layer}"] for layer in range(1, len(config.network.layers))]))
        assert np.array_equal(out["output"], out[f"spike_{len(config.network.layers) - 1}"])
    return np.array(rows)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"neuron": {"leak": 0}},
        {"neuron": {"leak": 0.013, "threshold": 0.7, "refractory": 4}, "number": {"format": "real"}},
        {
            "network": {"layers": [9, 7, 6, 4]},
            "neuron": {"leak": "2^-4", "refractory": 3},
            "number": {"format": "real"},
        },
        {"neuron": {"gain_spread": 0.3}},
    ],
)
def test_graph_fires_as_the_golden_model(changes, tmp_path: Path, make_config) -> None:
    """In real arithmetic, every spike of every neuron in every step of the free phase."""
    config = make_config(**changes)
    network = trained(config)
    graph = written(tmp_path, to_graph(config, network.real_weights()))
    golden = Network(unlimited(config))
    golden.load_weights(network.real_weights())
    draw, fired = np.random.default_rng(4), 0
    for _ in range(6):
        trace = golden.empty_trace(config.learning.free_steps)
        golden.present(draw.integers(0, 17, 9), 0, INFER, trace)
        found = spikes_of_graph(graph, config, trace.input_spikes)
        np.testing.assert_array_equal(found, trace.spikes)
        fired += int(found.sum())
        # Not by silence: some neurons are held back by their refractory period.
        held = (np.abs(trace.membrane) < 1024) & (trace.refractory > 0) & (trace.membrane > config.neuron.threshold)
        fired += 1000 * bool(held.any())
    assert fired > 1100
    assert golden.counter_values()["membrane_saturations"] == 0


def test_each_node_of_the_graph_matters(tmp_path: Path, make_config) -> None:
    """Without the reset, the refractory period, the way back or the bias, the spikes are others."""
    config = make_config()
    network = trained(config)
    graph = to_graph(config, network.real_weights())
    golden = Network(unlimited(config))
    golden.load_weights(network.real_weights())
    trace = golden.empty_trace(config.learning.free_steps)
    golden.present(np.arange(9) + 5, 0, INFER, trace)
    assert np.array_equal(spikes_of_graph(graph, config, trace.input_spikes), trace.spikes)
    for name in ("reset_1", "reset_2", "refractory_1", "refractory_2", "back_1", "bias_0", "bias_1", "synapses_1"):
        edges = [edge for edge in graph.edges if name not in edge]
        nodes = {key: node for key, node in graph.nodes.items() if key != name}
        without = nir.NIRGraph(nodes=nodes, edges=edges, type_check=False)
        assert not np.array_equal(spikes_of_graph(without, config, trace.input_spikes), trace.spikes), name


@pytest.mark.parametrize("changes", [{}, {"number": {"format": "real"}, "neuron": {"leak": 0.013, "refractory": 3}},
                                     {"network": {"layers": [9, 7, 6, 4]}}, {"neuron": {"leak": 0}}])  # fmt: skip
def test_round_trip(changes, tmp_path: Path, make_config) -> None:
    config = make_config(**changes)
    network = trained(config)
    found = from_graph(written(tmp_path, to_graph(config, network.real_weights())))
    assert found.config == config
    assert found.approximations == []
    for new, old in zip(found.weights, network.real_weights(), strict=True):
        np.testing.assert_allclose(new, old, rtol=1e-15)


def test_a_graph_says_how_strong_its_feedback_is(make_config) -> None:
    """Without metadata, too: from the outputs a quarter, between hidden layers all of it, where a half is usual."""
    synapses = [{"bits": 10, "range": 0.5, "feedback": part} for part in (1, 1, 0.25)]
    config = make_config(network={"layers": [9, 7, 6, 3]}, synapses=synapses)
    graph = to_graph(config, trained(config).real_weights())
    graph.metadata.pop("eqspike")
    assert from_graph(graph).config.feedback == config.feedback == (0, 1, 0.25)
    graph.nodes["back_2"].weight *= 0.9
    with pytest.raises(Refused, match="'back_2': is not the transpose of"):
        from_graph(graph)


def plain(two_way: bool = False, **changes: nir.NIRNode) -> nir.NIRGraph:
    """LIF layers 4-3-2 as other programs write them."""
    draw = np.random.default_rng(1)
    w1, w2 = draw.normal(0, 0.3, (3, 4)), draw.normal(0, 0.3, (2, 3))

    def lif(size: int) -> nir.LIF:
        one = np.ones(size)
        return nir.LIF(tau=64 * one, r=64 * one, v_leak=0 * one, v_threshold=one)

    nodes = {
        "input": nir.Input(input_type={"input": np.array([4])}),
        "fc1": nir.Linear(weight=w1),
        "lif1": lif(3),
        "fc2": nir.Linear(weight=w2),
        "lif2": lif(2),
        "output": nir.Output(output_type={"output": np.array([2])}),
    } | changes
    edges = [("input", "fc1"), ("fc1", "lif1"), ("lif1", "fc2"), ("fc2", "lif2"), ("lif2", "output")]
    if two_way:
        nodes["back"] = changes.get("back", nir.Linear(weight=w2.T))
        nodes["wait"] = nir.Delay(delay=np.ones(3))
        edges += [("lif2", "back"), ("back", "wait"), ("wait", "lif1")]
    return nir.NIRGraph(nodes=nodes, edges=edges, type_check=False)


def test_constant_bias_becomes_spikes() -> None:
    affine = nir.Affine(weight=np.ones((3, 4)) / 4, bias=np.array([0.1, 0.0, -0.2]))
    found = from_graph(plain(fc1=affine), approximate=True)
    np.testing.assert_allclose(found.weights[0][-1], [0.2, 0, -0.4])
    assert any("'lif1': gets a constant bias" in note for note in found.approximations)


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: plain(fc1=nir.SumPool2d(ones(2), ones(2), ones(2))), "node 'fc1': SumPool2d is not on the chip"),
        (
            lambda: plain(lif2=nir.LIF(tau=ones(2), r=ones(2), v_leak=0 * ones(2), v_threshold=2 * ones(2))),
            "node 'lif2': leaks 1 a step, 'lif1' 0.015625; the chip has one leak for all",
        ),
        (
            lambda: plain(lif1=nir.IF(r=ones(3), v_threshold=np.array([1.0, 1, 2]))),
            "node 'lif1': neurons differ in v_threshold",
        ),
        (
            lambda: plain(lif1=nir.IF(r=ones(3), v_threshold=ones(3), v_reset=-ones(3))),
            "node 'lif1': v_reset is -1; the chip has none",
        ),
        (
            lambda: plain(lif1=nir.LIF(tau=ones(3), r=ones(3), v_leak=ones(3), v_threshold=ones(3))),
            "node 'lif1': v_leak is 1; membranes leak to 0",
        ),
        (lambda: plain(True, back=nir.Linear(weight=ones(3, 2))), "node 'back': is not the transpose of 'fc2'"),
        (lambda: plain(fc2=nir.Delay(delay=1.5 * ones(3))), "node 'fc2': delays by 1.5 steps"),
        (lambda: plain(fc2=nir.Linear(weight=ones(2, 5))), "node 'fc2': takes another number of signals"),
        (lambda: plain(lif1=nir.Threshold(threshold=ones(3))), "node 'lif1': Threshold of something that"),
    ],
)
def test_refused_with_the_node(make: Callable[[], nir.NIRGraph], said: str) -> None:
    with pytest.raises(Refused) as error:
        from_graph(make(), approximate=True)
    assert str(error.value).startswith(said)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("edge", "said"),
    [
        (("lif1", "across"), "node 'across': leads from 'lif1' to 'lif1'|node 'across': synapses within a layer"),
        (("input", "skip"), "node 'input': leads to 'lif1' and 'lif2'; layers are in a row"),
    ],
)
def test_edges_that_the_chip_has_not(edge: tuple[str, str], said: str) -> None:
    graph = plain()
    size, target = (3, "lif1") if edge[1] == "across" else (4, "lif2")
    graph.nodes[edge[1]] = nir.Linear(weight=ones(3 if target == "lif1" else 2, size))
    graph.edges += [edge, (edge[1], target)]
    with pytest.raises(Refused) as error:
        from_graph(graph, approximate=True)
    assert any(str(error.value).startswith(text) for text in said.split("|"))


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("reset_1", lambda n: nir.Scale(scale=n.scale * 1.01), "node 'neuron_1': does not subtract its threshold"),
        ("refractory_2", lambda n: nir.Scale(scale=n.scale / 2**11), "node 'refractory_2': acts on 'spike_2', but not"),
        ("delay_1", lambda n: nir.Delay(delay=n.delay * 2), "node 'neuron_1': does not subtract its threshold"),
        ("back_1", lambda n: nir.Linear(weight=n.weight + 1e-6), "node 'back_1': is not the transpose of 'synapses_1'"),
    ],
)
def test_own_graphs_that_were_changed(name: str, change, said: str, make_config) -> None:
    graph = to_graph(make_config(), trained(make_config()).real_weights())
    graph.nodes[name] = change(graph.nodes[name])
    with pytest.raises(Refused) as error:
        from_graph(graph)
    assert str(error.value).startswith(said)


def test_weights_beyond_the_range_widen_it(make_config) -> None:
    config = make_config()
    weights = [w.copy() for w in trained(config).real_weights()]
    weights[0][2, 1] = 1.75
    found = from_graph(to_graph(config, weights))
    assert [s.range for s in found.config.synapses] == [2.0, 0.5]
    # The range's end itself is no weight of the chip above 0, but below.
    for value, reach in ((2.0, 4.0), (-2.0, 2.0), (2 - 2.0**-8, 2.0)):
        weights[0][2, 1] = value
        found = from_graph(to_graph(config, weights))
        assert found.config.synapses[0].range == reach
        assert Network(found.config).numbers.synapses[0].weight.quantise(weights[0])[2, 1] == value / reach * 2**9


def test_read_graph_of_a_single_node(tmp_path: Path) -> None:
    nir.write(tmp_path / "one.nir", nir.Linear(weight=ones(2, 2)))
    from eqspike.base.errors import UsageProblem

    with pytest.raises(UsageProblem):
        read_graph(tmp_path / "one.nir")


# ---------------------------------------------------------------------------------------------------------------------
# Hex
