"""A preset's memristor in curves, deviations and pulses, and what one write means in its numbers: device.json.

Every number comes from the golden model: the fixed-point steps are writes of `golden.device.write`, averaged over
the draws that round them.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import numpy as np

from eqspike.golden.config import Config
from eqspike.golden.deviations import device_seeds, gains, layer_devices
from eqspike.golden.device import half_volts, write
from eqspike.golden.device_numbers import (
    FACTOR_BITS,
    curve_error,
    curve_exponents,
    fixed_devices,
    offset_of,
    slope_of,
    weight_per_volt,
)
from eqspike.golden.draw import DEVIATE_DEVIATION
from eqspike.golden.measured import read_file
from eqspike.golden.network import Network
from eqspike.golden.number import weight_step
from eqspike.golden.synapses import synapses_of

POINTS = 201
DRAWS = 64
"""Evenly spaced draws that a stochastic step is averaged over: exact to 1/64 LSB."""
EXAMPLE = 0.25
"""The rho-bar whose pulses are shown; in the nudge phase of Digits rho-bar is mostly below 1."""
SAMPLE = 6
"""Devices of each layer that are listed."""
READ_VOLTS = 0.2
"""Height of the communication pulse in the figure, as a part of Vth. The model has no number for it: it only reads."""


def device_view(config: Config, points: int = POINTS) -> dict[str, Any]:
    """What device.json holds."""
    network = Network(config)  # says what fixed point cannot hold
    device = config.device
    layers = range(len(config.synapses))
    writer = None if network.real else FixedWriter(config)
    return {
        "kind": "device",
        "config": config.name,
        "number_format": config.number.format,
        "ideal": device.ideal,
        "chip_seed": config.training.seed if device.seed is None else device.seed,
        "chip_words": device_seeds(config)._asdict(),
        "device": dataclasses.asdict(device),
        "programming": dataclasses.asdict(config.programming),
        "curve_error_bound": curve_error(config),
        "writes": [one_write(config, layer) for layer in layers],
        "voltage": [voltage_curve(config, layer, points, writer) for layer in layers],
        "conductance": conductance_curve(config, points),
        "deviations": [deviations(config, layer) for layer in layers],
        "pulses": pulses(config, writer),
        "neurons": neuron_gains(config, network),
        "file": measured_file(config),
    }


# ---------------------------------------------------------------------------------------------------------------------
# One write


def _lsb(config: Config, layer: int) -> float | None:
    """What one step of a weight is: the format's, or a conductance state in real numbers; None: any value."""
    synapse, states = config.synapses[layer], config.device.states
    if config.number.format == "fixed":
        return 2.0**-synapse.fraction_bits
    return 2 * synapse.range / states if states else None


def full_step(config: Config, layer: int) -> float:
    """Weight change that a rho-bar of 1 asks for, at the full learning rate and with sparse programming's factor."""
    return config.synapses[layer].learning_rate * config.compensation


def one_write(config: Config, layer: int) -> dict[str, Any]:
    """The quantities of one write in weights, in parts of Gmax - Gmin, in conductance, in volts and in LSBs."""
    synapse, device = config.synapses[layer], config.device
    whole, lsb = 2 * synapse.range, _lsb(config, layer)
    span = device.conductance_max - device.conductance_min
    quantities = {
        "LSB": lsb,
        "rho-bar of 1": full_step(config, layer),
        "1 V over the threshold": weight_per_volt(config, layer),
        "write noise, deviation": device.write_noise * whole,
        "threshold offset up, deviation": abs(float(offset_of(config, layer, 0, DEVIATE_DEVIATION))),
        "threshold offset down, deviation": abs(float(offset_of(config, layer, 1, DEVIATE_DEVIATION))),
    }
    rows = [
        {
            "quantity": name,
            "weight": value,
            "share": value / whole,
            "conductance": value / whole * span,
            "volts": value / weight_per_volt(config, layer),
            "lsbs": value / lsb if lsb else None,
        }
        for name, value in quantities.items()
        if value is not None
    ]
    return {"layer": layer, "bits": synapse.bits, "range": synapse.range, "rounding": synapse.rounding, "rows": rows}


def nominal(config: Config) -> Config:
    """The config with devices that do not deviate: curves and nominal slopes only, no noise."""
    plain = {"slope_spread": 0.0, "threshold_spread": 0.0, "write_noise": 0.0, "stuck_on": 0.0, "stuck_off": 0.0}
    return config.replace(device=dataclasses.replace(config.device, **plain, file=None, file_spread=1.0))


def real_change(config: Config, layer: int, half: int, volts: np.ndarray | float, g: np.ndarray | float) -> Any:
    """Eq 3.2 for a device without deviations: part of Gmax - Gmin that `volts` over (half 0) or under (half 1) the
    threshold move at the conductance `g`, 0 at Gmin and 1 at Gmax."""
    a, b = curve_exponents(config, half)
    rate = weight_per_volt(config, layer) / (2 * config.synapses[layer].range) * slope_of(config, half, 0.0)
    return rate * volts * np.exp(a + b * np.asarray(g))


class FixedWriter:
    """Writes of the golden model in fixed point on devices without deviations."""

    def __init__(self, config: Config) -> None:
        self.network = Network(nominal(config))
        self.numbers = fixed_devices(self.network.config, self.network.numbers)

    def steps(self, layer: int, rhobar: int, half: int | None = None, middle: float = 0.5) -> list[int]:
        """Steps in LSBs that a rho-bar of `rhobar` LSBs makes of a device whose conductance is `middle`, one for each
        of `DRAWS` draws; `half` 0 or 1: that half of the pulse alone."""
        p = synapses_of(self.network.parameters, layer).programming
        factor, gain, shift = p.factor, p.gain, p.shift
        draws = [((2 * k + 1) << shift) // (2 * DRAWS) for k in range(DRAWS)]
        if half is not None and (rhobar > 0) != (half == 0):
            return [0] * DRAWS
        if self.network.devices.alike:
            return [int(weight_step(rhobar, factor, gain, shift, p.rounding, draw)) for draw in draws]
        slopes = [np.array([[table[len(table) // 2]]]) for table in self.numbers[layer].slopes]
        devices = self.network.devices._replace(
            slope_up=slopes[0], slope_down=slopes[1], stuck=np.zeros((1, 1), np.int8)
        )
        x = half_volts(rhobar, factor, gain)
        start = p.low + int(middle * (p.high - p.low))
        weights = np.zeros((1, 1), self.network.array.dtype)
        steps = []
        for draw in draws:
            weights[0, 0] = start
            write(weights, (0, 0), max(x, 0), min(x, 0), (draw, 0), p, devices)
            steps.append(int(weights[0, 0]) - start)
        return steps


# ---------------------------------------------------------------------------------------------------------------------
# Curves


def voltage_curve(config: Config, layer: int, points: int, writer: FixedWriter | None) -> dict[str, Any]:
    """dG against V at mid-range conductance, in parts of Gmax - Gmin (eq 3.2, fig 3.1): for V up to a rho-bar of 1 over
    the thresholds; in fixed point the step of each rho-bar, its mean and its two values."""
    device = config.device
    reach = full_step(config, layer) / weight_per_volt(config, layer)
    volts = np.linspace(-device.threshold_down - reach, device.threshold_up + reach, points)
    over, under = np.maximum(volts - device.threshold_up, 0), np.minimum(volts + device.threshold_down, 0)
    change = real_change(config, layer, 0, over, 0.5) + real_change(config, layer, 1, under, 0.5)
    curve: dict[str, Any] = {"layer": layer, "volts": volts, "real": change, "fixed": None}
    if writer is not None:
        unit = 2**config.rate.fraction_bits
        lsb = _lsb(config, layer) / (2 * config.synapses[layer].range)
        values = sorted({round(v) for v in np.linspace(-unit, unit, 65)} - {0})
        steps = np.array([writer.steps(layer, v) for v in values])
        sides = np.where(np.array(values) > 0, device.threshold_up, -device.threshold_down)
        curve["fixed"] = {
            "rhobar_lsbs": values,
            "volts": np.array(values) / unit * reach + sides,
            "mean": steps.mean(axis=1) * lsb,
            "least": steps.min(axis=1) * lsb,
            "most": steps.max(axis=1) * lsb,
        }
    return curve


def conductance_curve(config: Config, points: int) -> dict[str, Any]:
    """The factor of eq 3.2 against the conductance, for both directions, slopes included; in fixed point the table."""
    g = np.linspace(0, 1, points)
    curve: dict[str, Any] = {"g": g, "fixed": None, "error_bound": curve_error(config)}
    for half, name in enumerate(("up", "down")):
        a, b = curve_exponents(config, half)
        curve[name] = slope_of(config, half, 0.0) * np.exp(a + b * g)
    if config.number.format == "fixed" and not config.device.ideal:
        numbers = fixed_devices(config, Network(config).numbers)[0]
        parts = len(numbers.curves[0])
        curve["fixed"] = {"g": (np.arange(parts) + 0.5) / parts}
        for half, name in enumerate(("up", "down")):
            factors = np.array(numbers.curves[half]) / 2**FACTOR_BITS
            curve["fixed"][name] = slope_of(config, half, 0.0) * factors
    return curve


def deviations(config: Config, layer: int) -> dict[str, Any]:
    """Slopes over the nominal slope and thresholds in volts of a layer's devices, and a few devices by their place."""
    drawn = layer_devices(config, layer)
    rate = weight_per_volt(config, layer)
    values = {
        "slope_up": drawn.slope_up,
        "slope_down": drawn.slope_down,
        "threshold_up": config.device.threshold_up + drawn.offset_up / rate,
        "threshold_down": config.device.threshold_down + drawn.offset_down / rate,
    }
    histograms = {}
    for name, array in values.items():
        counts, edges = np.histogram(array, _bins(array))
        histograms[name] = {"edges": edges, "counts": counts, "mean": array.mean(), "deviation": array.std()}
    places = np.linspace(0, drawn.stuck.size - 1, min(SAMPLE, drawn.stuck.size)).astype(int)
    sample = [
        {"layer": layer, "row": int(row), "column": int(column)}
        | {name: float(array[row, column]) for name, array in values.items()}
        | {"stuck": int(drawn.stuck[row, column])}
        for row, column in zip(*np.unravel_index(places, drawn.stuck.shape), strict=True)
    ]
    return {
        "layer": layer,
        "devices": drawn.stuck.size,
        "stuck_on": int((drawn.stuck == 1).sum()),
        "stuck_off": int((drawn.stuck == 2).sum()),
        "histograms": histograms,
        "sample": sample,
    }


def measured_file(config: Config) -> dict[str, Any] | None:
    """How many devices device.file has, and how many synapses draw one of them; None: there is no file."""
    if not config.device.file:
        return None
    found = read_file(config)
    synapses = sum((below + 1) * above for below, above in itertools.pairwise(config.network.layers))
    return {
        "devices": len(found.values["stuck"]),
        "synapses": synapses,
        "drawn": synapses if found.place is None else synapses - len(found.place),
        "spread": config.device.file_spread,
    }


def _bins(values: np.ndarray) -> np.ndarray | int:
    """Edges of bins; drawn deviations have few distinct values, of which each bin takes three."""
    distinct = np.unique(np.round(values, 12))
    if len(distinct) < 4:
        return len(distinct)
    if len(distinct) > 4 * 30:
        return 30
    middles = (distinct[1:] + distinct[:-1]) / 2
    return np.concatenate([[values.min()], middles[2:-1:3], [values.max()]])


def neuron_gains(config: Config, network: Network) -> dict[str, Any] | None:
    """The neurons' gains where they differ."""
    if config.neuron.gain_spread == 0:
        return None
    drawn = np.concatenate(gains(config)[1:])
    limit = config.neuron.threshold / config.neuron.membrane_limit
    return {"gains": drawn, "mean": drawn.mean(), "deviation": drawn.std(), "silent": int((drawn <= limit).sum())}


def pulses(config: Config, writer: FixedWriter | None) -> dict[str, Any]:
    """The pulses of fig 3.3 as corner points (time in ns, volts), and what each half of the programming pulse does to
    a device of the first layer at mid-range: one without deviations, and two whose thresholds are one deviation off."""
    device, length, layer = config.device, config.device.pulse_ns, 0
    x = EXAMPLE * full_step(config, layer) / weight_per_volt(config, layer)
    up, down = device.threshold_up, -device.threshold_down
    read = READ_VOLTS * min(up, -down)
    phases = (
        ("rest", 0.5, 0.0, 0.0),
        ("communication", 1, read, 0.0),
        ("rest", 0.5, 0.0, 0.0),
        ("up", 1, up, -x),
        ("down", 1, down, -x),
        ("rest", 0.5, 0.0, 0.0),
    )
    trace: dict[str, list[float]] = {"time": [], "vi": [], "vj": [], "v": []}
    marks, at = [], 0.0
    for name, share, vi, vj in phases:
        marks.append({"phase": name, "from": at, "to": at + share * length})
        for time in (at, at + share * length):
            for key, value in (("time", time), ("vi", vi), ("vj", vj), ("v", vi - vj)):
                trace[key].append(value)
        at += share * length
    whole = 2 * config.synapses[layer].range
    changes = []
    for name, deviate in (("no deviation", 0.0), ("threshold one deviation higher", DEVIATE_DEVIATION),
                          ("threshold one deviation lower", -DEVIATE_DEVIATION)):  # fmt: skip
        rate = weight_per_volt(config, layer)
        offset = [float(offset_of(config, layer, half, deviate)) / rate for half in (0, 1)]
        over, under = max(x - offset[0], 0.0), min(x + offset[1], 0.0)
        changes.append(
            {
                "device": name,
                "volts_over_threshold": over,
                "volts_under_threshold": under,
                "up": float(real_change(config, layer, 0, over, 0.5)),
                "down": float(real_change(config, layer, 1, under, 0.5)),
            }
        )
    result: dict[str, Any] = {
        "layer": layer,
        "rhobar": EXAMPLE,
        "rhobar_volts": x,
        "trace": trace,
        "phases": marks,
        "changes": changes,
        "fixed": None,
    }
    if writer is not None:
        rhobar = round(EXAMPLE * 2**config.rate.fraction_bits)
        lsb = _lsb(config, layer)
        halves = [sum(writer.steps(layer, rhobar, half)) / DRAWS for half in (0, 1)]
        result["fixed"] = {
            "rhobar_lsbs": rhobar,
            "up": halves[0] * lsb / whole,
            "down": halves[1] * lsb / whole,
            "up_lsbs": halves[0],
            "down_lsbs": halves[1],
        }
    return result
