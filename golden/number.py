"""Numbers: fixed-point formats and "real", rounding, saturation, and the constants that follow from a config.

The same kernels serve fixed point (int64 arrays) and real numbers (float64 arrays); the few operations that differ are
the overloaded functions `leak_down`, `leak_to_zero`, `scale` and `weight_step` below.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numba.extending import overload

from eqspike.golden.config import Config
from eqspike.golden.derived import collision_limit, first_key, input_phase_step, skip_counts, target_counts
from eqspike.golden.kernel import kernel
from eqspike.golden.pulse import densest, tail_values
from eqspike.golden.validation import log2_exact

TRUNCATE, NEAREST, STOCHASTIC = 0, 1, 2
ROUNDING = {"truncate": TRUNCATE, "nearest": NEAREST, "stochastic": STOCHASTIC}


class Format(NamedTuple):
    """A signed fixed-point format: `bits` in all, of which `fraction_bits` right of the binary point."""

    bits: int
    fraction_bits: int

    @property
    def low(self) -> int:
        """Least integer."""
        return -(1 << (self.bits - 1))

    @property
    def high(self) -> int:
        """Greatest integer."""
        return (1 << (self.bits - 1)) - 1

    @property
    def lsb(self) -> float:
        """Value of one unit."""
        return 2.0**-self.fraction_bits

    def quantise(self, values: np.ndarray) -> np.ndarray:
        """Real values to the nearest integers of this format, saturated (int64, same shape)."""
        return np.clip(np.rint(np.asarray(values) / self.lsb), self.low, self.high).astype(np.int64)


def bits_for_signed(low: int, high: int) -> int:
    """Bits of the smallest two's complement word that holds low..high."""
    return max((-low - 1).bit_length() if low < 0 else 0, high.bit_length() if high > 0 else 0) + 1


class SynapseNumbers(NamedTuple):
    """What follows from one layer of synapses in fixed point."""

    weight: Format
    align: int
    """Left shift from weight LSBs to membrane LSBs."""
    align_down: int
    """The same of what the neurons above bring down (`SynapseConfig.feedback`): exact, as the membrane has the bits."""
    step_shift: int
    """S: right shift of the weight step at the smallest learning rate of the schedule (>= 0)."""
    step_boost: int
    """Left shift before it at the full learning rate; every halving takes one off."""
    halvings: int
    factor: int
    """What rho-bar is multiplied by to make up for spikes that program nothing (odd)."""
    rounding: int
    per_synapse: bool
    step: Format
    """Width of a rounded step (`weight_step` of one rho-bar), before the sign of the image."""
    rest: Format | None
    """What an accumulator holds: less than a pulse, which is 2^(bits - 1) of its LSBs. None: there are none."""
    pulse: int
    """A full accumulator's pulse in weight LSBs; 0: there are none."""


class FixedNumbers(NamedTuple):
    """Every fixed-point constant of a network; both the golden model and the RTL read it."""

    membrane: Format
    threshold: int
    leak_shift: int
    """gamma_LIF = 2^-leak_shift; -1: no leak."""
    rate: Format
    rate_leak_shift: int
    rate_gain: int
    """A spike adds 2^rate_gain to the integrator for each of the filter's steps."""
    filter: Format
    """The moving average's running difference of spike counts."""
    tail_count_bits: int
    """A-EqSpike, bits of the saw's count of spikes (unsigned)."""
    signal: Format
    """What a neuron puts on its side while the other programs: rho-bar, or the sum of its pulses' tails, unclipped."""
    rate_sum: Format
    """Of rho-bar over the steps of the nudge phase that are served (programming.when image_end)."""
    spike_count: Format
    """Spikes in these steps, unsigned."""
    moving: Format
    """What weights are programmed with: `signal`, or a sum of products of `rate_sum` and `spike_count`."""
    clip: int
    """A-EqSpike: the signal is clipped to -clip..clip, which is +-Vth where the variant clips."""
    nudge_shift: int
    """The drive is (target - count) << nudge_shift, in membrane LSBs."""
    target: int
    """Spikes in the window at f_max."""
    skip_counts: int
    """Skip when every |target - count| <= this; -1: never."""
    count_bits: int
    input_threshold: int
    input_bits: int
    """Bits of an input neuron's membrane (unsigned)."""
    pixel_bits: int
    phase_step: int
    """Input neuron n starts an image at (n * phase_step) mod input_threshold."""
    synapses: tuple[SynapseNumbers, ...]
    current_bits: tuple[int, ...]
    """Width of the exact sum of currents into a neuron (nudge included), in membrane LSBs, for each layer from 1."""
    seed: int
    """32-bit seed of the draws."""


def current_bits(config: Config, membrane_fraction: int) -> tuple[int, ...]:
    """Bits that hold any sum of currents into one neuron of each layer from 1, in membrane LSBs: all synapses at the
    end of their range and spiking at once, plus the strongest nudge for the outputs."""
    layers, widths = config.network.layers, []
    for layer in range(1, len(layers)):
        bound = (layers[layer - 1] + 1) * config.synapses[layer - 1].range
        if layer + 1 < len(layers):
            bound += layers[layer + 1] * config.synapses[layer].range * 2.0 ** -config.feedback_shift(layer)
        else:
            bound += config.learning.beta
        limit = int(bound * 2**membrane_fraction)
        widths.append(bits_for_signed(-limit, limit))
    return tuple(widths)


def fixed_numbers(config: Config) -> FixedNumbers:
    """The fixed-point constants of `config` (which must have number.format fixed)."""
    membrane_fraction = config.membrane_fraction_bits
    membrane = Format(1 + log2_exact(config.neuron.membrane_limit) + membrane_fraction, membrane_fraction)
    filter_log = log2_exact(config.rate.filter)
    rate = Format(config.rate.integer_bits + config.rate.fraction_bits, config.rate.fraction_bits)
    target = target_counts(config)
    input_threshold = config.input.full_scale * config.neuron.refractory
    factor = config.compensation_parts[0]
    signal, tail_count_bits, clip = rate, 0, 0
    if config.pulses:
        tails = tail_values(config)
        greatest = densest(tails[: config.pulse.half], config.neuron.refractory)
        clip = min(greatest, int(1 / config.pulse.amplitude)) if collision_limit(config) else greatest
        signal = Format(bits_for_signed(-greatest, greatest), 0)
        tail_count_bits = densest([1] * config.pulse.length, config.neuron.refractory).bit_length()
    rate_sum = Format(signal.bits + config.summed_steps.bit_length(), signal.fraction_bits)
    spike_count = Format((-(-config.summed_steps // config.neuron.refractory)).bit_length(), 0)
    moving = signal
    if config.programming.image_end:
        moving = Format(rate_sum.bits + spike_count.bits + 1, signal.fraction_bits)
    own_steps, gathers = config.programming.own_steps, config.programming.rest_bits
    synapses = []
    for index, synapse in enumerate(config.synapses):
        weight = Format(synapse.bits, synapse.fraction_bits)
        halvings = len(synapse.halve_at)
        slowest = config.step_shift(index) + halvings
        shift = max(slowest, 0)
        boost = shift - config.step_shift(index)
        step_bits = max(moving.bits + (factor - 1).bit_length() + boost - shift, 1) + 1
        synapses.append(
            SynapseNumbers(
                weight=weight,
                align=membrane_fraction - weight.fraction_bits,
                align_down=membrane_fraction - weight.fraction_bits - config.feedback_shift(index),
                step_shift=shift,
                step_boost=boost,
                halvings=halvings,
                factor=factor,
                rounding=ROUNDING[synapse.rounding],
                per_synapse=own_steps or (synapse.rounding == "stochastic" and synapse.draw == "synapse"),
                step=Format(step_bits, config.step_fraction_bits(index)),
                rest=Format(gathers, config.step_fraction_bits(index)) if gathers else None,
                pulse=int(config.pulse_lsbs(index)) if gathers else 0,
            )
        )
    return FixedNumbers(
        membrane=membrane,
        threshold=int(config.neuron.threshold * 2**membrane_fraction),
        leak_shift=-1 if config.neuron.leak == 0 else -log2_exact(config.neuron.leak),
        rate=rate,
        rate_leak_shift=-log2_exact(config.rate.leak),
        rate_gain=config.rate.fraction_bits - filter_log,
        filter=Format(bits_for_signed(-config.rate.filter, config.rate.filter), 0),
        tail_count_bits=tail_count_bits,
        signal=signal,
        rate_sum=rate_sum,
        spike_count=spike_count,
        moving=moving,
        clip=clip,
        nudge_shift=membrane_fraction + log2_exact(config.learning.beta) - log2_exact(target),
        target=target,
        skip_counts=skip_counts(config),
        count_bits=(-(-config.learning.window // config.neuron.refractory)).bit_length(),
        input_threshold=input_threshold,
        input_bits=(input_threshold + config.input.full_scale).bit_length(),
        pixel_bits=config.input.full_scale.bit_length(),
        phase_step=input_phase_step(config),
        synapses=tuple(synapses),
        current_bits=current_bits(config, membrane_fraction),
        seed=first_key(config),
    )


def leak_down(x, leak):
    """x minus its leak. Fixed: leak is a right shift, rounded down (-1: none). Real: leak is gamma."""
    if isinstance(x, float):
        return x - x * leak
    return x - (x >> leak) if leak >= 0 else x


@overload(leak_down, inline="always")
def _leak_down(x, leak):
    if isinstance(x, numba.types.Float):
        return lambda x, leak: x - x * leak
    return lambda x, leak: x - (x >> leak) if leak >= 0 else x


def leak_to_zero(x, leak):
    """x minus its leak, the leak rounded toward zero, so that positive and negative values decay alike."""
    if isinstance(x, float):
        return x - x * leak
    return x - ((x + ((x >> 63) & ((1 << leak) - 1))) >> leak)


@overload(leak_to_zero, inline="always")
def _leak_to_zero(x, leak):
    if isinstance(x, numba.types.Float):
        return lambda x, leak: x - x * leak
    return lambda x, leak: x - ((x + ((x >> 63) & ((1 << leak) - 1))) >> leak)


def scale(count, gain):
    """A count of spikes times a gain. Fixed: gain is a left shift. Real: a factor."""
    if isinstance(gain, float):
        return count * gain
    return count << gain


@overload(scale, inline="always")
def _scale(count, gain):
    if isinstance(gain, numba.types.Float):
        return lambda count, gain: count * gain
    return lambda count, gain: count << gain


def weight_step(v, factor, gain, shift, rounding, draw):
    """The weight step of rho-bar v: floor((v * factor << gain) / 2^shift + r) in weight LSBs; v * gain in real numbers.

    r makes the rounding mode: `draw` / 2^shift with 0 <= draw < 2^shift (stochastic), a half (nearest, ties away from
    zero), or almost 1 for negative v (truncate toward zero).
    """
    if isinstance(gain, float):
        return v * gain
    return rounded((v * factor) << gain, shift, rounding, draw)


def rounded(x, shift, rounding, draw):
    """x / 2^shift, rounded as `weight_step` says."""
    sign = x >> 63
    if rounding == TRUNCATE:
        draw = sign & ((1 << shift) - 1)
    elif rounding == NEAREST:
        draw = ((1 << shift) >> 1) + (sign if shift > 0 else 0)
    return (x + draw) >> shift


_rounded_kernel = kernel(rounded)


@overload(weight_step, inline="always")
def _weight_step(v, factor, gain, shift, rounding, draw):
    if isinstance(gain, numba.types.Float):
        return lambda v, factor, gain, shift, rounding, draw: v * gain
    return lambda v, factor, gain, shift, rounding, draw: _rounded_kernel((v * factor) << gain, shift, rounding, draw)
