"""Everything that one image changes but the weights, and the trace of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from eqspike.golden.config import Config
from eqspike.golden.derived import history_depth


class Moment(NamedTuple):
    """One step of an image, for the kernels."""

    t: int
    """The step, from 0."""
    sign: int
    """Of beta and of the learning rate, in this image: 1 or -1."""
    word: int
    """The generator's word of this step, 32 bits."""


class HistoryRows(NamedTuple):
    """Rows of the history of spikes that one step reads: those of now, and of the ages of `golden.derived.TapAges`."""

    now: int
    leaving: int
    delayed: int
    delayed_leaving: int
    old: int


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
    input_count: np.ndarray
    """Shape (inputs,): spikes of the nudge phase (programming.when image_end; so are the next two)."""
    spike_count: np.ndarray
    rate_sum: np.ndarray
    """rho-bar, summed over the nudge phase."""
    accumulators: np.ndarray
    """Shape as the array of weights, or (0, 0): they stay from image to image."""


class Trace(NamedTuple):
    """State after every step, shape (steps, neurons of all layers but the inputs), inputs' spikes aside.

    `weights` has shape (steps, rows, columns), as `Network.array`: the weights after the pass of each step; with
    programming.when image_end one more, after the sweep.
    Arrays with no rows record nothing.
    """

    membrane: np.ndarray
    refractory: np.ndarray
    spikes: np.ndarray
    filtered: np.ndarray
    integrator: np.ndarray
    rate_sum: np.ndarray
    spike_count: np.ndarray
    """Sums over the nudge phase, with programming.when image_end."""
    counts: np.ndarray
    input_spikes: np.ndarray
    word: np.ndarray
    """The generator's word of each step."""
    weights: np.ndarray
    accumulators: np.ndarray
    """As `weights`, with programming.accumulator."""


def empty_state(config: Config, shape: tuple[int, int], number: type, rows: int) -> State:
    """A `State` of zeros: per-neuron arrays of `shape`, whose type is `number` (float64, int64 or int32); `rows` of the
    array of weights."""
    small = np.int64 if number is np.float64 else number
    inputs = config.network.layers[0]
    # Where every spike sends a programming pulse, spikes and pulses are the same arrays.
    sparse = config.programming.sparse
    delayed = sparse or config.pulses
    integrator = np.zeros(shape, number)
    spikes, listed, fired = np.zeros(shape, small), np.zeros(inputs + 1, np.int64), np.zeros(1, np.int64)
    return State(
        input_membrane=np.zeros(inputs, small),
        input_spikes=np.zeros(inputs, small),
        fired_list=listed,
        fired=fired,
        pulse_list=np.zeros_like(listed) if sparse else listed,
        pulsed=np.zeros_like(fired) if sparse else fired,
        pulses=np.zeros_like(spikes) if delayed else spikes,
        input_pulse_count=np.zeros((1, inputs), small),
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
        counts=np.zeros(config.network.layers[-1], small),
        input_count=np.zeros(inputs, small),
        spike_count=np.zeros(shape, small),
        rate_sum=np.zeros(shape, number),
        accumulators=np.zeros((rows, shape[1]) if config.programming.gathers else (0, 0), number),
    )


def empty_trace(
    layers: tuple[int, ...],
    array: np.ndarray,
    steps: int = 0,
    passes: int = 0,
    *,
    accumulators: bool = False,
    sums: bool = False,
) -> Trace:
    """A `Trace` with room for `steps` steps of a network whose weights are `array` (and `sums`), and for the weights
    (and `accumulators`) after `passes` passes."""
    neurons = sum(layers[1:])
    return Trace(
        membrane=np.zeros((steps, neurons), array.dtype),
        refractory=np.zeros((steps, neurons), np.int64),
        spikes=np.zeros((steps, neurons), np.int64),
        filtered=np.zeros((steps, neurons), np.int64),
        integrator=np.zeros((steps, neurons), array.dtype),
        rate_sum=np.zeros((steps if sums else 0, neurons), array.dtype),
        spike_count=np.zeros((steps if sums else 0, neurons), np.int64),
        counts=np.zeros((steps, layers[-1]), np.int64),
        input_spikes=np.zeros((steps, layers[0]), np.int64),
        word=np.zeros(steps, np.int64),
        weights=np.zeros((passes, *array.shape), array.dtype),
        accumulators=np.zeros((passes if accumulators else 0, *array.shape), array.dtype),
    )
