"""Devices with faults for tests: every fault alone, all at once, and measured ones from a file."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path

import numpy as np

from cocotb_tests.bench import config_data
from eqspike.golden.config import Config
from eqspike.golden.configfile import config_from_dict

LANES = 3
"""Several chunks a layer of `NETWORK`, of which the last is not full."""
NETWORK = {
    "network": {"layers": [6, 5, 4, 3]},
    "rate": {"fraction_bits": 3, "integer_bits": 4},
    "learning": {"window": 16, "free_steps": 20},
    # Formats, fractions, roundings and schedules differ.
    "synapses": [
        {"bits": 8, "range": 0.5, "learning_rate": "2^-7", "halve_at": [1, 2], "draw": "synapse"},
        {"bits": 10, "range": 0.25, "learning_rate": "2^-10", "halve_at": [1], "rounding": "nearest"},
        {"bits": 6, "range": 0.25, "learning_rate": "2^-6", "rounding": "truncate"},
    ],
}
_OTHER_ROUNDINGS = {
    "synapses": [
        {"bits": 8, "range": 0.5, "learning_rate": "2^-7", "halve_at": [1], "rounding": "truncate"},
        {"bits": 8, "range": 0.25, "learning_rate": "2^-8", "draw": "synapse"},
        {"bits": 8, "range": 1, "learning_rate": "2^-6", "halve_at": [1, 2], "rounding": "nearest"},
    ]
}
_EVERY = {
    "slope_up": 1.1,
    "slope_spread": 0.3,
    "threshold_spread": 0.1,
    "speed": 0.1,
    "nonlinearity_up": 1.0,
    "nonlinearity_down": 0.7,
    "write_noise": 5e-3,
    "stuck_on": 0.1,
    "stuck_off": 0.15,
}

FAULTS: dict[str, dict] = {
    "slopes": {"device": {"slope_spread": 0.6}},
    "slopes_alike": {
        "device": {"slope_spread": 0.6, "slope_symmetric": True, "slope_up": 1.2, "slope_down": 0.7},
        **_OTHER_ROUNDINGS,
    },
    "thresholds": {"device": {"threshold_spread": 0.1, "speed": 0.1}},
    "thresholds_alike": {
        "device": {"threshold_spread": 0.1, "speed": 0.1, "threshold_symmetric": True, "threshold_down": 1.4},
        **_OTHER_ROUNDINGS,
    },
    "saturating": {"device": {"nonlinearity_up": 1.0, "nonlinearity_down": 0.6}},
    "accelerating": {
        "device": {"nonlinearity_up": 0.8, "nonlinearity_down": 2.5, "nonlinearity_form": "accelerating"},
        **_OTHER_ROUNDINGS,
    },
    "noise": {"device": {"write_noise": 5e-3}},
    "stuck": {"device": {"stuck_on": 0.15, "stuck_off": 0.2}},
    "states": {"device": {"states": 64, "slope_down": 1.7}},
    "all": {"device": _EVERY, "programming": {"probability": 0.3}},
    "all_alike": {
        "device": {**_EVERY, "slope_symmetric": True, "threshold_symmetric": True, "states": 128},
        **_OTHER_ROUNDINGS,
    },
    # `file` is made anew by `config_of`.
    "measured": {
        "device": {"file": "measured.csv", "speed": 0.1, "slope_down": 1.2, "nonlinearity_up": 1, "write_noise": 2e-3}
    },
}
COMBINED = ("all", "measured")
"""Both simulators run these: what each fault does alone, Icarus shows."""


def job(name: str, **sections: object) -> dict:
    """A job with these faults."""
    return {"lanes": LANES, "config": config_data(**{**NETWORK, **FAULTS[name], **sections})}


_scratch: list[tempfile.TemporaryDirectory] = []


def config_of(job: dict) -> Config:
    """The config of a job; where devices are measured, their file is written."""
    plain = job["config"]
    if not plain["device"]["file"]:
        return config_from_dict(plain)
    if not _scratch:
        _scratch.append(tempfile.TemporaryDirectory(prefix="eqspike-devices-"))
    path = Path(_scratch[0].name) / "measured.csv"
    write_measured(config_from_dict(plain), path)
    return config_from_dict({**plain, "device": {**plain["device"], "file": str(path)}})


def write_measured(config: Config, path: Path) -> None:
    """A table of devices that differ in everything, in no order."""
    random = np.random.default_rng(7)
    layers = config.network.layers
    places = [(s, i, k) for s in range(len(layers) - 1) for i in range(layers[s] + 1) for k in range(layers[s + 1])]
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["layer", "row", "column", "slope_up", "slope_down", "threshold_up", "threshold_down", "stuck"])
        for place in random.permutation(places):
            slopes = random.choice((0.0, 0.3, 1.0, 1.8, 7.9), 2, p=(0.1, 0.2, 0.3, 0.3, 0.1))
            volts = 1 + 0.1 * random.standard_normal(2)
            table.writerow([*place, *slopes, *volts, random.choice((0, 1, 2), p=(0.8, 0.1, 0.1))])
