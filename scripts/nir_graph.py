"""A network of the chip as a NIR graph and back (https://neuroir.org): nodes, edges, and what cannot be said in them.

Time is in steps. NIR's own LIF resets to a constant and has no refractory period; the chip subtracts the threshold and
has one. Both are said with nodes that NIR has, exactly. A layer l of the chip is

    neuron_l     LI (or I without leak): v(t) = v(t-1) + (-v(t-1) + R I(t)) / tau, with R = tau = 1 / leak
    spike_l      Threshold of v minus what refractory_l takes from it
    delay_l      Delay by one step: all that a spike does, it does in the next step
    reset_l      Scale by -threshold (1 - leak), back to neuron_l: what is left of subtracting the threshold a step ago
    refractory_l Scale by minus a great number, back to spike_l, over delays of 1 to T_refract - 1 steps

`synapses_s` is the Linear from the layer below, `back_s` its transpose back from the layer above: two-way synapses are
a cycle, through a delay each way. The input is the spikes of the input neurons; `bias` is an input of its own that has
a spike in steps 0, T_refract, 2 T_refract, ...
"""

from __future__ import annotations

import dataclasses
import io
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nir
import numpy as np
import yaml

from golden.config import Config, DeviceConfig, SynapseConfig, config_from_dict, config_to_dict
from golden.network import Network
from scripts.errors import UsageProblem

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
    thresholds = Network(unlimited(config)).parameters.threshold
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
            nodes[f"back_{layer - 1}"] = nir.Linear(weight=below[:-1].copy())
            path(delay, f"back_{layer - 1}", f"neuron_{layer - 1}")
    text = yaml.safe_dump(config_to_dict(config), sort_keys=False)
    return nir.NIRGraph(nodes=nodes, edges=edges, metadata={METADATA: text, "dt": 1.0})


def graph_bytes(graph: nir.NIRGraph) -> bytes:
    """The graph as a file in HDF5."""
    buffer = io.BytesIO()
    nir.write(buffer, graph)
    return buffer.getvalue()


# ---------------------------------------------------------------------------------------------------------------------
# Reading


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

    @property
    def size(self) -> int:
        return len(self.gain)


@dataclass(frozen=True)
class Way:
    """What one node's spikes do to another node: a matrix (to, from) and a delay in steps."""

    matrix: np.ndarray
    constant: np.ndarray | None
    """Bias of an Affine on the way, shape (to,)."""
    delay: int
    via: str
    """A node on the way, to name in messages."""


@dataclass
class Imported:
    """A network that the chip can run."""

    config: Config
    weights: tuple[np.ndarray, ...]
    """Real numbers, shape (presynaptic + 1, postsynaptic)."""
    approximations: list[str] = field(default_factory=list)


class Refused(UsageProblem):
    """A graph that the chip cannot represent; the message names the node."""


def read_graph(path: Path) -> nir.NIRGraph:
    """The graph in a file. Raises `UsageProblem`, one line, when there is none."""
    try:
        graph = nir.read(path)
    except FileNotFoundError:
        raise UsageProblem(f"{path}: cannot be read: no such file") from None
    except Exception as error:  # h5py and nir raise what they trip over
        raise UsageProblem(f"{path}: is not a NIR graph: {error}") from None
    if not isinstance(graph, nir.NIRGraph):
        raise UsageProblem(f"{path}: holds a single {type(graph).__name__}, not a graph")
    return graph


def _same(name: str, what: str, values: Any) -> float:
    """The one value that all neurons of a node share."""
    values = np.atleast_1d(np.asarray(values, np.float64))
    if not np.all(values == values[0]) or not np.isfinite(values[0]):
        raise Refused(f"node {name!r}: neurons differ in {what}; the chip has one {what} for all")
    return float(values[0])


class Reader:
    """Finds layers and synapses in a graph. `dt` is the chip's step in the graph's unit of time."""

    def __init__(self, graph: nir.NIRGraph, dt: float, approximate: bool) -> None:
        self.nodes: dict[str, nir.NIRNode] = graph.nodes
        self.after: dict[str, list[str]] = {name: [] for name in self.nodes}
        for source, target in graph.edges:
            self.after[source].append(target)
        self.dt = dt
        self.approximate = approximate
        self.approximations: list[str] = []

    def nearly(self, name: str, what: str) -> None:
        """Something that the chip does not do as the graph says: refused, or noted."""
        if not self.approximate:
            raise Refused(f"node {name!r}: {what} (--approximate takes it all the same)")
        self.approximations.append(f"node {name!r}: {what}")

    def populations(self) -> list[Population]:
        """Every node that integrates, with its threshold. Raises `Refused` for nodes of kinds that the chip has not."""
        known = (nir.Input, nir.Output, nir.Linear, nir.Affine, nir.Scale, nir.Delay, nir.Threshold, nir.LI, nir.I,
                 nir.LIF, nir.IF)  # fmt: skip
        found = []
        for name, node in self.nodes.items():
            if not isinstance(node, known):
                kinds = "layers of LIF or IF neurons joined by Linear and Affine"
                raise Refused(f"node {name!r}: {type(node).__name__} is not on the chip, which has {kinds}")
            if isinstance(node, nir.LI | nir.I | nir.LIF | nir.IF):
                found.append(self._population(name, node))
        fire = {p.spike for p in found}
        for name, node in self.nodes.items():
            if isinstance(node, nir.Threshold) and name not in fire:
                raise Refused(f"node {name!r}: Threshold of something that does not integrate")
        return found

    def _population(self, name: str, node: Any) -> Population:
        leaky = isinstance(node, nir.LI | nir.LIF)
        size = np.asarray(node.r).size
        if leaky and _same(name, "v_leak", node.v_leak) != 0:
            raise Refused(f"node {name!r}: v_leak is {float(np.ravel(node.v_leak)[0]):g}; membranes leak to 0")
        leak = self.dt / _same(name, "tau", node.tau) if leaky else 0.0
        gain = np.ravel(node.r).astype(np.float64) * (leak if leaky else self.dt)
        if isinstance(node, nir.LIF | nir.IF):
            threshold = _same(name, "v_threshold", node.v_threshold)
            if _same(name, "v_reset", node.v_reset) != 0:
                raise Refused(f"node {name!r}: v_reset is {float(np.ravel(node.v_reset)[0]):g}; the chip has none")
            self.nearly(name, "resets to 0 at a spike, without a refractory period; the chip subtracts the threshold")
            return Population(name, name, threshold, leak, gain, hard=True)
        fires = [target for target in self.after[name] if isinstance(self.nodes[target], nir.Threshold)]
        if len(fires) != 1 or len(self.after[name]) != 1:
            raise Refused(f"node {name!r}: {type(node).__name__} must lead to one Threshold and to nothing else")
        spike = fires[0]
        threshold = _same(spike, "threshold", self.nodes[spike].threshold)
        if np.asarray(self.nodes[spike].threshold).size != size:
            raise Refused(f"node {spike!r}: has another size than {name!r}")
        return Population(name, spike, threshold, leak, gain, hard=False)

    def paths(self, start: str, size: int) -> dict[str, list[Way]]:
        """All that the spikes of `start` do: node that integrates, fires or puts out -> ways there."""
        ends: dict[str, list[Way]] = {}

        def walk(name: str, way: Way, seen: tuple[str, ...]) -> None:
            for target in self.after[name]:
                node = self.nodes[target]
                if isinstance(node, nir.LI | nir.I | nir.LIF | nir.IF | nir.Threshold | nir.Output):
                    ends.setdefault(target, []).append(way)
                elif target in seen:
                    raise Refused(f"node {target!r}: lies on a cycle without neurons")
                else:
                    walk(target, self._through(target, node, way), (*seen, target))

        walk(start, Way(np.eye(size), None, 0, start), ())
        return ends

    def _through(self, name: str, node: Any, way: Way) -> Way:
        matrix, constant, delay, via = way.matrix, way.constant, way.delay, way.via
        if isinstance(node, nir.Delay):
            steps = _same(name, "delay", node.delay) / self.dt
            if steps != round(steps) or steps < 0:
                raise Refused(f"node {name!r}: delays by {steps:g} steps; the chip knows whole steps")
            return Way(matrix, constant, delay + round(steps), via)
        if isinstance(node, nir.Scale):
            factor = np.ravel(node.scale).astype(np.float64)
        else:
            factor = np.asarray(node.weight, np.float64)
            if factor.ndim != 2:
                raise Refused(f"node {name!r}: weights of rank {factor.ndim}; the chip's are matrices")
        try:
            matrix = factor[:, None] * matrix if factor.ndim == 1 else factor @ matrix
            constant = None if constant is None else factor * constant if factor.ndim == 1 else factor @ constant
        except ValueError:
            raise Refused(f"node {name!r}: takes another number of signals than it is given") from None
        if isinstance(node, nir.Affine):
            constant = np.ravel(node.bias) + (0 if constant is None else constant)
        return Way(matrix, constant, delay, name)

    def network(self, base: Config | None) -> Imported:
        """The graph as layers of the chip. Raises `Refused` for what the chip has not."""
        populations = self.populations()
        by_neuron = {p.neuron: p for p in populations}
        by_spike = {p.spike: p for p in populations}
        inputs = {n: int(np.prod(v.input_type["input"])) for n, v in self.nodes.items() if isinstance(v, nir.Input)}
        outputs = [name for name, node in self.nodes.items() if isinstance(node, nir.Output)]
        if not populations or len(outputs) != 1 or not 1 <= len(inputs) <= 2:
            where = f"{len(inputs)} inputs, {len(populations)} layers of neurons, {len(outputs)} outputs"
            raise Refused(f"the graph has {where}; expected an input (and one of a bias), layers and one output")
        biases = [name for name, size in inputs.items() if len(inputs) == 2 and size == 1]
        sources = [name for name in inputs if name not in biases]
        if len(sources) != 1:
            raise Refused(f"node {list(inputs)[-1]!r}: a second input must be that of the bias, of one signal")
        ways: dict[tuple[str, str], list[Way]] = {}
        for start, size in [*inputs.items(), *((p.spike, p.size) for p in populations)]:
            for end, found in self.paths(start, size).items():
                ways[start, end] = found
        chain = self._chain(sources[0], by_neuron, by_spike, ways, outputs[0])
        layers = (inputs[sources[0]], *(p.size for p in chain))
        if len(chain) < 2:
            raise Refused(f"node {chain[0].neuron!r}: the only layer; the chip has hidden neurons and outputs")
        threshold, leak = chain[0].threshold, chain[0].leak
        for p in chain[1:]:
            if (p.threshold, p.leak) != (threshold, leak):
                what = f"threshold {p.threshold:g}, leak {p.leak:g} a step"
                raise Refused(
                    f"node {p.neuron!r}: {what}; {chain[0].neuron!r} has {threshold:g} and {leak:g}, one for all"
                )
        refractory = self._refractory(chain, ways, base)
        weights = []
        for s, p in enumerate(chain):
            start = sources[0] if s == 0 else chain[s - 1].spike
            matrix, bias = self._synapses(start, p, ways)
            if bias is not None and np.any(bias):
                self.nearly(p.neuron, f"gets a constant bias; the chip's is a spike every {refractory} steps")
                row = bias * refractory
            else:
                row = np.zeros(p.size)
            if biases and (biases[0], p.neuron) in ways:
                spiking, more = self._synapses(biases[0], p, ways)
                if more is not None and np.any(more):
                    raise Refused(f"node {ways[biases[0], p.neuron][0].via!r}: a bias of the bias")
                row = row + spiking[0]
            weights.append(np.vstack([matrix, row]))
        self._check_two_way(chain, ways, weights)
        used = {(sources[0], chain[0].neuron), (chain[-1].spike, outputs[0])}
        for at, p in enumerate(chain):
            used |= {(p.spike, p.neuron), (p.spike, p.spike), *((b, p.neuron) for b in biases)}
            if at:
                used |= {(chain[at - 1].spike, p.neuron), (p.spike, chain[at - 1].neuron)}
        for (start, end), found in ways.items():
            if (start, end) not in used:
                raise Refused(f"node {found[0].via!r}: leads from {start!r} to {end!r}, which are not neighbours")
        return Imported(
            self._config(base, layers, threshold, leak, refractory, weights), tuple(weights), self.approximations
        )

    def _chain(
        self, source: str, by_neuron: dict[str, Population], by_spike: dict[str, Population],
        ways: dict[tuple[str, str], list[Way]], output: str,
    ) -> list[Population]:  # fmt: skip
        """Layers in order, from the input to the output."""
        chain: list[Population] = []
        now = source
        while True:
            nexts = [
                by_neuron[end]
                for (start, end) in ways
                if start == now and end in by_neuron and by_neuron[end] not in chain
            ]
            if len(nexts) > 1:
                raise Refused(
                    f"node {now!r}: leads to {nexts[0].neuron!r} and {nexts[1].neuron!r}; layers are in a row"
                )
            if not nexts:
                break
            chain.append(nexts[0])
            now = nexts[0].spike
        if not chain or (chain[-1].spike, output) not in ways:
            raise Refused(f"node {output!r}: is not fed by the last of a row of layers")
        if left := [p.neuron for p in by_spike.values() if p not in chain]:
            raise Refused(f"node {left[0]!r}: is not reached from {source!r} through layers in a row")
        way = ways[chain[-1].spike, output]
        if len(way) != 1 or not np.array_equal(way[0].matrix, np.eye(chain[-1].size)) or way[0].constant is not None:
            raise Refused(f"node {output!r}: must take the spikes of {chain[-1].spike!r} as they are")
        return chain

    def _synapses(
        self, start: str, end: Population, ways: dict[tuple[str, str], list[Way]]
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """(matrix of shape (from, to), constant) in units of the membrane."""
        total, constant = None, None
        for way in ways[start, end.neuron]:
            if way.matrix.shape[0] != end.size:
                raise Refused(
                    f"node {way.via!r}: gives {way.matrix.shape[0]} signals to the {end.size} of {end.neuron!r}"
                )
            if way.delay != 1:
                if way.delay > 1:
                    raise Refused(f"node {way.via!r}: reached {way.delay} steps after the spike; the chip's take one")
                self.nearly(way.via, "acts at once; a spike of the chip arrives in the next step")
            total = way.matrix if total is None else total + way.matrix
            if way.constant is not None:
                constant = way.constant if constant is None else constant + way.constant
        assert total is not None
        return (end.gain[:, None] * total).T, None if constant is None else end.gain * constant

    def _refractory(self, chain: list[Population], ways: dict[tuple[str, str], list[Way]], base: Config | None) -> int:
        """T_refract of all layers, and a check of how each resets."""
        found = set()
        for p in chain:
            if p.hard:
                if (p.spike, p.neuron) in ways:
                    via = ways[p.spike, p.neuron][0].via
                    raise Refused(f"node {via!r}: synapses within a layer; the chip has none")
                continue
            back = ways.get((p.spike, p.neuron), [])
            reset = sum((w.matrix for w in back), np.zeros((p.size, p.size))) * p.gain[:, None]
            wanted = -p.threshold * (1 - p.leak) * np.eye(p.size)
            if any(w.delay != 1 for w in back) or not np.allclose(reset, wanted, rtol=1e-12, atol=0):
                raise Refused(
                    f"node {p.neuron!r}: does not subtract its threshold a step after a spike, as the chip does"
                )
            steps = set()
            for way in ways.get((p.spike, p.spike), []):
                least = -np.diag(way.matrix).min() if way.matrix.shape == (p.size, p.size) else 0
                off = way.matrix - np.diag(np.diag(way.matrix)) if least else way.matrix
                if -np.diag(way.matrix).max() <= 1024 or np.any(off):
                    raise Refused(
                        f"node {way.via!r}: acts on {p.spike!r}, but not as a refractory period (beyond -1024)"
                    )
                steps.add(way.delay)
            if steps != set(range(1, len(steps) + 1)):
                raise Refused(
                    f"node {p.spike!r}: refractory after {sorted(steps)} steps; the chip's are the first ones"
                )
            found.add(len(steps) + 1)
        if len(found) > 1:
            raise Refused(f"node {chain[-1].spike!r}: layers with refractory periods of {sorted(found)} steps")
        if found == {1}:
            self.nearly(chain[0].spike, "no refractory period; the chip's is 2 steps at least")
            return 2
        return found.pop() if found else base.neuron.refractory if base else 2

    def _check_two_way(
        self, chain: list[Population], ways: dict[tuple[str, str], list[Way]], weights: list[np.ndarray]
    ) -> None:
        """Synapses after the first layer must be the same both ways."""
        for s in range(1, len(chain)):
            below, above = chain[s - 1], chain[s]
            forth = ways[below.spike, above.neuron][0].via
            if (above.spike, below.neuron) not in ways:
                what = f"one-way from {below.neuron!r} to {above.neuron!r}; the chip's synapses there are two-way"
                self.nearly(forth, what)
                continue
            back, constant = self._synapses(above.spike, below, ways)
            if constant is not None and np.any(constant):
                raise Refused(f"node {ways[above.spike, below.neuron][0].via!r}: a bias on the way back")
            if not np.allclose(back, weights[s][:-1].T, rtol=1e-12, atol=1e-15):
                via = ways[above.spike, below.neuron][0].via
                raise Refused(f"node {via!r}: is not the transpose of {forth!r}; a two-way synapse has one weight")

    def _config(
        self, base: Config | None, layers: tuple[int, ...], threshold: float, leak: float, refractory: int,
        weights: list[np.ndarray],
    ) -> Config:  # fmt: skip
        """`base` (or the defaults) with the graph's sizes and neurons; ranges of weights that hold its weights."""
        base = base or Config(network=dataclasses.replace(Config().network, layers=layers), name="imported",
                              dataset=dataclasses.replace(Config().dataset, name="random"))  # fmt: skip
        if math.isclose(leak, base.neuron.leak, rel_tol=1e-12):  # 1 / (1 / leak) may be a unit in the last place off
            leak = base.neuron.leak
        synapses = base.synapses
        if len(synapses) != len(weights):
            synapses = (SynapseConfig(),) * len(weights)
        fitted = []
        for synapse, matrix in zip(synapses, weights, strict=True):
            reach, lsb = synapse.range, 2.0 ** (1 - synapse.bits)
            while matrix.min() < -reach or matrix.max() > reach * (1 - lsb):  # the highest weight is one LSB below
                reach *= 2
            fitted.append(dataclasses.replace(synapse, range=reach))
        limit = base.neuron.membrane_limit
        while limit < 2 * threshold:
            limit *= 2
        return base.replace(
            network=dataclasses.replace(base.network, layers=layers),
            neuron=dataclasses.replace(
                base.neuron, threshold=threshold, leak=leak, refractory=refractory, membrane_limit=limit
            ),
            synapses=tuple(fitted),
        )


def stored_config(graph: nir.NIRGraph) -> Config | None:
    """The config that `to_graph` left in the graph; None where another program made it."""
    text = graph.metadata.get(METADATA) if isinstance(graph.metadata, dict) else None
    if isinstance(text, bytes):
        text = text.decode()
    return config_from_dict(yaml.safe_load(text)) if isinstance(text, str) else None


def from_graph(
    graph: nir.NIRGraph, base: Config | None = None, dt: float | None = None, approximate: bool = False
) -> Imported:
    """The network in a graph. `base` gives what a graph does not say; without it the graph's own metadata, or the
    defaults. Raises `Refused`, which names the node, for what the chip cannot represent."""
    base = base or stored_config(graph)
    if dt is None:
        dt = float(graph.metadata.get("dt", 1.0)) if isinstance(graph.metadata, dict) else 1.0
    return Reader(graph, dt, approximate).network(base)


__all__ = ["Imported", "Refused", "from_graph", "graph_bytes", "read_graph", "stored_config", "to_graph", "unlimited"]
