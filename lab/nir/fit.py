"""Gains that make the chip answer as a graph does, where the chip computes otherwise.

What costs most is that synapses after the first layer are two-way: outputs drive the hidden neurons that drive them.
With smaller weights to the outputs little comes back, and a bias, of which nothing comes back, lifts the outputs over
their leak again. So each layer's weights get a factor and the outputs one bias; answers of the graph decide, labels do
not.
"""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass

import numpy as np

from eqspike.lab.nir.assemble import Imported
from eqspike.lab.nir.formats import with_ranges
from eqspike.lab.nir.layered import Layered, answers, as_chip
from eqspike.lab.nir.shown import Shown, shown
from eqspike.lab.nir.simulate import output_spikes

OUTPUT_GAINS = (1.0, 0.7, 0.5, 0.35, 0.25, 0.18)
HIDDEN_GAINS = (1.0, 0.8, 0.65, 1.25)
BIASES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3)
"""Of a spike of the bias, in thresholds."""
DEEPEST = 3
"""So many hidden layers, the last ones, get gains."""
WORTH = 0.02
"""Of the answers: what gains must win to be taken."""
WIDEST_LIMIT = 1024.0


@dataclass(frozen=True)
class Fit:
    """What was done to the weights."""

    gains: tuple[float, ...]
    """One a layer of synapses."""
    bias: float
    """Added to the outputs' bias, in thresholds."""
    images: int
    before: float
    """Share of the answers that are the graph's."""
    after: float

    def __str__(self) -> str:
        gains = ", ".join(f"{gain:g}" for gain in self.gains)
        return f"weights times {gains}; a bias of {self.bias:g} thresholds for the outputs"


def graph_spikes(found: Imported, on: Shown) -> np.ndarray:
    """Spikes of the graph's outputs in its own arithmetic, shape (steps, images, outputs)."""
    return output_spikes(found.graph, found.dt, on.spikes, found.config.neuron.refractory)


def fitted(found: Imported, gains: bool = True) -> tuple[Imported, Fit | None]:
    """The network with gains that win more of the graph's answers (not without `gains`), and with membranes so wide
    that their bounds change no answer. As it is where the chip does what the graph says."""
    if found.exact:
        return found, None
    on = shown(found.config, False, found.own)
    target = graph_spikes(found, on)
    fit = None
    if gains and len(set(answers(on.config, target).tolist())) > 1:
        fit = _search(dataclasses.replace(as_chip(found.config, found.weights), limit=None), on, target)
    if fit is not None:
        found = with_gains(found, fit)
    return _with_limit(found, on), fit


def _profiles(spikes: np.ndarray, window: int) -> np.ndarray:
    """How an image's spikes are spread over the outputs, shape (images, outputs): mean 0, and length 1 unless 0."""
    counts = spikes[-window:].sum(axis=0)
    counts = counts - counts.mean(axis=1, keepdims=True)
    return counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1e-9)


def _search(chip: Layered, on: Shown, target: np.ndarray) -> Fit | None:
    """The best gains and bias: hidden layers one after the other, from the last on, each together with the outputs.

    The best have the most of the graph's answers and, as a few answers more or less are chance, spikes that are spread
    over the outputs as the graph's are: the share of the one and the mean correlation of the other are added."""
    layers, drive, window = len(chip.weights), chip.drive(on.spikes), on.config.learning.window
    wanted, profiles = answers(on.config, target), _profiles(target, window)

    def score(gains: tuple[float, ...], bias: float) -> tuple[float, float]:
        spikes = _with(chip, gains, bias).outputs(on.spikes, gains[0] * drive)
        alike = float(np.mean(answers(on.config, spikes) == wanted))
        return alike + float((_profiles(spikes, window) * profiles).sum(axis=1).mean()), alike

    best = before = (*score((1.0,) * layers, 0.0), (1.0,) * layers, 0.0)
    for layer in range(layers - 2, max(layers - 2 - DEEPEST, -1), -1):
        start = best[2]
        for hidden, output, bias in itertools.product(HIDDEN_GAINS, OUTPUT_GAINS, BIASES):
            gains = (*start[:layer], hidden, *start[layer + 1 : -1], output)
            if (found := score(gains, bias))[0] > best[0]:
                best = (*found, gains, bias)
    if best[1] - before[1] < WORTH:
        return None
    return Fit(best[2], best[3], len(wanted), before[1], best[1])


def _with(chip: Layered, gains: tuple[float, ...], bias: float) -> Layered:
    weights = [w * gain for w, gain in zip(chip.weights, gains, strict=True)]
    weights[-1][-1] += bias * chip.threshold
    return dataclasses.replace(chip, weights=tuple(weights))


def with_gains(found: Imported, fit: Fit) -> Imported:
    """The network with these gains, and ranges that hold its weights."""
    weights = _with(as_chip(found.config, found.weights), fit.gains, fit.bias).weights
    config = found.config.replace(synapses=with_ranges(found.config.synapses, weights, narrow=True))
    return dataclasses.replace(found, config=config, weights=weights)


def _with_limit(found: Imported, on: Shown) -> Imported:
    """The network with the least `neuron.membrane_limit`, from its own up, that changes no answer."""
    chip, neuron = as_chip(found.config, found.weights), found.config.neuron
    wanted, limit = on.answers(dataclasses.replace(chip, limit=None)), neuron.membrane_limit
    while limit < WIDEST_LIMIT and np.any(on.answers(dataclasses.replace(chip, limit=limit)) != wanted):
        limit *= 2
    neuron = dataclasses.replace(neuron, membrane_limit=limit)
    return dataclasses.replace(found, config=found.config.replace(neuron=neuron))
