"""The words from which everything that tells one device of a chip from another is hashed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from eqspike.golden.config import Config
from eqspike.golden.derived import neuron_numbers
from eqspike.golden.draw import column_key, mix, spread
from eqspike.golden.kernel import kernel


class DeviceSeeds(NamedTuple):
    """Words that all deviations of a chip are hashed from."""

    slopes: int
    """Of a list of measured devices (`golden.measured`): which of them each synapse has."""
    thresholds: int
    stuck: int
    gains: int


def device_seeds(config: Config) -> DeviceSeeds:
    """The words of device.seed (or training.seed)."""
    seed = config.training.seed if config.device.seed is None else config.device.seed
    return DeviceSeeds(*(int(w) for w in np.random.SeedSequence([seed, 0xD3]).generate_state(4, np.uint32)))


@kernel
def _hash_layer(seed, row_numbers, column_numbers, words):
    """Words of all devices, shape (rows, columns), from the numbers of the neurons of their row and column."""
    for row in range(words.shape[0]):
        of_row = mix(seed ^ spread(row_numbers[row]))
        for column in range(words.shape[1]):
            words[row, column] = mix(of_row ^ column_key(column_numbers[column]))


def device_words(config: Config, layer: int, seed: int) -> np.ndarray:
    """One word for each device of a synapse layer, shape (presynaptic + 1, postsynaptic).

    One-way devices (inputs and biases) belong to the row of the neuron below and the column of the one above; two-way
    ones to the row of the neuron above and the column of the one below, as the circuit serves them.
    """
    layers = config.network.layers
    numbers = neuron_numbers(layers)
    below = numbers[layer] + np.arange(layers[layer] + 1)
    above = numbers[layer + 1] + np.arange(layers[layer + 1])
    words = np.zeros((len(below), len(above)), np.int64)
    _hash_layer(seed, below, above, words)
    if layer > 0:
        two_way = np.zeros((len(above), layers[layer]), np.int64)
        _hash_layer(seed, above, below[:-1], two_way)
        words[:-1] = two_way.T
    return words
