"""The phases of an image: free, then, where the outputs are not on target yet, nudged; and many images in a row."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from eqspike.golden import nudge
from eqspike.golden.counters import IMAGES, NUDGED, SKIPPED, STEPS
from eqspike.golden.device import Devices
from eqspike.golden.draw import image_word, next_key, xorshift32
from eqspike.golden.kernel import kernel
from eqspike.golden.modes import INFER_FIRST_SPIKE, LEARN
from eqspike.golden.parameters import Parameters
from eqspike.golden.state import Moment, State
from eqspike.golden.step import neuron_update, record, record_weights, reset, synapse_pass
from eqspike.golden.sweep import sweep


class Chip(NamedTuple):
    """A whole network, for the kernels."""

    parameters: Parameters
    state: State
    weights: np.ndarray
    """Shape (rows, columns): all layers' matrices below each other, as `Network.array`."""
    counters: np.ndarray
    """Places in `golden.counters`."""
    devices: Devices


@kernel
def present(pixels, label, mode, key, chip, trace, free_counts):
    """One image through its phases. `key` is the image's stream key (learning only).

    Writes weights, counters and `free_counts` (shape (outputs,): spikes in the window at the end of the free phase).
    Returns (prediction, first output to spike or -1, its step or -1, 1 if the nudge phase ran else 0).
    """
    # A line each (see golden.kernel).
    p = chip.parameters
    state = chip.state
    counters = chip.counters
    reset(state, p, key)
    outputs = p.widths.shape[0] - 1
    counters[IMAGES] += 1
    word = image_word(key)
    sign = -1 if p.random_sign and (word & 1) else 1
    prediction, first, first_step, nudged = 0, -1, -1, 0
    end = p.free_steps
    t = 0
    while t < end:
        word = xorshift32(word)
        moment = Moment(t, sign, word)
        synapse_pass(t > p.free_steps, moment, p, state, chip.weights, counters, chip.devices)
        neuron_update(moment, label, t >= p.free_steps, p, pixels, state, counters)
        record(moment, p, state, chip.weights, trace)
        if first < 0:
            first = nudge.first_spike(state.spikes, outputs, p.widths[outputs])
            if first >= 0:
                first_step = t
                if mode == INFER_FIRST_SPIKE:
                    end = t + 1
        t += 1
        if t == end and nudged == 0:
            for k in range(state.counts.shape[0]):
                free_counts[k] = state.counts[k]
            prediction = nudge.highest(state.counts)
            if mode == LEARN:
                if nudge.within_tolerance(label, p.target, state.counts, p.skip_counts):
                    counters[SKIPPED] += 1
                else:
                    counters[NUDGED] += 1
                    nudged = 1
                    end = p.free_steps + p.nudge_steps
    counters[STEPS] += t
    if nudged and p.image_end:
        moment = Moment(t, sign, xorshift32(word))
        sweep(moment, p, state, chip.weights, counters, chip.devices)
        record_weights(t, chip.weights, state, trace)
    return prediction, first, first_step, nudged


@kernel
def present_all(images, labels, mode, key, chip, trace, free_counts, results):
    """Many images in order; `results` has shape (images, 4), a row as `present` returns. Returns the next key."""
    for i in range(images.shape[0]):
        outcome = present(images[i], labels[i], mode, key, chip, trace, free_counts)
        for j in range(4):
            results[i, j] = outcome[j]
        if mode == LEARN:
            key = next_key(key)
    return key
