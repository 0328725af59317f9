"""What follows from the section `device` of a config: slopes, offsets, curves, and the same in fixed point.

In fixed point the rho-bar x of `golden.device` has `fraction - FACTOR_BITS` bits below the weight's LSB and a change dW
has `fraction`; curves are tables over the weight's highest `CURVE_BITS` bits.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from eqspike.golden.config import Config
from eqspike.golden.draw import DEVIATE_DEVIATION, DEVIATE_LIMIT, NOISE_DEVIATION
from eqspike.golden.measured import mean_slopes
from eqspike.golden.number import FixedNumbers
from eqspike.golden.validation import ConfigError

FACTOR_BITS = 8
"""Fraction bits of slopes and curves."""
SLOPE_MAX = 2**11 - 1
"""Greatest slope, in 2^-FACTOR_BITS: just under 8."""
CURVE_BITS = 6
"""A curve has one value for each of 2^CURVE_BITS parts of the conductance range, the exact one at the middle."""
FRACTION_MAX = 28
"""Most bits that a change has below the weight's LSB: a draw has as many, out of 32."""


class DeviceNumbers(NamedTuple):
    """What follows in fixed point from the device, for one layer of synapses whose devices are not ideal."""

    fraction: int
    """Bits of a change below the weight's LSB; a draw for rounding has as many."""
    x_boost: int
    """Left shift of rho-bar at the full learning rate; every halving takes one off."""
    slopes: tuple[tuple[int, ...], ...]
    """(up, down): slope of each deviate -DEVIATE_LIMIT..DEVIATE_LIMIT, in 2^-FACTOR_BITS."""
    offsets: tuple[tuple[int, ...], ...]
    """(up, down): offset of each deviate, with `fraction - FACTOR_BITS` bits below the weight's LSB."""
    curves: tuple[tuple[int, ...], ...]
    """(up, down): factor of each part of the conductance range, lowest first, in 2^-FACTOR_BITS."""
    curve_shift: int
    """Weight bits below the index into a curve."""
    noise_gain: int
    """Write noise of each unit of `noise_of`, with `fraction` bits below the weight's LSB; 0: none."""


def slope_of(config: Config, half: int, deviate: float | np.ndarray) -> float | np.ndarray:
    """Slope of a device, the nominal one being 1: `half` 0 is up, 1 down."""
    nominal = (config.device.slope_up, config.device.slope_down)[half] * compensation(config, half)
    return np.maximum(nominal * (1 + config.device.slope_spread * deviate / DEVIATE_DEVIATION), 0)


def compensation(config: Config, half: int) -> float:
    """What the driver multiplies its pulses by, up (`half` 0) or down (1), so that the mean step is the nominal one.

    A pulse c times as large acts on a device's threshold as one whose threshold deviates by 1 / c as much, and whose
    slope is c times as steep: so it is put into these.
    """
    device = config.device
    if device.compensate == "none":
        return 1.0
    slope = (device.slope_up, device.slope_down)[half]
    if device.compensate == "measured":
        slope *= mean_slopes(config)[half]
    a, b = curve_exponents(config, half)
    return 1 / (slope * math.exp(a + b / 2)) if slope > 0 else 1.0


def weight_per_volt(config: Config, layer: int) -> float:
    """Weight change of one half of the programming pulse, for each volt over the threshold (eq 3.16)."""
    return 2 * config.synapses[layer].range * config.device.speed * config.device.pulse_ns / 50


def offset_of(config: Config, layer: int, half: int, deviate: float | np.ndarray) -> float | np.ndarray:
    """How much more than the pulse the device's threshold is, as a weight change (eq 3.15)."""
    threshold = (config.device.threshold_up, config.device.threshold_down)[half]
    spread = config.device.threshold_spread * deviate / DEVIATE_DEVIATION
    return weight_per_volt(config, layer) * threshold * spread / compensation(config, half)


def curve_exponents(config: Config, half: int) -> tuple[float, float]:
    """(a, b): the factor of eq 3.2 is exp(a + b g) at the conductance g, 0 at Gmin and 1 at Gmax."""
    device = config.device
    eta = (device.nonlinearity_up, device.nonlinearity_down)[half]
    falls = (half == 0) == (device.nonlinearity_form == "saturating")
    return (eta, -eta) if falls else (0.0, eta)


def curve_error(config: Config) -> float:
    """Greatest relative error of the fixed-point curves: half a part's width times eta, and half an LSB."""
    eta = max(config.device.nonlinearity_up, config.device.nonlinearity_down)
    return math.expm1(eta * 2.0 ** -(CURVE_BITS + 1)) + 2.0 ** -(FACTOR_BITS + 1)


def device_numbers(config: Config, layer: int, step_shift: int, step_boost: int) -> DeviceNumbers | None:
    """`DeviceNumbers` of a layer, or None where they are ideal. Raises `ConfigError` for a fault that is too
    small for fixed point."""
    device, synapse = config.device, config.synapses[layer]
    if device.ideal:
        return None
    full = 2.0**synapse.bits
    noise = device.write_noise * full
    offset = abs(offset_of(config, layer, 0, DEVIATE_DEVIATION)) / 2.0**-synapse.fraction_bits
    # A draw of 32 bits rounds both what is gathered and the device's change.
    most, gathers = FRACTION_MAX, config.programming.gathers
    if gathers:
        most, step_shift, step_boost = min(FRACTION_MAX, 32 - step_shift), 0, 0
    # Enough bits for an offset's or a unit of noise's deviation to be several LSBs.
    fraction = step_shift + FACTOR_BITS
    if noise > 0:
        fraction = max(fraction, math.ceil(math.log2(8 * NOISE_DEVIATION / noise)))
    if offset > 0:
        fraction = max(fraction, FACTOR_BITS + math.ceil(math.log2(8 / offset)))
    fraction = max(step_shift + FACTOR_BITS, min(fraction, most))
    if fraction > most:
        least = synapse.learning_rate * 2.0 ** (fraction - most)
        raise ConfigError(
            f"synapses[{layer}].learning_rate: {synapse.learning_rate:g} is too small for devices in fixed point: with "
            f"{len(synapse.halve_at)} halvings the change would have {fraction} bits below the weight's LSB, allowed "
            f"are {most}; at least {least!r}"
        )
    noise_gain = round(noise * 2.0**fraction / NOISE_DEVIATION)
    if noise > 0 and noise_gain == 0:
        least = NOISE_DEVIATION * 2.0**-fraction / full
        raise ConfigError(
            f"device.write_noise: {device.write_noise:g} is too small for fixed point; 0, or at least {least:.1g}"
        )
    deviates = np.arange(-DEVIATE_LIMIT, DEVIATE_LIMIT + 1)
    lsb = 2.0**-synapse.fraction_bits * 2.0 ** -(fraction - FACTOR_BITS)
    offsets = [np.rint(offset_of(config, layer, half, deviates) / lsb).astype(np.int64) for half in (0, 1)]
    if device.threshold_spread > 0 and not offsets[0].any():
        raise ConfigError(
            f"device.threshold_spread: {device.threshold_spread:g} is too small for fixed point at device.speed = "
            f"{device.speed:g}; 0, or more"
        )
    parts = min(CURVE_BITS, synapse.bits)
    middles = (np.arange(2**parts) + 0.5) / 2**parts
    curves = []
    for half in (0, 1):
        a, b = curve_exponents(config, half)
        curves.append(tuple(int(v) for v in np.rint(2**FACTOR_BITS * np.exp(a + b * middles))))
    return DeviceNumbers(
        fraction=fraction,
        x_boost=step_boost + fraction - FACTOR_BITS - step_shift,
        slopes=tuple(tuple(int(v) for v in slope_code(slope_of(config, half, deviates))) for half in (0, 1)),
        offsets=tuple(tuple(int(v) for v in row) for row in offsets),
        curves=tuple(curves),
        curve_shift=synapse.bits - parts,
        noise_gain=noise_gain,
    )


def fixed_devices(config: Config, numbers: FixedNumbers) -> tuple[DeviceNumbers | None, ...]:
    """`DeviceNumbers` of each layer of synapses."""
    return tuple(device_numbers(config, s, n.step_shift, n.step_boost) for s, n in enumerate(numbers.synapses))


def slope_code(slope: np.ndarray) -> np.ndarray:
    """A slope in fixed point."""
    return np.minimum(np.rint(np.asarray(slope) * 2**FACTOR_BITS), SLOPE_MAX).astype(np.int64)
