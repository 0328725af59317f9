"""The core: phases and the order of one step; image in, result out, weights in and out, counters.

One step t of an image, in order (docs/number-formats.md draws it):

1. The pass: every spike of step t-1 reads its synapses, which become currents; in the nudge phase it also programs
   them with the other side's rho-bar of step t-1. Inputs and biases serve their row; the two sides of a two-way layer
   serve rows and columns of the same matrix. The bias neuron fires in steps 0, T_refract, 2 T_refract, ... With sparse
   programming only some spikes of the nudge phase send a programming pulse: every N-th of a neuron, which is counted
   when it fires, or each with probability p, which is drawn here.
2. In the nudge phase, the outputs also receive sign * beta * (target - rate).
3. The update: every neuron leaks, integrates, saturates, fires, resets; its rho-bar block takes the step's spike.

The spikes of the last step of an image are not served. A spike is "of the nudge phase", and programs, from step T_free.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from golden import crossbar, nudge
from golden.config import Config
from golden.device import FREE, STUCK_ON, fixed_devices, fixed_thresholds, network_devices, thresholds
from golden.neuron import drive_inputs, integrate_and_fire
from golden.number import (
    COUNTERS,
    INFER,
    INFER_FIRST_SPIKE,
    LEARN,
    MASK32,
    ROUNDING,
    WEYL,
    FixedNumbers,
    collision_limit,
    fixed_numbers,
    history_depth,
    image_word,
    inlined,
    input_phase_step,
    kernel,
    neuron_numbers,
    pulse_limit,
    scale,
    seed_word,
    sends_pulse,
    skip_counts,
    target_counts,
    xorshift32,
)
from golden.pulse import SHAPES, emit, tail_step
from golden.rate import rate_step

# Places of `COUNTERS` in the counter array; spikes of layer l stand at SPIKES + l.
STEPS, SYNOPS, PROGRAMMED, MEMBRANE_SATURATIONS, WEIGHT_SATURATIONS, NUDGED, SKIPPED, IMAGES, SPIKES = range(9)

PAD = 16
"""Kernels run over whole groups of PAD neurons, so that compilers need no loop for what is left over. The neurons that
do not exist have zero weights and currents, hence stay silent, and no draw touches a weight they have."""


def padded_width(size: int) -> int:
    """`size` rounded up to a multiple of `PAD`."""
    return -(-size // PAD) * PAD


class Parameters(NamedTuple):
    """What the kernels need to know. Fixed point: integers (gains and leaks are shifts). Real: floats."""

    threshold: np.ndarray
    """Shape (layers, neurons)."""
    membrane_low: float | int
    membrane_high: float | int
    leak: float | int
    refractory: int
    rate_leak: float | int
    rate_gain: float | int
    filter: int
    delay: int
    window: int
    free_steps: int
    nudge_steps: int
    nudge_gain: float | int
    target: int
    skip_counts: int
    random_sign: bool
    input_threshold: int
    phase_step: int
    widths: np.ndarray
    """Shape (layers,): neurons of each layer, inputs first."""
    padded: np.ndarray
    """The same, rounded up to a multiple of `PAD`."""
    base: np.ndarray
    """Shape (synapse layers,): first row of each matrix in the array of weights."""
    align: np.ndarray
    """Shape (synapse layers,): from weight to membrane (shift or factor 1.0)."""
    weight_low: np.ndarray
    weight_high: np.ndarray
    step_factor: np.ndarray
    """What rho-bar is multiplied by to make up for spikes that program nothing (fixed point)."""
    step_gain: np.ndarray
    """Learning rate now: left shift before the right shift `step_shift`, or eta itself in real numbers."""
    step_shift: np.ndarray
    rounding: np.ndarray
    per_synapse: np.ndarray
    number: np.ndarray
    """Shape (layers,): number of each layer's first neuron among all (`neuron_numbers`), for draws."""
    pulse_every: int
    pulse_limit: int
    """A spike sends a programming pulse with probability pulse_limit / 2^16; 2^16: each."""
    pulse_from: int
    """Step from which spikes are counted to `pulse_every`."""
    tails: bool
    """A-EqSpike: the signal is tails of pulses, and the programming pulse comes `tail_half` steps after the spike."""
    tail_half: int
    tail_shape: int
    clip: float | int
    collision_limit: int
    """Of 2^16: how often the tail is gone under the neuron's own programming pulse."""
    naive: bool


class State(NamedTuple):
    """Everything that one image changes, but the weights.

    Per-neuron arrays have shape (layers, padded width of the widest): row l is layer l; row 0, the inputs', is not
    used, they have two arrays of their own.
    """

    input_membrane: np.ndarray
    input_spikes: np.ndarray
    fired_list: np.ndarray
    """Shape (inputs + 1,): numbers of the input neurons that fired; the pass adds the bias."""
    fired: np.ndarray
    """Shape (1,): entries of `fired_list`."""
    pulse_list: np.ndarray
    """As `fired_list`: the input neurons that send a programming pulse."""
    pulsed: np.ndarray
    """Shape (1,): entries of `pulse_list`."""
    pulses: np.ndarray
    """The neurons that send a programming pulse."""
    input_pulse_count: np.ndarray
    """Shape (1, inputs): spikes since the last programming pulse."""
    pulse_count: np.ndarray
    membrane: np.ndarray
    refractory: np.ndarray
    spikes: np.ndarray
    filtered: np.ndarray
    """Of rho-bar's moving average; in A-EqSpike the saw's count of spikes."""
    integrator: np.ndarray
    """rho-bar; in A-EqSpike the sum of the tails."""
    emitted: np.ndarray
    """What a neuron puts on its side while the other programs: rho-bar, or the sum of the tails as it is clipped."""
    history: np.ndarray
    """Shape (depth, layers, neurons): spikes of step t at row t mod depth."""
    forward: np.ndarray
    """Currents from the layer below, in its weights' LSBs."""
    backward: np.ndarray
    """Currents from the layer above, in its weights' LSBs."""
    current: np.ndarray
    """Shape (neurons,): scratch."""
    steps_forward: np.ndarray
    """Weight steps for the synapses from the layer below."""
    steps_backward: np.ndarray
    """Weight steps for the synapses to the layer above."""
    counts: np.ndarray
    """Shape (outputs,): spikes in the window."""


class Trace(NamedTuple):
    """State after every step, shape (steps, neurons of all layers but the inputs), inputs' spikes aside.

    `weights` has shape (steps, rows, columns), as `Network.array`: the weights after the pass of each step.
    Arrays with no rows record nothing.
    """

    membrane: np.ndarray
    refractory: np.ndarray
    spikes: np.ndarray
    filtered: np.ndarray
    integrator: np.ndarray
    counts: np.ndarray
    input_spikes: np.ndarray
    word: np.ndarray
    """The generator's word of each step."""
    weights: np.ndarray


@inlined
def reset(state, p):
    """Forget the last image (weights stay)."""
    state.refractory[:] = 0
    state.membrane[:] = 0
    state.spikes[:] = 0
    state.filtered[:] = 0
    state.integrator[:] = 0
    state.history[:] = 0
    state.counts[:] = 0
    state.input_spikes[:] = 0
    state.pulses[:] = 0
    state.pulse_count[:] = 0
    state.input_pulse_count[:] = 0
    for n in range(state.input_membrane.shape[0]):
        state.input_membrane[n] = (n * p.phase_step) % p.input_threshold


@inlined
def draw_pulses(word, p, state):
    """Sparse programming with probability p: which neurons' programming pulses of step t-1 are sent."""
    if p.pulse_limit == 1 << 16:
        return
    candidates = state.pulses if p.tails else state.spikes
    count = 0
    for j in range(state.fired[0]):
        state.pulse_list[count] = state.fired_list[j]
        count += 1 if sends_pulse(word, state.fired_list[j], p.pulse_limit) else 0
    state.pulsed[0] = count
    for layer in range(1, p.widths.shape[0]):
        for n in range(p.widths[layer]):
            pulse = 0
            if candidates[layer, n]:
                pulse = 1 if sends_pulse(word, p.number[layer] + n, p.pulse_limit) else 0
            state.pulses[layer, n] = pulse


@kernel
def bias_sends_pulse(t, layer, word, p):
    """Does the bias neuron that stands behind `layer` send a programming pulse, having fired in step t-1?"""
    if p.pulse_limit < 1 << 16:
        return sends_pulse(word, p.number[layer] + p.widths[layer], p.pulse_limit)
    # Its spikes so far, from step `pulse_from`.
    fired = (t - 1) // p.refractory - (p.pulse_from + p.refractory - 1) // p.refractory + 1
    return fired % p.pulse_every == 0


@inlined
def synapse_pass(t, learn, sign, word, p, state, weights, counters, devices):
    """Step 1: serve the spikes of step t-1."""
    outputs = p.widths.shape[0] - 1
    forward, backward, spikes, pulses = state.forward, state.backward, state.spikes, state.pulses
    forward[:] = 0
    backward[:] = 0
    if t == 0:
        return
    signal, steps_forward, steps_backward = state.emitted, state.steps_forward, state.steps_backward
    if learn:
        draw_pulses(word, p, state)
        if p.tails:
            for layer in range(1, outputs + 1):
                emit(
                    layer, p.widths[layer], p.number[layer], word, p.clip, p.collision_limit, state.integrator, pulses,
                    signal,
                )  # fmt: skip
    if learn and devices.alike:
        for layer in range(1, outputs + 1):
            s = layer - 1
            crossbar.neuron_steps(
                layer, p.padded[layer], signal, word, p.step_factor[s], p.step_gain[s], p.step_shift[s],
                p.rounding[s], steps_forward,
            )  # fmt: skip
        for s in range(1, outputs):
            crossbar.neuron_steps(
                s, p.padded[s], signal, word, p.step_factor[s], p.step_gain[s], p.step_shift[s],
                p.rounding[s], steps_backward,
            )  # fmt: skip
    bias_fires = (t - 1) % p.refractory == 0
    operations, programmed = 0, 0
    saturations = 0
    for s in range(outputs):
        base, width = p.base[s], p.padded[s + 1]
        factor, gain, shift, rounding = p.step_factor[s], p.step_gain[s], p.step_shift[s], p.rounding[s]
        low, high = p.weight_low[s], p.weight_high[s]
        # One-way rows: the inputs' and the biases', which stand last in each matrix.
        fired, rows = state.fired_list, state.fired[0] if s == 0 else 0
        pulsing, pulsed = state.pulse_list, state.pulsed[0] if s == 0 else 0
        if bias_fires:
            fired[rows] = p.widths[s]
            rows += 1
            if learn and bias_sends_pulse(t, s, word, p):
                pulsing[pulsed] = p.widths[s]
                pulsed += 1
        crossbar.read_rows(weights, base, fired, rows, s + 1, width, forward)
        operations += p.widths[s + 1] * rows
        if learn and p.naive:
            # A neuron above may program any row by itself, whether or not the neuron below fired.
            for row in range(p.widths[s] if s == 0 else 0):
                more, met = crossbar.program_row_naive(
                    weights, base, row, state.input_spikes[row], s + 1, p.widths[s + 1], sign, signal, pulses,
                    p.number[s], factor, gain, shift, rounding, word, low, high, devices,
                )  # fmt: skip
                programmed += more
                saturations += met
            more, met = crossbar.program_row_naive(
                weights, base, p.widths[s], 1 if bias_fires else 0, s + 1, p.widths[s + 1], sign, signal, pulses,
                p.number[s], factor, gain, shift, rounding, word, low, high, devices,
            )  # fmt: skip
            programmed += more
            saturations += met
        elif learn:
            programmed += p.widths[s + 1] * pulsed
            if not devices.alike:
                saturations += crossbar.program_rows_devices(
                    weights, base, pulsing, pulsed, s + 1, p.widths[s + 1], sign, signal, p.number[s],
                    factor, gain, shift, rounding, word, low, high, devices,
                )  # fmt: skip
            elif p.per_synapse[s]:
                saturations += crossbar.program_rows_drawing(
                    weights, base, pulsing, pulsed, s + 1, p.widths[s + 1], sign, signal, p.number[s],
                    factor, gain, shift, rounding, word, low, high,
                )  # fmt: skip
            else:
                saturations += crossbar.program_rows(
                    weights, base, pulsing, pulsed, s + 1, width, sign, steps_forward, low, high
                )
        if s == 0:
            continue
        operations += crossbar.read_pairs(weights, base, s, p.widths, width, spikes, forward, backward)
        if learn:
            programmed += crossbar.pair_operations(s, p.widths, pulses)
            saturations += crossbar.program_two_way(
                weights, s, p, pulses, sign, signal, steps_backward, steps_forward, word, devices
            )
    counters[SYNOPS] += operations
    counters[PROGRAMMED] += programmed
    counters[WEIGHT_SATURATIONS] += saturations


@kernel
def before(row, steps, depth):
    """The row of the history `steps` (at most `depth`) steps before `row`."""
    row -= steps
    return row + depth if row < 0 else row


@kernel
def count_to(every, layer, n, counts):
    """Count one spike of neuron n; 1 and back to 0 when it is the `every`-th, else 0."""
    counts[layer, n] += 1
    if counts[layer, n] < every:
        return 0
    counts[layer, n] = 0
    return 1


@inlined
def neuron_update(t, label, nudging, sign, p, pixels, state, counters):
    """Steps 2 and 3: every neuron and its rho-bar block."""
    outputs = p.widths.shape[0] - 1
    fired = drive_inputs(pixels, p.input_threshold, state.input_membrane, state.input_spikes, state.fired_list)
    state.fired[0] = fired
    counters[SPIKES] += fired
    if p.pulse_every > 1:
        pulsed = 0
        for j in range(fired if t >= p.pulse_from else 0):
            n = state.fired_list[j]
            state.pulse_list[pulsed] = n
            pulsed += count_to(p.pulse_every, 0, n, state.input_pulse_count)
        state.pulsed[0] = pulsed
    # Rows of the history not yet written in this image hold 0: no special case for steps before the image.
    depth = state.history.shape[0]
    now = t % depth
    # Rows of the rho-bar block's spikes, or of the tails'.
    leaving = before(now, 1 if p.tails else p.filter, depth)
    delayed = before(now, p.tail_half if p.tails else p.delay, depth)
    delayed_leaving = before(now, p.tail_half + 1 if p.tails else p.delay + p.filter, depth)
    old = before(now, 2 * p.tail_half + 1 if p.tails else 0, depth)
    current = state.current
    for layer in range(1, outputs + 1):
        width = p.padded[layer]
        below = p.align[layer - 1]
        if layer < outputs:
            above = p.align[layer]
            for n in range(width):
                current[n] = scale(state.forward[layer, n], below) + scale(state.backward[layer, n], above)
        else:
            for n in range(width):
                current[n] = scale(state.forward[layer, n], below)
        if layer == outputs and nudging:
            nudge.nudge_current(label, p.target, state.counts, sign, p.nudge_gain, current)
        fired, saturated = integrate_and_fire(
            layer, width, current, p.leak, p.membrane_low, p.membrane_high, p.threshold, p.refractory,
            state.membrane, state.refractory, state.spikes,
        )  # fmt: skip
        counters[SPIKES + layer] += fired
        counters[MEMBRANE_SATURATIONS] += saturated
        for n in range(width):
            state.history[now, layer, n] = state.spikes[layer, n]
        if p.pulse_every > 1:
            for n in range(width):
                state.pulses[layer, n] = 0
                if state.spikes[layer, n] and t >= p.pulse_from:
                    state.pulses[layer, n] = count_to(p.pulse_every, layer, n, state.pulse_count)
        if p.tails:
            tail_step(
                layer, width, now, leaving, delayed, delayed_leaving, old, p.tail_half, p.tail_shape, state.history,
                state.filtered, state.integrator, state.pulses,
            )  # fmt: skip
        else:
            rate_step(
                layer, width, now, leaving, delayed, delayed_leaving, state.history,
                p.rate_gain, p.rate_leak, state.filtered, state.integrator,
            )  # fmt: skip
    nudge.count_step(now, before(now, p.window, depth), outputs, state.history, state.counts)


@inlined
def record(t, word, p, state, weights, trace):
    """Copy the state after step t into the trace, where the trace has room."""
    if t < trace.membrane.shape[0]:
        at = 0
        for layer in range(1, p.widths.shape[0]):
            for n in range(p.widths[layer]):
                trace.membrane[t, at] = state.membrane[layer, n]
                trace.refractory[t, at] = state.refractory[layer, n]
                trace.spikes[t, at] = state.spikes[layer, n]
                trace.filtered[t, at] = state.filtered[layer, n]
                trace.integrator[t, at] = state.integrator[layer, n]
                at += 1
        for k in range(state.counts.shape[0]):
            trace.counts[t, k] = state.counts[k]
        for n in range(state.input_spikes.shape[0]):
            trace.input_spikes[t, n] = state.input_spikes[n]
        trace.word[t] = word
        if t < trace.weights.shape[0]:
            for row in range(weights.shape[0]):
                for column in range(weights.shape[1]):
                    trace.weights[t, row, column] = weights[row, column]


@kernel
def present(pixels, label, mode, key, p, state, weights, counters, devices, trace, free_counts):
    """One image through its phases. `key` is the image's stream key (learning only).

    Writes weights, counters and `free_counts` (shape (outputs,): spikes in the window at the end of the free phase).
    Returns (prediction, first output to spike or -1, its step or -1, 1 if the nudge phase ran else 0).
    """
    reset(state, p)
    outputs = p.widths.shape[0] - 1
    counters[IMAGES] += 1
    word = image_word(key)
    sign = -1 if p.random_sign and (word & 1) else 1
    prediction, first, first_step, nudged = 0, -1, -1, 0
    end = p.free_steps
    t = 0
    while t < end:
        word = xorshift32(word)
        synapse_pass(t, t > p.free_steps, sign, word, p, state, weights, counters, devices)
        neuron_update(t, label, t >= p.free_steps, sign, p, pixels, state, counters)
        record(t, word, p, state, weights, trace)
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
    return prediction, first, first_step, nudged


@kernel
def present_all(images, labels, mode, key, p, state, weights, counters, devices, trace, free_counts, results):
    """Many images in order; `results` has shape (images, 4), a row as `present` returns. Returns the next key."""
    for i in range(images.shape[0]):
        outcome = present(images[i], labels[i], mode, key, p, state, weights, counters, devices, trace, free_counts)
        for j in range(4):
            results[i, j] = outcome[j]
        if mode == LEARN:
            key = (key + WEYL) & MASK32
    return key


# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    """What the chip says of one image."""

    prediction: int
    first_spike: int
    first_spike_step: int
    nudged: bool
    counts: tuple[int, ...]
    """Spikes in the window at the end of the free phase, one an output."""


def row_bases(layers: tuple[int, ...]) -> list[int]:
    """First row of each synapse layer's matrix in the array of weights."""
    return [sum(size + 1 for size in layers[:synapses]) for synapses in range(len(layers) - 1)]


def per_neuron(layers: tuple[int, ...], values: Sequence[np.ndarray], dtype: type) -> np.ndarray:
    """Arrays of each layer's neurons as one array of shape (layers, neurons), in row 0 and past a layer's end zero."""
    out = np.zeros((len(layers), padded_width(max(layers[1:]))), dtype)
    for layer in range(1, len(layers)):
        out[layer, : layers[layer]] = values[layer]
    return out


def common_parameters(config: Config) -> dict[str, object]:
    """`Parameters` that are the same in fixed point and in real numbers."""
    programming = config.programming
    return {
        "refractory": config.neuron.refractory,
        "filter": config.rate.filter,
        "delay": config.rate.delay,
        "window": config.learning.window,
        "free_steps": config.learning.free_steps,
        "nudge_steps": config.learning.nudge_steps,
        "target": target_counts(config),
        "skip_counts": skip_counts(config),
        "random_sign": config.learning.random_sign,
        "input_threshold": config.input.full_scale * config.neuron.refractory,
        "phase_step": input_phase_step(config),
        "widths": np.array(config.network.layers, np.int64),
        "padded": np.array([padded_width(size) for size in config.network.layers], np.int64),
        "base": np.array(row_bases(config.network.layers), np.int64),
        "number": np.array(neuron_numbers(config.network.layers), np.int64),
        "pulse_every": programming.every,
        "pulse_limit": pulse_limit(config),
        "tails": config.pulses,
        "tail_half": config.pulse.half,
        "tail_shape": SHAPES[config.pulse.shape],
        "collision_limit": collision_limit(config),
        "naive": config.naive,
        "pulse_from": config.learning.free_steps if programming.count_from == "nudge" else 0,
        "rounding": np.array([ROUNDING[s.rounding] for s in config.synapses], np.int64),
    }


def fixed_parameters(config: Config, numbers: FixedNumbers, epoch: int) -> Parameters:
    """`Parameters` in integers at `epoch` of the learning-rate schedule."""
    synapses, devices = numbers.synapses, fixed_devices(config, numbers)
    passed = [sum(1 for at in s.halve_at if at <= epoch) for s in config.synapses]
    boosts = [s.step_boost if d is None else d.x_boost for s, d in zip(synapses, devices, strict=True)]
    shifts = [s.step_shift if d is None else d.fraction for s, d in zip(synapses, devices, strict=True)]
    return Parameters(
        threshold=per_neuron(config.network.layers, fixed_thresholds(config, numbers.membrane), np.int64),
        membrane_low=numbers.membrane.low,
        membrane_high=numbers.membrane.high,
        leak=numbers.leak_shift,
        rate_leak=numbers.rate_leak_shift,
        rate_gain=numbers.rate_gain,
        clip=numbers.clip,
        nudge_gain=numbers.nudge_shift,
        align=np.array([s.align for s in synapses], np.int64),
        weight_low=np.array([s.weight.low for s in synapses], np.int64),
        weight_high=np.array([s.weight.high for s in synapses], np.int64),
        step_factor=np.array([s.factor for s in synapses], np.int64),
        step_gain=np.array([boost - h for boost, h in zip(boosts, passed, strict=True)], np.int64),
        step_shift=np.array(shifts, np.int64),
        per_synapse=np.array([s.per_synapse for s in synapses]),
        **common_parameters(config),
    )


def real_parameters(config: Config, epoch: int) -> Parameters:
    """`Parameters` in real numbers at `epoch` of the learning-rate schedule."""
    rates = [s.learning_rate * 0.5 ** sum(1 for at in s.halve_at if at <= epoch) for s in config.synapses]
    count, states = len(config.synapses), config.device.states
    return Parameters(
        threshold=per_neuron(config.network.layers, thresholds(config, config.neuron.membrane_limit), np.float64),
        membrane_low=-float(config.neuron.membrane_limit),
        membrane_high=float(config.neuron.membrane_limit),
        leak=float(config.neuron.leak),
        rate_leak=float(config.rate.leak),
        rate_gain=1.0 / config.rate.filter,
        clip=1.0 / config.pulse.amplitude if collision_limit(config) else np.inf,
        nudge_gain=config.learning.beta / target_counts(config),
        align=np.ones(count),
        weight_low=np.array([-s.range for s in config.synapses]),
        # The highest of a limited number of states is one state below the end of the range, as in fixed point.
        weight_high=np.array([s.range - (2 * s.range / states if states else 0.0) for s in config.synapses]),
        step_factor=np.ones(count, np.int64),
        step_gain=np.array(rates) * config.programming.compensation * (config.pulse.amplitude if config.pulses else 1),
        # Bits of a draw, where devices have a limited number of states.
        step_shift=np.full(count, 24, np.int64),
        per_synapse=np.zeros(count, np.bool_),
        **common_parameters(config),
    )


class Network:
    """A golden network: holds weights, counters and the place in the stream of random draws.

    Images are arrays of integers 0..full_scale, shape (inputs,) or (images, inputs). `weights` holds one array a layer
    of synapses, shape (presynaptic + 1, postsynaptic), bias last: int64 in weight LSBs (fixed) or float64 (real).
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.real = config.number.format == "real"
        self.numbers = None if self.real else fixed_numbers(config)
        self.layers = config.network.layers
        self.outputs = self.layers[-1]
        number = np.float64 if self.real else self._integer()
        small = np.int64 if self.real else number
        shape = (len(self.layers), padded_width(max(self.layers[1:])))
        # Where every spike sends a programming pulse, spikes and pulses are the same arrays.
        sparse = config.programming.sparse
        delayed = sparse or config.pulses
        integrator = np.zeros(shape, number)
        spikes, listed, fired = np.zeros(shape, small), np.zeros(self.layers[0] + 1, np.int64), np.zeros(1, np.int64)
        self.state = State(
            input_membrane=np.zeros(self.layers[0], small),
            input_spikes=np.zeros(self.layers[0], small),
            fired_list=listed,
            fired=fired,
            pulse_list=np.zeros_like(listed) if sparse else listed,
            pulsed=np.zeros_like(fired) if sparse else fired,
            pulses=np.zeros_like(spikes) if delayed else spikes,
            input_pulse_count=np.zeros((1, self.layers[0]), small),
            pulse_count=np.zeros(shape, small),
            membrane=np.zeros(shape, number),
            refractory=np.zeros(shape, small),
            spikes=spikes,
            filtered=np.zeros(shape, small),
            integrator=integrator,
            emitted=np.zeros_like(integrator) if config.pulses else integrator,
            history=np.zeros((history_depth(config), *shape), small),
            forward=np.zeros(shape, number),
            backward=np.zeros(shape, number),
            current=np.zeros(shape[1], number),
            steps_forward=np.zeros(shape, number),
            steps_backward=np.zeros(shape, number),
            counts=np.zeros(self.outputs, small),
        )
        self.counters = np.zeros(SPIKES + len(self.layers), np.int64)
        self.key = seed_word(config.training.seed)
        rows = sum(size + 1 for size in self.layers[:-1])
        self.array = np.zeros((rows, shape[1]), number)
        self.weights = self.views(self.array)
        fixed = None if self.real else fixed_devices(config, self.numbers)
        self.devices = network_devices(config, fixed, self.array.shape, row_bases(self.layers))
        self.set_epoch(0)
        self.load_weights(self.initial_weights())

    def views(self, array: np.ndarray) -> tuple[np.ndarray, ...]:
        """The matrices, one a synapse layer, in an array of shape (..., rows, columns) as `self.array`."""
        bases = row_bases(self.layers)
        return tuple(array[..., base : base + self.layers[s] + 1, : self.layers[s + 1]] for s, base in enumerate(bases))

    def initial_weights(self) -> tuple[np.ndarray, ...]:
        """Weights before training: normal, standard deviation init / sqrt(fan-in), clipped to the layer's range."""
        generator = np.random.default_rng([self.config.training.seed, 1])
        weights = []
        for index, synapse in enumerate(self.config.synapses):
            rows, columns = self.layers[index] + 1, self.layers[index + 1]
            values = generator.normal(0.0, synapse.init / np.sqrt(rows - 1), (rows, columns))
            if self.real:
                if states := self.config.device.states:
                    values = np.rint(values * states / (2 * synapse.range)) * (2 * synapse.range / states)
                weights.append(np.clip(values, -synapse.range, self.parameters.weight_high[index]))
            else:
                weights.append(self.numbers.synapses[index].weight.quantise(values))
        return tuple(weights)

    def load_weights(self, weights: Sequence[np.ndarray]) -> None:
        """Take `weights` (copied); stuck devices keep theirs. Raises ValueError, which names the layer, for a wrong
        count, shape or range."""
        if len(weights) != len(self.weights):
            raise ValueError(f"{len(weights)} layers of weights; this network has {len(self.weights)}")
        for index, (new, old) in enumerate(zip(weights, self.weights, strict=True)):
            new = np.asarray(new)
            if new.shape != old.shape:
                raise ValueError(f"weights of layer {index} have shape {new.shape}; this network needs {old.shape}")
            low, high = self.parameters.weight_low[index], self.parameters.weight_high[index]
            if not np.all((new >= low) & (new <= high)):
                raise ValueError(f"weights of layer {index} lie outside {low}..{high}")
        for s, (new, old, stuck) in enumerate(zip(weights, self.weights, self.views(self.devices.stuck), strict=True)):
            ends = self.parameters.weight_low[s], self.parameters.weight_high[s]
            old[:] = np.where(stuck == FREE, new, np.where(stuck == STUCK_ON, ends[1], ends[0]))

    def real_weights(self) -> tuple[np.ndarray, ...]:
        """The weights as real numbers."""
        if self.real:
            return tuple(w.copy() for w in self.weights)
        return tuple(w * s.weight.lsb for w, s in zip(self.weights, self.numbers.synapses, strict=True))

    def set_epoch(self, epoch: int) -> None:
        """Apply the learning-rate schedule of `epoch`."""
        if self.real:
            self.parameters = real_parameters(self.config, epoch)
        else:
            self.parameters = fixed_parameters(self.config, self.numbers, epoch)

    def empty_trace(self, steps: int = 0, weights: bool = False) -> Trace:
        """A trace with room for `steps` steps (and weights of every step when asked)."""
        number = self.array.dtype
        neurons = sum(self.layers[1:])
        return Trace(
            membrane=np.zeros((steps, neurons), number),
            refractory=np.zeros((steps, neurons), np.int64),
            spikes=np.zeros((steps, neurons), np.int64),
            filtered=np.zeros((steps, neurons), np.int64),
            integrator=np.zeros((steps, neurons), number),
            counts=np.zeros((steps, self.outputs), np.int64),
            input_spikes=np.zeros((steps, self.layers[0]), np.int64),
            word=np.zeros(steps, np.int64),
            weights=np.zeros((steps if weights else 0, *self.array.shape), number),
        )

    def present(self, image: np.ndarray, label: int, mode: int, trace: Trace | None = None) -> Result:
        """Present one image. A learned image moves on the stream of random draws."""
        counts = np.zeros(self.outputs, np.int64)
        outcome = present(
            self._pixels(image), label, mode, self.key, self.parameters, self.state, self.array, self.counters,
            self.devices, trace if trace is not None else self.empty_trace(), counts,
        )  # fmt: skip
        if mode == LEARN:
            self.key = (self.key + WEYL) & MASK32
        return Result(outcome[0], outcome[1], outcome[2], bool(outcome[3]), tuple(int(c) for c in counts))

    def present_all(self, images: np.ndarray, labels: np.ndarray, mode: int) -> np.ndarray:
        """Present images in order; returns shape (images, 4): prediction, first spike, its step, nudged."""
        results = np.zeros((len(images), 4), np.int64)
        self.key = int(
            present_all(
                self._pixels(images), np.asarray(labels, np.int64), mode, self.key, self.parameters, self.state,
                self.array, self.counters, self.devices, self.empty_trace(), np.zeros(self.outputs, np.int64), results,
            )
        )  # fmt: skip
        return results

    def learn(self, images: np.ndarray, labels: np.ndarray) -> float:
        """Learn images in order; returns the share predicted right, each before it was learned."""
        return float(np.mean(self.present_all(images, labels, LEARN)[:, 0] == labels)) if len(labels) else 0.0

    def accuracy(self, images: np.ndarray, labels: np.ndarray, first_spike: bool = False) -> float:
        """Share of images predicted right at the end of the free phase, or by the first output spike."""
        results = self.present_all(images, labels, INFER_FIRST_SPIKE if first_spike else INFER)
        return float(np.mean(results[:, 1 if first_spike else 0] == labels)) if len(labels) else 0.0

    def counter_values(self) -> dict[str, int | list[int]]:
        """Counters by name since the last `clear_counters`; `spikes` by layer, inputs first."""
        values: dict[str, int | list[int]] = {name: int(self.counters[i]) for i, name in enumerate(COUNTERS)}
        values["spikes"] = [int(c) for c in self.counters[SPIKES:]]
        return values

    def clear_counters(self) -> None:
        """Set all counters to 0."""
        self.counters[:] = 0

    def _integer(self) -> type:
        """int32 where every sum of the network fits, else int64: the results are the same, int32 is faster."""
        numbers = self.numbers
        widest = max(numbers.membrane.bits, *numbers.current_bits, *(s.step.bits + 2 for s in numbers.synapses))
        return np.int32 if widest <= 31 else np.int64

    def _pixels(self, image: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(image, self.state.input_membrane.dtype)
