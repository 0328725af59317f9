"""Which devices of a set of curves can be fitted: turned where they are reversed, left out where they are stuck."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np

from eqspike.lab.fit.curves import Train
from eqspike.lab.fit.ranges import runs_of

FEWEST = 5
"""Steps of each direction without which a device is left out."""
CERTAIN = 4.0
"""Standard errors by which the steps up and down of a device that moves differ."""
STILL = 0.2
"""A device that does not follow its pulses is stuck where its readings stay within this part of what others move."""
MOST, ROUGH = 0.5, 0.15
"""A device follows its pulses too where each run of them crosses this part of its swing, and the median step is below
that part."""
ONE_WAY = 0.05
"""A device is left out where its mean step of one direction is below this part of the other's."""


@dataclass
class Sorted:
    """The devices of a set, by what can be done with them; names, but for the trains to fit."""

    used: list[Train] = field(default_factory=list)
    """Those that follow their pulses, reversed ones turned round."""
    reversed: list[str] = field(default_factory=list)
    ragged: list[str] = field(default_factory=list)
    """Used, though readings are missing."""
    stuck_on: list[str] = field(default_factory=list)
    stuck_off: list[str] = field(default_factory=list)
    stuck_between: list[str] = field(default_factory=list)
    """Of the stuck ones, those that stay at neither end."""
    noisy: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    """Reason for each device that is neither used nor stuck."""

    @property
    def stuck(self) -> int:
        """How many stay where they are."""
        return len(self.stuck_on) + len(self.stuck_off)

    @property
    def judged(self) -> int:
        """Devices with pulses enough to say whether they are stuck."""
        return len(self.used) + self.stuck + len(self.noisy)


def steps_of(train: Train, sign: int) -> tuple[np.ndarray, np.ndarray]:
    """(conductance before, change) of each pulse of a direction, in the file's unit."""
    at = train.pulses
    at = at[train.direction[at] == sign]
    before = train.conductance[at - 1]
    return before, train.conductance[at] - before


def sort_devices(trains: list[Train]) -> Sorted:
    """Sort them by their names' order in the file; `used` may be empty."""
    out = Sorted()
    longest = Counter(len(train.conductance) for train in trains).most_common(1)[0][0]
    moving, still = [], []
    for train in trains:
        up, down = steps_of(train, 1)[1], steps_of(train, -1)[1]
        if min(len(up), len(down)) < FEWEST:
            few = f"{len(up)} usable pulses up and {len(down)} down; at least {FEWEST} of each"
            out.left_out[train.name] = few
            continue
        way = _way(train, up, down)
        if way == 0:
            still.append(train)
            continue
        if way < 0:
            out.reversed.append(train.name)
            train = replace(train, direction=-train.direction)
        if reason := _one_way(train):
            out.left_out[train.name] = reason
            continue
        if len(train.conductance) != longest or len(train.pulses) < len(train.conductance) - 1 - _starts(train):
            out.ragged.append(train.name)
        moving.append(train)
    out.used = moving
    _sort_still(still, moving, out)
    return out


def _starts(train: Train) -> int:
    """Readings after the first that stand before any pulse."""
    return int((train.direction[1:] == 0).sum())


def _way(train: Train, up: np.ndarray, down: np.ndarray) -> int:
    """1: the device follows its pulses; -1: it goes the other way; 0: it does neither, for all that can be told."""
    certainty = _certainty(up, down)
    if abs(certainty) >= CERTAIN:
        return int(np.sign(certainty))
    # A few large steps, or readings with much noise: each run of pulses crosses most of the swing all the same.
    swing = np.nanmax(train.conductance) - np.nanmin(train.conductance)
    if np.median(np.abs(np.concatenate([up, down]))) >= ROUGH * swing:
        return 0
    nets = []
    for sign in (1, -1):
        for first, last in runs_of(train, sign):
            there = train.conductance[first : last + 1]
            there = there[np.isfinite(there)]
            nets.append(sign * (there[-1] - there[0]) if len(there) > 1 else 0.0)
    return next((way for way in (1, -1) if all(way * net >= MOST * swing for net in nets)), 0)


def _certainty(up: np.ndarray, down: np.ndarray) -> float:
    """How far apart the mean steps up and down are, in standard errors; negative: the device goes the other way."""
    # From one step to the next: that steps become smaller along a curve is no noise.
    error = np.sqrt(sum(np.mean(np.diff(steps) ** 2) / 2 / len(steps) for steps in (up, down)))
    apart = up.mean() - down.mean()
    return 0.0 if apart == 0 else float(apart / max(error, 1e-9 * abs(apart)))


def _one_way(train: Train) -> str | None:
    """Why a device that moves cannot be fitted."""
    up, down = steps_of(train, 1)[1].mean(), 0 - steps_of(train, -1)[1].mean()
    for less, more, moves, stays in ((up, down, "down", "up"), (down, up, "up", "down")):
        if less < ONE_WAY * more:
            return f"moves {moves} alone: its mean step {moves} is {more:.3g}, the one {stays} {less:.3g}"
    return None


def _sort_still(still: list[Train], moving: list[Train], out: Sorted) -> None:
    """Stuck, or lost in noise: by the swing of their readings against that of devices that move."""
    if not moving:
        return
    ends = np.array([[np.nanmin(train.conductance), np.nanmax(train.conductance)] for train in moving])
    low, high = np.median(ends, axis=0)
    for train in still:
        swing = np.nanmax(train.conductance) - np.nanmin(train.conductance)
        if swing >= STILL * (high - low):
            out.noisy.append(train.name)
            out.left_out[train.name] = "noisy: its readings do not follow its pulses step by step"
            continue
        place = (np.nanmean(train.conductance) - low) / (high - low)
        (out.stuck_on if place > 0.5 else out.stuck_off).append(train.name)
        if STILL < place < 1 - STILL:
            out.stuck_between.append(train.name)
