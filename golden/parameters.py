"""What the kernels need to know of a config, in integers (fixed point) or real numbers, at one epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from eqspike.golden.config import Config
from eqspike.golden.derived import (
    TapAges,
    bias_spikes,
    collision_limit,
    halvings,
    input_phase_step,
    neuron_numbers,
    pulse_limit,
    skip_counts,
    tap_ages,
    target_counts,
)
from eqspike.golden.deviations import fixed_thresholds, thresholds
from eqspike.golden.device_numbers import fixed_devices
from eqspike.golden.neuron import Membrane
from eqspike.golden.number import ROUNDING, FixedNumbers
from eqspike.golden.pulse import SHAPES, Tail

PAD = 16
"""Kernels run over whole groups of PAD neurons, so that compilers need no loop for what is left over. The neurons that
do not exist have zero weights and currents, hence stay silent, and no draw touches a weight they have."""

DRAW_BITS = 24
"""Real numbers: bits of a draw, where devices have a limited number of states."""


def padded_width(size: int) -> int:
    """`size` rounded up to a multiple of `PAD`."""
    return -(-size // PAD) * PAD


class Parameters(NamedTuple):
    """What the kernels need to know. Fixed point: integers (gains and leaks are shifts). Real: floats."""

    membrane: Membrane
    rate_leak: float | int
    rate_gain: float | int
    ages: TapAges
    window: int
    free_steps: int
    nudge_steps: int
    nudge_gain: float | int
    target: int
    skip_counts: int
    random_sign: bool
    input_threshold: int
    phase_step: int
    random_phase: bool
    widths: np.ndarray
    """Shape (layers,): neurons of each layer, inputs first."""
    padded: np.ndarray
    """The same, rounded up to a multiple of `PAD`."""
    base: np.ndarray
    """Shape (synapse layers,): first row of each matrix in the array of weights."""
    align: np.ndarray
    """Shape (synapse layers,): from weight to membrane (shift or factor 1.0)."""
    align_down: np.ndarray
    """The same for what comes from the neurons above (shift, or the part of the weight that drives them)."""
    weight_low: np.ndarray
    weight_high: np.ndarray
    step_factor: np.ndarray
    """What rho-bar is multiplied by to make up for spikes that program nothing (fixed point)."""
    step_gain: np.ndarray
    """Learning rate now: left shift before the right shift `step_shift`, or eta itself in real numbers."""
    step_shift: np.ndarray
    full: np.ndarray
    least: np.ndarray
    pulse: np.ndarray
    write_shift: np.ndarray
    """Of accumulators and devices: see `golden.synapses.Programming`."""
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
    """A-EqSpike: the signal is tails of pulses, and the programming pulse comes `tail.half` steps after the spike."""
    tail: Tail
    naive: bool
    gathers: bool
    """Synapses have accumulators."""
    image_end: bool
    """Weights are programmed at the image's end, by sums over the nudge phase."""
    bias_count: int
    """Spikes of a bias in these sums."""


def row_bases(layers: tuple[int, ...]) -> list[int]:
    """First row of each synapse layer's matrix in the array of weights."""
    return [sum(size + 1 for size in layers[:synapses]) for synapses in range(len(layers) - 1)]


def per_neuron(layers: tuple[int, ...], values: Sequence[np.ndarray], dtype: type) -> np.ndarray:
    """Arrays of each layer's neurons as one array of shape (layers, neurons), in row 0 and past a layer's end zero."""
    out = np.zeros((len(layers), padded_width(max(layers[1:]))), dtype)
    for layer in range(1, len(layers)):
        out[layer, : layers[layer]] = values[layer]
    return out


def tail_of(config: Config, clip: float | int) -> Tail:
    """Constants of the config's tails; `clip` in units of the signal."""
    pulse = config.pulse
    return Tail(half=pulse.half, shape=SHAPES[pulse.shape], clip=clip, collision_limit=collision_limit(config))


def common_parameters(config: Config) -> dict[str, object]:
    """`Parameters` that are the same in fixed point and in real numbers."""
    programming = config.programming
    return {
        "ages": tap_ages(config),
        "window": config.learning.window,
        "free_steps": config.learning.free_steps,
        "nudge_steps": config.learning.nudge_steps,
        "target": target_counts(config),
        "skip_counts": skip_counts(config),
        "random_sign": config.learning.random_sign,
        "input_threshold": config.input.full_scale * config.neuron.refractory,
        "phase_step": input_phase_step(config),
        "random_phase": config.input.phase == "random",
        "widths": np.array(config.network.layers, np.int64),
        "padded": np.array([padded_width(size) for size in config.network.layers], np.int64),
        "base": np.array(row_bases(config.network.layers), np.int64),
        "number": np.array(neuron_numbers(config.network.layers), np.int64),
        "pulse_every": programming.every,
        "pulse_limit": pulse_limit(config),
        "tails": config.pulses,
        "naive": config.naive,
        "gathers": programming.gathers,
        "image_end": programming.image_end,
        "bias_count": bias_spikes(config),
        "pulse_from": config.learning.free_steps if programming.count_from == "nudge" else 0,
        "rounding": np.array([ROUNDING[s.rounding] for s in config.synapses], np.int64),
    }


def fixed_parameters(config: Config, numbers: FixedNumbers, epoch: int) -> Parameters:
    """`Parameters` in integers at `epoch` of the learning-rate schedule."""
    synapses, devices = numbers.synapses, fixed_devices(config, numbers)
    passed = [halvings(s.halve_at, epoch) for s in config.synapses]
    boosts = [s.step_boost if d is None else d.x_boost for s, d in zip(synapses, devices, strict=True)]
    shifts = [s.step_shift if d is None else d.fraction for s, d in zip(synapses, devices, strict=True)]
    gathers = config.programming.gathers
    # With accumulators these are the devices' own: what they get is a pulse of a known size.
    pulses = [s.pulse << (0 if d is None else d.x_boost) for s, d in zip(synapses, devices, strict=True)]
    return Parameters(
        membrane=Membrane(
            leak=numbers.leak_shift,
            low=numbers.membrane.low,
            high=numbers.membrane.high,
            threshold=per_neuron(config.network.layers, fixed_thresholds(config, numbers.membrane), np.int64),
            period=config.neuron.refractory,
        ),
        rate_leak=numbers.rate_leak_shift,
        rate_gain=numbers.rate_gain,
        tail=tail_of(config, numbers.clip),
        nudge_gain=numbers.nudge_shift,
        align=np.array([s.align for s in synapses], np.int64),
        align_down=np.array([s.align_down for s in synapses], np.int64),
        weight_low=np.array([s.weight.low for s in synapses], np.int64),
        weight_high=np.array([s.weight.high for s in synapses], np.int64),
        step_factor=np.array([s.factor for s in synapses], np.int64),
        step_gain=np.array(
            [(s.step_boost if gathers else boost) - h for s, boost, h in zip(synapses, boosts, passed, strict=True)],
            np.int64,
        ),
        step_shift=np.array([s.step_shift for s in synapses] if gathers else shifts, np.int64),
        full=np.array([1 << (s.rest.bits - 1) if gathers else 0 for s in synapses], np.int64),
        least=np.ones(len(synapses), np.int64),
        pulse=np.array(pulses, np.int64),
        write_shift=np.array(shifts, np.int64),
        per_synapse=np.array([s.per_synapse for s in synapses]),
        **common_parameters(config),
    )


def real_parameters(config: Config, epoch: int) -> Parameters:
    """`Parameters` in real numbers at `epoch` of the learning-rate schedule."""
    rates = [s.learning_rate * 0.5 ** halvings(s.halve_at, epoch) for s in config.synapses]
    count, states = len(config.synapses), config.device.states
    gathers = config.programming.gathers
    pulses = [config.programming.step * 2 * s.range if gathers else 0.0 for s in config.synapses]
    return Parameters(
        membrane=Membrane(
            leak=float(config.neuron.leak),
            low=-float(config.neuron.membrane_limit),
            high=float(config.neuron.membrane_limit),
            threshold=per_neuron(config.network.layers, thresholds(config, config.neuron.membrane_limit), np.float64),
            period=config.neuron.refractory,
        ),
        rate_leak=float(config.rate.leak),
        rate_gain=1.0 / config.rate.filter,
        tail=tail_of(config, 1.0 / config.pulse.amplitude if collision_limit(config) else np.inf),
        nudge_gain=config.learning.beta / target_counts(config),
        align=np.ones(count),
        align_down=np.array([2.0 ** -config.feedback_shift(s) for s in range(count)]),
        weight_low=np.array([-s.range for s in config.synapses]),
        # The highest of a limited number of states is one state below the end of the range, as in fixed point.
        weight_high=np.array([s.range - (2 * s.range / states if states else 0.0) for s in config.synapses]),
        step_factor=np.ones(count, np.int64),
        step_gain=np.array(rates) * config.compensation * (config.pulse.amplitude if config.pulses else 1),
        full=np.array(pulses),
        least=np.array(pulses) * 2.0 ** (1 - config.programming.rest_bits),
        pulse=np.array(pulses),
        write_shift=np.full(count, DRAW_BITS, np.int64),
        step_shift=np.full(count, DRAW_BITS, np.int64),
        per_synapse=np.zeros(count, np.bool_),
        **common_parameters(config),
    )
