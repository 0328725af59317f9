"""The memristor of a synapse: eq 3.2, its faults, and what a programming pulse does to it (sections 3.2, 3.3 and 3.8).

A neuron that programs puts +Vth on its side and then -Vth; the other neuron of the synapse puts its rho-bar there
meanwhile. The device sees x + Vth and then x - Vth, x being the rho-bar in volts. Each half acts as far as it exceeds
the device's own threshold, which may deviate from the pulse by `offset` (eqs 3.14 and 3.15):

    up = max(0, x - offset_up)      down = min(0, x + offset_down)
    dW = up * slope_up * curve_up(W) + down * slope_down * curve_down(W) + noise

With no deviation exactly one half acts, the one that x has the sign of, and dW = x in an ideal device. Slopes and
curves are factors around 1; x and the offsets are in units of the weight, as the nominal slope makes them (eq 3.8).

Both kinds of numbers are made here from one description. In fixed point x has `fraction - FACTOR_BITS` bits below the
weight's LSB and dW has `fraction`; curves are tables over the weight's highest `CURVE_BITS` bits. A device's deviations
are a hash of the seed, its row's and its column's neurons: they take no memory, and the circuit draws the same ones.
"""

from __future__ import annotations

import csv
import math
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

import numba
import numpy as np
from numba.extending import overload

from golden.config import Config, ConfigError
from golden.number import (
    DEVIATE_DEVIATION,
    DEVIATE_LIMIT,
    NOISE_DEVIATION,
    STOCHASTIC,
    TRUNCATE,
    FixedNumbers,
    Format,
    column_key,
    deviate_of,
    kernel,
    mix,
    neuron_numbers,
    noise_of,
    rounded,
    spread,
)

FACTOR_BITS = 8
"""Fraction bits of slopes and curves."""
SLOPE_MAX = 2**11 - 1
"""Greatest slope, in 2^-FACTOR_BITS: just under 8."""
CURVE_BITS = 6
"""A curve has one value for each of 2^CURVE_BITS parts of the conductance range, the exact one at the middle."""
FRACTION_MAX = 28
"""Most bits that a change has below the weight's LSB: a draw has as many, out of 32."""

FREE, STUCK_ON, STUCK_OFF = 0, 1, 2

COLUMNS = ("slope_up", "slope_down", "threshold_up", "threshold_down", "stuck")
"""Parameters of a device in a file of measurements, besides its place: layer, row, column."""


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


class DeviceSeeds(NamedTuple):
    """Words that all deviations of a chip are hashed from."""

    slopes: int
    thresholds: int
    stuck: int
    gains: int


def device_seeds(config: Config) -> DeviceSeeds:
    """The words of device.seed (or training.seed)."""
    seed = config.training.seed if config.device.seed is None else config.device.seed
    return DeviceSeeds(*(int(w) for w in np.random.SeedSequence([seed, 0xD3]).generate_state(4, np.uint32)))


def slope_of(config: Config, half: int, deviate: float | np.ndarray) -> float | np.ndarray:
    """Slope of a device, the nominal one being 1: `half` 0 is up, 1 down."""
    nominal = (config.device.slope_up, config.device.slope_down)[half]
    return np.maximum(nominal * (1 + config.device.slope_spread * deviate / DEVIATE_DEVIATION), 0)


def weight_per_volt(config: Config, layer: int) -> float:
    """Weight change of one half of the programming pulse, for each volt over the threshold (eq 3.16)."""
    return 2 * config.synapses[layer].range * config.device.speed * config.device.pulse_ns / 50


def offset_of(config: Config, layer: int, half: int, deviate: float | np.ndarray) -> float | np.ndarray:
    """How much more than the pulse the device's threshold is, as a weight change (eq 3.15)."""
    threshold = (config.device.threshold_up, config.device.threshold_down)[half]
    return weight_per_volt(config, layer) * threshold * config.device.threshold_spread * deviate / DEVIATE_DEVIATION


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
    # Enough bits for an offset's or a unit of noise's deviation to be several LSBs.
    fraction = step_shift + FACTOR_BITS
    if noise > 0:
        fraction = max(fraction, math.ceil(math.log2(8 * NOISE_DEVIATION / noise)))
    if offset > 0:
        fraction = max(fraction, FACTOR_BITS + math.ceil(math.log2(8 / offset)))
    fraction = max(step_shift + FACTOR_BITS, min(fraction, FRACTION_MAX))
    if fraction > FRACTION_MAX:
        raise ConfigError(
            f"synapses[{layer}].learning_rate: {synapse.learning_rate:g} is too small for devices in fixed point: "
            f"the change would have {fraction} bits below the weight's LSB, allowed are {FRACTION_MAX}"
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


# ---------------------------------------------------------------------------------------------------------------------
# Deviations


class Deviates(NamedTuple):
    """What one layer's devices draw, arrays of shape (presynaptic + 1, postsynaptic): integers as `deviate_of` gives
    them, and `stuck` (FREE, STUCK_ON, STUCK_OFF)."""

    slope_up: np.ndarray
    slope_down: np.ndarray
    threshold_up: np.ndarray
    threshold_down: np.ndarray
    stuck: np.ndarray


@kernel
def _hash_layer(seed, row_numbers, column_numbers, words):
    """Words of all devices, shape (rows, columns), from the numbers of the neurons of their row and column."""
    for row in range(words.shape[0]):
        of_row = mix(seed ^ spread(row_numbers[row]))
        for column in range(words.shape[1]):
            words[row, column] = mix(of_row ^ column_key(column_numbers[column]))


def device_words(config: Config, layer: int, seed: int) -> np.ndarray:
    """One word for each device of a synapse layer, shape (presynaptic + 1, postsynaptic).

    One-way devices (inputs and biases) belong to the row of the neuron below and the column of the one above; two-way
    ones to the row of the neuron above and the column of the one below, as the circuit serves them.
    """
    layers = config.network.layers
    numbers = neuron_numbers(layers)
    below = numbers[layer] + np.arange(layers[layer] + 1)
    above = numbers[layer + 1] + np.arange(layers[layer + 1])
    words = np.zeros((len(below), len(above)), np.int64)
    _hash_layer(seed, below, above, words)
    if layer > 0:
        two_way = np.zeros((len(above), layers[layer]), np.int64)
        _hash_layer(seed, above, below[:-1], two_way)
        words[:-1] = two_way.T
    return words


def stuck_limits(config: Config) -> tuple[int, int]:
    """Of a 16-bit draw: below the first a device is stuck on, else below the second stuck off."""
    on = round(config.device.stuck_on * 2**16)
    return on, on + round(config.device.stuck_off * 2**16)


def deviates(config: Config, layer: int) -> Deviates:
    """What a layer's devices draw."""
    device, seeds = config.device, device_seeds(config)
    slopes = device_words(config, layer, seeds.slopes)
    thresholds = device_words(config, layer, seeds.thresholds)
    draw = device_words(config, layer, seeds.stuck) >> 16
    on, off = stuck_limits(config)
    second = [0 if symmetric else 1 for symmetric in (device.slope_symmetric, device.threshold_symmetric)]
    each = np.vectorize(deviate_of, otypes=[np.int64])
    return Deviates(
        slope_up=each(slopes, 0),
        slope_down=each(slopes, second[0]),
        threshold_up=each(thresholds, 0),
        threshold_down=each(thresholds, second[1]),
        stuck=np.where(draw < on, STUCK_ON, np.where(draw < off, STUCK_OFF, FREE)),
    )


class LayerDevices(NamedTuple):
    """The devices of one layer, arrays of shape (presynaptic + 1, postsynaptic): slopes and offsets as `dW` above needs
    them (in fixed point integers, as `DeviceNumbers` has them), and `stuck`."""

    slope_up: np.ndarray
    slope_down: np.ndarray
    offset_up: np.ndarray
    offset_down: np.ndarray
    stuck: np.ndarray


def layer_devices(config: Config, layer: int, numbers: DeviceNumbers | None = None) -> LayerDevices:
    """The devices of a layer: drawn, or measured where device.file is set; integers where `numbers` are given."""
    device = config.device
    if device.file:
        measured = read_devices(config)[layer]
        volts = weight_per_volt(config, layer)
        slopes = [measured["slope_up"] * device.slope_up, measured["slope_down"] * device.slope_down]
        offsets = [
            volts * (measured["threshold_up"] - device.threshold_up),
            volts * (measured["threshold_down"] - device.threshold_down),
        ]
        stuck = measured["stuck"].astype(np.int64)
    else:
        drawn = deviates(config, layer)
        slopes = [slope_of(config, 0, drawn.slope_up), slope_of(config, 1, drawn.slope_down)]
        offsets = [
            offset_of(config, layer, 0, drawn.threshold_up),
            offset_of(config, layer, 1, drawn.threshold_down),
        ]
        stuck = drawn.stuck
    if numbers is not None:
        lsb = 2.0 ** -(config.synapses[layer].fraction_bits + numbers.fraction - FACTOR_BITS)
        slopes = [slope_code(s) for s in slopes]
        offsets = [np.rint(o / lsb).astype(np.int64) for o in offsets]
    return LayerDevices(*slopes, *offsets, stuck)


def gains(config: Config) -> list[np.ndarray]:
    """Gain alpha of every neuron, one array a layer (section 3.8.1); the inputs' are 1."""
    layers, numbers, seed = config.network.layers, neuron_numbers(config.network.layers), device_seeds(config).gains
    out = [np.ones(layers[0])]
    for layer in range(1, len(layers)):
        drawn = np.array([noise_of(mix(seed ^ column_key(numbers[layer] + n))) for n in range(layers[layer])])
        out.append(1 + config.neuron.gain_spread * drawn / NOISE_DEVIATION)
    return out


def thresholds(config: Config, high: float | int, scale: float = 1.0) -> list[np.ndarray]:
    """Threshold / gain of every neuron times `scale`, one array a layer; `high`, which a membrane never exceeds, for a
    neuron that never fires."""
    out = []
    for layer in gains(config):
        with np.errstate(divide="ignore"):
            values = np.where(layer > 0, config.neuron.threshold * scale / layer, high)
        out.append(np.minimum(values, high))
    return out


def fixed_thresholds(config: Config, membrane: Format) -> list[np.ndarray]:
    """`thresholds` in membrane LSBs."""
    return [np.rint(t).astype(np.int64) for t in thresholds(config, membrane.high, 2.0**membrane.fraction_bits)]


# ---------------------------------------------------------------------------------------------------------------------
# Measured devices


def read_devices(config: Config) -> list[dict[str, np.ndarray]]:
    """The table of device.file: for each layer of synapses, arrays of shape (presynaptic + 1, postsynaptic).

    The table has the columns layer, row, column (all from 0; the bias is the last row) and any of `COLUMNS`: slopes
    over the nominal slope, thresholds in volts (both positive), stuck 0, 1 (on) or 2 (off). What is missing is nominal.
    Raises `ConfigError`, which names the file and the first device that is wrong.
    """
    path = Path(config.device.file)

    def refuse(what: str) -> ConfigError:
        return ConfigError(f"device.file: {path}: {what}")

    table = _read_table(path, refuse)
    unknown = sorted(set(table) - {"layer", "row", "column", *COLUMNS})
    missing = [name for name in ("layer", "row", "column") if name not in table]
    if unknown or missing:
        what = f"no column {missing[0]!r}" if missing else f"unknown column {unknown[0]!r}"
        raise refuse(f"{what}; columns are layer, row, column and any of {', '.join(COLUMNS)}")
    lengths = {len(values) for values in table.values()}
    if len(lengths) != 1:
        raise refuse("columns of different lengths")
    nominal = {
        "slope_up": 1.0,
        "slope_down": 1.0,
        "threshold_up": config.device.threshold_up,
        "threshold_down": config.device.threshold_down,
        "stuck": float(FREE),
    }
    for name, values in table.items():
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            raise refuse(f"entry {bad[0] + 1}, {name}: {values[bad[0]]} is not a number")
        low, high = (0, 2) if name == "stuck" else (0, 8) if name.startswith("slope") else (0, 1e9)
        bad = np.flatnonzero((values < low) | (values > high))
        if len(bad):
            raise refuse(f"entry {bad[0] + 1}, {name}: {values[bad[0]]:g}; allowed: {low} to {high}")
        if name in ("layer", "row", "column", "stuck") and np.any(values != np.rint(values)):
            raise refuse(f"{name} must be whole numbers")
    layers = config.network.layers
    out = []
    place = np.stack([table[name].astype(np.int64) for name in ("layer", "row", "column")], axis=1)
    for layer in range(len(layers) - 1):
        shape = (layers[layer] + 1, layers[layer + 1])
        here = place[:, 0] == layer
        row, column = place[here, 1], place[here, 2]
        outside = np.flatnonzero((row >= shape[0]) | (column >= shape[1]))
        if len(outside):
            at = outside[0]
            has = f"this layer has {shape[0]} rows and {shape[1]} columns"
            raise refuse(f"layer {layer}, row {row[at]}, column {column[at]}: {has}")
        count = np.zeros(shape, np.int64)
        np.add.at(count, (row, column), 1)
        wrong = np.argwhere(count != 1)
        if len(wrong):
            at = tuple(wrong[0])
            times = "is missing" if count[at] == 0 else f"is there {count[at]} times"
            raise refuse(
                f"the device at layer {layer}, row {at[0]}, column {at[1]} {times}; {len(wrong)} such in this layer"
            )
        arrays = {}
        for name in COLUMNS:
            arrays[name] = np.full(shape, nominal[name])
            if name in table:
                arrays[name][row, column] = table[name][here]
        out.append(arrays)
    beyond = np.flatnonzero(place[:, 0] >= len(layers) - 1)
    if len(beyond):
        raise refuse(
            f"entry {beyond[0] + 1}: layer {place[beyond[0], 0]}; this network has {len(layers) - 1} layers of synapses"
        )
    return out


def _read_table(path: Path, refuse: object) -> dict[str, np.ndarray]:
    """Columns of a CSV file with a header, or the one-dimensional arrays of an NPZ file, as floats."""
    try:
        if path.suffix == ".npz":
            with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
                return {name: np.asarray(data[name], np.float64).reshape(-1) for name in data.files}
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
    except OSError as error:
        raise refuse(f"cannot be read: {error.strerror or error}") from None
    except (ValueError, TypeError, KeyError, csv.Error, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise refuse(f"is not a table of devices: {error}") from None
    if not rows:
        raise refuse("is empty")
    header = [name.strip() for name in rows[0]]
    if twice := [name for at, name in enumerate(header) if name in header[:at]]:
        raise refuse(f"column {twice[0]!r} is there twice")
    columns: list[list[float]] = [[] for _ in header]
    for line, row in enumerate(rows[1:], 2):
        if not row:
            continue
        if len(row) != len(header):
            raise refuse(f"line {line} has {len(row)} entries, the header {len(header)}")
        for values, name, text in zip(columns, header, row, strict=True):
            try:
                values.append(float(text))
            except ValueError:
                raise refuse(f"line {line}, {name}: {text!r} is not a number") from None
    return {name: np.array(values) for name, values in zip(header, columns, strict=True)}


# ---------------------------------------------------------------------------------------------------------------------
# Kernels


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
    return lambda slope, factor: (slope * factor + 128) >> 8


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
def write(weights, row, column, s, up, down, noise_word, shift, rounding, draw, low, high, devices):
    """One device takes what both halves of the pulses left over its thresholds. Returns 1 if it met a bound, else 0."""
    if devices.stuck[row, column] != FREE:
        return 0
    weight = weights[row, column]
    slope_up, slope_down = devices.slope_up[row, column], devices.slope_down[row, column]
    if devices.curved:
        slope_up = combine(slope_up, curve_factor(weight, low, s, 0, devices))
        slope_down = combine(slope_down, curve_factor(weight, low, s, 1, devices))
    change = up * slope_up + down * slope_down
    if devices.noisy:
        change += noise_of(mix(noise_word)) * devices.noise[s]
    exact = moved(weight, change, low, devices.quantum, s, shift, rounding, draw)
    new = min(max(exact, low), high)
    weights[row, column] = new
    return 1 if new != exact else 0


__all__ = [
    "CURVE_BITS",
    "FACTOR_BITS",
    "DeviceNumbers",
    "DeviceSeeds",
    "Devices",
    "curve_error",
    "device_numbers",
    "device_seeds",
    "fixed_devices",
    "fixed_thresholds",
    "layer_devices",
    "network_devices",
    "write",
]
