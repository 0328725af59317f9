"""Networks for tests: the presets of configs/odd, small and together covering every choice of the config."""

from __future__ import annotations

from pathlib import Path

from golden.config import Config, load_config

FOLDER = Path(__file__).resolve().parent.parent / "configs" / "odd"
NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def odd(name: str, **hardware: int) -> Config:
    """One of the networks, on other lanes when asked."""
    return load_config(FOLDER / f"{name}.yaml", [f"hardware.{key}={value}" for key, value in hardware.items()])
