"""Networks for tests: the presets of configs/odd, small and together covering every choice of the config."""

from __future__ import annotations

from eqspike.base.places import package_folder
from eqspike.golden.config import Config
from eqspike.golden.configfile import load_config

FOLDER = package_folder("configs") / "odd"
NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def odd(name: str, **hardware: int) -> Config:
    """One of the networks, on other lanes when asked."""
    return load_config(FOLDER / f"{name}.yaml", [f"hardware.{key}={value}" for key, value in hardware.items()])


TINY = {
    "network": {"layers": [7, 5, 3]},
    "dataset": {"name": "random"},
    "rate": {"delay": 6},
    "learning": {"free_steps": 16, "nudge_steps": 14, "window": 8},
    "synapses": [
        {"bits": 10, "range": 1, "learning_rate": "2^-8", "halve_at": [1], "init": 1.5},
        {"bits": 8, "range": 2, "learning_rate": "2^-6", "halve_at": [1], "init": 1.5},
    ],
    "hardware": {"lanes": 2, "input_lanes": 3},
}
"""Sections of a config with two lanes and short phases, for what simulates many times."""

LATE = TINY | {
    "neuron": {"refractory": 4},
    "learning": {"free_steps": 7, "nudge_steps": 25, "window": 4, "beta": 1},
    "synapses": [synapse | {"init": 0} for synapse in TINY["synapses"]],
}
"""As TINY, without weights: the outputs are silent until they are nudged, so the first spike comes after as many steps
as the free phase has numbers."""
