"""A network of the chip as a NIR graph of the fewest kinds of nodes, which other programs load: input, Affine, LIF (or
IF), Affine, LIF, ..., output.

Time is in seconds with a step of 0.1 ms, which is what snnTorch takes a step for. R is 1, as Norse takes it, so that
weights are those of the chip divided by its leak. Sinabs takes tau in steps and what arrives as it is, whatever R says:
for it, a step is the unit of time and R is tau.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import nir
import numpy as np

from eqspike.golden.config import Config
from eqspike.golden.network import Network
from eqspike.lab.nir.write import unlimited

STEP = 1e-4
"""Seconds."""


def to_plain(config: Config, weights: Sequence[np.ndarray], sinabs: bool = False) -> nir.NIRGraph:
    """The plain graph of a network with these weights (real numbers, shape (presynaptic + 1, postsynaptic))."""
    layers, leak = config.network.layers, config.neuron.leak
    thresholds = Network(unlimited(config)).parameters.membrane.threshold
    step = STEP if leak and not sinabs else 1.0
    tau, r = (step / leak, 1.0) if leak else (math.inf, 1.0)
    if sinabs and leak:
        tau = r = -1 / math.log1p(-leak)  # Sinabs leaks by exp(-1 / tau)
    gain = step * r / tau if leak else 1.0
    nodes: dict[str, nir.NIRNode] = {"input": nir.Input(input_type={"input": np.array([layers[0]])})}
    for layer, size in enumerate(layers[1:], 1):
        own = thresholds[layer, :size]  # neurons that differ in gain: weights differ in place of thresholds
        below, one = weights[layer - 1] * (config.neuron.threshold / own) / gain, np.ones(size, np.float32)
        bias = below[-1] / config.neuron.refractory
        nodes[f"fc{layer}"] = nir.Affine(weight=below[:-1].T.astype(np.float32), bias=bias.astype(np.float32))
        threshold = config.neuron.threshold * one
        neuron = (
            nir.LIF(tau=tau * one, r=r * one, v_leak=0 * one, v_threshold=threshold, v_reset=0 * one)
            if leak
            else nir.IF(r=one, v_threshold=threshold, v_reset=0 * one)
        )
        nodes[f"lif{layer}"] = neuron
    nodes["output"] = nir.Output(output_type={"output": np.array([layers[-1]])})
    names = list(nodes)
    return nir.NIRGraph(nodes=nodes, edges=list(itertools.pairwise(names)), metadata={"dt": step})


def differences(config: Config) -> Iterator[str]:
    """What the plain graph says otherwise than the chip does, one line each."""
    period = config.neuron.refractory
    yield f"no refractory period; the chip's is {period} steps"
    yield "a spike resets the membrane to 0; the chip subtracts the threshold"
    yield "no feedback; the chip's synapses after the first layer are two-way"
    yield f"the bias is a constant current of weight / {period}; the chip's is a spike every {period} steps"
    yield "a spike acts at once; the chip's in the next step"
    yield f"membranes have no bounds; the chip's saturate at {config.neuron.membrane_limit:g}"
