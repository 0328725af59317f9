"""Why devices learn badly: what a config says of them that is known to cost accuracy, by how much, and what helps."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from eqspike.golden.config import Config
from eqspike.golden.deviations import LayerDevices, layer_devices
from eqspike.golden.device_numbers import compensation, weight_per_volt
from eqspike.golden.device_section import FREE
from eqspike.lab.device import EXAMPLE, full_step

OFFSET = 0.25
"""Mean offset of the thresholds, as a part of the mean step, above which it is told."""
RATIO = 1.1
"""Mean step up over mean step down, or the other way round."""
GATHERED = 0.05
"""What random steps add up to while steps of the mean size cross the range, as a part of it: deviation over the root of
the mean step. In docs/results.md 0.026 costs nothing, 0.066 (write noise 1e-3) 0.8 points, 0.125 (64 states) 2, and
0.26 (write noise 1e-3, each spike programs) 62."""


class Advice(NamedTuple):
    """One thing that is known to cost accuracy."""

    symptom: str
    number: float
    """How large it is; 1, or 0 of offsets, would be none."""
    cure: str
    """The keys that help."""

    @property
    def line(self) -> str:
        """For the terminal."""
        return f"{self.symptom}; {self.cure}"


def device_advice(config: Config) -> list[Advice]:
    """What the devices of a config will cost, of the layer where it is worst; empty: nothing that is known."""
    if config.device.ideal and config.device.states is None:
        return []
    layers = range(len(config.synapses))
    devices = [layer_devices(config, layer) for layer in layers]
    steps = [mean_step(config, layer) for layer in layers]
    return [
        *_offsets(config, devices, steps),
        *_ratio(config, devices),
        *_noise(config, steps),
        *_states(config, steps),
    ]


def mean_step(config: Config, layer: int) -> float:
    """What a write asks for, as a part of Gmax - Gmin: that of a rho-bar of `EXAMPLE` (with A-EqSpike, of the mean of a
    tail) at the full learning rate, and at least a whole step of the accumulator where there is one."""
    full = full_step(config, layer) / (2 * config.synapses[layer].range)
    pulse = config.pulse
    tail = pulse.amplitude * (pulse.half / 2 if pulse.shape == "saw" else 1)
    typical = full * (tail if config.pulses else EXAMPLE)
    programming = config.programming
    return max(typical, programming.step if programming.gathers else 0.0)


def _mean(values: np.ndarray, devices: LayerDevices) -> float:
    """Of the devices that are not stuck."""
    free = devices.stuck == FREE
    return float(values[free].mean()) if free.any() else 0.0


def _offsets(config: Config, devices: list[LayerDevices], steps: list[float]) -> list[Advice]:
    """Thresholds whose mean is not the pulse's height: every write goes too far, or not far enough."""
    out = []
    for half, name in enumerate(("up", "down")):
        found = [_mean((d.offset_up, d.offset_down)[half], d) for d in devices]
        shares = [o / (2 * s.range) / step for o, s, step in zip(found, config.synapses, steps, strict=True)]
        worst = int(np.argmax(np.abs(shares)))
        if abs(shares[worst]) <= OFFSET:
            continue
        volts = found[worst] / weight_per_volt(config, worst) * compensation(config, half)
        height = getattr(config.device, f"threshold_{name}")
        out.append(
            Advice(
                f"thresholds {name} are {abs(volts):.3g} V {'above' if volts > 0 else 'below'} the pulse in the mean, "
                f"{abs(shares[worst]):.3g} mean steps in layer {worst}",
                float(shares[worst]),
                f"make the pulse as high: device.threshold_{name}={height + volts:.5g}",
            )
        )
    return out


def _ratio(config: Config, devices: list[LayerDevices]) -> list[Advice]:
    """Steps up that are larger than steps down in the mean: what should cancel does not."""
    device = config.device
    curves = math.exp(device.nonlinearity_up / 2), math.exp(device.nonlinearity_down / 2)
    up = np.mean([_mean(d.slope_up, d) for d in devices]) * curves[0]
    down = np.mean([_mean(d.slope_down, d) for d in devices]) * curves[1]
    if not (up > 0 and down > 0) or 1 / RATIO <= up / down <= RATIO:
        return []
    ratio = float(up / down)
    return [
        Advice(
            f"steps up are {ratio:.3g} times those down at mid-range, in the mean",
            ratio,
            "device.compensate=nominal divides each direction by its own; or pulses that are unlike, "
            f"device.slope_up={device.slope_up / ratio:.4g}",
        )
    ]


def _noise(config: Config, steps: list[float]) -> list[Advice]:
    """Write noise, which is the same for a small step as for a large one."""
    noise, worst = config.device.write_noise, int(np.argmin(steps))
    share, gathered = noise / steps[worst], noise / math.sqrt(steps[worst])
    if gathered <= GATHERED:
        return []
    return [
        Advice(
            f"write noise is {share:.3g} times the mean step of layer {worst} ({noise:.3g} of the range against "
            f"{steps[worst]:.3g}): {gathered:.2g} of the range while a weight crosses it",
            share,
            "write seldom and in larger steps: programming.accumulator with a large programming.step, or a lower "
            "programming.probability",
        )
    ]


def _states(config: Config, steps: list[float]) -> list[Advice]:
    """States that are further apart than what a write asks for."""
    states = config.device.states
    if states is None:
        return []
    worst = int(np.argmin(steps))
    share, rounding = 1 / states / steps[worst], config.synapses[worst].rounding
    if share <= 1 or (rounding == "stochastic" and 1 / math.sqrt(states) <= GATHERED):
        return []
    by_chance = f"one write in {share:.3g} moves a device, by chance"
    return [
        Advice(
            f"a state is {share:.3g} mean steps of layer {worst} (1/{states} of the range against {steps[worst]:.3g}): "
            + (by_chance if rounding == "stochastic" else f"rounding {rounding} loses them"),
            share,
            "add steps up before they are written: programming.accumulator with programming.step of a state or more; "
            "or a higher synapses.*.learning_rate",
        )
    ]
