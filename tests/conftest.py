"""A small network for every test that needs one."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from golden.config import Config, config_from_dict

TINY: dict[str, Any] = {
    "name": "tiny",
    "dataset": {"name": "random"},
    "network": {"layers": [9, 5, 3]},
    "neuron": {"leak": "2^-6"},
    "rate": {"leak": "2^-3", "delay": 12, "filter": 2},
    "learning": {"free_steps": 30, "nudge_steps": 20, "window": 16, "skip_tolerance": 0.13},
    "synapses": [{"bits": 10, "range": 0.5, "learning_rate": "2^-10", "halve_at": [1], "init": 1.0}],
    "training": {"epochs": 3, "seed": 7},
}
"""Learns in a blink, and meets the skip rule and both kinds of saturation."""

MakeConfig = Callable[..., Config]


@pytest.fixture
def tiny_data() -> dict[str, Any]:
    """The plain data of the small network, free to be changed."""
    return copy.deepcopy(TINY)


@pytest.fixture
def make_config(tiny_data: dict[str, Any]) -> MakeConfig:
    """Makes the small network's config; keywords change it: `make_config(learning={"beta": 1})`."""

    def make(**sections: Any) -> Config:
        data = copy.deepcopy(tiny_data)
        for name, value in sections.items():
            if isinstance(value, dict):
                data[name] = data.get(name, {}) | value
            else:
                data[name] = value
        return config_from_dict(data)

    return make
