"""The crossbar's switches, cycle by cycle, as the RTL moves them: a small network on a config's memristors.

Records, on Icarus, three operations of the nudge phase with the cycles around them: the row of a spike that sends a
programming pulse, one whose spike sends none, and a two-way word whose neurons both do.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from eqspike.golden.config import Config
from eqspike.golden.configfile import config_from_dict, config_to_dict
from eqspike.golden.network import Network
from eqspike.rtl.bits import Codec
from eqspike.rtl.core import Core
from eqspike.rtl.operation import Kind, operation_layout
from eqspike.rtl.pipeline import Pipeline
from eqspike.sim import harness

LAYERS = (4, 3, 2)
IMAGES = 4
SWITCHES = ("cg_lanes", "cg_above", "pg_lanes", "pg_above", "ccii_up", "ccii_down")
"""Of fig 3.5, as `rtl.crossbar.Crossbar` explains them."""
BEFORE, AFTER = 3, 2
"""Cycles shown before an operation is in stage E, and after its word is written."""

CASES = {
    "row": "A spike that programs its row",
    "row, no pulse": "A spike that sends no programming pulse",
    "pair": "A two-way word: both sides program",
}


def small(config: Config) -> Config:
    """A network of a few neurons on the config's memristors. Where only some spikes program, by chance, half do: so
    that all cases occur in a few images."""
    data = config_to_dict(config)
    steps = config.learning.window
    data["network"]["layers"] = list(LAYERS)
    data["synapses"] = [data["synapses"][0], data["synapses"][-1]]
    data["learning"] |= {"free_steps": steps, "nudge_steps": steps, "skip_tolerance": None}
    data["hardware"] = {"lanes": LAYERS[1], "input_lanes": 1}
    data["boards"] = {}
    data["device"]["file"] = None  # it has other devices
    if config.programming.probability < 1:
        data["programming"]["probability"] = 0.5
    return config_from_dict(data)


def record(config: Config) -> dict[str, Any]:
    """The cases of `CASES` that occur, from a run of the RTL: see `cases`."""
    config = small(config)
    network = Network(config)
    # Spikes everywhere: mostly positive weights, bright pixels.
    draw = np.random.default_rng(1)
    tops = network.parameters.weight_high
    weights = [draw.integers(-int(h) // 4, int(h), w.shape) for w, h in zip(network.weights, tops, strict=True)]
    inputs = LAYERS[0]
    scale = config.input.full_scale
    job = {
        "config": config_to_dict(config),
        "key": network.key,
        "weights": weights,
        "images": [draw.integers(scale // 2, scale, inputs, endpoint=True) for _ in range(IMAGES)],
        "labels": [n % LAYERS[-1] for n in range(IMAGES)],
    }
    core = Core(config)
    build = harness.build(core, "core", "icarus")
    return cases(core, build.run("eqspike.sim.jobs.timing", job))


def cases(core: Core, cycles: dict[str, list[int]]) -> dict[str, Any]:
    """What a timing diagram shows: `cases`, each `{name, title, at, write, cycles: [...]}`.

    `at` is the index of the cycle in which the operation is in stage E, `write` of the one in which its word is written
    (None: it is not). A cycle tells of the operation that is in stage E in it: `kind`, `address`, the `SWITCHES`,
    `spikes_lanes`, `spike_above`, the lanes' `rhobar` and `rhobar_above` in LSBs; and of what is written in it:
    `write`, an address or None.
    """
    config = core.config
    operation = Codec(operation_layout(core.layout))
    stages = core.crossbar.write_stage - (Pipeline.TO_E - Pipeline.LATENCY)
    count = len(cycles["op_e"])
    operations = [operation.unpack(word) for word in cycles["op_e"]]
    kinds = [found["kind"] for found in operations]
    free = config.learning.free_steps
    # The lanes and the neuron above stand beside an operation in stage R, a cycle earlier.
    signals, signal = Codec(core.crossbar.integrator.shape()), Codec(core.crossbar.post_integrator.shape())

    def serves(i: int, kind: Kind) -> bool:
        return kinds[i] == kind.value and cycles["nudging"][i] == 1 and cycles["step"][i] > free

    def moving(i: int) -> bool:
        return any(signals.unpack(cycles["integrator"][i - 1]))

    def address(i: int) -> int:
        return operations[i]["address"]

    def bias(i: int) -> bool:
        return any(chunk.bias == address(i) for chunk in core.layout.chunks)

    wanted = {
        "row": lambda i: serves(i, Kind.ROW) and cycles["pg_lanes"][i] and moving(i) and not bias(i),
        "row, no pulse": lambda i: serves(i, Kind.ROW) and not cycles["pg_lanes"][i] and not bias(i),
        "pair": lambda i: serves(i, Kind.PAIR) and cycles["pg_lanes"][i] and cycles["pg_above"][i] and moving(i),
    }

    def cycle(i: int) -> dict[str, Any]:
        return {
            "kind": Kind(kinds[i]).name,
            **{name: cycles[name][i] for name in SWITCHES},
            "spikes_lanes": cycles["spikes"][i - 1],
            "spike_above": cycles["post_spike"][i - 1],
            "rhobar": signals.unpack(cycles["integrator"][i - 1]),
            "rhobar_above": signal.unpack(cycles["post_integrator"][i - 1]),
            "address": address(i),
            "write": cycles["write_address"][i] if cycles["write_valid"][i] else None,
        }

    found = []
    for name, fits in wanted.items():
        at = next((i for i in range(BEFORE + 1, count - stages - AFTER) if fits(i)), None)
        if at is None:
            continue
        first, last = at - BEFORE, at + stages + AFTER
        written = cycles["write_valid"][at + stages] and cycles["write_address"][at + stages] == address(at)
        found.append(
            {
                "name": name,
                "title": CASES[name],
                "at": BEFORE,
                "write": BEFORE + stages if written else None,
                "cycles": [cycle(i) for i in range(first, last + 1)],
            }
        )
    return {
        "kind": "device-timing",
        "config": config.name,
        "layers": list(LAYERS),
        "lanes": core.lanes,
        "programming": config_to_dict(config)["programming"],
        "cases": found,
    }


__all__ = ["CASES", "cases", "record", "small"]
