"""How an imported network answers beside the graph it comes from, and what each difference between them costs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from eqspike.golden.config import Config
from eqspike.golden.modes import INFER
from eqspike.golden.network import Network
from eqspike.lab.nir.assemble import Imported
from eqspike.lab.nir.fit import Fit, graph_spikes
from eqspike.lab.nir.layered import Layered, answers, as_chip
from eqspike.lab.nir.shown import Shown, fixed_phase, shown

POOR = 0.9
"""Share of the same answers below which the main reason is said."""
WORTH_SAYING = 1.0
"""Points: images in a hundred. A cost above it is said."""


@dataclass(frozen=True)
class Cost:
    """What one difference costs, switched on after those before it; below 0, what it wins back."""

    what: str
    alike: float
    """Points: images in a hundred that have lost the graph's answer."""
    right: float | None
    """Points of the right answers, where labels are known."""

    def __str__(self) -> str:
        said = f"{'wins back' if self.alike < 0 else 'costs'} {abs(self.alike):.1f} points of the same answers"
        if self.right is not None:
            said += f", {'wins' if self.right < 0 else 'costs'} {abs(self.right):.1f} of the right ones"
        return f"{said}: {self.what}"


@dataclass(frozen=True)
class Agreement:
    """Answers of the graph in its own arithmetic, and of the imported network."""

    images: int
    said: str
    """What the images are."""
    alike: int
    right_of_graph: int | None
    right: int | None
    silent: int
    """Images at which no output of the graph spikes."""
    different: int
    """How many different answers the graph gives."""
    costs: tuple[Cost, ...]
    """Those worth saying."""

    @property
    def reason(self) -> str | None:
        """The main reason where the agreement is poor."""
        if self.alike >= POOR * self.images:
            return None
        return max(self.costs, key=lambda cost: cost.alike).what if self.costs else "the format of the numbers"

    def lines(self) -> Iterator[str]:
        """What is to be said of it, the first line of all the others."""
        graph, own = (f" ({n} right)" if n is not None else "" for n in (self.right_of_graph, self.right))
        line = f"of {self.images} {self.said}, {self.alike} have the same answer in the graph's own arithmetic{graph} "
        line += f"and the imported network's{own}"
        yield line + (f"; mainly because of this: {self.reason}" if self.reason else "")
        if 2 * self.silent > self.images:
            yield (
                f"the graph's outputs are silent at {self.silent} of them: --dt says what a step is in the graph's "
                "unit of time, and a --config with a data set which images it knows"
            )
        elif self.different == 1:
            yield "the graph has the same answer to all of them, so that this comparison says little"
        yield from map(str, self.costs)


def agreement(found: Imported, plain: Imported, network: Network, fit: Fit | None) -> Agreement:
    """Compare. `plain` is what was imported before `fit` changed it to `found`; `network` has the latter's weights in
    their format."""
    on = shown(found.config, True, found.own)
    spikes = graph_spikes(found, on)
    target, silent = answers(on.config, spikes), int(np.sum(spikes[-on.config.learning.window :].sum(axis=(0, 2)) == 0))
    now = Network(fixed_phase(found.config))
    now.load_weights(network.weights)
    own = now.present_all(on.images, np.zeros(len(on.images), np.int64), INFER)[:, 0]
    costs = () if found.exact else tuple(_costs(on, target, found, plain, network, own, fit))
    return Agreement(
        len(target), on.said, int(np.sum(own == target)), on.right(target), on.right(own), silent,
        len(set(target.tolist())), costs,
    )  # fmt: skip


def _costs(
    on: Shown, target: np.ndarray, found: Imported, plain: Imported, network: Network, own: np.ndarray, fit: Fit | None
) -> Iterator[Cost]:
    """One difference after the other, from the graph to the network."""
    stages = [(what, on.answers(layered)) for what, layered in _stages(plain.layered, plain.config, found.config)]
    if fit is not None:
        chip = as_chip(found.config, found.weights)
        stages.append(
            (f"{fit}, fitted to the graph's answers to {fit.images} images (--as-given fits none)", on.answers(chip))
        )
    if found.config.number.format == "fixed":
        chip = as_chip(found.config, network.real_weights())
        bits = ", ".join(str(s.bits) for s in found.config.synapses)
        stages.append((f"weights of {bits} bits", on.answers(chip)))
        stages.append(("membranes in fixed point", own))
    alike, right, points = len(target), on.right(target), 100 / len(target)
    for what, given in stages:
        same, now = int(np.sum(given == target)), on.right(given)
        lost = None if right is None or now is None else points * (right - now)
        if points * abs(alike - same) > WORTH_SAYING or abs(lost or 0) > WORTH_SAYING:
            yield Cost(what, points * (alike - same), lost)
        alike, right = same, now


def _stages(graph: Layered, plain: Config, config: Config) -> Iterator[tuple[str, Layered]]:
    """(difference, the layers with it and all before it)."""
    layers, neuron = len(graph.weights), plain.neuron
    yes = (True,) * layers
    chip: tuple[tuple[str, dict], ...] = (
        (f"a leak of {neuron.leak:g} a step in place of {graph.leak:g}", {"leak": neuron.leak}),
        ("currents are there for one step", {"filters": (1.0,) * layers}),
        ("spikes act a step later", {"delayed": yes}),
        (f"a refractory period of {neuron.refractory} steps", {"refractory": neuron.refractory}),
        ("a spike subtracts the threshold and does not reset the membrane to 0", {"subtract": yes}),
        ("synapses after the first layer are two-way", {"back": config.feedback}),
        (f"membranes saturate at {config.neuron.membrane_limit:g}", {"limit": config.neuron.membrane_limit}),
    )
    now = graph
    if any(c.any() for c in graph.constants):
        now = graph.with_bias_spikes()
        yield "a bias that spikes in place of a constant current", now
    for what, change in chip:
        if any(getattr(now, key) != value for key, value in change.items()):
            now = dataclasses.replace(now, **change)
            yield what, now
