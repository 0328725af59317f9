"""What one place of the weight memory holds: a weight and, with programming.accumulator, what is gathered beside it.

The circuit keeps both in one word, the weight above; so does the host's link. Functions here turn the arrays of
`golden.network.Network.contents` in fixed point into such cells and back; without accumulators they are the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eqspike.golden.config import Config


def cell_bits(config: Config) -> tuple[int, ...]:
    """Bits of a cell of each layer of synapses."""
    return tuple(synapse.bits + config.programming.rest_bits for synapse in config.synapses)


def to_cells(config: Config, contents: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    """Cells (int64, one array a layer of synapses, of the weights' shapes) of weights and accumulators, which are empty
    where only weights are given."""
    bits, layers = config.programming.rest_bits, len(config.synapses)
    weights = [np.asarray(w, np.int64) for w in contents[:layers]]
    rests = contents[layers:] or [np.zeros_like(w) for w in weights]
    mask = (1 << bits) - 1
    return tuple((w << bits) | (np.asarray(r, np.int64) & mask) for w, r in zip(weights, rests, strict=True))


def to_contents(config: Config, cells: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    """Weights and, where there are any, accumulators of cells."""
    bits = config.programming.rest_bits
    cells = tuple(np.asarray(c, np.int64) for c in cells)
    if not bits:
        return cells
    half = 1 << (bits - 1)
    weights = tuple(c >> bits for c in cells)
    return weights + tuple(((c + half) & ((1 << bits) - 1)) - half for c in cells)
