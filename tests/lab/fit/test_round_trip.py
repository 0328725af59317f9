"""From known devices to curves, to a fitted preset, to a training: it learns as with the devices themselves."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from eqspike.golden.config import Config
from eqspike.golden.configfile import load_config, resolve_preset
from eqspike.golden.data import load_split
from eqspike.golden.engine import GoldenEngine
from eqspike.lab.configs import with_seed
from eqspike.lab.fit.made import made_curves
from eqspike.lab.fit.round_trip import write_round_trip
from eqspike.lab.train import train

EPOCHS, SEEDS = 6, (0, 1, 2)


def accuracies(path: Path) -> list[float]:
    """Test accuracy in percent, mean of the last 3 epochs, one a seed."""
    config = load_config(path)
    config = config.replace(training=dataclasses.replace(config.training, epochs=EPOCHS))
    return [100 * learned(with_seed(config, seed)) for seed in SEEDS]


def learned(config: Config) -> float:
    history = train(config, GoldenEngine(config), load_split(config))
    return float(np.mean([epoch.test_accuracy for epoch in history.epochs[-3:]]))


def test_the_files_are_the_same_every_time(tmp_path: Path) -> None:
    known, fitted = (path.read_bytes() for path in write_round_trip(tmp_path))
    again = tuple(path.read_bytes() for path in write_round_trip(tmp_path))
    assert again == (known, fitted)
    devices = [load_config(path).device for path in (tmp_path / "known-devices.yaml", tmp_path / "fitted-devices.yaml")]
    for key in ("slope_down", "nonlinearity_up", "nonlinearity_down", "slope_spread", "write_noise"):
        true, found = (getattr(device, key) for device in devices)
        assert found != true
        assert found == pytest.approx(true, rel=0.1 if key == "slope_spread" else 0.05)
    assert [device.compensate for device in devices] == ["nominal", "nominal"]
    # Curves do not tell states from small steps: a line of the preset says so.
    assert (devices[0].states, devices[1].states) == (None, 64)


def test_curves_are_the_devices_not_the_drivers() -> None:
    """What the driver makes up for is not in them."""
    pcm = resolve_preset("digits-pcm")
    bare, driven = (load_config(pcm, [f"device.compensate={name}"]) for name in ("none", "nominal"))
    assert made_curves(bare, 3, 20, 0.02) == made_curves(driven, 3, 20, 0.02)


@pytest.mark.slow
def test_fitted_devices_learn_as_the_true_ones(tmp_path: Path) -> None:
    """A part of what the measurement of docs/results.md shows. Few epochs of paired seeds are within a point."""
    true, fitted = (np.array(accuracies(path)) for path in write_round_trip(tmp_path))
    assert true.mean() > 92
    assert abs((fitted - true).mean()) < 1
