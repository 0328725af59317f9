"""Networks for tests: small, odd, and together covering every choice of the config."""

from __future__ import annotations

from golden.config import Config, config_from_dict

_SHORT = {
    "dataset": {"name": "random"},
    "learning": {"free_steps": 40, "nudge_steps": 30, "window": 16},
    "rate": {"delay": 21},
}


def _synapse(**changes: object) -> dict[str, object]:
    return {"bits": 10, "range": 0.5, "learning_rate": "2^-9", "halve_at": [1, 2], **changes}


_ODD: dict[str, dict[str, object]] = {
    "7-5-3 on 2 lanes": {
        "network": {"layers": [7, 5, 3]},
        "synapses": [_synapse(), _synapse(bits=8, range=1.0, rounding="nearest")],
        "hardware": {"lanes": 2, "input_lanes": 3},
    },
    "16-9-9-4, two hidden layers, on 4 lanes": {
        "network": {"layers": [16, 9, 9, 4]},
        "synapses": [_synapse(), _synapse(draw="synapse"), _synapse(bits=12, range=0.25, rounding="truncate")],
        "neuron": {"leak": 0},
        "hardware": {"lanes": 4, "input_lanes": 5},
    },
    "33-17-10 on 5 lanes, moving average": {
        "network": {"layers": [33, 17, 10]},
        "synapses": [_synapse(bits=6, draw="synapse"), _synapse(bits=6)],
        "rate": {"delay": 21, "filter": 4, "fraction_bits": 4},
        "hardware": {"lanes": 5, "input_lanes": 1},
    },
    "5-3-2 on 1 lane, 20 and 24 bits, refractory period 4": {
        "network": {"layers": [5, 3, 2]},
        "synapses": [_synapse(bits=20, range=2.0), _synapse(bits=24)],
        "neuron": {"refractory": 4, "leak": "2^-5"},
        "input": {"full_scale": 8, "phase": "zero"},
        "hardware": {"lanes": 1, "input_lanes": 1},
    },
    "9-1-1 on more lanes than neurons, never skipping": {
        "network": {"layers": [9, 1, 1]},
        "synapses": [_synapse(), _synapse()],
        "learning": {**_SHORT["learning"], "skip_tolerance": None, "random_sign": False, "beta": 2},
        "hardware": {"lanes": 7, "input_lanes": 4},
    },
}

NAMES = tuple(_ODD)


def odd(name: str, **hardware: int) -> Config:
    """One of the networks, on other lanes when asked."""
    data = {**_SHORT, **_ODD[name]}
    if hardware:
        data["hardware"] = {**data["hardware"], **hardware}
    return config_from_dict(data)
