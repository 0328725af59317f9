"""Is the weight change linear in the rate and in its derivative? (thesis, figs 2.6 and 2.7): law.json, law.png.

The simulator is imported when the RTL is asked for: the golden model is checked without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eqspike.base.errors import CommandError, UsageProblem
from eqspike.base.files import write_json
from eqspike.golden.config import Config
from eqspike.golden.law import (
    LENGTH,
    STEPS,
    PairTrace,
    drive,
    law_config,
    ramp_sweep,
    rate_sweep,
    run_pair,
    weight_change,
)
from eqspike.lab.plots import COLOURS, new_figure, save_png

REQUIRED_R2 = {"rho_bar": 0.99, "synch": 0.95, "desynch_collision": 0.95}
"""Of both sweeps, in real numbers and ideal devices; the other variants of A-EqSpike are not held to the law."""

SHORT = 40
"""A-EqSpike: steps of the shorter pulse of figs 4.12 and 4.13, beside `golden.law.LENGTH`."""

POINTS = 100

SWEEPS = {
    "rate": ("postsynaptic rate", "1 / T_refract"),
    "ramp": ("derivative of the presynaptic rate", "1 / T_refract²"),
}


def regression(x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Least squares line through the points: slope, intercept, R², and noise: the rms residual over the range of y."""
    slope, intercept = np.polyfit(x, y, 1)
    total = float(np.sum((y - y.mean()) ** 2))
    rest = float(np.sum((y - slope * x - intercept) ** 2))
    span = float(np.ptp(y))
    return {
        "slope": float(slope),
        "intercept": float(intercept),
        "r2": 1 - rest / total if total > 0 else 0.0,
        "noise": (rest / len(y)) ** 0.5 / span if span > 0 else 0.0,
    }


def trace_mismatches(golden: PairTrace, other: dict[str, np.ndarray]) -> tuple[int, int, dict[str, Any] | None]:
    """(states compared, mismatches, first mismatch by run and step) of the arrays that `other` has of `golden`."""
    compared = wrong = 0
    first: tuple[tuple[int, int], dict[str, Any]] | None = None
    for name, expected in golden._asdict().items():
        if name not in other:
            continue
        found = np.asarray(other[name])
        if found.shape != expected.shape:
            raise CommandError(f"law: the RTL's {name} has shape {found.shape}, the golden model's {expected.shape}")
        places = np.argwhere(found != expected)
        compared += expected.size
        wrong += len(places)
        if len(places):
            place = tuple(int(i) for i in places[0])
            when = (place[0], place[1] if len(place) > 1 else 0)
            if first is None or when < first[0]:
                values = {"golden": expected[place], "rtl": found[place]}
                first = (when, {"run": place[0], "step": when[1], "name": name, "index": place[2:], **values})
    return compared, wrong, first[1] if first else None


def required_r2(config: Config) -> float | None:
    """The R² that the sweeps of this config must reach, or None."""
    if not config.device.ideal:
        return None
    return REQUIRED_R2.get(config.pulse.variant if config.pulses else "rho_bar")


def run_law(config: Config, engines: Sequence[str], points: int = POINTS) -> dict[str, Any]:
    """Both sweeps in real numbers, in fixed point, and on the RTL when it is among `engines`; what law.json holds."""
    if "rtl" in engines and config.programming.image_end:
        raise UsageProblem("--engine rtl: the RTL's pair programs at spikes; with programming.when image_end: golden")
    result: dict[str, Any] = {
        "config": config.name,
        "seed": config.training.seed,
        "points": points,
        "steps": STEPS,
        "signal": config.pulse.variant if config.pulses else "rho_bar",
        "required_r2": required_r2(config),
        "sweeps": {},
    }
    sweeps = {"rate": (LENGTH, *rate_sweep(points)), "ramp": (LENGTH, *ramp_sweep(points))}
    if config.pulses:
        sweeps |= {f"{name}, {SHORT} steps": (SHORT, *sweep[1:]) for name, sweep in sweeps.items()}
    for sweep, (length, x, pre, post) in sweeps.items():
        quantity, unit = SWEEPS[sweep.partition(",")[0]]
        entry: dict[str, Any] = {"quantity": quantity, "unit": unit, "x": x, "runs": {}}
        if config.pulses:
            entry["pulse_length"] = length
        for number in ("real", "fixed"):
            own = law_config(config, number == "real", length)
            drives = drive(own, pre), drive(own, post)
            trace = run_pair(own, *drives)
            change = weight_change(own, trace)
            entry["runs"][number] = {
                **regression(x, change),
                "weight_change": change,
                "saturations": int(trace.saturations.sum()),
            }
        if "rtl" in engines:
            other = _run_rtl(own, *drives)
            compared, wrong, first = trace_mismatches(trace, other)
            change = weight_change(own, trace._replace(weight=other["weight"]))
            entry["runs"]["rtl"] = {
                **regression(x, change),
                "weight_change": change,
                "states_compared": compared,
                "mismatches": wrong,
                "first_mismatch": first,
            }
        result["sweeps"][sweep] = entry
    fixed = law_config(config, real=False)
    result["fixed_point"] = {
        "weight_bits": fixed.synapses[-1].bits,
        "weight_fraction_bits": fixed.synapses[-1].fraction_bits,
        "membrane_fraction_bits": fixed.membrane_fraction_bits,
        "rate_fraction_bits": fixed.rate.fraction_bits,
        "learning_rate": fixed.synapses[-1].learning_rate,
        "step_shift": fixed.step_shift(1),
        "rounding": fixed.synapses[-1].rounding,
        "draw": fixed.synapses[-1].draw,
    }
    required = result["required_r2"]
    result["passed"] = all(
        (required is None or entry.get("pulse_length") == SHORT or entry["runs"]["real"]["r2"] >= required)
        and not entry["runs"].get("rtl", {}).get("mismatches")
        for entry in result["sweeps"].values()
    )
    return result


def _run_rtl(config: Config, drive_pre: np.ndarray, drive_post: np.ndarray) -> dict[str, np.ndarray]:
    """The same runs on the RTL in a simulator: the arrays of a `golden.law.PairTrace`, at least `weight`."""
    try:
        from eqspike.sim.engine import run_pair_rtl
    except ImportError:
        raise CommandError("--engine rtl is not available: sim.engine has no run_pair_rtl") from None
    return run_pair_rtl(config, drive_pre, drive_post)


def write_law(result: dict[str, Any], out: Path) -> None:
    """Write law.json and law.png to folder `out`; raises `CommandError` when the check failed."""
    write_json(out / "law.json", result)
    save_png(plot_law(result), out / "law.png")
    if not result["passed"]:
        raise CommandError(
            f"law: a sweep in real numbers has R² below {result['required_r2']}, or the RTL differs: {out}/law.json"
        )


def plot_law(result: dict[str, Any]) -> Any:
    """A figure with one panel a sweep: points and lines."""
    rows = -(-len(result["sweeps"]) // 2)
    figure, axes = new_figure(rows, 2, (10, 4.2 * rows))
    for axis, name in zip(axes.flat, result["sweeps"], strict=True):
        draw_sweep(axis, name, result["sweeps"][name])
    return figure


def draw_sweep(axis: Any, name: str, entry: dict[str, Any]) -> None:
    """One sweep of a law.json on a pair of axes."""
    x = np.asarray(entry["x"])
    for colour, (number, run) in zip(COLOURS, entry["runs"].items(), strict=False):
        label = f"{number}: R² = {run['r2']:.4f}"
        marker = "x" if number == "rtl" else "o"
        axis.plot(x, run["weight_change"], marker, color=colour, markersize=3, alpha=0.6, label=label)
        axis.plot(x, run["slope"] * x + run["intercept"], color=colour, linewidth=1)
    axis.set_xlabel(f"{entry['quantity']} ({entry['unit']})")
    axis.set_ylabel("dW / learning rate")
    title = "dW against the rate" if name.startswith("rate") else "dW against the rate's derivative"
    length = f", pulses of {entry['pulse_length']} steps" if "pulse_length" in entry else ""
    axis.set_title(title + length)
    axis.legend()
