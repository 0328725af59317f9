"""Images on which a graph and the network made of it are compared: spikes in, answers out."""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass

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

    def answers(self, layered: Layered) -> np.ndarray:
        """What layers in real numbers answer."""
        return answers(self.config, layered.outputs(self.spikes))

    def right(self, found: np.ndarray) -> int | None:
        """How many of these answers are the labels."""
        return None if self.labels is None else int(np.sum(found == self.labels))


def fixed_phase(config: Config) -> Config:
    """The config with an input phase that depends on nothing but the image."""
    phase = "golden" if config.input.phase == "random" else config.input.phase
    return config.replace(input=dataclasses.replace(config.input, phase=phase))


def shown(config: Config, test: bool, own: bool) -> Shown:
    """Images of the config's data set, where it is the network's `own` and fits it; else random ones."""
    config = fixed_phase(config)
    layers, count = config.network.layers, IMAGES if test else FIT_IMAGES
    weights = sum(a * b for a, b in itertools.pairwise(layers))
    count = int(np.clip(WORK // (config.learning.free_steps * weights), 4, count))
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
    images, labels = images[:count], None if labels is None else labels[:count]
    return Shown(config, images, labels, said, input_spikes(config, images))


def _random(config: Config, count: int, test: bool) -> np.ndarray:
    """Images of all kinds of brightness, part of whose pixels are black."""
    draw, inputs, most = np.random.default_rng([2024, int(test)]), config.network.layers[0], config.input.full_scale
    bright = draw.uniform(0.3, 1, (count, 1)) * draw.uniform(0, 1, (count, inputs))
    return np.rint(most * bright * (draw.random((count, inputs)) < draw.uniform(0.3, 1, (count, 1)))).astype(np.int64)
