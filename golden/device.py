"""The memristor of a synapse: eq 3.2, its faults, and what a programming pulse does to it (sections 3.2, 3.3 and 3.8).

A neuron that programs puts +Vth on its side and then -Vth; the other neuron of the synapse puts its rho-bar there
meanwhile. The device sees x + Vth and then x - Vth, x being the rho-bar in volts. Each half acts as far as it exceeds
the device's own threshold, which may deviate from the pulse by `offset` (eqs 3.14 and 3.15):

    up = max(0, x - offset_up)      down = min(0, x + offset_down)
    dW = up * slope_up * curve_up(W) + down * slope_down * curve_down(W) + noise

With no deviation exactly one half acts, the one that x has the sign of, and dW = x in an ideal device. Slopes and
curves are factors around 1; x and the offsets are in units of the weight, as the nominal slope makes them (eq 3.8).

The same kernels serve real numbers and fixed point (`golden.device_numbers`). Which slope and which
thresholds a device has is drawn or measured (`golden.deviations`).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np
from numba.extending import overload

from eqspike.golden.config import Config
from eqspike.golden.derived import neuron_numbers
from eqspike.golden.deviations import layer_devices
from eqspike.golden.device_numbers import CURVE_BITS, FACTOR_BITS, DeviceNumbers, curve_exponents
from eqspike.golden.device_section import FREE
from eqspike.golden.draw import NOISE_DEVIATION, column_key, mix, noise_of
from eqspike.golden.kernel import kernel
from eqspike.golden.number import STOCHASTIC, TRUNCATE, rounded


class Devices(NamedTuple):
    """All devices of a network, for the kernels; per-device arrays have the shape of the network's array of weights."""

    alike: bool
    """Every device makes exactly the step it is given; then nothing else here is of use."""
    noisy: bool
    curved: bool
    slope_up: np.ndarray
    slope_down: np.ndarray
    offset_up: np.ndarray
    offset_down: np.ndarray
    stuck: np.ndarray
    noise: np.ndarray
    """Shape (synapse layers,): noise of a unit of `noise_of`."""
    curve: np.ndarray
    """Fixed point: shape (synapse layers, 2, parts), the curves' tables."""
    curve_shift: np.ndarray
    exponents: np.ndarray
    """Real numbers: shape (synapse layers, 2, 2), the curves' exponents a and b."""
    quantum: np.ndarray | None
    """Real numbers with a number of states: shape (synapse layers,), distance between two of them as weights."""
    key: np.ndarray
    """Shape (layers, neurons): each neuron's `column_key`."""


def network_devices(
    config: Config, numbers: tuple[DeviceNumbers | None, ...] | None, shape: tuple[int, int], bases: list[int]
) -> Devices:
    """`Devices` for a network whose array of weights has `shape`, each layer's matrix from row `bases[layer]`;
    `numbers` in fixed point, None in real numbers."""
    layers, device = config.network.layers, config.device
    count = len(layers) - 1
    real = numbers is None
    dtype = np.float64 if real else np.int64
    arrays = {name: np.zeros(shape, dtype) for name in ("slope_up", "slope_down", "offset_up", "offset_down")}
    stuck = np.zeros(shape, np.int8)
    states = device.states if real else None
    alike = device.ideal and states is None
    if not alike:
        for layer, base in enumerate(bases):
            drawn = layer_devices(config, layer, None if real else numbers[layer])
            place = (slice(base, base + layers[layer] + 1), slice(0, layers[layer + 1]))
            stuck[place] = drawn.stuck
            for name, array in arrays.items():
                array[place] = getattr(drawn, name)
    widest = max(2 ** min(CURVE_BITS, s.bits) for s in config.synapses)
    curve = np.zeros((count, 2, widest), np.int64)
    noise = np.zeros(count, dtype)
    for layer in range(count):
        if real:
            noise[layer] = device.write_noise * 2 * config.synapses[layer].range / NOISE_DEVIATION
        elif numbers[layer] is not None:
            noise[layer] = numbers[layer].noise_gain
            for half in (0, 1):
                curve[layer, half, : len(numbers[layer].curves[half])] = numbers[layer].curves[half]
    places = neuron_numbers(layers)
    key = np.zeros((len(layers), shape[1]), np.int64)
    for layer in range(1, len(layers)):
        key[layer, : layers[layer]] = [column_key(places[layer] + n) for n in range(layers[layer])]
    return Devices(
        alike=alike,
        noisy=device.write_noise > 0,
        curved=bool(device.nonlinearity_up or device.nonlinearity_down),
        stuck=stuck,
        noise=noise,
        curve=curve,
        curve_shift=np.array(
            [0 if real or n is None else n.curve_shift for n in (numbers or [None] * count)], np.int64
        ),
        exponents=np.array([[curve_exponents(config, half) for half in (0, 1)]] * count),
        quantum=np.array([2 * s.range / states for s in config.synapses]) if states else None,
        key=key,
        **arrays,
    )


def half_volts(v, factor, gain):
    """rho-bar as x of eq 3.5, before thresholds: fixed point (v * factor) << gain, real numbers v * gain."""
    if isinstance(gain, float):
        return v * gain
    return (v * factor) << gain


@overload(half_volts, inline="always")
def _half_volts(v, factor, gain):
    if isinstance(gain, numba.types.Float):
        return lambda v, factor, gain: v * gain
    return lambda v, factor, gain: (v * factor) << gain


def curve_factor(weight, low, s, half, devices):
    """The factor of eq 3.2 at the conductance of `weight`, `low` being the weight at Gmin."""
    if isinstance(weight, float):
        g = (weight - low) / (-2 * low)
        return math.exp(devices.exponents[s, half, 0] + devices.exponents[s, half, 1] * g)
    return devices.curve[s, half, (weight - low) >> devices.curve_shift[s]]


@overload(curve_factor)
def _curve_factor(weight, low, s, half, devices):
    if isinstance(weight, numba.types.Float):

        def real(weight, low, s, half, devices):
            g = (weight - low) / (-2 * low)
            return math.exp(devices.exponents[s, half, 0] + devices.exponents[s, half, 1] * g)

        return real
    return lambda weight, low, s, half, devices: devices.curve[s, half, (weight - low) >> devices.curve_shift[s]]


def combine(slope, factor):
    """slope * factor; in fixed point rounded to FACTOR_BITS fraction bits, halves up."""
    if isinstance(slope, float):
        return slope * factor
    return (slope * factor + (1 << (FACTOR_BITS - 1))) >> FACTOR_BITS


@overload(combine, inline="always")
def _combine(slope, factor):
    if isinstance(slope, numba.types.Float):
        return lambda slope, factor: slope * factor
    return lambda slope, factor: (slope * factor + (1 << (FACTOR_BITS - 1))) >> FACTOR_BITS


def moved(weight, change, low, quantum, s, shift, rounding, draw):
    """weight + change, before saturation. Fixed point: the change rounded to LSBs. Real numbers: to states, if any."""
    if not isinstance(weight, float):
        return weight + rounded(change, shift, rounding, draw)
    if quantum is None:
        return weight + change
    return _to_states(weight + change, low, quantum[s], shift, rounding, draw, change)


def _to_states(exact, low, quantum, shift, rounding, draw, change):
    states = (exact - low) / quantum
    if rounding == STOCHASTIC:
        return low + quantum * math.floor(states + draw / (1 << shift))
    if change < 0:
        return low + quantum * math.ceil(states - (0.0 if rounding == TRUNCATE else 0.5))
    return low + quantum * math.floor(states + (0.0 if rounding == TRUNCATE else 0.5))


_to_states_kernel = kernel(_to_states)
_rounded_kernel = kernel(rounded)


@overload(moved)
def _moved(weight, change, low, quantum, s, shift, rounding, draw):
    if not isinstance(weight, numba.types.Float):
        return lambda weight, change, low, quantum, s, shift, rounding, draw: (
            weight + _rounded_kernel(change, shift, rounding, draw)
        )
    # Told apart by type: the call of floor in the loop over devices costs four times the rest of it, even untaken.
    if isinstance(quantum, numba.types.NoneType):
        return lambda weight, change, low, quantum, s, shift, rounding, draw: weight + change
    return lambda weight, change, low, quantum, s, shift, rounding, draw: _to_states_kernel(
        weight + change, low, quantum[s], shift, rounding, draw, change
    )


@kernel
def write(weights, place, up, down, draws, programming, devices):
    """One device, at `place` (row, column), takes what both halves of the pulses left over its thresholds.

    `draws` are the draw for rounding, of `programming.write_shift` bits, and the word that write noise is hashed from;
    `programming` is the `golden.synapses.Programming` of its layer. Returns 1 if it met a bound, else 0.
    """
    if devices.stuck[place] != FREE:
        return 0
    s, low, high = programming.layer, programming.low, programming.high
    weight = weights[place]
    slope_up, slope_down = devices.slope_up[place], devices.slope_down[place]
    if devices.curved:
        slope_up = combine(slope_up, curve_factor(weight, low, s, 0, devices))
        slope_down = combine(slope_down, curve_factor(weight, low, s, 1, devices))
    change = up * slope_up + down * slope_down
    if devices.noisy:
        change += noise_of(mix(draws[1])) * devices.noise[s]
    exact = moved(weight, change, low, devices.quantum, s, programming.write_shift, programming.rounding, draws[0])
    new = min(max(exact, low), high)
    weights[place] = new
    return 1 if new != exact else 0
