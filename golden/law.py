"""The learning law on two neurons and one synapse (thesis, section 2.3.2, figs 2.6 and 2.7).

Each neuron is driven by a current of its own and does not feel the other's spikes; the synapse is programmed in every
step: a spike of either neuron adds the other's rho-bar. So the change of the weight must be proportional to the
postsynaptic rate at a given presynaptic acceleration, and to the acceleration at a given rate. With programming.when
image_end the synapse changes once, at the end of the run, by the sums over it.

The pair is the two-way synapse of the network 1-1-1 that `law_config` makes, with the order of a step, the places of
the neurons (layers 1 and 2, number 0) and the draws of `golden.network`.
"""

from __future__ import annotations

import dataclasses
import math
from typing import NamedTuple

import numpy as np

from eqspike.golden import crossbar
from eqspike.golden.accumulator import change_column
from eqspike.golden.config import Config
from eqspike.golden.derived import first_key, history_depth
from eqspike.golden.device import Devices, network_devices
from eqspike.golden.device_numbers import fixed_devices
from eqspike.golden.draw import image_word, next_key, sends_pulse, xorshift32
from eqspike.golden.kernel import kernel
from eqspike.golden.neuron import integrate_and_fire
from eqspike.golden.number import fixed_numbers
from eqspike.golden.parameters import Parameters, fixed_parameters, real_parameters, row_bases
from eqspike.golden.pulse import emit
from eqspike.golden.sections import ProgrammingConfig
from eqspike.golden.state import Moment
from eqspike.golden.step import history_rows, update_signal
from eqspike.golden.synapses import synapses_of

PART = 200
"""Steps of each of the three parts of a run: constant, ramp, constant."""
LENGTH = 100
"""Steps of a pulse's shape in the checks of A-EqSpike (figs 4.5 to 4.11)."""
STEPS = 3 * PART


class PairTrace(NamedTuple):
    """State after every step of every run; per-neuron arrays have shape (runs, steps, 2): presynaptic, postsynaptic.

    `weight` (runs, steps) is the weight after the pass of each step, `word` (runs, steps) the generator's word,
    `saturations` (runs,) counts the weight's and the membranes'.
    """

    spikes: np.ndarray
    membrane: np.ndarray
    refractory: np.ndarray
    filtered: np.ndarray
    integrator: np.ndarray
    weight: np.ndarray
    word: np.ndarray
    saturations: np.ndarray


def law_config(config: Config, real: bool, length: int = LENGTH) -> Config:
    """The network 1-1-1 of the check: the thesis's constants, or the powers of two next to them in fixed point.

    Formats, rounding and draws are those of `config` (its last layer of synapses). In fixed point the weight's range is
    as wide as can be and the learning rate is 2^-5 in place of 1, so that the whole change fits into [-16, 16) and a
    weight of 12 bits is programmed through a right shift of 4; in real numbers the rate is 1 and nothing is clipped,
    unless a device's conductance matters. Every spike programs (not so with desynch_proba), and the devices are those
    of `config`. In A-EqSpike a pulse has `length` steps, the learning rate is 1 and the amplitude such that the change
    has a few LSBs a step.
    """
    rate = 1.0 if config.pulses or (real and config.device.ideal and config.device.states is None) else 2.0**-5
    synapse = dataclasses.replace(config.synapses[-1], range=16.0, learning_rate=rate, halve_at=())
    # A tail's sum is as the cube of its length: shorter ones get a greater amplitude, that the change has as many LSBs.
    shorter = int(3 * math.log2(LENGTH / length))
    programming = config.programming if config.pulses else ProgrammingConfig(when=config.programming.when)
    learning = config.learning
    if programming.image_end:
        # One draw a synapse; and the run is the nudge phase.
        synapse, learning = (
            dataclasses.replace(synapse, draw="synapse"),
            dataclasses.replace(learning, nudge_steps=STEPS),
        )
    return config.replace(
        network=dataclasses.replace(config.network, layers=(1, 1, 1)),
        neuron=dataclasses.replace(
            config.neuron,
            leak=0.001 if real else 2.0**-10,
            fraction_bits=None if config.number.format == "real" else config.membrane_fraction_bits,
        ),
        rate=dataclasses.replace(config.rate, leak=0.1 if real else 0.125, delay=100, filter=10 if real else 8),
        synapses=(synapse, synapse),
        programming=programming,
        learning=learning,
        pulse=dataclasses.replace(config.pulse, length=length, amplitude=2.0 ** -(11 - shorter)),
        number=dataclasses.replace(config.number, format="real" if real else "fixed"),
    )


def rate_sweep(points: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Postsynaptic rates 0 to f_max against one presynaptic ramp: (rates, presynaptic, postsynaptic), rates in units
    of f_max, the last two of shape (points, STEPS)."""
    rates = np.linspace(0.0, 1.0, points)
    return rates, _ramps(np.full(points, 1.0)), np.repeat(rates[:, None], STEPS, axis=1)


def ramp_sweep(points: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Presynaptic ramps of -0.5/100 to 0.5/100 T_refract^-2 at half the postsynaptic rate, as `rate_sweep`."""
    slopes = np.linspace(-0.5, 0.5, points) / 100
    return slopes, _ramps(0.5 + 100 * slopes), np.full((points, STEPS), 0.5)


def _ramps(ends: np.ndarray) -> np.ndarray:
    """Rates that hold at 0.5, go to `ends` in a straight line, and hold there; shape (len(ends), STEPS)."""
    progress = np.concatenate([np.zeros(PART), np.arange(PART) / PART, np.ones(PART)])
    return 0.5 + (ends[:, None] - 0.5) * progress


def drive(config: Config, rates: np.ndarray) -> np.ndarray:
    """The current per step that makes a neuron fire at `rates` (in units of f_max): membrane LSBs, or real numbers."""
    current = np.asarray(rates, np.float64) * config.neuron.threshold / config.neuron.refractory
    if config.number.format == "real":
        return current
    return np.rint(current * 2**config.membrane_fraction_bits).astype(np.int64)


class _Pair(NamedTuple):
    """State of the two neurons, in rows 1 and 2 as layers of a network; shape (3, 1)."""

    membrane: np.ndarray
    refractory: np.ndarray
    spikes: np.ndarray
    filtered: np.ndarray
    integrator: np.ndarray
    pulses: np.ndarray
    emitted: np.ndarray
    history: np.ndarray
    steps_forward: np.ndarray
    steps_backward: np.ndarray
    current: np.ndarray
    spike_count: np.ndarray
    rate_sum: np.ndarray


class _PairChip(NamedTuple):
    """The pair, for the kernel; as `golden.phases.Chip`."""

    parameters: Parameters
    state: _Pair
    weights: np.ndarray
    devices: Devices


@kernel
def _run(run, drives, word, start, chip, trace):
    """One run of the pair into `trace`, from the weight `start`; `drives` are two arrays of shape (runs, steps)."""
    pre, post = drives
    # A line each (see golden.kernel).
    p = chip.parameters
    pair = chip.state
    weights = chip.weights
    devices = chip.devices
    for array in (pair.refractory, pair.spikes, pair.pulses, pair.filtered):
        array[:] = 0
    for array in (pair.membrane, pair.integrator, pair.rate_sum):
        array[:] = 0
    pair.spike_count[:] = 0
    pair.history[:] = 0
    base = p.base[1]
    weights[base, 0] = start
    depth = pair.history.shape[0]
    synapses = synapses_of(p, 1)
    saturations = 0
    for t in range(pre.shape[1]):
        word = xorshift32(word)
        if t > 0 and p.image_end:
            for layer in range(1, 3):
                pair.spike_count[layer, 0] += pair.spikes[layer, 0]
                pair.rate_sum[layer, 0] += pair.integrator[layer, 0]
        elif t > 0:
            for layer in range(1, 3):
                if p.pulse_limit < 1 << 16 and not sends_pulse(word, p.number[layer], p.pulse_limit):
                    pair.pulses[layer, 0] = 0
                if p.tails:
                    emit(layer, 1, p.number[layer], word, p.tail, pair.integrator, pair.pulses, pair.emitted)
                # The steps of layer 1 go back to the synapse's lower side, those of layer 2 forward.
                steps = pair.steps_backward if layer == 1 else pair.steps_forward
                if devices.alike:
                    crossbar.neuron_steps(layer, 1, pair.emitted, word, synapses.programming, steps)
            saturations += crossbar.program_two_way(weights, synapses, p.naive, Moment(t, 1, word), pair, devices)
        rows = history_rows(t, p.ages, depth)
        for layer in range(1, 3):
            pair.current[0] = pre[run, t] if layer == 1 else post[run, t]
            saturations += integrate_and_fire(
                layer, 1, pair.current, p.membrane, pair.membrane, pair.refractory, pair.spikes
            )[1]
            pair.history[rows.now, layer, 0] = pair.spikes[layer, 0]
            update_signal(layer, 1, rows, p, pair)
            trace.spikes[run, t, layer - 1] = pair.spikes[layer, 0]
            trace.membrane[run, t, layer - 1] = pair.membrane[layer, 0]
            trace.refractory[run, t, layer - 1] = pair.refractory[layer, 0]
            trace.filtered[run, t, layer - 1] = pair.filtered[layer, 0]
            trace.integrator[run, t, layer - 1] = pair.integrator[layer, 0]
        trace.weight[run, t] = weights[base, 0]
        trace.word[run, t] = word
    if p.image_end:
        moment = Moment(pre.shape[1], 1, xorshift32(word))
        counts = pair.spike_count
        sums = pair.rate_sum
        # There are no accumulators: what would be theirs is not read.
        saturations += change_column(weights, weights, synapses, 0, moment, counts, sums, devices)[1]
        trace.weight[run, pre.shape[1] - 1] = weights[base, 0]
    trace.saturations[run] = saturations


def run_pair(config: Config, drive_pre: np.ndarray, drive_post: np.ndarray) -> PairTrace:
    """Run the pair of `config` (from `law_config`), one run a row of the drives (shape (runs, steps)), from rest.

    Drives are in membrane LSBs, or real numbers, as `drive` makes them. Run r draws from the key of the config's seed
    advanced r times, as the r-th image of a network would.
    """
    real = config.number.format == "real"
    number = np.float64 if real else np.int64
    pre, post = np.ascontiguousarray(drive_pre, number), np.ascontiguousarray(drive_post, number)
    if pre.ndim != 2 or pre.shape != post.shape:
        raise ValueError(f"drives have shapes {pre.shape} and {post.shape}; both need (runs, steps)")
    if real:
        p = real_parameters(config, 0)
        if config.device.ideal and config.device.states is None:
            p = p._replace(weight_low=np.full(2, -np.inf), weight_high=np.full(2, np.inf))
    else:
        p = fixed_parameters(config, fixed_numbers(config), 0)
    rows = sum(size + 1 for size in config.network.layers[:-1])
    fixed = None if real else fixed_devices(config, fixed_numbers(config))
    devices = network_devices(config, fixed, (rows, 1), row_bases(config.network.layers))
    # A stuck device has its own weight from the start.
    start = number((0, p.weight_high[1], p.weight_low[1])[devices.stuck[p.base[1], 0]])
    weights = np.zeros((rows, 1), number)
    shape = (3, 1)
    spikes, integrator = np.zeros(shape, np.int64), np.zeros(shape, number)
    pair = _Pair(
        membrane=np.zeros(shape, number),
        refractory=np.zeros(shape, np.int64),
        spikes=spikes,
        filtered=np.zeros(shape, np.int64),
        integrator=integrator,
        # Without late pulses, spikes and pulses are the same, and so is what stands on a side.
        pulses=np.zeros_like(spikes) if config.pulses else spikes,
        emitted=np.zeros_like(integrator) if config.pulses else integrator,
        history=np.zeros((history_depth(config), *shape), np.int64),
        steps_forward=np.zeros(shape, number),
        steps_backward=np.zeros(shape, number),
        current=np.zeros(1, number),
        spike_count=np.zeros(shape, np.int64),
        rate_sum=np.zeros(shape, number),
    )
    runs, steps = pre.shape
    trace = PairTrace(
        spikes=np.zeros((runs, steps, 2), np.int64),
        membrane=np.zeros((runs, steps, 2), number),
        refractory=np.zeros((runs, steps, 2), np.int64),
        filtered=np.zeros((runs, steps, 2), np.int64),
        integrator=np.zeros((runs, steps, 2), number),
        weight=np.zeros((runs, steps), number),
        word=np.zeros((runs, steps), np.int64),
        saturations=np.zeros(runs, np.int64),
    )
    chip = _PairChip(p, pair, weights, devices)
    key = first_key(config)
    for run in range(runs):
        _run(run, (pre, post), image_word(key), start, chip, trace)
        key = int(next_key(key))
    return trace


def weight_change(config: Config, trace: PairTrace) -> np.ndarray:
    """dW of each run at learning rate 1, as a real number."""
    synapse = config.synapses[-1]
    rate = synapse.learning_rate * (config.pulse.amplitude if config.pulses else 1)
    lsb = 1.0 if config.number.format == "real" else 2.0**-synapse.fraction_bits
    # The first step programs nothing: only a stuck device does not start at 0.
    return (trace.weight[:, -1] - trace.weight[:, 0]) * lsb / rate
