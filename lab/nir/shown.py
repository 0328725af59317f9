"""Images on which a graph and the network made of it are compared: spikes in, answers out."""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass, field

import numpy as np

from eqspike.golden.config import Config
from eqspike.golden.data import load_split
from eqspike.golden.idx import DataError
from eqspike.lab.nir.layered import Layered, answers, input_spikes

IMAGES = 100
"""Test images of a comparison."""
FIT_IMAGES = 200
"""Training images to fit gains to."""
WORK = 2 * 10**10
"""Products of a spike and a weight in one run; large networks are shown fewer images."""
MEMORY = 2**27
"""Spikes, or currents, of all steps of all images at once: a GB."""


@dataclass(frozen=True)
class Shown:
    """Images as the chip's input neurons show them."""

    config: Config
    images: np.ndarray
    labels: np.ndarray | None
    """None where there are none that the network could know."""
    said: str
    """What they are, in words."""
    spikes: np.ndarray
    """Shape (steps, images, inputs)."""

    drives: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    """The last weights of a first layer, and what it was given through them."""

    def answers(self, layered: Layered) -> np.ndarray:
        """What layers in real numbers answer."""
        first = layered.weights[0][:-1]
        if not self.drives or not np.array_equal(self.drives[0][0], first):
            self.drives[:] = [(first, layered.drive(self.spikes))]
        return answers(self.config, layered.outputs(self.spikes, self.drives[0][1]))

    def right(self, found: np.ndarray) -> int | None:
        """How many of these answers are the labels."""
        return None if self.labels is None else int(np.sum(found == self.labels))


def fixed_phase(config: Config) -> Config:
    """The config with an input phase that depends on nothing but the image."""
    phase = "golden" if config.input.phase == "random" else config.input.phase
    return config.replace(input=dataclasses.replace(config.input, phase=phase))


def spread(images: int, count: int) -> np.ndarray:
    """Places of `count` among so many images, or all: spread over them, as some data sets are sorted by label."""
    return np.linspace(0, images - 1, min(count, images)).round().astype(int)


def shown(config: Config, test: bool, own: bool) -> Shown:
    """Images of the config's data set, where it is the network's `own` and fits it; else random ones."""
    config = fixed_phase(config)
    layers, count = config.network.layers, IMAGES if test else FIT_IMAGES
    weights = sum(a * b for a, b in itertools.pairwise(layers))
    most = min(WORK // weights, MEMORY // max(layers)) // config.learning.free_steps
    count = int(np.clip(most, 4, count))
    images, labels, said = None, None, "random images"
    if own:
        try:
            split = load_split(config)
        except DataError as error:
            said = f"random images (the config's do not fit: {error})"
        else:
            images, labels = split[2:] if test else split[:2]
            said = f"{'test' if test else 'training'} images of {config.dataset.name}"
    if images is None:
        images = _random(config, count, test)
    chosen = spread(len(images), count)
    images, labels = images[chosen], None if labels is None else labels[chosen]
    return Shown(config, images, labels, said, input_spikes(config, images))


def _random(config: Config, count: int, test: bool) -> np.ndarray:
    """Images of all kinds of brightness, part of whose pixels are black."""
    draw, inputs, most = np.random.default_rng([2024, int(test)]), config.network.layers[0], config.input.full_scale
    bright = draw.uniform(0.3, 1, (count, 1)) * draw.uniform(0, 1, (count, inputs))
    return np.rint(most * bright * (draw.random((count, inputs)) < draw.uniform(0.3, 1, (count, 1)))).astype(np.int64)
