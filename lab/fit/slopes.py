"""Least squares of eq 3.2 on the steps of one direction: dg = level * exp(b (g - reference)) + noise.

Each device has a level of its own, all share the exponent b. For a given b the levels are a linear problem, so that
scipy searches b alone, and a thousand devices cost what one does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

ENOUGH = 10
"""Devices whose differences tell a standard error by themselves."""
STEEPEST = 12.0
"""|b| is searched up to here: three times what a config can say."""


@dataclass(frozen=True)
class Steps:
    """The steps of one direction, arrays of shape (steps,)."""

    device: np.ndarray
    """Whose, 0 to `devices` - 1."""
    devices: int
    g: np.ndarray
    """Conductance at which the step was made: 0 at Gmin, 1 at Gmax."""
    change: np.ndarray
    """How far the pulse moved it in its direction, as a part of Gmax - Gmin."""

    def keep(self, which: np.ndarray) -> Steps:
        """The steps of a mask."""
        return Steps(self.device[which], self.devices, self.g[which], self.change[which])

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sum over each device's steps, shape (devices,)."""
        return np.bincount(self.device, values, self.devices)


@dataclass(frozen=True)
class Slopes:
    """The fit of one direction."""

    exponent: float
    """b."""
    exponent_error: float
    level: np.ndarray
    """Shape (devices,): step where the exponential is 1, as a part of Gmax - Gmin; NaN for a device without steps."""
    level_error: np.ndarray
    """Standard error of each for a given b."""
    lever: float
    """Mean of -d ln(level) / d b: what an error of b does to all levels together."""
    residual: np.ndarray
    """Shape (steps,)."""
    noise: float
    """Standard deviation of the residuals, as a part of Gmax - Gmin."""

    def mean(self) -> float:
        """Mean level of the devices."""
        return float(np.nanmean(self.level))


def fit_slopes(steps: Steps, reference: float, exponent: float | None = None, independent: bool = True) -> Slopes:
    """Fit the levels and, where it is not given, the exponent. `independent`: as far as is known, the residuals of a
    device do not depend on each other."""
    if exponent is None:
        found = least_squares(
            lambda b: _levels(steps, b[0], reference)[1],
            np.zeros(1),
            jac=lambda b: _tangent(steps, b[0], reference)[:, None],
            bounds=(-STEEPEST, STEEPEST),
            x_scale=1.0,
        )
        b, searched = float(found.x[0]), True
    else:
        b, searched = exponent, False
    level, residual, square = _levels(steps, b, reference)
    there = int((square > 0).sum())
    free = max(len(residual) - there - searched, 1)
    noise = float(np.sqrt(np.sum(residual**2) / free))
    factor = np.exp(b * (steps.g - reference))
    lever = _ratio(steps.sums(factor**2 * (steps.g - reference)), square)
    with np.errstate(divide="ignore", invalid="ignore"):
        level_error = noise / np.sqrt(square)
    return Slopes(
        exponent=b,
        exponent_error=(
            _exponent_error(steps, _tangent(steps, b, reference), residual, noise, independent) if searched else 0.0
        ),
        level=np.where(square > 0, level, np.nan),
        level_error=np.where(square > 0, level_error, np.nan),
        lever=float(np.nanmean(np.where(square > 0, lever, np.nan))),
        residual=residual,
        noise=noise,
    )


def _ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0)


def _levels(steps: Steps, b: float, reference: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(levels, residuals, sum of the squared exponentials of each device) for an exponent."""
    factor = np.exp(b * (steps.g - reference))
    square = steps.sums(factor**2)
    level = _ratio(steps.sums(factor * steps.change), square)
    return level, steps.change - level[steps.device] * factor, square


def _tangent(steps: Steps, b: float, reference: float) -> np.ndarray:
    """d residual / d b, the levels following."""
    level, _, square = _levels(steps, b, reference)
    factor = np.exp(b * (steps.g - reference))
    direct = level[steps.device] * factor * (steps.g - reference)
    follows = _ratio(steps.sums(factor * direct), square)
    return -(direct - follows[steps.device] * factor)


def _exponent_error(steps: Steps, tangent: np.ndarray, residual: np.ndarray, noise: float, independent: bool) -> float:
    """Standard error of b: of independent residuals, or by how much the devices differ where that is more. Where
    residuals are not independent, the devices alone, if there are enough of them."""
    curvature = float(np.sum(tangent**2))
    if curvature == 0:
        return float(STEEPEST)
    plain = noise / np.sqrt(curvature)
    scores = steps.sums(tangent * residual)
    count = int((steps.sums(np.ones_like(residual)) > 0).sum())
    if count < 3:
        return float(plain)
    between = np.sqrt(np.sum(scores**2) * count / (count - 1)) / curvature
    return float(between if count >= ENOUGH and not independent else max(plain, between))
