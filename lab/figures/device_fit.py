"""Pulse-response curves, what was fitted to them, and what the fit leaves."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from eqspike.lab.fit.direction import NAMES, Direction
from eqspike.lab.fit.parameters import Fit
from eqspike.lab.plots import COLOURS, new_figure

MOST_LINES, MOST_POINTS = 60, 6000
ALIKE = 1e-6
"""Slopes that differ by less make no histogram."""


def fit_panels(fit: Fit, title: str) -> Figure:
    """Readings pulse by pulse; steps up and down against the conductance; residuals; devices' slopes."""
    figure, axes = new_figure(2, 3, (14, 8))
    figure.suptitle(title)
    _readings(axes[0, 0], fit)
    for axis, direction, colour in zip((axes[0, 1], axes[0, 2]), fit.directions, COLOURS, strict=False):
        _steps(axis, direction, colour)
    _residuals(axes[1, 0], fit)
    _histogram(axes[1, 1], fit)
    _slopes(axes[1, 2], fit)
    return figure


def _readings(axis: Any, fit: Fit) -> None:
    """The conductances of some devices, and the nominal device under the same pulses."""
    trains, ranges = fit.sorted.used, fit.ranges
    for at in np.unique(np.linspace(0, len(trains) - 1, MOST_LINES).astype(int)):
        g = (trains[at].conductance - ranges.low[at]) / ranges.span[at]
        axis.plot(g, color="#b9c2cf", linewidth=0.6)
    longest = max(range(len(trains)), key=lambda at: len(trains[at].conductance))
    start = np.nanmedian([(t.conductance[0] - ranges.low[at]) / ranges.span[at] for at, t in enumerate(trains)])
    axis.plot(_nominal(fit, trains[longest].direction, start), color=COLOURS[4], linewidth=1.5, label="fit, nominal")
    axis.set_title(f"Readings of {min(len(trains), MOST_LINES)} devices")
    axis.set_xlabel("reading")
    axis.set_ylabel("(G - Gmin) / (Gmax - Gmin)")
    axis.legend()


def _nominal(fit: Fit, directions: np.ndarray, start: float) -> np.ndarray:
    """Conductances of the nominal device, without noise, shape (readings,)."""
    g = np.full(len(directions), start)
    for at in range(1, len(directions)):
        if sign := int(directions[at]):
            direction = fit.directions[0 if sign > 0 else 1]
            g[at] = np.clip(g[at - 1] + sign * _curve(direction, g[at - 1]), 0, 1)
        else:
            g[at] = g[at - 1]
    return g


def _curve(direction: Direction, g: Any) -> Any:
    slopes = direction.slopes
    return slopes.mean() * np.exp(slopes.exponent * (g - direction.reference))


def _some(count: int) -> np.ndarray:
    """At most `MOST_POINTS` of so many places, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(count, MOST_POINTS)).astype(int))


def _steps(axis: Any, direction: Direction, colour: str) -> None:
    some = _some(len(direction.steps.g))
    axis.plot(direction.steps.g[some], direction.steps.change[some], ".", color=colour, markersize=2, alpha=0.4)
    g = np.linspace(0, 1, 101)
    axis.plot(g, _curve(direction, g), color=COLOURS[4], linewidth=1.5, label="fit, nominal")
    axis.set_title(f"Steps {NAMES[direction.half]}: {len(direction.steps.g)}, {direction.cut} more at a bound")
    axis.set_xlabel("(G - Gmin) / (Gmax - Gmin)")
    axis.set_ylabel("step, part of Gmax - Gmin")
    axis.set_ylim(bottom=min(0.0, float(direction.steps.change.min())))
    axis.legend()


def _residuals(axis: Any, fit: Fit) -> None:
    for direction, colour in zip(fit.directions, COLOURS, strict=False):
        some = _some(len(direction.steps.g))
        axis.plot(direction.steps.g[some], direction.slopes.residual[some], ".", color=colour, markersize=2, alpha=0.4,
                  label=NAMES[direction.half])  # fmt: skip
    axis.axhline(0, color="#8a93a0", linewidth=0.8)
    axis.set_title("Residuals: step less fit")
    axis.set_xlabel("(G - Gmin) / (Gmax - Gmin)")
    axis.set_ylabel("part of Gmax - Gmin")
    axis.legend()


def _histogram(axis: Any, fit: Fit) -> None:
    """Residuals beside the normal distribution of the write noise (and the readings')."""
    values = np.concatenate([direction.slopes.residual for direction in fit.directions])
    deviation = float(np.sqrt(fit.noise.write**2 + 2 * fit.noise.read**2))
    if deviation > 0:
        axis.hist(values, 60, density=True, color="#b9c2cf", label="residuals")
        x = np.linspace(-4, 4, 161) * deviation
        normal = np.exp(-((x / deviation) ** 2) / 2) / (deviation * np.sqrt(2 * np.pi))
        axis.plot(x, normal, color=COLOURS[4], linewidth=1.5, label=f"normal, deviation {deviation:.3g}")
        axis.legend()
    axis.set_title(f"Write noise {fit.noise.write:.3g} of Gmax - Gmin")
    axis.set_xlabel("step less fit, part of Gmax - Gmin")
    axis.set_ylabel("density")


def _slopes(axis: Any, fit: Fit) -> None:
    for direction, colour in zip(fit.directions, COLOURS, strict=False):
        level = direction.slopes.level[np.isfinite(direction.slopes.level)] / direction.slopes.mean()
        if np.ptp(level) < ALIKE:
            axis.axvline(1, color=colour, linewidth=1.3, label=f"{NAMES[direction.half]}: all alike")
            continue
        axis.hist(level, min(20, max(3, len(level) // 3)), color=colour, histtype="step", linewidth=1.3,
                  label=NAMES[direction.half])  # fmt: skip
    axis.set_title(f"Slopes of the devices: spread {fit.values['slope_spread']:.3g}")
    axis.set_xlabel("slope over the mean")
    axis.set_ylabel("devices")
    axis.legend()
