"""What tells one device, and one neuron, of a chip from another: drawn by hashes, or measured.

A device's deviations are a hash of the seed and of its row's and its column's neurons: they take no memory, and the
circuit draws the same ones.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from eqspike.golden.config import Config
from eqspike.golden.derived import neuron_numbers
from eqspike.golden.device_numbers import (
    FACTOR_BITS,
    DeviceNumbers,
    compensation,
    offset_of,
    slope_code,
    slope_of,
    weight_per_volt,
)
from eqspike.golden.device_section import FREE, STUCK_OFF, STUCK_ON
from eqspike.golden.device_words import device_seeds, device_words
from eqspike.golden.draw import NOISE_DEVIATION, column_key, deviate_of, mix, noise_of
from eqspike.golden.measured import read_devices
from eqspike.golden.number import Format


class Deviates(NamedTuple):
    """What one layer's devices draw, arrays of shape (presynaptic + 1, postsynaptic): integers as `deviate_of` gives
    them, and `stuck` (FREE, STUCK_ON, STUCK_OFF)."""

    slope_up: np.ndarray
    slope_down: np.ndarray
    threshold_up: np.ndarray
    threshold_down: np.ndarray
    stuck: np.ndarray


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
        driver = [compensation(config, half) for half in (0, 1)]
        slopes = [
            measured["slope_up"] * device.slope_up * driver[0],
            measured["slope_down"] * device.slope_down * driver[1],
        ]
        offsets = [
            volts * (measured["threshold_up"] - device.threshold_up) / driver[0],
            volts * (measured["threshold_down"] - device.threshold_down) / driver[1],
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
