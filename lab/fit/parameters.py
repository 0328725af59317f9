"""The section `device` and its standard errors, from the fits of both directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from eqspike.lab.fit.devices import Sorted
from eqspike.lab.fit.direction import Direction, Form
from eqspike.lab.fit.noise import Noise
from eqspike.lab.fit.ranges import Ranges
from eqspike.lab.fit.states import States, find_states

SLOPE_MOST, SPREAD_MOST = 4.0, 2.0
"""What a config can say."""
ALIKE = 0.5
"""Slopes up and down are one draw where the devices' deviations are correlated by more."""


@dataclass(frozen=True)
class Fit:
    """What was fitted, of which devices."""

    sorted: Sorted
    ranges: Ranges
    directions: tuple[Direction, Direction]
    """Up and down."""
    noise: Noise
    states: States
    step: float
    """What the set's pulse moves the nominal device where its slope and its exponential are 1, as a part of
    Gmax - Gmin."""
    values: dict[str, Any]
    """Keys of the section `device`."""
    errors: dict[str, float]
    """Standard errors of those that have one, and of `step`."""
    correlation: float | None
    """Of the devices' slopes up and down."""
    notes: list[str]
    """What a user should know, a line each."""


def parameters_of(
    found: Sorted, ranges: Ranges, directions: tuple[Direction, Direction], noise: Noise, form: Form, notes: list[str]
) -> Fit:
    """Put a fit's numbers together; `notes` are those of the fit so far."""
    values: dict[str, Any] = {}
    errors: dict[str, float] = {}
    for name, ends in (("conductance_min", ranges.low), ("conductance_max", ranges.high)):
        values[name] = float(np.median(ends))
        errors[name] = 0.0 if ranges.source == "given" else float(1.25 * _error_of_mean(ends))
    sampling = [_level_errors(direction, noise) for direction in directions]
    step = _slopes(directions, sampling, values, errors, notes)
    correlation = _spread(directions, np.array(sampling), values, errors, notes)
    for name, direction in zip(("nonlinearity_up", "nonlinearity_down"), directions, strict=True):
        values[name] = abs(direction.slopes.exponent)
        errors[name] = direction.slopes.exponent_error
    values["nonlinearity_form"] = form.name
    values["write_noise"], errors["write_noise"] = noise.write, noise.write_error
    for name, stuck in (("stuck_on", found.stuck_on), ("stuck_off", found.stuck_off)):
        count, of = len(stuck), found.judged
        values[name] = count / of
        share = (count + 1) / (of + 2)
        errors[name] = float(np.sqrt(share * (1 - share) / (of + 3)))
    smallest = min(_smallest(direction) for direction in directions)
    states = find_states(found.used, float(np.median(ranges.span)), smallest, noise.write)
    values["states"] = states.count
    return Fit(found, ranges, directions, noise, states, step, values, errors, correlation, notes)


def _error_of_mean(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0


def _level_errors(direction: Direction, noise: Noise) -> np.ndarray:
    """Standard error of each device's level over the mean level, shape (devices,)."""
    slopes = direction.slopes
    count = len(direction.steps.g) / max(int(np.isfinite(slopes.level).sum()), 1)
    return noise.of_level(count) * slopes.level_error / slopes.mean()


def _slopes(
    directions: tuple[Direction, Direction],
    sampling: list[np.ndarray],
    values: dict[str, Any],
    errors: dict[str, float],
    notes: list[str],
) -> float:
    """The nominal step, and the slopes in its unit: the slope up is 1, and the one down so many times that."""
    up, down = (direction.slopes for direction in directions)
    step, ratio = up.mean(), down.mean() / up.mean()
    from_eta = [slopes.lever * slopes.exponent_error for slopes in (up, down)]
    each = [slopes.level / slopes.mean() for slopes in (up, down)]
    own = [np.sqrt(np.nanmean(error**2) / np.isfinite(error).sum()) for error in sampling]
    apart = (each[1] - each[0])[np.isfinite(each[0]) & np.isfinite(each[1])]
    of_ratio = np.hypot(max(_error_of_mean(apart), np.hypot(*own)), np.hypot(*from_eta))
    of_step = np.hypot(max(_error_of_mean(each[0][np.isfinite(each[0])]), own[0]), from_eta[0])
    values["slope_up"], values["slope_down"] = 1.0, float(ratio)
    errors["slope_down"], errors["step"] = float(ratio * of_ratio), float(step * of_step)
    if ratio > SLOPE_MOST:  # a config has slopes up to it: then the nominal step is the one down
        values["slope_up"], values["slope_down"] = float(1 / ratio), 1.0
        errors["slope_up"], errors["step"] = float(of_ratio / ratio), float(down.mean() * of_step)
        del errors["slope_down"]
        step = down.mean()
        notes.append(f"steps down are {ratio:.3g} times those up: slope_down is 1, and slope_up 1/{ratio:.3g}")
    return float(step)


def _spread(
    directions: tuple[Direction, Direction],
    sampling: np.ndarray,
    values: dict[str, Any],
    errors: dict[str, float],
    notes: list[str],
) -> float | None:
    """The spread of the slopes, less what the noise of the steps makes of it, and its correlation up to down."""
    each = np.array([direction.slopes.level / direction.slopes.mean() for direction in directions])
    both = np.isfinite(each).all(axis=0)
    each, sampling = each[:, both], sampling[:, both]
    values |= {"slope_spread": 0.0, "slope_symmetric": False}
    if each.shape[1] < 3:
        notes.append(f"slope_spread: fewer than 3 devices ({each.shape[1]}) do not tell it; 0 is written")
        return None
    seen, expected = each.var(axis=1, ddof=1), (sampling**2).mean(axis=1)
    own = np.maximum(seen - expected, 0)
    covariance = np.cov(each)[0, 1]
    correlation = float(np.clip(covariance / np.sqrt(own.prod()), -1, 1)) if own.prod() > 0 else None
    alike = correlation is not None and correlation > ALIKE
    variance = own.mean()
    error = seen.mean() * np.sqrt((1 + (correlation or 0) ** 2) / (each.shape[1] - 1))
    spread = min(float(np.sqrt(variance)), SPREAD_MOST)
    values |= {"slope_spread": spread, "slope_symmetric": alike}
    errors["slope_spread"] = float(error / (2 * spread) if spread**2 > error / 4 else np.sqrt(error))
    return correlation


def _smallest(direction: Direction) -> float:
    """The smallest mean step of the range."""
    slopes = direction.slopes
    ends = slopes.mean() * np.exp(slopes.exponent * (np.array([0.0, 1.0]) - direction.reference))
    return float(ends.min())
