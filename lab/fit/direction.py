"""One direction of a set of curves: its steps, without those that a bound could have cut, and their fit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np

from eqspike.golden.device_numbers import curve_exponents
from eqspike.golden.device_section import DeviceConfig
from eqspike.lab.fit.curves import Train
from eqspike.lab.fit.devices import steps_of
from eqspike.lab.fit.ranges import Ranges
from eqspike.lab.fit.slopes import Slopes, Steps, fit_slopes

NAMES = ("up", "down")
REFITS = 4
"""Which steps the bounds could have cut follows from the fit, which follows from the steps: so often."""
MARGIN = 4.0
"""Deviations of the noise that a step must stay away from a bound."""
AWAY = 0.1
"""How far from a bound those steps begin that are fitted where it cuts nearly all."""
NEIGHBOURS = 4
"""Readings on either side that a smoothed one is the mean of."""
JUMP, FEW_JUMPS = 8.0, 0.02
"""Residuals beyond so many (robust) deviations are errors of a reading and left out, if they are no more than this
part: else they are the device's noise."""


@dataclass(frozen=True)
class Direction:
    """The steps that were fitted, and their fit."""

    half: int
    """0 up, 1 down."""
    steps: Steps
    slopes: Slopes
    reference: float
    """g at which the exponential is 1."""
    cut: int
    """Steps left out since a bound could have cut them."""
    jumps: int
    """Steps left out as errors of a reading."""
    at_once: bool
    """Does a bound cut nearly all steps? Then those that begin away from it are fitted, though they may be cut."""


@dataclass(frozen=True)
class Form:
    """How steps are fitted."""

    name: str | None = None
    """saturating or accelerating; None: not known yet, so that the exponential is 1 at mid-range."""
    midpoints: bool = False
    """Place each step at the middle of its two readings. Noise of the readings needs that: it would else be in the step
    and, with the sign turned, in its place."""

    def exponents(self, half: int) -> tuple[float, float]:
        """(a, b) of eq 3.2 for an eta of 1."""
        device = DeviceConfig(nonlinearity_up=1.0, nonlinearity_down=1.0, nonlinearity_form=self.name or "saturating")
        return curve_exponents(SimpleNamespace(device=device), half)

    def reference(self, half: int) -> float:
        """g at which the exponential is 1."""
        a, b = self.exponents(half)
        return 0.5 if self.name is None else -a / b


def fit_direction(
    trains: list[Train], ranges: Ranges, half: int, form: Form, exponent: float | None = None
) -> Direction:
    """Fit the levels of one direction and, where it is not given, the exponent."""
    steps, start = _steps(trains, ranges, half, form.midpoints)
    reference, sign = form.reference(half), (1, -1)[half]
    kept, slopes, jumps, cut, at_once = steps, fit_slopes(steps, reference, exponent), 0, 0, False
    for _ in range(REFITS):
        size = slopes.level[steps.device] * np.exp(slopes.exponent * (steps.g - reference))
        after, margin = start + sign * size, MARGIN * slopes.noise
        free = np.isfinite(size)
        if ranges.bound_high:
            free &= after + margin < 1
        if ranges.bound_low:
            free &= after - margin > 0
        if at_once := free.sum() < max(3, len(free) // 100):
            free = start < 1 - AWAY if sign > 0 else start > AWAY
        whole = free & _no_jumps(steps.change - size, free)
        kept, jumps, cut = steps.keep(whole), int((free & ~whole).sum()), int((~free).sum())
        slopes = fit_slopes(kept, reference, exponent, not form.midpoints)
    return Direction(half, kept, slopes, reference, cut, jumps, at_once)


def _no_jumps(residual: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Which residuals are no errors of a reading."""
    deviation = 1.4826 * np.median(np.abs(residual[free]))
    within = np.abs(residual) <= JUMP * deviation
    return within if np.mean(within[free]) >= 1 - FEW_JUMPS else np.ones(len(residual), bool)


def _steps(trains: list[Train], ranges: Ranges, half: int, midpoints: bool) -> tuple[Steps, np.ndarray]:
    """The steps, and from where they started, by which they are chosen: that must not depend on what they became, so
    where readings have noise it is a mean of several."""
    sign = (1, -1)[half]
    device, g, change, start = [], [], [], []
    for at, train in enumerate(trains):
        before, moved = steps_of(train, sign)
        first = steps_of(replace(train, conductance=_smooth(train.conductance)), sign)[0] if midpoints else before
        device.append(np.full(len(before), at))
        g.append((before + (moved / 2 if midpoints else 0) - ranges.low[at]) / ranges.span[at])
        change.append(sign * moved / ranges.span[at])
        start.append((first - ranges.low[at]) / ranges.span[at])
    return Steps(np.concatenate(device), len(trains), np.concatenate(g), np.concatenate(change)), np.concatenate(start)


def _smooth(values: np.ndarray) -> np.ndarray:
    """The mean of each reading and its neighbours; readings that are missing stay so."""
    there = np.isfinite(values)
    window = np.ones(2 * NEIGHBOURS + 1)
    counts = np.convolve(there.astype(float), window, "same")
    sums = np.convolve(np.where(there, values, 0.0), window, "same")
    return np.where(there, sums / np.maximum(counts, 1), np.nan)
