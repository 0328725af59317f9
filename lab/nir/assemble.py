"""A NIR graph as a network of the chip; what the chip cannot represent is refused, in one line that names the node."""

from __future__ import annotations

from dataclasses import dataclass, field

import nir
import numpy as np

from eqspike.golden.config import Config
from eqspike.lab.nir.formats import WIDEST_RANGE, Described, Fitter
from eqspike.lab.nir.graph import Population, Reader, Refused, Way, parameters
from eqspike.lab.nir.layered import Layered

RELAY = 1.125
"""What an input's spike adds to the membrane of a neuron that only passes it on, in thresholds: enough for a spike, and
what is left leaks away."""


@dataclass(frozen=True)
class Imported:
    """A network that the chip can run."""

    config: Config
    weights: tuple[np.ndarray, ...]
    """Real numbers, shape (presynaptic + 1, postsynaptic)."""
    layered: Layered
    """The graph's layers as the graph computes them, in the chip's unit of the membrane."""
    graph: nir.NIRGraph
    dt: float
    own: bool
    """Is the config the user's or the graph's? Then its data set is the network's."""
    exact: bool
    """Does the chip do, number format apart, just what the graph says?"""
    approximations: list[str] = field(default_factory=list)


class Assembler:
    """Makes layers of the chip of what a `Reader` finds. `base` gives what a graph does not say."""

    def __init__(self, reader: Reader, base: Config | None, real: bool = False) -> None:
        self.reader, self.base, self.real = reader, base, real

    def network(self, graph: nir.NIRGraph) -> Imported:
        """The graph as layers of the chip. Raises `Refused` for what the chip has not."""
        populations = self.reader.populations()
        source, bias, inputs, output = self._ends(populations)
        ways: dict[tuple[str, str], list[Way]] = {}
        for start, size in [*inputs.items(), *((p.spike, p.size) for p in populations)]:
            for end, found in self.reader.paths(start, size).items():
                ways[start, end] = found
        chain = self._chain(source, populations, ways, output)
        for p in chain[1:]:
            if p.leak != chain[0].leak:
                raise Refused(
                    f"node {p.neuron!r}: leaks {p.leak:g} a step, {chain[0].neuron!r} {chain[0].leak:g}; the chip has "
                    "one leak for all"
                )
        self.reader.check_leak(chain[0])
        first = chain[0].neuron
        if len(chain) == 1:
            chain = self._with_relays(source, chain[0], ways, inputs[source])
        layers = (inputs[source], *(p.size for p in chain))
        own_period = self._refractory(chain, ways)
        refractory = own_period if own_period > 1 else self.base.neuron.refractory if self.base else 2
        weights, constants = self._weights(source, bias, chain, ways, refractory)
        back = self._check_two_way(chain, ways, weights)
        _check_neighbours(source, bias, chain, ways, output)
        starts = [source, *(p.spike for p in chain)]
        layered = Layered(
            weights=tuple(weights), constants=tuple(constants), period=refractory, threshold=chain[0].threshold,
            leak=chain[0].leak, subtract=tuple(not p.hard for p in chain), refractory=own_period, back=back,
            delayed=tuple(ways[a, p.neuron][0].delay > 0 for a, p in zip(starts, chain, strict=False)),
            filters=tuple(p.filter for p in chain),
        )  # fmt: skip
        described = Described(
            layers, refractory, tuple(p.threshold for p in chain), max(p.tolerance for p in chain), first,
            exact=not self.reader.approximations,
        )  # fmt: skip
        config, layered = Fitter(self.base, self.real, described, self.reader.nearly).fitted(layered)
        weights = layered.with_bias_spikes().weights
        own, notes = self.base is not None, self.reader.approximations
        return Imported(config, tuple(weights), layered, graph, self.reader.dt, own, described.exact, notes)

    def _with_relays(
        self, source: str, p: Population, ways: dict[tuple[str, str], list[Way]], size: int
    ) -> list[Population]:
        """A single layer of neurons as the second of two: one neuron an input stands before it and passes it on."""
        self.reader.nearly(p.neuron, f"the only layer; {size} hidden neurons before it pass on the inputs' spikes")
        name = f"{source} passed on"
        relay = Population(name, name, p.threshold, p.leak, np.ones(size), hard=True, tolerance=p.tolerance)
        ways[name, p.neuron] = ways.pop((source, p.neuron))
        ways[source, name] = [Way(RELAY * p.threshold * np.eye(size), None, 1, source)]
        return [relay, p]

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
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Weights of each synapse layer, shape (presynaptic + 1, postsynaptic), the spiking bias last; and what is
        added in every step, shape (postsynaptic,)."""
        weights, constants = [], []
        for s, p in enumerate(chain):
            start = source if s == 0 else chain[s - 1].spike
            matrix, constant = self._synapses(start, p, ways)
            if constant is not None and np.any(constant):
                self.reader.nearly(
                    p.neuron, f"gets a constant bias; the chip's is a spike every {refractory} steps"
                )  # fmt: skip
            row = np.zeros(p.size)
            constants.append(row if constant is None else constant)
            if bias is not None and (bias, p.neuron) in ways:
                spiking, more = self._synapses(bias, p, ways)
                if more is not None and np.any(more):
                    raise Refused(f"node {ways[bias, p.neuron][0].via!r}: a bias of the bias")
                row = row + spiking[0]
            weights.append(np.vstack([matrix, row]))
            whole = np.vstack([matrix, row + refractory * constants[-1]])
            self._check_reach(ways[start, p.neuron][0].via, whole, p)
        return weights, constants

    def _check_reach(self, via: str, weights: np.ndarray, p: Population) -> None:
        """Raise `Refused` for weights that no range of the chip holds, with the graph's threshold or one of 1."""
        largest = weights.flat[np.abs(weights).argmax()]
        if abs(largest) <= WIDEST_RANGE * max(1, p.threshold):
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
        """T_refract of all layers, 1 where there is none, and a check of how each resets."""
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
        return found.pop() if found else 1

    def _check_two_way(
        self, chain: list[Population], ways: dict[tuple[str, str], list[Way]], weights: list[np.ndarray]
    ) -> tuple[float, ...]:
        """Synapses after the first layer must be the same both ways, but for their feedback: it, one a layer of
        synapses; 0 where there is no way back."""
        parts = [0.0] * len(chain)
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
            forward = weights[s][:-1].T * (below.threshold / above.threshold)  # each in its neuron's thresholds
            parts[s] = _feedback(back, forward)
            if not np.allclose(back, parts[s] * forward, rtol=1e-12, atol=1e-15):
                via = ways[above.spike, below.neuron][0].via
                raise Refused(f"node {via!r}: is not the transpose of {forth!r}; a two-way synapse has one weight")
        return tuple(parts)


def _feedback(back: np.ndarray, forward: np.ndarray) -> float:
    """The power of two of at most 1 that `back` seems to be of `forward`."""
    largest = np.unravel_index(np.abs(forward).argmax(), forward.shape)
    ratio = abs(back[largest] / forward[largest]) if forward[largest] else 1.0
    return 2.0 ** round(np.log2(ratio)) if 2.0**-8 <= ratio <= 1 else 1.0


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
