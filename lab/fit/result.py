"""A fit as data (fit.json), as lines for the terminal, and its devices as a list for device.file."""

from __future__ import annotations

from typing import Any

import numpy as np

from eqspike.golden.device_section import FREE, STUCK_OFF, STUCK_ON
from eqspike.golden.measured import LARGEST
from eqspike.lab.fit.curves import Curves
from eqspike.lab.fit.direction import NAMES
from eqspike.lab.fit.parameters import Fit
from eqspike.lab.fit.preset import Origin
from eqspike.lab.text import columns, csv_text


def fit_data(fit: Fit, curves: Curves, origin: Origin) -> dict[str, Any]:
    """What fit.json holds."""
    found, span = fit.sorted, fit.values["conductance_max"] - fit.values["conductance_min"]
    return {
        "kind": "device-fit",
        "source": origin.source,
        "base": origin.base,
        "preset": origin.name,
        "unit": curves.unit,
        "range": fit.ranges.source,
        "parameters": {
            f"device.{key}": {"value": value, "standard_error": fit.errors.get(key)}
            for key, value in fit.values.items()
        },
        "pulse": {
            "step": fit.step,
            "standard_error": fit.errors["step"],
            "step_conductance": fit.step * span,
            "write_noise_over_step": fit.noise.write / fit.step,
        },
        "read_noise": fit.noise.read,
        "residual_correlation": fit.noise.correlation,
        "states": fit.states._asdict(),
        "slope_correlation": fit.correlation,
        "devices": {
            "all": len(curves.trains),
            "fitted": [train.name for train in found.used],
            "reversed": found.reversed,
            "ragged": found.ragged,
            "noisy": found.noisy,
            "stuck_on": found.stuck_on,
            "stuck_off": found.stuck_off,
            "stuck_between": found.stuck_between,
            "left_out": found.left_out,
        },
        "steps": {
            name: {
                "fitted": len(direction.steps.g),
                "cut_by_a_bound": direction.cut,
                "jumps": direction.jumps,
                "residual_deviation": direction.slopes.noise,
            }
            for name, direction in zip(NAMES, fit.directions, strict=True)
        },
        "notes": fit.notes,
        "ignored_columns": curves.ignored,
    }


def device_list(fit: Fit) -> str:
    """The set's devices as a list for device.file (CSV): slopes over the mean, and the stuck ones."""
    levels = [direction.slopes.level / direction.slopes.mean() for direction in fit.directions]
    lines: list[tuple[object, ...]] = [("slope_up", "slope_down", "stuck")]
    for up, down in zip(*levels, strict=True):
        if np.isfinite(up) and np.isfinite(down):
            slopes = (f"{np.clip(slope, 0, LARGEST['slope_up']):.5g}" for slope in (up, down))
            lines.append((*slopes, FREE))
    lines += [(1, 1, STUCK_ON)] * len(fit.sorted.stuck_on) + [(1, 1, STUCK_OFF)] * len(fit.sorted.stuck_off)
    return csv_text(lines)


def summary_lines(fit: Fit, curves: Curves) -> list[str]:
    """What was fitted, for the terminal."""
    found = fit.sorted
    lines = [
        f"{len(curves.trains)} devices: {len(found.used)} fitted ({len(found.reversed)} reversed, {len(found.ragged)} "
        f"ragged), {len(found.stuck_on)} stuck on, {len(found.stuck_off)} stuck off, {len(found.left_out)} left out "
        f"({len(found.noisy)} noisy)"
    ]
    lines += [f"  left out {name}: {reason}" for name, reason in list(found.left_out.items())[:10]]
    if len(found.left_out) > 10:
        lines.append(f"  and {len(found.left_out) - 10} more, in fit.json")
    table = [("", "value", "standard error")]
    for key, value in fit.values.items():
        shown = "-" if value is None else f"{value:.5g}" if isinstance(value, float) else str(value)
        error = fit.errors.get(key)
        table.append((f"device.{key}", shown, "" if error is None else f"{error:.2g}"))
    table.append(("step of a pulse", f"{fit.step:.5g}", f"{fit.errors['step']:.2g}"))
    lines += columns(table, left=(0,))
    noise = fit.noise
    lines.append(f"write noise is {100 * noise.write / fit.step:.3g} % of the step; noise of readings: "
                 + (f"{noise.read:.3g} of the range" if noise.read else "none is seen"))  # fmt: skip
    lines.append(f"states: {fit.states.count or 'left out'}; {fit.states.reason}")
    ranges = {
        "given": "the range is the one given",
        "reached": "the range is the one in which the devices stop",
        "seen": "no device stops at an end: range and eta are those of the readings; --range gives another range",
        "partly": "devices stop at one end alone: the other is that of the readings; --range gives another",
    }
    lines.append(ranges[fit.ranges.source])
    for name, direction in zip(NAMES, fit.directions, strict=True):
        left = f"{direction.cut} at a bound, {direction.jumps} jumps"
        lines.append(f"steps {name}: {len(direction.steps.g)} fitted; left out {left}")
    if curves.ignored:
        lines.append(f"columns not used: {', '.join(repr(name) for name in curves.ignored)}")
    return lines + [f"note: {note}" for note in fit.notes]
