"""What a page must know of a chip: where each number stands in the ports of its core (lab/page/chip.js reads them), and
what is said of it (`ready` in lab/page/messages.md)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from amaranth.hdl import signed

from eqspike.golden.config import Config
from eqspike.golden.number import fixed_numbers
from eqspike.lab.tables.energy import JOULES
from eqspike.rtl.bits import Codec
from eqspike.rtl.core import Core
from eqspike.rtl.link.protocol import config_hash
from eqspike.rtl.streams import Stage, image_layout, result_layout, weight_layout
from eqspike.sim.recorder import BUFFERS, LIMIT
from eqspike.sim.recording import Codecs


def field(codec: Codec, offset: int = 0) -> list[Any]:
    """A number's place in a port: offset, width, and whether it has a sign."""
    return [offset, codec.width, bool(codec.sign)]


def fields(codec: Codec) -> dict[str, Any]:
    """The numbers of a struct by name."""
    return {key: field(part, offset) for key, offset, part in codec.parts}


def words(codec: Codec) -> int:
    """Words of 32 bits that a port takes; Verilator gives one without bits two."""
    return max(1, -(-codec.width // 32))


def stride(codec: Codec) -> int:
    """Bits from one element of an array to the next."""
    return codec.width // max(1, len(codec.parts))


def chip(config: Config, core: Core) -> dict[str, Any]:
    """`about` of lab/page/chip.js."""
    codecs, layout = Codecs(config, core), core.layout
    image, command = Codec(image_layout(config)), Codec(weight_layout(core.crossbar))
    halvings = Codec(core.crossbar.halvings.shape())
    neuron = Codec(core.state_layout).parts[0][2]
    inside = {key: field(part, offset) for key, offset, part in neuron.parts}
    numbers = fixed_numbers(config)
    before = [sum(config.network.layers[:layer]) for layer in range(len(config.network.layers))]
    return {
        "limit": LIMIT,
        "buffers": BUFFERS,
        "layers": list(config.network.layers),
        "words": layout.words,
        "lanes": core.lanes,
        "stuck": bool(config.device.stuck_on or config.device.stuck_off or config.device.file),
        "restBits": config.programming.rest_bits,
        "cellBits": core.crossbar.cell_bits,
        "image": {"words": words(image), **fields(image)},
        "command": {"words": words(command), **fields(command)},
        "halvings": {
            "words": words(halvings),
            "field": field(halvings.parts[0][2]),
            "stride": stride(halvings),
            "at": [list(synapse.halve_at) for synapse in config.synapses],
        },
        "result": _result(config),
        "counters": _counters(codecs.counters),
        "stages": {
            stage.name.lower(): field(part, offset)
            for stage, (_, offset, part) in zip(Stage, codecs.stages.parts, strict=True)
        },
        "chunks": [{"first": before[c.layer] + c.first, "count": c.count} for c in layout.chunks],
        "trace": {
            "inputWords": words(codecs.inputs),
            "spikeWords": words(codecs.spikes),
            "neuronWords": words(codecs.neurons),
            "stride": stride(codecs.neurons),
            "membrane": inside["membrane"],
            "integrator": inside["integrator"],
            "threshold": numbers.threshold,
            "greatest": 2 ** (numbers.signal.bits - 1),
        },
        "write": {
            "first": layout.bank_first,
            "addressWords": words(codecs.address),
            "address": [field(part, offset) for _, offset, part in codecs.address.parts],
            "dataWords": words(codecs.written),
            "cell": field(Codec(signed(core.crossbar.cell_bits))),
            "stride": core.crossbar.cell_bits,
        },
    }


def _result(config: Config) -> dict[str, Any]:
    codec = Codec(result_layout(config))
    parts = {key: (offset, part) for key, offset, part in codec.parts}
    offset, counts = parts.pop("counts")
    return {
        **{key: field(part, at) for key, (at, part) in parts.items()},
        "outputs": len(counts.parts),
        "counts": field(counts.parts[0][2], offset),
        "stride": stride(counts),
    }


def _counters(codec: Codec) -> dict[str, Any]:
    parts = {key: (offset, part) for key, offset, part in codec.parts}
    offset, spikes = parts.pop("spikes")
    return {
        "single": {key: field(part, at) for key, (at, part) in parts.items()},
        "spikes": [field(part, offset + at) for _, at, part in spikes.parts],
    }


def places(core: Core) -> np.ndarray:
    """Where each weight stands, layer by layer and row by row: its word times the lanes plus its lane (uint32)."""
    found = np.array(core.layout.places(), np.int64)
    return (found[:, 3] * core.lanes + found[:, 4]).astype(np.uint32)


def flat(weights: Sequence[np.ndarray]) -> np.ndarray:
    """Weights in the same order (int32)."""
    return np.concatenate([np.asarray(layer).ravel() for layer in weights]).astype(np.int32)


def ready(config: Config, engine: str, notes: Sequence[str] = ()) -> dict[str, Any]:
    """The fields of the message `ready` that follow from a config alone. `engine`: what answers, in words."""
    layers, learning = config.network.layers, config.learning
    side = round(layers[0] ** 0.5)
    return {
        "type": "ready",
        "name": config.name,
        "engine": engine,
        "notes": list(notes),
        "layers": list(layers),
        "side": side if side * side == layers[0] else 0,
        "white": config.input.full_scale,
        "classes": [str(k) for k in range(layers[-1])],
        "free": learning.free_steps,
        "nudge": learning.nudge_steps,
        "window": learning.window,
        "refractory": config.neuron.refractory,
        "weights": [
            {"low": s.weight.low, "high": s.weight.high, "lsb": s.weight.lsb} for s in fixed_numbers(config).synapses
        ],
        "energy": JOULES,
        "seed": config.training.seed,
        "circuit": config_hash(config).hex(),
        "watches": False,
    }


__all__ = ["chip", "flat", "places", "ready"]
