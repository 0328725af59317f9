"""Small configs for proofs: few bits, few neurons, short phases."""

from __future__ import annotations

from typing import Any

from eqspike.golden.config import Config
from eqspike.golden.configfile import config_from_dict

SMALL: dict[str, Any] = {
    "network": {"layers": [3, 3, 2]},
    "dataset": {"name": "random"},
    "rate": {"delay": 6},
    "learning": {"free_steps": 16, "nudge_steps": 14, "window": 8},
    "synapses": [
        {"bits": 8, "range": 1, "learning_rate": "2^-8", "halve_at": [1], "init": 1.5},
        {"bits": 6, "range": 2, "learning_rate": "2^-6", "halve_at": [1], "init": 1.5},
    ],
    "hardware": {"lanes": 2, "input_lanes": 2},
}


_DRAWING = [synapse | {"draw": "synapse"} for synapse in SMALL["synapses"]]
IMAGE_END: dict[str, Any] = {"programming": {"when": "image_end"}, "synapses": _DRAWING}
"""Sections of a network that is programmed at the image's end."""


def small(**sections: object) -> Config:
    """The small config with other sections, as in YAML. A network of more layers has further synapses like the last."""
    made = {**SMALL, **sections}
    if "synapses" not in sections:
        own = made["synapses"]
        layers = len(made["network"]["layers"]) - 1
        made["synapses"] = [own[min(place, len(own) - 1)] for place in range(layers)]
    return config_from_dict(made)


__all__ = ["IMAGE_END", "SMALL", "small"]
