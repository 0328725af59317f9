"""Input neurons and LIF neurons (eq 2.5)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from eqspike.golden.kernel import inlined
from eqspike.golden.number import leak_down


class Membrane(NamedTuple):
    """Constants of the LIF neurons. Fixed point: integers, `leak` a right shift (-1: none). Real numbers: floats."""

    leak: float | int
    low: float | int
    high: float | int
    """The membrane's bounds, inclusive."""
    threshold: np.ndarray
    """Shape (layers, neurons), as neurons differ in gain (section 3.8.1)."""
    period: int
    """T_refract in steps."""


@inlined
def drive_inputs(pixels, threshold, membrane, spikes, fired_list):
    """One step of the input neurons: IF neurons with a constant current of one pixel value a step.

    All arrays have shape (inputs,), `fired_list` has room for one entry more. A pixel never exceeds
    threshold / T_refract, so the refractory period needs no state here, nor can the membrane overflow: it stays within
    (0, threshold]. Writes `membrane`, `spikes` and the numbers of the neurons that fired into `fired_list`; returns how
    many did.
    """
    for n in range(pixels.shape[0]):
        u = membrane[n] + pixels[n]
        spike = 1 if u > threshold else 0
        membrane[n] = u - threshold if spike else u
        spikes[n] = spike
    fired = 0
    for n in range(pixels.shape[0]):
        # Without a branch: an entry that did not fire is overwritten by the next.
        fired_list[fired] = n
        fired += spikes[n]
    return fired


@inlined
def integrate_and_fire(layer, width, current, constants, membrane, refractory, spikes):
    """One step of the LIF neurons of `layer`: leak, add the current, saturate, fire, reset by subtraction.

    Arrays have shape (layers, neurons), of which the first `width` neurons exist; `current` has shape (neurons,).
    A refractory neuron integrates but does not fire. Writes `membrane`, `refractory` (steps left) and `spikes`; returns
    (spikes, saturations).
    """
    leak, low, high, threshold = constants.leak, constants.low, constants.high, constants.threshold
    fired = 0
    saturations = 0
    for n in range(width):
        exact = leak_down(membrane[layer, n], leak) + current[n]
        u = min(max(exact, low), high)
        saturations += 1 if u != exact else 0
        spike = 1 if u > threshold[layer, n] and refractory[layer, n] == 0 else 0
        membrane[layer, n] = u - threshold[layer, n] if spike else u
        refractory[layer, n] = constants.period - 1 if spike else max(refractory[layer, n] - 1, 0)
        spikes[layer, n] = spike
        fired += spike
    return fired, saturations
