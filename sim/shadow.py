"""The weight memory as the trace's writes leave it, step by step, beside the golden model's weights."""

from __future__ import annotations

import numpy as np

from eqspike.golden.network import Network
from eqspike.golden.state import Trace
from eqspike.rtl.core import Core
from eqspike.sim.recording import Recorded


class WeightShadow:
    """Words of the weight memory: `memory` has shape (words, lanes)."""

    def __init__(self, core: Core, network: Network) -> None:
        places = np.array(core.layout.places())
        bases = np.array([0, *np.cumsum([size + 1 for size in network.layers[:-1]])])
        word, lane, rows, columns = places[:, 3], places[:, 4], bases[places[:, 0]] + places[:, 1], places[:, 2]
        self.rest_bits = network.config.programming.rest_bits
        shape = (core.layout.words, core.lanes)
        self.memory = np.zeros(shape, np.int32 if core.crossbar.cell_bits < 32 else np.int64)
        self.places = word * core.lanes + lane
        """Of each weight, in the order of `Layout.places`, the place in the memory."""
        self.used = np.zeros(shape[0] * shape[1], bool)
        self.used[self.places] = True
        self.cells = np.zeros(shape[0] * shape[1], np.intp)
        """Of each place in the memory that is used, the place in golden's array."""
        self.cells[self.places] = rows * network.array.shape[1] + columns
        self.load(network)

    def load(self, network: Network) -> None:
        """Take the golden weights and accumulators as the state of the memory."""
        golden = self.golden(network.array[None], network.accumulators[None])[0]
        self.memory.ravel()[self.used] = golden[self.used]

    def golden(self, weights: np.ndarray, accumulators: np.ndarray) -> np.ndarray:
        """Golden's cells, of arrays of shape (passes, rows, columns), in the order of the memory."""
        found = weights.reshape(len(weights), -1).take(self.cells, axis=1, mode="clip")
        if not self.rest_bits:
            return found
        rests = accumulators.reshape(len(weights), -1).take(self.cells, axis=1, mode="clip")
        return found.astype(np.int64) << self.rest_bits | rests & (1 << self.rest_bits) - 1

    def follow(self, recorded: Recorded, passes: int) -> tuple[np.ndarray, int]:
        """Apply an image's writes, in the order of their steps. Returns the memory after each of the `passes`, a row
        each, and how many later steps had writes, which are not applied."""
        words = len(self.memory)
        order = np.argsort(recorded.write_steps, kind="stable")
        steps = recorded.write_steps[order]
        late = len(np.unique(steps[steps >= passes]))
        order, steps = order[steps < passes], steps[steps < passes]
        values = np.concatenate([self.memory, recorded.write_cells[order].astype(self.memory.dtype)])
        # Which value each word has: at first its own, after a write that one's, until the next.
        last = np.zeros((passes + 1, words), np.intp)
        last[0] = np.arange(words)
        last[steps + 1, recorded.write_places[order]] = words + np.arange(len(order))
        np.maximum.accumulate(last, axis=0, out=last)
        self.memory = values[last[-1]]
        return values[last[1:]].reshape(passes, -1), late

    def compared(self, recorded: Recorded, trace: Trace, passes: int) -> tuple[np.ndarray, np.ndarray, bool, int]:
        """The memory and golden's cells after each pass, whether both are equal, and how many later steps wrote."""
        rtl, late = self.follow(recorded, passes)
        golden = self.golden(trace.weights[:passes], trace.accumulators[:passes])
        return rtl, golden, not ((rtl != golden) & self.used).any(), late


__all__ = ["WeightShadow"]
