"""How many conductance states a device has: by the grid of its readings, or by its smallest reliable step."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from eqspike.lab.fit.curves import Train

FEWEST, MOST = 4, 1024
"""States that are told: fewer are no analogue device, more are finer than its noise."""
ON_GRID = 0.02
"""Readings stand on a grid where they are within this part of its spacing, in the mean."""


class States(NamedTuple):
    """A number of states, or none, and how it was found."""

    count: int | None
    reason: str


def find_states(trains: list[Train], span: float, smallest: float, noise: float) -> States:
    """States of devices whose range is `span` (in the file's unit), whose smallest mean step is `smallest` and whose
    write noise is `noise` (parts of the range)."""
    spacings = [grid for train in trains if (grid := _grid(train.conductance)) is not None]
    if len(spacings) > len(trains) / 2:
        spacing = float(np.median(spacings))
        seen = span / spacing
        if math.isclose(math.log10(spacing), round(math.log10(spacing)), abs_tol=1e-6) and seen > MOST / 8:
            pass  # the file's last decimal
        elif FEWEST <= 2 ** round(math.log2(seen)) <= MOST:
            return States(2 ** round(math.log2(seen)), f"readings stand on a grid of {seen:.3g} parts of the range")
    reliable = max(smallest, noise)
    if not reliable > 0:
        return States(None, "no step is told from none")
    what = "the smallest mean step" if smallest >= noise else "the write noise, which is above the smallest step,"
    found = f"{what} is 1/{1 / reliable:.3g} of the range"
    count = 2 ** math.floor(math.log2(1 / reliable))
    if not FEWEST <= count <= MOST:
        return States(None, f"{found}: {'too coarse' if count < FEWEST else 'finer than counts'}")
    return States(count, found)


def _grid(values: np.ndarray) -> float | None:
    """The spacing of the grid that most readings stand on, or None: of values that come again and again."""
    values = values[np.isfinite(values)]
    distinct = np.unique(values)
    if len(distinct) < 3 or len(distinct) > 0.6 * len(values):
        return None
    gaps = np.diff(distinct)
    spacing = gaps[gaps > 1e-9 * np.ptp(distinct)].min()
    places = (distinct - distinct[0]) / spacing
    spacing *= places[-1] / round(places[-1])  # all of the range tells it better than one gap
    places = (distinct - distinct[0]) / spacing
    return float(spacing) if np.abs(places - np.rint(places)).mean() < ON_GRID else None
