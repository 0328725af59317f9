"""Sets of pulse-response curves of devices that are known, made without the golden model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eqspike.lab.fit.curves import Curves, Train


@dataclass(frozen=True)
class Known:
    """Devices of eq 3.2, and the pulses that they are given."""

    step: float = 0.012
    """Of the nominal device where slope and exponential are 1, as a part of Gmax - Gmin."""
    slope_down: float = 1.0
    eta_up: float = 0.0
    eta_down: float = 0.0
    saturating: bool = True
    spread: float = 0.1
    write_noise: float = 0.05
    """Of the step."""
    read_noise: float = 0.0
    """Of the step."""
    low: float = 10.0
    high: float = 100.0
    range_spread: float = 0.0
    pulses: int = 100


def curve(known: Known, draw: np.random.Generator, slopes: tuple[float, float], directions: np.ndarray) -> np.ndarray:
    """Readings of one device, parts of its range, shape (pulses + 1,)."""
    g, readings = 0.0, [0.0]
    for sign in directions:
        eta = known.eta_up if sign > 0 else known.eta_down
        falls = (sign > 0) == known.saturating
        factor = np.exp(eta * (1 - g) if falls else eta * g)
        step = known.step * slopes[0] if sign > 0 else known.step * known.slope_down * slopes[1]
        g = min(max(g + sign * step * factor + known.write_noise * known.step * draw.standard_normal(), 0.0), 1.0)
        readings.append(g)
    return np.array(readings) + known.read_noise * known.step * draw.standard_normal(len(readings))


def train_of(name: str, readings: np.ndarray, directions: np.ndarray) -> Train:
    """A device's readings, the first before any pulse."""
    follows = np.ones(len(readings), bool)
    follows[0] = False
    return Train(name, readings, np.concatenate([[0], directions]), follows)


def make(known: Known, devices: int = 40, seed: int = 0) -> Curves:
    """The curves of devices that start at Gmin and take pulses up, then as many down."""
    draw = np.random.default_rng(seed)
    directions = np.repeat([1, -1], known.pulses)
    trains = []
    for number in range(devices):
        slopes = np.maximum(1 + known.spread * draw.standard_normal(2), 0)
        span = (known.high - known.low) * (1 + known.range_spread * draw.standard_normal())
        readings = known.low + span * curve(known, draw, tuple(slopes), directions)
        trains.append(train_of(f"d{number + 1}", readings, directions))
    return Curves(trains, "uS", [])
