"""Networks that differ in all that the kernels distinguish, and their traces over some images.

Run as a program with NUMBA_DISABLE_JIT=1 it writes what plain Python computes, for `test_network` to compare.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from eqspike.golden.config import Config
from eqspike.golden.configfile import config_from_dict
from eqspike.golden.law import drive, law_config, rate_sweep, run_pair
from eqspike.golden.modes import INFER_FIRST_SPIKE, LEARN
from eqspike.golden.network import Network
from eqspike.golden.number import ROUNDING

BASE: dict[str, Any] = {
    "name": "variant",
    "dataset": {"name": "random"},
    "network": {"layers": [9, 5, 3]},
    "neuron": {"leak": "2^-6"},
    "rate": {"leak": "2^-3", "delay": 9, "filter": 2},
    "learning": {"free_steps": 18, "nudge_steps": 16, "window": 16, "beta": 1, "skip_tolerance": 0.1},
    "training": {"seed": 11},
}
DEVICE_SYNAPSE = {"bits": 12, "range": 0.5, "learning_rate": 2.0**-10, "draw": "synapse", "init": 1.0}
"""Synapses that devices with faults may have."""
SYNAPSE: dict[str, Any] = {"bits": 10, "range": 0.5, "learning_rate": "2^-8", "halve_at": [1], "init": 1.5}

FAULTS: dict[str, Any] = {
    "slope_up": 1.2,
    "slope_down": 0.9,
    "slope_spread": 0.3,
    "threshold_up": 0.8,
    "threshold_spread": 0.1,
    "speed": 1e-2,
    "nonlinearity_up": 1.0,
    "nonlinearity_down": 0.7,
    "write_noise": 2e-3,
    "stuck_on": 0.05,
    "stuck_off": 0.05,
}
"""Every fault of a device at once."""
OWN: dict[str, Any] = SYNAPSE | {"draw": "synapse"}

TAILS: dict[str, Any] = {"learning": BASE["learning"] | {"signal": "pulse"}}

VARIANTS: dict[str, dict[str, Any]] = {
    "neuron draws": {},
    "synapse draws": {"synapses": [SYNAPSE | {"draw": "synapse"}]},
    "two hidden layers": {"network": {"layers": [7, 4, 6, 3]}},
    "two hidden layers, synapse draws": {
        "network": {"layers": [7, 4, 6, 3]},
        "synapses": [SYNAPSE | {"draw": "synapse"}, SYNAPSE, SYNAPSE | {"draw": "synapse", "bits": 12, "range": 0.25}],
    },
    "weak feedback, three hidden layers": {
        "network": {"layers": [5, 4, 3, 4, 2]},
        "synapses": [SYNAPSE | {"feedback": part} for part in (0.5, "2^-3", 1, 0.25)],
    },
    "real, weak feedback, two hidden layers": {
        "number": {"format": "real"},
        "network": {"layers": [7, 4, 6, 3]},
        "synapses": [SYNAPSE, SYNAPSE | {"feedback": 0.25}, SYNAPSE | {"feedback": 0.5}],
    },
    "nearest, no leak, one sign": {
        "neuron": {"leak": 0},
        "learning": BASE["learning"] | {"random_sign": False},
        "synapses": [SYNAPSE | {"rounding": "nearest"}],
    },
    "truncated, slow neurons": {
        "neuron": {"leak": "2^-6", "refractory": 4, "threshold": 0.5},
        "synapses": [SYNAPSE | {"rounding": "truncate"}],
    },
    "large steps": {"synapses": [SYNAPSE | {"learning_rate": "2^-2"}]},
    "real": {"number": {"format": "real"}},
    "real, the thesis's constants, two hidden layers": {
        "number": {"format": "real"},
        "network": {"layers": [7, 4, 6, 3]},
        "neuron": {"leak": 0.01},
        "rate": {"leak": 0.1, "delay": 9, "filter": 3},
    },
    "every second pulse": {"programming": {"every": 2}},
    "every third pulse of the image, two hidden layers, synapse draws": {
        "network": {"layers": [7, 4, 6, 3]},
        "programming": {"every": 3, "count_from": "image"},
        "synapses": [OWN, SYNAPSE, OWN],
    },
    "a third of the pulses, slow neurons": {
        "neuron": {"leak": "2^-6", "refractory": 4, "threshold": 0.5},
        "programming": {"probability": 0.3},
    },
    "half of the pulses, two hidden layers, synapse draws": {
        "network": {"layers": [7, 4, 6, 3]},
        "programming": {"probability": 0.55},
        "synapses": [OWN],
    },
    "gains, two hidden layers": {"network": {"layers": [7, 4, 6, 3]}, "neuron": {"leak": "2^-6", "gain_spread": 0.4}},
    "real, gains, every second pulse": {
        "number": {"format": "real"},
        "neuron": {"leak": 0.01, "gain_spread": 0.4},
        "programming": {"every": 2, "count_from": "image"},
    },
    "faults": {"device": FAULTS, "synapses": [OWN]},
    "faults, accelerating, symmetric, sparse, gains, two hidden layers": {
        "network": {"layers": [7, 4, 6, 3]},
        "neuron": {"leak": "2^-6", "gain_spread": 0.2},
        "programming": {"probability": 0.4},
        "device": FAULTS
        | {"nonlinearity_form": "accelerating", "slope_symmetric": True, "threshold_symmetric": True, "seed": 5},
        "synapses": [OWN, OWN | {"rounding": "nearest"}, OWN | {"bits": 12, "range": 0.25, "rounding": "truncate"}],
    },
    "faults, every second pulse, large steps, few states": {
        "programming": {"every": 2, "count_from": "image"},
        "device": FAULTS | {"states": 32},
        "synapses": [OWN | {"learning_rate": "2^-4"}],
    },
    "real, faults, two hidden layers": {
        "number": {"format": "real"},
        "network": {"layers": [7, 4, 6, 3]},
        "device": FAULTS,
        "programming": {"probability": 0.5},
        "synapses": [OWN],
    },
    "real, few states": {
        "number": {"format": "real"},
        "device": {"states": 64},
        "synapses": [OWN | {"learning_rate": "2^-5"}],
    },
    "real, faults, states, nearest": {
        "number": {"format": "real"},
        "device": FAULTS | {"states": 64, "nonlinearity_form": "accelerating"},
        "synapses": [OWN | {"learning_rate": "2^-6", "rounding": "nearest"}, OWN | {"rounding": "truncate"}],
    },
    "pulses that never meet": TAILS | {"pulse": {"variant": "synch", "length": 10, "amplitude": "2^-5"}},
    "square pulses that never meet, slow neurons, synapse draws": TAILS
    | {
        "neuron": {"leak": "2^-6", "refractory": 4, "threshold": 0.5},
        "pulse": {"variant": "synch", "shape": "square", "length": 6, "amplitude": "2^-3"},
        "synapses": [OWN],
    },
    "pulses that meet, two hidden layers": TAILS
    | {
        "network": {"layers": [7, 4, 6, 3]},
        "pulse": {"variant": "desynch", "length": 16, "amplitude": "2^-3"},
        "synapses": [SYNAPSE, SYNAPSE | {"rounding": "nearest"}, SYNAPSE],
    },
    "half of the pulses that meet, two hidden layers": TAILS
    | {
        "network": {"layers": [7, 4, 6, 3]},
        "pulse": {"variant": "desynch_proba", "shape": "square", "length": 8, "amplitude": 1},
        "programming": {"probability": 0.55},
        "synapses": [SYNAPSE | {"learning_rate": "2^-10"}],
    },
    "pulses that meet now and then, two hidden layers, synapse draws": TAILS
    | {
        "network": {"layers": [7, 4, 6, 3]},
        "pulse": {"variant": "desynch_collision", "length": 14, "amplitude": "2^-2", "collision_probability": 0.4},
        "synapses": [OWN, SYNAPSE, OWN],
    },
    "half of the pulses that meet, faults": TAILS
    | {
        "pulse": {"variant": "desynch_proba", "length": 12, "amplitude": "2^-2"},
        "programming": {"probability": 0.55},
        "device": FAULTS,
        "synapses": [OWN],
    },
    "pulses that program alone, two hidden layers": TAILS
    | {
        "network": {"layers": [7, 4, 6, 3]},
        "pulse": {"variant": "naive", "length": 12, "amplitude": "2^-6"},
        "synapses": [OWN, SYNAPSE | {"rounding": "nearest"}, OWN],
    },
    "pulses that program alone, faults, gains, two hidden layers": TAILS
    | {
        "network": {"layers": [7, 4, 6, 3]},
        "neuron": {"leak": "2^-6", "gain_spread": 0.2},
        "pulse": {"variant": "naive", "shape": "square", "length": 8, "amplitude": "2^-4"},
        "device": FAULTS,
        "synapses": [OWN],
    },
    "real, pulses that meet now and then, two hidden layers": TAILS
    | {
        "number": {"format": "real"},
        "network": {"layers": [7, 4, 6, 3]},
        "pulse": {"variant": "desynch_collision", "length": 14, "amplitude": 0.3, "collision_probability": 0.4},
    },
    "real, half of the pulses that meet, faults": TAILS
    | {
        "number": {"format": "real"},
        "pulse": {"variant": "desynch_proba", "length": 10, "amplitude": 0.3},
        "programming": {"probability": 0.55},
        "device": FAULTS,
        "synapses": [OWN],
    },
    "real, pulses that program alone, two hidden layers": TAILS
    | {
        "number": {"format": "real"},
        "network": {"layers": [7, 4, 6, 3]},
        "pulse": {"variant": "naive", "length": 10, "amplitude": 0.01},
        "synapses": [OWN],
    },
    "real, pulses that program alone, faults, states": TAILS
    | {
        "number": {"format": "real"},
        "pulse": {"variant": "naive", "length": 10, "amplitude": 0.05},
        "device": FAULTS | {"states": 64},
        "synapses": [OWN],
    },
}


def variant(name: str) -> Config:
    """The config of that name."""
    return config_from_dict({**BASE, "synapses": [SYNAPSE], **VARIANTS[name]})


def pictures(config: Config, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Random images and labels."""
    generator = np.random.default_rng(21)
    images = generator.integers(0, config.input.full_scale + 1, (count, config.network.layers[0]))
    return images, generator.integers(0, config.network.layers[-1], count)


def record(config: Config, count: int = 4, network: Network | None = None) -> dict[str, np.ndarray]:
    """Everything that the network computes while it learns `count` images, the last in the next epoch."""
    network = network or Network(config)
    images, labels = pictures(config, count)
    steps = config.learning.free_steps + config.learning.nudge_steps
    found: dict[str, np.ndarray] = {}
    for at in range(count):
        network.set_epoch(1 if at == count - 1 else 0)
        trace = network.empty_trace(steps, weights=True)
        result = network.present(images[at], int(labels[at]), LEARN, trace)
        for name, array in trace._asdict().items():
            found[f"{at} {name}"] = array
        outcome = (result.prediction, result.first_spike, result.first_spike_step, result.nudged, *result.counts)
        found[f"{at} result"] = np.array(outcome)
    found["first spike"] = network.present_all(images, labels, INFER_FIRST_SPIKE)
    found["counters"] = network.counters.copy()
    found["key"] = np.array(network.key)
    return found


def record_law(real: bool, draw: str, variant: str | None) -> dict[str, np.ndarray]:
    """Two runs of the learning law's pair; with tails, if there is a variant of them."""
    tails = TAILS | {"pulse": {"variant": variant}} if variant else {}
    config = law_config(config_from_dict({**BASE, "synapses": [SYNAPSE | {"draw": draw}], **tails}), real)
    _, pre, post = rate_sweep(3)
    trace = run_pair(config, drive(config, pre[1:, ::3]), drive(config, post[1:, ::3]))
    return trace._asdict()


def record_all() -> dict[str, np.ndarray]:
    """All variants, by "variant/array"."""
    found = {f"{name}/{key}": array for name in VARIANTS for key, array in record(variant(name)).items()}
    for real, draw, variant_of in (
        (False, "neuron", None), (False, "synapse", None), (True, "neuron", None),
        (False, "neuron", "desynch_collision"), (True, "synapse", "naive"),
    ):  # fmt: skip
        law = record_law(real, draw, variant_of)
        found |= {f"law {real} {draw} {variant_of}/{key}": array for key, array in law.items()}
    return found


def one_layer(rows: int, columns: int, **sections: Any) -> Network:
    """A network for writes to its first layer of synapses."""
    data: dict[str, Any] = {
        "dataset": {"name": "random"},
        "network": {"layers": [rows, columns, 2]},
        "synapses": [DEVICE_SYNAPSE],
    }
    return Network(config_from_dict(data | sections))


if __name__ == "__main__":
    assert set(ROUNDING) == {"truncate", "nearest", "stochastic"}
    np.savez(sys.argv[1], **record_all())
