"""A NIR graph as a network of the chip; what the chip cannot represent is refused, in one line that names the node."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from pathlib import Path

import nir
import numpy as np

from eqspike.base.errors import UsageProblem
from eqspike.base.files import write_text
from eqspike.golden.config import Config
from eqspike.golden.configfile import config_from_text, config_text
from eqspike.golden.network import Network
from eqspike.golden.sections import SynapseConfig
from eqspike.golden.validation import ConfigError
from eqspike.lab.nir.file import metadata_dt, read_graph
from eqspike.lab.nir.graph import Population, Reader, Refused, Way, parameters
from eqspike.lab.nir.write import METADATA
from eqspike.lab.weights import save_weights

NARROWEST_RANGE, WIDEST_RANGE = 2.0**-8, 16.0
"""Of weights, as `golden.sections.SynapseConfig` takes them."""


@dataclass
class Imported:
    """A network that the chip can run."""

    config: Config
    weights: tuple[np.ndarray, ...]
    """Real numbers, shape (presynaptic + 1, postsynaptic)."""
    approximations: list[str] = field(default_factory=list)


class Assembler:
    """Makes layers of the chip of what a `Reader` finds. `base` gives what a graph does not say."""

    def __init__(self, reader: Reader, base: Config | None, real: bool = False) -> None:
        self.reader, self.base, self.real = reader, base, real

    def network(self) -> Imported:
        """The graph as layers of the chip. Raises `Refused` for what the chip has not."""
        populations = self.reader.populations()
        source, bias, inputs, output = self._ends(populations)
        ways: dict[tuple[str, str], list[Way]] = {}
        for start, size in [*inputs.items(), *((p.spike, p.size) for p in populations)]:
            for end, found in self.reader.paths(start, size).items():
                ways[start, end] = found
        chain = self._chain(source, populations, ways, output)
        layers = (inputs[source], *(p.size for p in chain))
        if len(chain) < 2:
            raise Refused(f"node {chain[0].neuron!r}: the only layer; the chip has hidden neurons and outputs")
        threshold, leak = chain[0].threshold, chain[0].leak
        for p in chain[1:]:
            if (p.threshold, p.leak) != (threshold, leak):
                what = f"threshold {p.threshold:g}, leak {p.leak:g} a step"
                raise Refused(
                    f"node {p.neuron!r}: {what}; {chain[0].neuron!r} has {threshold:g} and {leak:g}, one for all"
                )
        self.reader.check_leak(chain[0])
        refractory = self._refractory(chain, ways)
        weights = self._weights(source, bias, chain, ways, refractory)
        self._check_two_way(chain, ways, weights)
        _check_neighbours(source, bias, chain, ways, output)
        config = self._config(layers, chain, refractory, weights)
        return Imported(config, tuple(weights), self.reader.approximations)

    def _ends(self, populations: list[Population]) -> tuple[str, str | None, dict[str, int], str]:
        """(input, input of the bias if there is one, size of each input, output)."""
        nodes = self.reader.nodes
        inputs = {name: self.reader.sizes[name] for name, node in nodes.items() if isinstance(node, nir.Input)}
        outputs = [name for name, node in nodes.items() if isinstance(node, nir.Output)]
        if not populations or len(outputs) != 1 or not 1 <= len(inputs) <= 2:
            where = f"{len(inputs)} inputs, {len(populations)} layers of neurons, {len(outputs)} outputs"
            raise Refused(f"the graph has {where}; expected an input (and one of a bias), layers and one output")
        biases = [name for name, size in inputs.items() if len(inputs) == 2 and size == 1]
        sources = [name for name in inputs if name not in biases]
        if len(sources) != 1:
            raise Refused(f"node {list(inputs)[-1]!r}: a second input must be that of the bias, of one signal")
        return sources[0], biases[0] if biases else None, inputs, outputs[0]

    def _weights(
        self,
        source: str,
        bias: str | None,
        chain: list[Population],
        ways: dict[tuple[str, str], list[Way]],
        refractory: int,
    ) -> list[np.ndarray]:
        """Weights of each synapse layer, shape (presynaptic + 1, postsynaptic), the bias last."""
        weights = []
        for s, p in enumerate(chain):
            start = source if s == 0 else chain[s - 1].spike
            matrix, constant = self._synapses(start, p, ways)
            if constant is not None and np.any(constant):
                self.reader.nearly(
                    p.neuron, f"gets a constant bias; the chip's is a spike every {refractory} steps"
                )  # fmt: skip
                row = constant * refractory
            else:
                row = np.zeros(p.size)
            if bias is not None and (bias, p.neuron) in ways:
                spiking, more = self._synapses(bias, p, ways)
                if more is not None and np.any(more):
                    raise Refused(f"node {ways[bias, p.neuron][0].via!r}: a bias of the bias")
                row = row + spiking[0]
            weights.append(np.vstack([matrix, row]))
            self._check_reach(ways[start, p.neuron][0].via, weights[-1], p)
        return weights

    def _check_reach(self, via: str, weights: np.ndarray, p: Population) -> None:
        """Raise `Refused` for weights that no range of the chip holds."""
        largest = weights.flat[np.abs(weights).argmax()]
        if abs(largest) <= WIDEST_RANGE:
            return
        said = [f"{what} is up to {np.abs(value).max():g}" for what, value in parameters(self.reader.nodes[via])]
        there = f"on the membrane of {p.neuron!r} that is {largest:g}; the chip's weights lie within +-{WIDEST_RANGE:g}"
        raise Refused(f"node {via!r}: {', '.join(said)}; {there}")

    def _chain(
        self, source: str, populations: list[Population], ways: dict[tuple[str, str], list[Way]], output: str
    ) -> list[Population]:
        """Layers in order, from the input to the output."""
        by_neuron = {p.neuron: p for p in populations}
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
        if left := [p.neuron for p in populations if p not in chain]:
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
            if way.delay != 1:
                if way.delay > 1:
                    raise Refused(f"node {way.via!r}: reached {way.delay} steps after the spike; the chip's take one")
                self.reader.nearly(way.via, "acts at once; a spike of the chip arrives in the next step")
            total = way.matrix if total is None else total + way.matrix
            if way.constant is not None:
                constant = way.constant if constant is None else constant + way.constant
        assert total is not None
        return (end.gain[:, None] * total).T, None if constant is None else end.gain * constant

    def _refractory(self, chain: list[Population], ways: dict[tuple[str, str], list[Way]]) -> int:
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
            self.reader.nearly(chain[0].spike, "no refractory period; the chip's is 2 steps at least")
            return 2
        return found.pop() if found else self.base.neuron.refractory if self.base else 2

    def _check_two_way(
        self, chain: list[Population], ways: dict[tuple[str, str], list[Way]], weights: list[np.ndarray]
    ) -> None:
        """Synapses after the first layer must be the same both ways."""
        for s in range(1, len(chain)):
            below, above = chain[s - 1], chain[s]
            forth = ways[below.spike, above.neuron][0].via
            if (above.spike, below.neuron) not in ways:
                what = f"one-way from {below.neuron!r} to {above.neuron!r}; the chip's synapses there are two-way"
                self.reader.nearly(forth, what)
                continue
            back, constant = self._synapses(above.spike, below, ways)
            if constant is not None and np.any(constant):
                raise Refused(f"node {ways[above.spike, below.neuron][0].via!r}: a bias on the way back")
            if not np.allclose(back, weights[s][:-1].T, rtol=1e-12, atol=1e-15):
                via = ways[above.spike, below.neuron][0].via
                raise Refused(f"node {via!r}: is not the transpose of {forth!r}; a two-way synapse has one weight")

    def _config(
        self, layers: tuple[int, ...], chain: list[Population], refractory: int, weights: list[np.ndarray]
    ) -> Config:
        """`base` (or the defaults) with the graph's sizes and neurons; ranges of weights that hold its weights."""
        base = self.base or Config(network=dataclasses.replace(Config().network, layers=layers), name="imported",
                              dataset=dataclasses.replace(Config().dataset, name="random"))  # fmt: skip
        if self.real:
            base = base.replace(number=dataclasses.replace(base.number, format="real"))
        threshold, leak = chain[0].threshold, self._leak(base, chain)
        synapses = base.synapses
        if len(synapses) != len(weights):
            synapses = (SynapseConfig(),) * len(weights)
        fitted = []
        for synapse, matrix in zip(synapses, weights, strict=True):
            lsb = 2.0 ** (1 - synapse.bits)
            # Without a config of the graph's or the user's, as fine as its weights allow.
            reach = synapse.range if self.base or not matrix.any() else NARROWEST_RANGE
            while matrix.min() < -reach or matrix.max() > reach * (1 - lsb):  # the highest weight is one LSB below
                reach *= 2
            fitted.append(dataclasses.replace(synapse, range=reach))
        limit = base.neuron.membrane_limit
        while limit < 2 * threshold:
            limit *= 2
        try:
            return base.replace(
                network=dataclasses.replace(base.network, layers=layers),
                neuron=dataclasses.replace(
                    base.neuron, threshold=threshold, leak=leak, refractory=refractory, membrane_limit=limit
                ),
                synapses=tuple(fitted),
            )
        except ConfigError as error:
            raise Refused(f"the graph as a network of the chip: {error}") from None

    def _leak(self, base: Config, chain: list[Population]) -> float:
        """The chip's leak: the config's or a power of two where the graph's is that but for its last digits."""
        leak, tolerance = chain[0].leak, max(p.tolerance for p in chain)
        if math.isclose(leak, base.neuron.leak, rel_tol=tolerance):
            return base.neuron.leak
        if not leak:
            return leak
        nearest = 2.0 ** round(math.log2(leak))
        if math.isclose(leak, nearest, rel_tol=tolerance):
            return nearest
        if base.number.format == "real":
            return leak
        self.reader.nearly(chain[0].neuron, f"leaks {leak:g} a step; the nearest in fixed point is {nearest:g}")
        return nearest


def _check_neighbours(
    source: str, bias: str | None, chain: list[Population], ways: dict[tuple[str, str], list[Way]], output: str
) -> None:
    """Nothing may lead from a layer to another that is not beside it."""
    used = {(source, chain[0].neuron), (chain[-1].spike, output)}
    for at, p in enumerate(chain):
        used |= {(p.spike, p.neuron), (p.spike, p.spike)}
        if bias is not None:
            used.add((bias, p.neuron))
        if at:
            used |= {(chain[at - 1].spike, p.neuron), (p.spike, chain[at - 1].neuron)}
    for (start, end), found in ways.items():
        if (start, end) not in used:
            raise Refused(f"node {found[0].via!r}: leads from {start!r} to {end!r}, which are not neighbours")


def stored_config(graph: nir.NIRGraph) -> Config | None:
    """The config that `to_graph` left in the graph; None where another program made it."""
    text = graph.metadata.get(METADATA) if isinstance(graph.metadata, dict) else None
    if isinstance(text, bytes):
        text = text.decode()
    if text is None:
        return None
    if not isinstance(text, str):
        raise UsageProblem(f"metadata key {METADATA!r}: is no text; --config takes another config in its place")
    try:
        return config_from_text(text)
    except ConfigError as error:
        raise UsageProblem(f"metadata key {METADATA!r}: {error}; --config takes another config in its place") from None


def from_graph(
    graph: nir.NIRGraph,
    base: Config | None = None,
    dt: float | None = None,
    approximate: bool = False,
    real: bool = False,
) -> Imported:
    """The network in a graph. `base` gives what a graph does not say; without it the graph's own metadata, or the
    defaults. `real` makes it one of real numbers. Raises `Refused`, which names the node, for what the chip cannot
    represent."""
    base = base or stored_config(graph)
    dt = metadata_dt(graph) if dt is None else dt
    if not 0 < dt < math.inf:
        raise UsageProblem(f"--dt: {dt} is not valid; a number above 0")
    with np.errstate(all="ignore"):  # what is beyond all numbers is refused by the name of its node
        return Assembler(Reader(graph, dt, approximate), base, real).network()


def in_the_way(out: Path) -> str | None:
    """The file that an import into `out` would overwrite; None where there is none."""
    return next((name for name in ("config.yaml", "weights.npz") if (out / name).exists()), None)


def save_imported(found: Imported, out: Path) -> float:
    """Write OUT/config.yaml and OUT/weights.npz, in the config's format.

    Returns by how much a weight differs from the graph's at most. Raises `Refused` where nothing is left of them.
    """
    config = found.config
    network = Network(config)
    weights = found.weights
    if not network.real:
        weights = [n.weight.quantise(w) for n, w in zip(network.numbers.synapses, weights, strict=True)]
        for layer, (whole, given) in enumerate(zip(weights, found.weights, strict=True)):
            if given.any() and not whole.any():
                most, lsb = np.abs(given).max(), network.numbers.synapses[layer].weight.lsb
                raise Refused(
                    f"layer {layer} of synapses: all weights, at most {most:.3g}, round to 0 in steps of {lsb:.3g}; "
                    "--real keeps them, and --dt says what a step is"
                )
    network.load_weights(weights)
    write_text(out / "config.yaml", config_text(config))
    save_weights(out / "weights.npz", config, network.weights)
    return max(float(np.abs(a - b).max()) for a, b in zip(network.real_weights(), found.weights, strict=True))


__all__ = ["Imported", "Refused", "from_graph", "in_the_way", "read_graph", "save_imported", "stored_config"]
