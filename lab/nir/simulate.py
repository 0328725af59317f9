"""Runs a NIR graph in real numbers, as NIR defines its nodes, for many images at once. It knows nothing of the chip.

    I, LI        v += dt R x;  v += dt / tau (v_leak - v + R x)
    IF, LIF      the same v; z = 1 where v > v_threshold, and v = v_reset there
    CubaLIF      i += dt / tau_syn (w_in x - i), which is the x of a LIF
    Threshold    z = 1 where x > threshold
    Delay        y(t) = x(t - delay)
    Scale, Linear, Affine    y = s x, W x, W x + b

by forward Euler with steps of `dt`; several edges into a node add up. Within a step, signals run through the whole
graph. Where they would run in a circle that has no delay, the edge that closes it takes one step.
"""

from __future__ import annotations

from typing import Any

import nir
import numpy as np


def flat(values: Any) -> np.ndarray:
    """A node's numbers, one a signal or one for all, whatever shape the signals have in the graph."""
    return np.ravel(np.asarray(values, np.float64))


class Simulator:
    """State of one graph shown `images` images at once."""

    def __init__(self, graph: nir.NIRGraph, dt: float, images: int) -> None:
        self.nodes, self.dt, self.images = graph.nodes, dt, images
        self.before: dict[str, list[str]] = {name: [] for name in self.nodes}
        for source, target in graph.edges:
            self.before[target].append(source)
        self.order = self._order()
        self.v: dict[str, Any] = {}
        self.current: dict[str, Any] = {}
        self.out: dict[str, Any] = {}
        """What each node gave last."""
        self.past: dict[str, list[Any]] = {name: [] for name, node in self.nodes.items() if isinstance(node, nir.Delay)}

    def _order(self) -> list[str]:
        """Nodes, each before those that it leads to: in a circle, the one that the inputs reach first is before all."""
        after: dict[str, list[str]] = {name: [] for name in self.nodes}
        for target, sources in self.before.items():
            for source in sources:
                if not self._waits(target):
                    after[source].append(target)
        left: list[str] = []
        met: set[str] = set()
        for first in sorted(self.nodes, key=lambda name: not isinstance(self.nodes[name], nir.Input)):
            stack = [(first, False)]
            while stack:
                name, done = stack.pop()
                if done:
                    left.append(name)
                elif name not in met:
                    met.add(name)
                    stack += [(name, True), *((target, False) for target in after[name])]
        return left[::-1]

    def _waits(self, name: str) -> bool:
        """Is what the node gives in a step known from the steps before?"""
        node = self.nodes[name]
        return isinstance(node, nir.Delay) and self._steps(node) >= 1

    def _steps(self, node: nir.Delay) -> int:
        return round(float(np.ravel(node.delay)[0]) / self.dt)

    def step(self, inputs: dict[str, np.ndarray]) -> dict[str, Any]:
        """What every node gives in this step. `inputs` has shape (images, signals) for each input node."""
        for name in self.past:  # before their sources move on
            if self._waits(name):
                past, steps = self.past[name], self._steps(self.nodes[name])
                self.out[name] = past[-steps] if len(past) >= steps else 0.0
        for name in self.order:
            if name in inputs:
                self.out[name] = inputs[name]
            elif not self._waits(name):
                self.out[name] = self._value(name, self._sum(name))
        for name, past in self.past.items():
            past.append(self._sum(name))
            del past[: -max(self._steps(self.nodes[name]), 1)]
        return self.out

    def _sum(self, name: str) -> Any:
        return sum((self.out.get(source, 0.0) for source in self.before[name]), 0.0)

    def _value(self, name: str, x: Any) -> Any:
        node: Any = self.nodes[name]
        if isinstance(node, nir.Linear | nir.Affine):
            x = np.broadcast_to(x, (self.images, node.weight.shape[1]))
            y = x @ np.asarray(node.weight, np.float64).T
            return y + flat(node.bias) if isinstance(node, nir.Affine) else y
        if isinstance(node, nir.Scale):
            return flat(node.scale) * x
        if isinstance(node, nir.Threshold):
            return (x > flat(node.threshold)).astype(float)
        if isinstance(node, nir.CubaLIF):
            before = self.current.get(name, 0.0)
            x = self.current[name] = before + self.dt / flat(node.tau_syn) * (flat(node.w_in) * x - before)
        if isinstance(node, nir.I | nir.IF | nir.LI | nir.LIF | nir.CubaLIF):
            return self._neurons(name, node, x)
        return x  # an output, or a delay of less than a step

    def _neurons(self, name: str, node: Any, x: Any) -> Any:
        v, r = self.v.get(name, 0.0), flat(node.r)
        if isinstance(node, nir.I | nir.IF):
            v = v + self.dt * r * x
        else:
            tau = flat(node.tau_mem if isinstance(node, nir.CubaLIF) else node.tau)
            v = v + self.dt / tau * (flat(node.v_leak) - v + r * x)
        if isinstance(node, nir.I | nir.LI):
            self.v[name] = v
            return v
        fires = v > flat(node.v_threshold)
        self.v[name] = np.where(fires, flat(node.v_reset), v)
        return fires.astype(float)


def output_spikes(graph: nir.NIRGraph, dt: float, spikes: np.ndarray, period: int) -> np.ndarray:
    """Spikes of the graph's output, shape (steps, images, outputs), when its input is given `spikes`, shape (steps,
    images, inputs). A second input, that of a bias, has a spike every `period` steps."""
    steps, images = spikes.shape[:2]
    simulator = Simulator(graph, dt, images)
    ends = [name for name, node in graph.nodes.items() if isinstance(node, nir.Input)]
    bias = [name for name in ends if len(ends) == 2 and np.prod(graph.nodes[name].input_type["input"]) == 1]
    output = next(name for name, node in graph.nodes.items() if isinstance(node, nir.Output))
    found = []
    for t in range(steps):
        given = {name: spikes[t] for name in ends if name not in bias}
        given |= {name: np.full((images, 1), float(t % period == 0)) for name in bias}
        with np.errstate(all="ignore"):  # a graph may run away; its spikes are all that is asked for
            found.append(simulator.step(given)[output])
    return np.array([np.broadcast_to(out, (images, np.shape(found[-1])[-1])) for out in found])
