"""Gmin and Gmax of each device of a set of curves, and whether its pulses reached them.

The range of eq 3.2 shows only where devices stop: a reading that stays at its greatest although pulses go on, or steps
that fade. Where devices of a set stop, each has the range in which it stopped. Where they do not, their range cannot be
told from the curves, and all have that of the readings: the median of the devices' own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eqspike.lab.fit.curves import Train

FADED = 0.15
"""A device has stopped where its last steps are below this part of the run's mean step."""
TAIL = 20
"""The last of these parts of a run are its end; at least `SHORTEST` pulses."""
SHORTEST = 3
MANY = 0.2
"""An end is a bound where more than this part of the devices stop there."""


@dataclass(frozen=True)
class Ranges:
    """Each device's Gmin and Gmax in the file's unit, arrays of shape (devices,)."""

    low: np.ndarray
    high: np.ndarray
    bound_low: bool
    """Do devices stop at Gmin? Then steps that the bound could have cut are left out."""
    bound_high: bool
    source: str
    """Where the range is from: given, reached, seen (the readings' own) or partly."""

    @property
    def span(self) -> np.ndarray:
        """Gmax - Gmin of each."""
        return self.high - self.low


def find_ranges(trains: list[Train], given: tuple[float, float] | None = None) -> Ranges:
    """The ranges of devices that move: as given for all, or as their readings show them."""
    highest = np.array([np.nanmax(train.conductance) for train in trains])
    lowest = np.array([np.nanmin(train.conductance) for train in trains])
    # Downwards is upwards with the sign turned.
    high, bound_high = _ends([_stop(train, 1) for train in trains], highest)
    low, bound_low = _ends([_stop(train, -1) for train in trains], -lowest)
    low = -low
    if given is None:
        source = {0: "seen", 1: "partly", 2: "reached"}[bound_low + bound_high]
        return Ranges(low, high, bound_low, bound_high, source)
    shape, slack = np.ones(len(trains)), 0.02 * (given[1] - given[0])
    near_low = bound_low and bool(np.median(low) < given[0] + slack)
    near_high = bound_high and bool(np.median(high) > given[1] - slack)
    return Ranges(given[0] * shape, given[1] * shape, near_low, near_high, "given")


def _ends(stops: list[float], extremes: np.ndarray) -> tuple[np.ndarray, bool]:
    """Each device's upper end, and whether it is a bound."""
    stop = np.array(stops)
    stopped = np.isfinite(stop)
    if stopped.mean() <= MANY:
        return np.full(len(stop), np.median(extremes)), False
    return np.where(stopped, stop, np.median(stop[stopped])), True


def _stop(train: Train, sign: int) -> float:
    """Where a device stops in this direction, times `sign`; NaN: it does not."""
    found = []
    for first, last in runs_of(train, sign):
        values = sign * train.conductance[first : last + 1]
        values = values[np.isfinite(values)]
        tail = max(SHORTEST, len(values) // TAIL)
        if len(values) < 3 * tail:
            continue
        mean_step = (values.max() - values[0]) / (len(values) - 1)
        same = values[-1] == values[-2] == values.max() and len(np.unique(values)) > len(values) // 4
        if same or (mean_step > 0 and values[-1] - values[-1 - tail] < FADED * tail * mean_step):
            found.append(values.max() if same else np.median(values[-tail:]))
    return float(np.median(found)) if found else np.nan


def runs_of(train: Train, sign: int) -> list[tuple[int, int]]:
    """(reading before, last reading) of each unbroken run of pulses in a direction."""
    inside = (train.direction == sign) & train.follows
    edges = np.flatnonzero(np.diff(np.concatenate([[0], inside.astype(np.int8), [0]])))
    return [(int(a) - 1, int(b) - 1) for a, b in edges.reshape(-1, 2)]
