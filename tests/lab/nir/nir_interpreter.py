"""Runs a NIR graph step by step, from the definitions in NIR's documentation alone, by forward Euler with a step of 1.

    I, LI        v(t) = v(t-1) + R I(t);  v(t) = v(t-1) + (v_leak - v(t-1) + R I(t)) / tau
    IF, LIF      the same v; z(t) = 1 where v(t) > v_threshold, and v(t) = v_reset there
    Threshold    z(t) = 1 where x(t) > threshold
    Delay        y(t) = x(t - delay)
    Scale, Linear, Affine    y(t) = s x(t), W x(t), W x(t) + b

Several edges into a node add up.
"""

from __future__ import annotations

import nir
import numpy as np


class Interpreter:
    """State of one graph; `step` takes the inputs of a step and gives every node's output."""

    def __init__(self, graph: nir.NIRGraph) -> None:
        self.nodes = graph.nodes
        self.before = {name: [a for a, b in graph.edges if b == name] for name in self.nodes}
        self.v: dict[str, np.ndarray] = {}
        self.past: dict[str, list[np.ndarray]] = {n: [] for n, v in self.nodes.items() if isinstance(v, nir.Delay)}

    def step(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Outputs of all nodes in this step."""
        out = {name: np.asarray(value, float) for name, value in inputs.items()}
        for name, past in self.past.items():
            delay = np.asarray(self.nodes[name].delay)
            assert np.all(delay == delay[0])
            steps = int(delay[0])
            assert steps >= 1
            out[name] = past[-steps] if len(past) >= steps else np.zeros(len(delay))
        for name in self.nodes:
            self._value(name, out)
        for name, past in self.past.items():
            past.append(self._sum(name, out))
        return out

    def _sum(self, name: str, out: dict[str, np.ndarray]) -> np.ndarray:
        return sum(self._value(source, out) for source in self.before[name])

    def _value(self, name: str, out: dict[str, np.ndarray]) -> np.ndarray:
        if name in out:
            return out[name]
        node, x = self.nodes[name], self._sum(name, out)
        if isinstance(node, nir.Linear):
            y = node.weight @ x
        elif isinstance(node, nir.Affine):
            y = node.weight @ x + node.bias
        elif isinstance(node, nir.Scale):
            y = node.scale * x
        elif isinstance(node, nir.Threshold):
            y = (x > node.threshold).astype(float)
        elif isinstance(node, nir.Output):
            y = x
        elif isinstance(node, nir.I | nir.IF | nir.LI | nir.LIF):
            v = self.v.get(name, np.zeros_like(node.r))
            if isinstance(node, nir.I | nir.IF):
                v = v + node.r * x
            else:
                v = v + (node.v_leak - v + node.r * x) / node.tau
            y = v
            if isinstance(node, nir.IF | nir.LIF):
                y = (v > node.v_threshold).astype(float)
                v = np.where(y > 0, node.v_reset, v)
            self.v[name] = v
        else:
            raise AssertionError(type(node))
        out[name] = y
        return y
