"""What the layers of a trained network do: how busy they are, and how many neurons say the same whatever is shown.

The mean rate of a layer follows from the counters of the last evaluation. What single neurons do costs a look at some
images, step by step; it is taken where there are two hidden layers or more, which can drive each other to fire always
or never, a failing that a mean rate does not show.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from eqspike.golden.config import Config
from eqspike.golden.data import Split
from eqspike.golden.modes import LEARN
from eqspike.golden.network import Network

IMAGES = 30
"""Presented for what single neurons do."""
SILENT, ALWAYS = 0.02, 0.9
"""Of f_max: a neuron below the one in an image is silent there, above the other it fires always."""
MOST_STUCK = 0.9
"""Of a layer's neurons, in the mean over images, that may be silent or fire always."""
LEAST_RATE, MOST_RATE = 0.005, 0.9
"""Of f_max, for a layer's mean."""
OUTPUTS = "output layer"
CURE = "docs/your-network.md says what to set"


@dataclass(frozen=True, kw_only=True)
class LayerActivity:
    """A layer of neurons; rates are parts of f_max in the free phase, 1 / T_refract."""

    name: str
    mean_rate: float
    silent: float | None = None
    """Share of the neurons that are silent in an image, mean over images; None: not looked at."""
    always: float | None = None
    """Share that fires always."""
    rho_bar: float | None = None
    """Mean of |rho-bar| over the nudge phase; None where there is none (A-EqSpike) or it was not looked at."""

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> LayerActivity:
        """The layer of an entry of metrics.json."""
        return cls(**{field.name: entry.get(field.name) for field in dataclasses.fields(cls)})

    @property
    def warning(self) -> str | None:
        """What is wrong with the layer, if anything."""
        if self.mean_rate < LEAST_RATE:
            return f"{self.name} is silent (mean rate {self.mean_rate:.3f} of f_max)"
        if self.mean_rate > MOST_RATE:
            return f"{self.name} is saturated (mean rate {self.mean_rate:.3f} of f_max)"
        # Outputs are meant to: one always, the others never.
        hidden = self.name != OUTPUTS and self.silent is not None and self.always is not None
        if hidden and self.silent + self.always > MOST_STUCK:
            always, silent = f"{100 * self.always:.0f} %", f"{100 * self.silent:.0f} %"
            return f"{self.name} is two-valued: in an image {always} of its neurons fire always and {silent} never"
        return None

    def to_dict(self) -> dict[str, Any]:
        """As metrics.json holds it; without what was not looked at."""
        return {key: value for key, value in asdict(self).items() if value is not None}


def layer_names(layers: Sequence[int]) -> list[str]:
    """Names of the layers of neurons behind the inputs."""
    hidden = len(layers) - 2
    return [f"hidden layer {at + 1}" if hidden > 1 else "hidden layer" for at in range(hidden)] + [OUTPUTS]


def of_network(
    config: Config, weights: Sequence[np.ndarray], counters: dict[str, Any], split: Split
) -> tuple[LayerActivity, ...]:
    """The layers of a network with `weights`, whose evaluation counted `counters`; looked at on `split`'s scored images
    where there are several hidden layers. Empty where nothing was evaluated."""
    layers, images = config.network.layers, counters.get("images", 0)
    if not images:
        return ()
    full = images * config.learning.free_steps / config.neuron.refractory
    rates = [spikes / (full * size) for spikes, size in zip(counters["spikes"][1:], layers[1:], strict=True)]
    found = [LayerActivity(name=name, mean_rate=rate) for name, rate in zip(layer_names(layers), rates, strict=True)]
    if len(layers) < 4:
        return tuple(found)
    looked = _looked_at(config, weights, split)
    return tuple(dataclasses.replace(layer, **more) for layer, more in zip(found, looked, strict=True))


def _looked_at(config: Config, weights: Sequence[np.ndarray], split: Split) -> list[dict[str, float | None]]:
    """Shares and rho-bar of each layer over the first images, each presented with the weights as they are."""
    config = config.replace(learning=dataclasses.replace(config.learning, skip_tolerance=None))
    free, layers = config.learning.free_steps, config.network.layers
    network = Network(config)
    unit = 1.0 if network.real else network.numbers.rate.lsb
    rates, rhos = [], []
    for image, label in zip(split.test_images[:IMAGES], split.test_labels[:IMAGES], strict=True):
        network.load_weights(weights)
        trace = network.empty_trace(free + config.learning.nudge_steps)
        network.present(image, int(label), LEARN, trace)
        rates.append(trace.spikes[:free].mean(axis=0) * config.neuron.refractory)
        rhos.append(np.abs(trace.integrator[free:]).mean(axis=0) * unit)
    edges = np.cumsum([0, *layers[1:]])
    out: list[dict[str, float | None]] = []
    for low, high in itertools.pairwise(edges):
        own = np.array(rates)[:, low:high]
        rho = None if config.pulses else float(np.array(rhos)[:, low:high].mean())
        out.append({"silent": float((own < SILENT).mean()), "always": float((own > ALWAYS).mean()), "rho_bar": rho})
    return out


__all__ = ["CURE", "IMAGES", "LayerActivity", "layer_names", "of_network"]
