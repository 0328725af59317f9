"""A network of the chip as a NIR graph (https://neuroir.org): nodes and edges.

Time is in steps. NIR's own LIF resets to a constant and has no refractory period; the chip subtracts the threshold and
has one. Both are said with nodes that NIR has, exactly. A layer l of the chip is

    neuron_l     LI (or I without leak): v(t) = v(t-1) + (-v(t-1) + R I(t)) / tau, with R = tau = 1 / leak
    spike_l      Threshold of v minus what refractory_l takes from it
    delay_l      Delay by one step: all that a spike does, it does in the next step
    reset_l      Scale by -threshold (1 - leak), back to neuron_l: what is left of subtracting the threshold a step ago
    refractory_l Scale by minus a great number, back to spike_l, over delays of 1 to T_refract - 1 steps

`synapses_s` is the Linear from the layer below, `back_s` its transpose back from the layer above, times the feedback:
two-way synapses are a cycle, through a delay each way. The input is the spikes of the input neurons; `bias` is an input
of its own that has a spike in steps 0, T_refract, 2 T_refract, ...
"""

from __future__ import annotations

import dataclasses
import io
import itertools
from collections.abc import Sequence

import h5py
import nir
import numpy as np

from eqspike.golden.config import Config
from eqspike.golden.configfile import config_text
from eqspike.golden.device_section import DeviceConfig
from eqspike.golden.network import Network

METADATA = "eqspike"
"""Key of the graph's metadata that holds the config as YAML."""
INHIBITION = 2.0**20
"""What a refractory neuron's threshold sees less: more than any membrane (at most 1024, golden.config)."""


def unlimited(config: Config) -> Config:
    """The config as its NIR graph computes: real numbers, and membranes as wide as a config allows."""
    return config.replace(
        number=dataclasses.replace(config.number, format="real"),
        device=DeviceConfig(seed=config.device.seed),  # which also draws the neurons' gains
        neuron=dataclasses.replace(config.neuron, membrane_limit=1024.0),
    )


def to_graph(config: Config, weights: Sequence[np.ndarray]) -> nir.NIRGraph:
    """The graph of a network with these weights (real numbers, shape (presynaptic + 1, postsynaptic))."""
    layers, leak = config.network.layers, config.neuron.leak
    thresholds = Network(unlimited(config)).parameters.membrane.threshold
    nodes: dict[str, nir.NIRNode] = {
        "input": nir.Input(input_type={"input": np.array([layers[0]])}),
        "bias": nir.Input(input_type={"input": np.array([1])}),
        "delay_0": nir.Delay(delay=np.ones(layers[0])),
        "delay_bias": nir.Delay(delay=np.ones(1)),
        "output": nir.Output(output_type={"output": np.array([layers[-1]])}),
    }
    edges = [("input", "delay_0"), ("bias", "delay_bias"), (f"spike_{len(layers) - 1}", "output")]

    def path(*names: str) -> None:
        edges.extend(itertools.pairwise(names))

    for layer, size in enumerate(layers[1:], 1):
        one, threshold = np.ones(size), thresholds[layer, :size]
        neuron, spike, delay = f"neuron_{layer}", f"spike_{layer}", f"delay_{layer}"
        nodes[neuron] = nir.LI(tau=one / leak, r=one / leak, v_leak=0 * one) if leak else nir.I(r=one)
        nodes[spike] = nir.Threshold(threshold=threshold)
        nodes[delay] = nir.Delay(delay=one)
        nodes[f"reset_{layer}"] = nir.Scale(scale=-threshold * (1 - leak))
        nodes[f"refractory_{layer}"] = nir.Scale(scale=-INHIBITION * one)
        path(neuron, spike, delay, f"reset_{layer}", neuron)
        last = delay
        for steps in range(1, config.neuron.refractory):
            if steps > 1:
                longer = f"delay_{layer}_{steps}"
                nodes[longer] = nir.Delay(delay=one)
                path(last, longer)
                last = longer
            path(last, f"refractory_{layer}")
        path(f"refractory_{layer}", spike)
        below = weights[layer - 1]
        nodes[f"synapses_{layer - 1}"] = nir.Linear(weight=below[:-1].T.copy())
        nodes[f"bias_{layer - 1}"] = nir.Linear(weight=below[-1:].T.copy())
        path(f"delay_{layer - 1}", f"synapses_{layer - 1}", neuron)
        path("delay_bias", f"bias_{layer - 1}", neuron)
        if layer > 1:
            nodes[f"back_{layer - 1}"] = nir.Linear(weight=config.feedback[layer - 1] * below[:-1])
            path(delay, f"back_{layer - 1}", f"neuron_{layer - 1}")
    text = config_text(config)
    return nir.NIRGraph(nodes=nodes, edges=edges, metadata={METADATA: text, "dt": 1.0})


def graph_bytes(graph: nir.NIRGraph, resets: bool = True) -> bytes:
    """The graph as a file in HDF5. Without `resets` neurons have no v_reset, which is then 0: NIR 1.0.4,
    which Sinabs asks for, does not know it."""
    buffer = io.BytesIO()
    nir.write(buffer, graph)
    if not resets:
        with h5py.File(buffer, "r+") as file:
            for node in file["node/nodes"].values():
                if "v_reset" in node:
                    del node["v_reset"]
    return buffer.getvalue()
