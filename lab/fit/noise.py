"""The noise of writes, and of readings, from the residuals of both directions.

Noise of a write stays in the device, so that residuals do not depend on each other. Noise of a reading is in two steps
that follow each other, with opposite signs: the residuals' covariance from one step to the next tells the two apart.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from eqspike.lab.fit.direction import Direction

NOISY = 3.0
"""A device whose residuals deviate so many times as the median device's is noisy."""
SURE, CLEAR = 5.0, 0.1
"""Readings have noise where the correlation from one step to the next is below zero by so many standard errors, and by
this much."""
NOTHING = 1e-8
"""Noise below it is that of numbers."""


class Noise(NamedTuple):
    """Standard deviations, as parts of Gmax - Gmin."""

    write: float
    write_error: float
    read: float
    """Of one reading; 0: none is seen."""
    correlation: float
    """Of residuals that follow each other: above 0, eq 3.2 leaves something of the curves' form."""

    def of_level(self, steps: float) -> float:
        """By what the standard error of a level, from so many steps, is less than that of independent residuals: what a
        reading adds to one step it takes from the next."""
        if self.read == 0:
            return 1.0
        write, read = self.write**2, 2 * self.read**2
        return float(np.sqrt((write + read / max(steps, 1)) / (write + read)))


def residuals_of(directions: tuple[Direction, ...], devices: int) -> list[list[np.ndarray]]:
    """The residuals of each device, an array for each direction."""
    split = []
    for direction in directions:  # steps stand in the order of their devices
        counts = np.bincount(direction.steps.device, minlength=devices)
        split.append(np.split(direction.slopes.residual, np.cumsum(counts)[:-1]))
    return [list(rows) for rows in zip(*split, strict=True)]


def noise_of_steps(up: Direction, down: Direction) -> Noise:
    """The noise of both directions together."""
    devices = [[r for r in rows if len(r) > 2] for rows in residuals_of((up, down), up.steps.devices)]
    devices = [rows for rows in devices if rows]
    count = sum(len(r) for rows in devices for r in rows)
    fitted = sum(len(rows) for rows in devices) + 2
    scale = count / max(count - fitted, 1)
    squares = np.array([scale * sum(np.sum(r**2) for r in rows) / sum(map(len, rows)) for rows in devices])
    after = np.array([sum(np.sum(r[1:] * r[:-1]) for r in rows) / sum(len(r) - 1 for r in rows) for rows in devices])
    weights = np.array([sum(map(len, rows)) for rows in devices]) / count
    square, covariance = float(weights @ squares), float(weights @ after)
    reads = covariance < -CLEAR * square and covariance * np.sqrt(count) < -SURE * square
    variances = squares + 2 * after if reads else squares
    variance = max(float(weights @ variances), 0.0)
    plain = square * np.sqrt((6 if reads else 2) / count)
    error = max(plain, float(variances.std(ddof=1) / np.sqrt(len(devices))) if len(devices) > 2 else 0.0)
    write = float(np.sqrt(variance))
    if write < NOTHING:
        write = 0.0
    write_error = error / (2 * write) if write**2 > error / 4 else float(np.sqrt(error))
    read = float(np.sqrt(-covariance)) if reads else 0.0
    return Noise(write, float(write_error), read, covariance / square if square > 0 else 0.0)


def noisy_devices(up: Direction, down: Direction) -> list[int]:
    """Numbers of the devices that scatter far more than the others."""
    rows = residuals_of((up, down), up.steps.devices)
    # By a quantile, so that a few wrong readings make no noisy device.
    deviation = np.array(
        [np.quantile(np.abs(np.concatenate(r)), 0.9) / 1.645 if sum(map(len, r)) else 0.0 for r in rows]
    )
    usual = np.median(deviation)
    return np.flatnonzero(deviation > max(NOISY * usual, NOTHING)).tolist() if len(rows) > 2 else []
