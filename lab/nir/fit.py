"""Gains that make the chip answer as a graph does, where the chip computes otherwise.

What costs most is that synapses after the first layer are two-way: outputs drive the hidden neurons that drive them.
With smaller weights to the outputs little comes back, and a bias, of which nothing comes back, lifts the outputs over
their leak again. So each layer's weights get a factor and the outputs one bias; answers of the graph decide, labels do
not.
"""

from __future__ import annotations

import dataclasses
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


def graph_answers(found: Imported, on: Shown) -> tuple[np.ndarray, np.ndarray]:
    """(the graph's own answers, spikes of its outputs in the window an image)."""
    spikes = output_spikes(found.graph, found.dt, on.spikes, found.config.neuron.refractory)
    return answers(on.config, spikes), spikes[-on.config.learning.window :].sum(axis=(0, 2))


def fitted(found: Imported, gains: bool = True) -> tuple[Imported, Fit | None]:
    """The network with gains that win more of the graph's answers (not without `gains`), and with membranes so wide
    that their bounds change no answer. As it is where the chip does what the graph says."""
    if found.exact:
        return found, None
    on = shown(found.config, False, found.own)
    target, spikes = graph_answers(found, on)
    fit = None
    if gains and spikes.any() and len(set(target.tolist())) > 1:
        fit = _search(dataclasses.replace(as_chip(found.config, found.weights), limit=None), on, target)
    if fit is not None:
        found = with_gains(found, fit)
    return _with_limit(found, on), fit


def _search(chip: Layered, on: Shown, target: np.ndarray) -> Fit | None:
    """The best gains and bias. First those of the outputs, then hidden layers from the last to the first, each with
    another look at the outputs."""
    layers, drive = len(chip.weights), chip.drive(on.spikes)

    def score(gains: tuple[float, ...], bias: float) -> float:
        spikes = _with(chip, gains, bias).outputs(on.spikes, gains[0] * drive)
        return float(np.mean(answers(on.config, spikes) == target))

    best = before = (score((1.0,) * layers, 0.0), (1.0,) * layers, 0.0)
    for layer in range(layers - 2, -1, -1):
        for hidden in HIDDEN_GAINS:
            for output in OUTPUT_GAINS:
                for bias in BIASES:
                    gains = (*best[1][:layer], hidden, *best[1][layer + 1 : -1], output)
                    if best[0] < 1 and (found := score(gains, bias)) > best[0]:
                        best = (found, gains, bias)
    if best[0] - before[0] < WORTH:
        return None
    return Fit(best[1], best[2], len(target), before[0], best[0])


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
