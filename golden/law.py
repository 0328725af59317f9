"""The learning law on two neurons and one synapse (thesis, section 2.3.2, figs 2.6 and 2.7).

Each neuron is driven by a current of its own and does not feel the other's spikes; the synapse is programmed in every
step: a spike of either neuron adds the other's rho-bar. So the change of the weight must be proportional to the
postsynaptic rate at a given presynaptic acceleration, and to the acceleration at a given rate.

The pair is the two-way synapse of the network 1-1-1 that `law_config` makes, with the order of a step, the places of
the neurons (layers 1 and 2, number 0) and the draws of `golden.network`.
"""

from __future__ import annotations

import dataclasses
import math
from typing import NamedTuple

import numpy as np

from golden import crossbar
from golden.config import Config, ProgrammingConfig
from golden.device import fixed_devices, network_devices
from golden.network import before, fixed_parameters, real_parameters, row_bases
from golden.neuron import integrate_and_fire
from golden.number import (
    MASK32,
    WEYL,
    fixed_numbers,
    history_depth,
    image_word,
    kernel,
    seed_word,
    sends_pulse,
    xorshift32,
)
from golden.pulse import emit, tail_step
from golden.rate import rate_step

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
    programming = config.programming if config.pulses else ProgrammingConfig()
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


@kernel
def _run(run, pre, post, word, p, pair, start, weights, devices, trace):
    """One run of the pair into `trace`, from the weight `start`; `pre` and `post` have shape (runs, steps)."""
    for array in (pair.refractory, pair.spikes, pair.pulses, pair.filtered):
        array[:] = 0
    for array in (pair.membrane, pair.integrator):
        array[:] = 0
    pair.history[:] = 0
    base = p.base[1]
    weights[base, 0] = start
    depth = pair.history.shape[0]
    factor, gain, shift, rounding = p.step_factor[1], p.step_gain[1], p.step_shift[1], p.rounding[1]
    saturations = 0
    for t in range(pre.shape[1]):
        word = xorshift32(word)
        if t > 0:
            for layer in range(1, 3):
                if p.pulse_limit < 1 << 16 and not sends_pulse(word, p.number[layer], p.pulse_limit):
                    pair.pulses[layer, 0] = 0
                if p.tails:
                    emit(
                        layer, 1, p.number[layer], word, p.clip, p.collision_limit, pair.integrator, pair.pulses,
                        pair.emitted,
                    )  # fmt: skip
                # The steps of layer 1 go back to the synapse's lower side, those of layer 2 forward.
                steps = pair.steps_backward if layer == 1 else pair.steps_forward
                if devices.alike:
                    crossbar.neuron_steps(layer, 1, pair.emitted, word, factor, gain, shift, rounding, steps)
            saturations += crossbar.program_two_way(
                weights, 1, p, pair.pulses, 1, pair.emitted, pair.steps_backward, pair.steps_forward, word, devices
            )
        now = t % depth
        leaving = before(now, 1 if p.tails else p.filter, depth)
        delayed = before(now, p.tail_half if p.tails else p.delay, depth)
        delayed_leaving = before(now, p.tail_half + 1 if p.tails else p.delay + p.filter, depth)
        old = before(now, 2 * p.tail_half + 1 if p.tails else 0, depth)
        for layer in range(1, 3):
            pair.current[0] = pre[run, t] if layer == 1 else post[run, t]
            saturations += integrate_and_fire(
                layer, 1, pair.current, p.leak, p.membrane_low, p.membrane_high, p.threshold, p.refractory,
                pair.membrane, pair.refractory, pair.spikes,
            )[1]  # fmt: skip
            pair.history[now, layer, 0] = pair.spikes[layer, 0]
            if p.tails:
                tail_step(
                    layer, 1, now, leaving, delayed, delayed_leaving, old, p.tail_half, p.tail_shape, pair.history,
                    pair.filtered, pair.integrator, pair.pulses,
                )  # fmt: skip
            else:
                rate_step(
                    layer, 1, now, leaving, delayed, delayed_leaving, pair.history,
                    p.rate_gain, p.rate_leak, pair.filtered, pair.integrator,
                )  # fmt: skip
            trace.spikes[run, t, layer - 1] = pair.spikes[layer, 0]
            trace.membrane[run, t, layer - 1] = pair.membrane[layer, 0]
            trace.refractory[run, t, layer - 1] = pair.refractory[layer, 0]
            trace.filtered[run, t, layer - 1] = pair.filtered[layer, 0]
            trace.integrator[run, t, layer - 1] = pair.integrator[layer, 0]
        trace.weight[run, t] = weights[base, 0]
        trace.word[run, t] = word
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
    key = seed_word(config.training.seed)
    for run in range(runs):
        _run(run, pre, post, image_word((key + run * WEYL) & MASK32), p, pair, start, weights, devices, trace)
    return trace


def weight_change(config: Config, trace: PairTrace) -> np.ndarray:
    """dW of each run at learning rate 1, as a real number."""
    synapse = config.synapses[-1]
    rate = synapse.learning_rate * (config.pulse.amplitude if config.pulses else 1)
    lsb = 1.0 if config.number.format == "real" else 2.0**-synapse.fraction_bits
    # The first step programs nothing: only a stuck device does not start at 0.
    return (trace.weight[:, -1] - trace.weight[:, 0]) * lsb / rate
