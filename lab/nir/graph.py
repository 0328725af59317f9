"""Layers and synapses found in a NIR graph: what integrates, what fires, and what the spikes of each do."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import nir
import numpy as np

from eqspike.base.errors import UsageProblem
from eqspike.base.printable import shown
from eqspike.golden.sections import NeuronConfig
from eqspike.golden.validation import ConfigError

NEURONS = nir.LI | nir.I | nir.LIF | nir.IF | nir.CubaLIF
"""What integrates."""
WIDEST = 4096
"""Neurons of a layer, and signals between nodes: `golden.sections.NetworkConfig` has no more."""
MOST_NEURONS = 2**16
LONGEST_DELAY = 8
"""Steps. The last that a spike does on the chip is the end of its refractory period, of which 8 is the longest."""
MOST_WEIGHTS = 2**27
"""Of all matrices between layers together, the way back included: a GB."""


@dataclass
class Population:
    """Neurons of one layer as the graph has them."""

    neuron: str
    """Node that integrates."""
    spike: str
    """Node that fires; the same one for LIF and IF."""
    threshold: float
    leak: float
    gain: np.ndarray
    """What one unit of input adds to the membrane in a step, shape (neurons,)."""
    hard: bool
    """Resets to a constant at a spike."""
    tolerance: float = 1e-12
    """Relative: how exactly the file's numbers say the leak."""
    filter: float = 1.0
    """What the current of a CubaLIF loses in a step; 1: there is none that stays."""

    @property
    def size(self) -> int:
        return len(self.gain)


@dataclass(frozen=True)
class Way:
    """What one node's spikes do to another node, over all paths of one length: a matrix and a delay in steps."""

    matrix: np.ndarray
    """Shape (to, from); between nodes also (to,), which stands for a diagonal."""
    constant: np.ndarray | None
    """Bias of an Affine on the way, shape (to,)."""
    delay: int
    via: str
    """A node on the way, to name in messages."""


class Refused(UsageProblem):
    """A graph that the chip cannot represent; the message names the node."""


def parameters(node: nir.NIRNode) -> Iterable[tuple[str, Any]]:
    """Names and values of a node's numbers."""
    for field in dataclasses.fields(node):
        if field.name not in ("input_type", "output_type", "metadata"):
            yield field.name, getattr(node, field.name)


def _check_numbers(name: str, node: nir.NIRNode) -> None:
    """Raise `Refused` for a number that is none."""
    for what, value in parameters(node):
        values = np.asarray(value)
        if values.dtype.kind not in "biuf" or not values.size:
            raise Refused(f"node {name!r}: {what} is {shown(value)}, no numbers")
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            raise Refused(f"node {name!r}: {what} is {np.ravel(values)[bad[0]]} at entry {bad[0]}; it must be finite")


def _same(name: str, what: str, values: Any) -> float:
    """The one value that all neurons of a node share."""
    values = np.ravel(np.asarray(values, np.float64))
    if not np.all(values == values[0]):
        raise Refused(f"node {name!r}: neurons differ in {what}; the chip has one {what} for all")
    return float(values[0])


def _is_matrix(node: Any) -> bool:
    return isinstance(node, nir.Linear | nir.Affine)


def _is_end(node: Any) -> bool:
    """Does a spike's way end there?"""
    return isinstance(node, NEURONS | nir.Threshold | nir.Output)


def _declared(name: str, node: Any) -> tuple[int, ...]:
    """The shape that an input or output says it has."""
    shape = node.input_type["input"] if isinstance(node, nir.Input) else node.output_type["output"]
    sizes = np.ravel(np.asarray(shape))
    if (
        sizes.dtype.kind not in "iuf"
        or not sizes.size
        or not np.all((sizes >= 1) & (sizes < 2**31) & (sizes == np.rint(sizes)))
    ):
        raise Refused(f"node {name!r}: shape is {shown(sizes.tolist())}; sizes must be whole numbers from 1")
    return tuple(int(size) for size in sizes)


class Notes:
    """What the chip does not do as the graph says: taken and noted where `approximate`, else refused."""

    def __init__(self, approximate: bool) -> None:
        self.approximate = approximate
        self.taken: list[str] = []

    def nearly(self, name: str, what: str) -> None:
        """Something that the chip does not do as the graph says: refused, or noted."""
        if not self.approximate:
            raise Refused(f"node {name!r}: {what} (--approximate takes it all the same)")
        self.taken.append(f"node {name!r}: {what}")


class Reader:
    """Finds layers and synapses in a graph. `dt` is the chip's step in the graph's unit of time."""

    def __init__(self, graph: nir.NIRGraph, dt: float, notes: Notes) -> None:
        self.nodes: dict[str, nir.NIRNode] = graph.nodes
        self.after: dict[str, list[str]] = {name: [] for name in self.nodes}
        self.before: dict[str, list[str]] = {name: [] for name in self.nodes}
        for source, target in graph.edges:
            self.after[source].append(target)
            self.before[target].append(source)
        self.dt = dt
        self.nearly, self.approximations = notes.nearly, notes.taken
        self.sizes: dict[str, int] = {}
        """How many signals each node gives; `populations` finds it."""
        self.weights = 0
        """Entries of all matrices so far."""

    def populations(self) -> list[Population]:
        """Every node that integrates, with its threshold. Raises `Refused` for nodes of kinds that the chip has not."""
        known = nir.Input | nir.Output | nir.Linear | nir.Affine | nir.Scale | nir.Delay | nir.Threshold | NEURONS
        for name, node in self.nodes.items():
            if not isinstance(node, known):
                kinds = "layers of LIF, CubaLIF or IF neurons joined by Linear and Affine"
                raise Refused(f"node {name!r}: {type(node).__name__} is not on the chip, which has {kinds}")
            _check_numbers(name, node)
        self._find_sizes()
        neurons = [n for n, node in self.nodes.items() if isinstance(node, NEURONS)]
        if sum(self.sizes[name] for name in neurons) > MOST_NEURONS:
            raise Refused(f"the graph has more than {MOST_NEURONS:,} neurons")
        found = [self._population(name, self.nodes[name]) for name in neurons]
        fire = {p.spike for p in found}
        for name, node in self.nodes.items():
            if isinstance(node, nir.Threshold) and name not in fire:
                raise Refused(f"node {name!r}: Threshold of something that does not integrate")
        return found

    def _find_sizes(self) -> None:
        """How many signals each node gives. Matrices say it, and nodes with a number a neuron. The others have as many
        as their neighbours: a single number is that of all neurons, and a shape may have a batch and time in it."""
        found: dict[str, int] = {}
        for name, node in self.nodes.items():
            if _is_matrix(node):
                if node.weight.ndim != 2:
                    raise Refused(f"node {name!r}: weights of rank {node.weight.ndim}; the chip's are matrices")
                found[name] = node.weight.shape[0]
            elif (size := max((np.size(value) for _, value in parameters(node)), default=1)) > 1:
                found[name] = size
        waiting = list(found)
        while waiting:
            name = waiting.pop()
            taken = self.nodes[name].weight.shape[1] if _is_matrix(self.nodes[name]) else found[name]
            for others, size in ((self.after[name], found[name]), (self.before[name], taken)):
                for other in others:
                    if other not in found:
                        found[other] = size
                        waiting.append(other)
        for name, node in self.nodes.items():
            if isinstance(node, nir.Input | nir.Output):
                shape = _declared(name, node)
                size = found.setdefault(name, math.prod(shape))
                if size not in (math.prod(shape), shape[-1]):
                    raise Refused(
                        f"node {name!r}: shape is {shown(list(shape))}, but its neighbours have {size} signals"
                    )
            size = found.setdefault(name, 1)
            if size > WIDEST:
                raise Refused(f"node {name!r}: {size:,} signals; a layer of the chip has at most {WIDEST}")
        self.sizes = found

    def _vector(self, name: str, what: str, values: Any) -> np.ndarray:
        """A parameter of a node, one number a signal."""
        size, values = self.sizes[name], np.ravel(np.asarray(values, np.float64))
        if len(values) not in (1, size):
            raise Refused(f"node {name!r}: {what} has {len(values)} numbers for {size} signals")
        return np.broadcast_to(values, (size,))

    def _population(self, name: str, node: Any) -> Population:
        leaky = isinstance(node, nir.LI | nir.LIF | nir.CubaLIF)
        for what, values in parameters(node):
            self._vector(name, what, values)
        if leaky and _same(name, "v_leak", node.v_leak) != 0:
            raise Refused(f"node {name!r}: v_leak is {float(np.ravel(node.v_leak)[0]):g}; membranes leak to 0")
        what = "tau_mem" if isinstance(node, nir.CubaLIF) else "tau"
        leak, tolerance = self._leak(name, what, getattr(node, what)) if leaky else (0.0, 0.0)
        gain, kept = self._vector(name, "r", node.r) * (leak if leaky else self.dt), 1.0
        if isinstance(node, nir.CubaLIF):
            gain, kept = gain * self._vector(name, "w_in", node.w_in), self._filter(name, node)
        if isinstance(node, nir.LIF | nir.IF | nir.CubaLIF):
            threshold = self._threshold(name, "v_threshold", node.v_threshold)
            if _same(name, "v_reset", node.v_reset) != 0:
                raise Refused(f"node {name!r}: v_reset is {float(np.ravel(node.v_reset)[0]):g}; the chip has none")
            self.nearly(name, "resets to 0 at a spike, without a refractory period; the chip subtracts the threshold")
            return Population(name, name, threshold, leak, gain, True, tolerance, kept)
        fires = [target for target in self.after[name] if isinstance(self.nodes[target], nir.Threshold)]
        if len(fires) != 1 or len(self.after[name]) != 1:
            raise Refused(f"node {name!r}: {type(node).__name__} must lead to one Threshold and to nothing else")
        spike = fires[0]
        threshold = self._threshold(spike, "threshold", self.nodes[spike].threshold)
        if self.sizes[spike] != self.sizes[name]:
            raise Refused(f"node {spike!r}: has another size than {name!r}")
        return Population(name, spike, threshold, leak, gain, hard=False, tolerance=tolerance)

    def _filter(self, name: str, node: nir.CubaLIF) -> float:
        """What the current of a CubaLIF loses in a step."""
        kept, _ = self._leak(name, "tau_syn", node.tau_syn)
        if kept > 1:
            raise Refused(f"node {name!r}: tau_syn is {self.dt / kept:g}, less than a step of {self.dt:g}")
        if kept < 1:
            said = f"tau_syn is {1 / kept:.3g} steps; a current of the chip is there for one step, here with its sum"
            self.nearly(name, said)
        return kept

    def _leak(self, name: str, what: str, tau: np.ndarray) -> tuple[float, float]:
        """What leaks in a step, and how exactly that is known, relative."""
        value = _same(name, what, tau)
        if not value > 0:
            raise Refused(f"node {name!r}: {what} is {value:g}; it must be above 0")
        leak = self.dt / value  # `check_leak` asks whether the chip can have it, once all layers have the same
        kind = np.asarray(tau).dtype
        exact = np.finfo(kind).eps if kind.kind == "f" else 0.0
        return leak, max(1e-12, 8 * float(exact))

    def check_leak(self, p: Population) -> None:
        """Raise `Refused` where the chip's neurons cannot leak so much."""
        if p.leak:
            node = self.nodes[p.neuron]
            what = "tau_mem" if isinstance(node, nir.CubaLIF) else "tau"
            tau = float(np.ravel(getattr(node, what))[0])
            _check_neuron(p.neuron, f"{what} is {tau:g}, dt {self.dt:g}", leak=p.leak)

    def _threshold(self, name: str, what: str, values: Any) -> float:
        value = _same(name, what, values)
        _check_neuron(name, f"{what} is {value:g}", threshold=value)
        return value

    def paths(self, start: str, size: int) -> dict[str, list[Way]]:
        """All that the spikes of `start` do: node that integrates, fires or puts out -> ways there, one a delay."""
        here: dict[str, dict[int, Way]] = {start: {0: Way(np.ones(size), None, 0, start)}}
        ends: dict[str, dict[int, Way]] = {}
        for name in self._between(start):
            ways = list(here.pop(name).values())
            if name != start:
                ways = [self._through(name, self.nodes[name], way) for way in ways]
            for target in self.after[name]:
                into = ends if _is_end(self.nodes[target]) else here
                for way in ways:
                    self._add(into.setdefault(target, {}), way)
        found: dict[str, list[Way]] = {}
        for end, ways_there in ends.items():
            for way in ways_there.values():
                if len(way.matrix) != self.sizes[end]:
                    gives = f"gives {len(way.matrix)} signals to the {self.sizes[end]} of {end!r}"
                    raise Refused(f"node {way.via!r}: {gives}")
            found[end] = [dataclasses.replace(way, matrix=self._full(way.matrix)) for way in ways_there.values()]
        return found

    def _between(self, start: str) -> list[str]:
        """`start` and all nodes that its spikes reach before neurons or outputs, each after those that lead to it: so
        that nodes with many ways to them are passed once."""
        reached, waiting = {start}, [start]
        while waiting:
            for target in self.after[waiting.pop()]:
                if target not in reached and not _is_end(self.nodes[target]):
                    reached.add(target)
                    waiting.append(target)
        into = {name: sum(b in reached for b in self.before[name]) if name != start else 0 for name in reached}
        order = [start]
        for name in order:
            for target in self.after[name]:
                if target in reached and target != start:
                    into[target] -= 1
                    if not into[target]:
                        order.append(target)
        if len(order) < len(reached):
            on = next(name for name in self.nodes if name in reached and into[name])
            raise Refused(f"node {on!r}: lies on a cycle without neurons, or behind one")
        return order

    def _add(self, ways: dict[int, Way], way: Way) -> None:
        """Put a way beside the others; spikes that arrive in the same step add up."""
        if (other := ways.get(way.delay)) is None:
            ways[way.delay] = way
            return
        if len(other.matrix) != len(way.matrix):
            raise Refused(
                f"node {way.via!r}: gives {len(way.matrix)} signals, {other.via!r} beside it {len(other.matrix)}"
            )
        if other.matrix.ndim == way.matrix.ndim:
            total = self._counted(other.matrix + way.matrix)
        else:
            total = self._full(other.matrix) + self._full(way.matrix)
        constants = [c for c in (other.constant, way.constant) if c is not None]
        ways[way.delay] = Way(total, sum(constants) if constants else None, way.delay, way.via)

    def _full(self, matrix: np.ndarray) -> np.ndarray:
        return matrix if matrix.ndim == 2 else self._counted(np.diag(matrix))

    def _counted(self, matrix: np.ndarray) -> np.ndarray:
        self.weights += matrix.size
        if self.weights > MOST_WEIGHTS:
            raise Refused(f"the graph's synapses have more than {MOST_WEIGHTS:,} weights")
        return matrix

    def _through(self, name: str, node: Any, way: Way) -> Way:
        """The way, and the node at its end."""
        if isinstance(node, nir.Delay):
            return self._delayed(name, node, way)
        if isinstance(node, nir.Scale):
            factor = self._vector(name, "scale", node.scale)
        else:
            factor = np.asarray(node.weight, np.float64)
        if factor.shape[-1] != len(way.matrix):
            raise Refused(f"node {name!r}: takes another number of signals than it is given")
        constant = (
            None if way.constant is None else factor * way.constant if factor.ndim == 1 else factor @ way.constant
        )
        if factor.ndim == 1:
            matrix = (factor * way.matrix.T).T
        else:
            matrix = factor * way.matrix if way.matrix.ndim == 1 else factor @ way.matrix
        self._counted(matrix)
        if isinstance(node, nir.Affine):
            constant = self._vector(name, "bias", node.bias) + (0 if constant is None else constant)
        if not np.all(np.isfinite(matrix)) or (constant is not None and not np.all(np.isfinite(constant))):
            raise Refused(f"node {name!r}: with it, weights are beyond all numbers")
        return Way(matrix, constant, way.delay, name)

    def _delayed(self, name: str, node: nir.Delay, way: Way) -> Way:
        if len(way.matrix) != self.sizes[name]:
            raise Refused(f"node {name!r}: takes another number of signals than it is given")
        steps = _same(name, "delay", node.delay) / self.dt
        whole = round(steps) if abs(steps) < 1e15 else 0
        if steps < 0 or not math.isclose(steps, whole, rel_tol=1e-6):
            raise Refused(f"node {name!r}: delays by {steps:g} steps; the chip knows whole steps")
        if way.delay + whole > LONGEST_DELAY:
            raise Refused(f"node {name!r}: reached {way.delay + whole} steps after the spike; the chip's take one")
        return dataclasses.replace(way, delay=way.delay + whole)


def _check_neuron(name: str, said: str, **changes: float) -> None:
    """Raise `Refused` where the chip's neurons cannot have these settings."""
    try:
        NeuronConfig(membrane_limit=1024.0, **changes).validate()
    except ConfigError as error:
        raise Refused(f"node {name!r}: {said}: {error}") from None
