"""What the core's trace showed of one image, as arrays: the same from every recorder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from amaranth.lib import data

from eqspike.golden.config import Config
from eqspike.rtl.bits import Codec, ResultCodec
from eqspike.rtl.core import Core
from eqspike.rtl.streams import Stage, counter_layout, neuron_layout


@dataclass(frozen=True)
class Recorded:
    """All words of every kind (`rtl.trace.trace_signature`) in the order in which they came, as int64."""

    steps: np.ndarray
    """Shape (chunks served,): of each, when its neurons stood, the step's number; so are the next three."""
    chunks: np.ndarray
    neurons: dict[str, np.ndarray]
    """Shape (chunks served, lanes): each field of the neurons' state."""
    spikes: np.ndarray
    words: np.ndarray
    """Shape (steps,): the generator's word of each; so are the next two."""
    counts: np.ndarray
    inputs: np.ndarray
    write_steps: np.ndarray
    """Shape (words written,): when a word of the weight memory was written, the step; so are the next two."""
    write_places: np.ndarray
    """The host's number of the word."""
    write_cells: np.ndarray
    """Shape (words written, lanes)."""


@dataclass(frozen=True)
class Shown:
    """What the core shows of one image."""

    recorded: Recorded
    result: dict[str, Any]
    counters: dict[str, Any]
    """With `cycles`."""
    measured: dict[str, Any]
    """Cycles by `stages`, `rows` of each bank, `row_cycles`, and cycles `elapsed` since the counters were zeroed."""
    key: int


class Codecs:
    """Between the bits of the core's ports and values."""

    def __init__(self, config: Config, core: Core) -> None:
        trace = core.trace
        self.neurons = Codec(data.ArrayLayout(neuron_layout(config), core.lanes))
        self.spikes = Codec(data.ArrayLayout(1, core.lanes))
        self.counts = Codec(trace.counts.shape())
        self.inputs = Codec(data.ArrayLayout(1, config.network.layers[0]))
        self.word = Codec(core.crossbar.word_layout)
        self.valid = Codec(data.ArrayLayout(1, core.banks))
        self.address = Codec(core.crossbar.write_address.shape())
        self.written = Codec(core.crossbar.write_data.shape())
        self.stages, self.rows = Codec(trace.stages.shape()), Codec(trace.rows.shape())
        self.counters, self.result = Codec(counter_layout(config)), ResultCodec(config)

    def measured(self, stages: int, rows: int, row_cycles: int, elapsed: int) -> dict[str, Any]:
        """`Shown.measured`."""
        cycles = self.stages.unpack(stages)
        return {
            "stages": dict(zip((stage.name.lower() for stage in Stage), cycles, strict=True)),
            "rows": self.rows.unpack(rows),
            "row_cycles": row_cycles,
            "elapsed": elapsed,
        }


def states(core: Core, recorded: Recorded) -> dict[str, np.ndarray]:
    """Arrays of shape (steps, neurons of all layers but the inputs): each field of the neurons' state, `spikes`, and
    `valid` (bool), whether a state was shown."""
    layers = core.layers
    offsets = {layer: sum(layers[1:layer]) for layer in range(1, len(layers))}
    shape = len(recorded.words), sum(layers[1:])
    fields = {**recorded.neurons, "spikes": recorded.spikes}
    out = {name: np.zeros(shape, np.int64) for name in fields}
    out["valid"] = np.zeros(shape, bool)
    for chunk in core.layout.chunks:
        here = np.flatnonzero((recorded.chunks == chunk.index) & (recorded.steps < shape[0]))
        when, first = recorded.steps[here], offsets[chunk.layer] + chunk.first
        columns = slice(first, first + chunk.count)
        for name, values in fields.items():
            out[name][when, columns] = values[here, : chunk.count]
        out["valid"][when, columns] = True
    return out


__all__ = ["Codecs", "Recorded", "Shown", "states"]
