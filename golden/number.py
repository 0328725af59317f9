"""Numbers: fixed-point formats and "real", rounding, saturation, the seeded generator, and what follows from a config.

The kernels of this package are plain functions over arrays in the subset of Python that numba compiles: the readable
model is the fast engine. The same kernels serve fixed point (int64 arrays) and real numbers (float64 arrays); the few
operations that differ are the overloaded functions `leak_down`, `leak_to_zero` and `weight_step` below.

With the environment variable NUMBA_DISABLE_JIT=1 everything runs as plain Python, to the same bits.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numba.extending import overload

from golden.config import Config, log2_exact

kernel = numba.njit(cache=True, nogil=True, error_model="numpy", _nrt=False)
"""Decorator of every kernel. Kernels allocate nothing, so numba's reference counts are off: they cost more than half of
the time, for each step passes tuples of arrays around."""

inlined = numba.njit(cache=True, nogil=True, error_model="numpy", _nrt=False, inline="always")
"""Decorator of kernels that every step calls from one place: handing over arrays, each a handful of words, costs more
than the few vectors of neurons they work on, and compilers do not inline by themselves what is linked from outside."""

MASK32 = 0xFFFFFFFF
WEYL = 0x9E3779B9
"""Odd constant near 2^32 / golden ratio: the stream key advances by it for each image learned."""
WARM_UP = 8
"""Rounds of the generator between an image's key and its first draw."""
ROTATE_NEURON = 11
ROTATE_LAYER = 7
"""Neuron n of layer l draws from the step's word rotated right by 11 n + 7 l: any neuron's bits are wiring, not
arithmetic, and depend on neither arrival order nor the number of lanes."""

INFER, LEARN, INFER_FIRST_SPIKE = 0, 1, 2
"""Modes of an image: the free phase only; both phases; the free phase up to the first output spike."""

COUNTERS = (
    "steps",
    "synops",
    "programming_pulses",
    "membrane_saturations",
    "weight_saturations",
    "nudged",
    "skipped",
    "images",
)
"""Names of the counters; besides them, spikes by layer (and, in the circuit, cycles)."""

TRUNCATE, NEAREST, STOCHASTIC = 0, 1, 2
ROUNDING = {"truncate": TRUNCATE, "nearest": NEAREST, "stochastic": STOCHASTIC}


# ---------------------------------------------------------------------------------------------------------------------
# Formats


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
    """Width of a rounded weight step (`weight_step` of one rho-bar), before the sign of the image."""


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


def seed_word(seed: int) -> int:
    """A well-mixed 32-bit word from a user's seed (so that seeds 0, 1, 2 give unrelated draws)."""
    return int(np.random.SeedSequence(seed).generate_state(1, np.uint32)[0])


def input_phase_step(config: Config) -> int:
    """Odd integer nearest 0.618 of the input threshold: equal pixels spread over all phases; 0 for phase `zero`."""
    threshold = config.input.full_scale * config.neuron.refractory
    return 0 if config.input.phase == "zero" else (int(threshold * 0.6180339887) | 1) % threshold


def target_counts(config: Config) -> int:
    """Spikes in the window of a neuron that fires at f_max."""
    return config.learning.window // config.neuron.refractory


def skip_counts(config: Config) -> int:
    """The skip rule's tolerance in spikes of the window; -1: never skip."""
    tolerance = config.learning.skip_tolerance
    return -1 if tolerance is None else int(tolerance * target_counts(config) + 1e-9)


def pulse_limit(config: Config) -> int:
    """Sparse programming: a 16-bit draw below this sends a programming pulse."""
    return max(1, round(config.programming.probability * 2**16))


def history_depth(config: Config) -> int:
    """Steps of spikes that a neuron must remember, the present one included."""
    reach = config.pulse.length + 1 if config.pulses else config.rate.delay + config.rate.filter
    return 1 + max(reach, config.learning.window)


def densest(values: list[int], refractory: int) -> int:
    """Greatest sum of `values` at places that are at least `refractory` apart."""
    best = [0] * (len(values) + refractory)
    for at in range(len(values) - 1, -1, -1):
        best[at] = max(best[at + 1], values[at] + best[at + refractory])
    return best[0]


def tail_values(config: Config) -> list[int]:
    """A-EqSpike: the tail of one spike at ages 0 to 2 h, in units of pulse.amplitude (`golden.pulse`)."""
    half = config.pulse.half
    if config.pulse.shape == "square":
        return [1] * half + [0] + [-1] * half
    return [*range(half), 0, *range(1 - half, 1)]


def collision_limit(config: Config) -> int:
    """Of a 16-bit draw, what a programming pulse collides below when the other side's coincides with it."""
    if config.pulse.variant == "desynch_collision":
        return round(config.pulse.collision_probability * 2**16)
    return 2**16 if config.pulse.variant in ("desynch", "desynch_proba") else 0


def neuron_numbers(layers: tuple[int, ...]) -> list[int]:
    """Number of each layer's first neuron among all neurons, which draws are tied to.

    The bias neuron that drives layer s + 1 stands behind the neurons of layer s. A one-way row has the number of the
    neuron (or bias) below, the column of a two-way layer that of the neuron above.
    """
    numbers, at = [], 0
    for size in layers:
        numbers.append(at)
        at += size + 1
    return numbers


def current_bits(config: Config, membrane_fraction: int) -> tuple[int, ...]:
    """Bits that hold any sum of currents into one neuron of each layer from 1, in membrane LSBs: all synapses at the
    end of their range and spiking at once, plus the strongest nudge for the outputs."""
    layers, widths = config.network.layers, []
    for layer in range(1, len(layers)):
        bound = (layers[layer - 1] + 1) * config.synapses[layer - 1].range
        bound += layers[layer + 1] * config.synapses[layer].range if layer + 1 < len(layers) else config.learning.beta
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
    factor = config.programming.compensation_parts[0]
    signal, tail_count_bits, clip = rate, 0, 0
    if config.pulses:
        tails = tail_values(config)
        greatest = densest(tails[: config.pulse.half], config.neuron.refractory)
        clip = min(greatest, int(1 / config.pulse.amplitude)) if collision_limit(config) else greatest
        signal = Format(bits_for_signed(-greatest, greatest), 0)
        tail_count_bits = densest([1] * config.pulse.length, config.neuron.refractory).bit_length()
    synapses = []
    for index, synapse in enumerate(config.synapses):
        weight = Format(synapse.bits, synapse.fraction_bits)
        halvings = len(synapse.halve_at)
        slowest = config.step_shift(index) + halvings
        shift = max(slowest, 0)
        boost = shift - config.step_shift(index)
        step_bits = max(signal.bits + (factor - 1).bit_length() + boost - shift, 1) + 1
        synapses.append(
            SynapseNumbers(
                weight=weight,
                align=membrane_fraction - weight.fraction_bits,
                step_shift=shift,
                step_boost=boost,
                halvings=halvings,
                factor=factor,
                rounding=ROUNDING[synapse.rounding],
                per_synapse=synapse.rounding == "stochastic" and synapse.draw == "synapse",
                step=Format(step_bits, weight.fraction_bits),
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
        seed=seed_word(config.training.seed),
    )


# ---------------------------------------------------------------------------------------------------------------------
# Operations that differ between fixed point (integers) and real numbers (floats)


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


# ---------------------------------------------------------------------------------------------------------------------
# The seeded generator


@kernel
def xorshift32(word):
    """One round of xorshift (13, 17, 5) on a 32-bit word; never maps a non-zero word to zero."""
    word ^= (word << 13) & MASK32
    word ^= word >> 17
    word ^= (word << 5) & MASK32
    return word


@kernel
def image_word(key):
    """The generator's word at the start of the image with this stream key: `WARM_UP` rounds from the key."""
    word = key
    if word == 0:
        word = MASK32
    for _ in range(WARM_UP):
        word = xorshift32(word)
    return word


@kernel
def rotate_right(word, amount):
    """A 32-bit word rotated right by `amount` mod 32."""
    amount &= 31
    return ((word >> amount) | (word << (32 - amount))) & MASK32


@kernel
def neuron_draw(word, layer, neuron, shift):
    """The `shift`-bit draw of a neuron from the step's word."""
    return rotate_right(word, ROTATE_NEURON * neuron + ROTATE_LAYER * layer) & ((1 << shift) - 1)


@kernel
def row_word(word, row):
    """The word of one row (or column) of synapses in a step, for draws per synapse; `row` is its neuron's number."""
    return xorshift32(word ^ ((row * WEYL) & MASK32))


# Draws that must differ from neuron to neuron and from device to device, not only on average: a hash made of
# substitution and permutation, as block ciphers are. A round is one 4-input table a bit, and wires: on an FPGA 32 LUTs.

SUBSTITUTION = (12, 5, 6, 11, 9, 0, 10, 13, 3, 14, 15, 8, 4, 7, 1, 2)
"""The 4-bit S-box of the cipher PRESENT (Bogdanov et al. 2007)."""
PERMUTATION = tuple(8 * bit % 31 if bit < 31 else 31 for bit in range(32))
"""Bit i moves to PERMUTATION[i]: the four bits of a nibble go to four nibbles."""
MIX_ROUNDS = 4
PULSE_KEY, NOISE_KEY, COLUMN_KEY, COLLISION_KEY = 0x7F4A7C15, 0x2545F491, 0x5851F42D, 0x14057B7E
"""They tell apart the purposes for which one word is mixed: programming decisions, write noise, a column's key, whether
pulses collide."""


def _round_tables() -> np.ndarray:
    tables = np.zeros((4, 256), np.int64)
    for byte in range(4):
        for value in range(256):
            substituted = SUBSTITUTION[value & 15] | SUBSTITUTION[value >> 4] << 4
            bits = (((substituted >> i) & 1) << PERMUTATION[8 * byte + i] for i in range(8))
            tables[byte, value] = sum(bits)
    return tables


_TABLES = _round_tables()
"""What each byte of a word contributes to the next round's word."""


@kernel
def mix(word):
    """`MIX_ROUNDS` rounds of substitution and permutation: a bijection of 32-bit words."""
    for _ in range(MIX_ROUNDS):
        word = (
            _TABLES[0, word & 255]
            ^ _TABLES[1, (word >> 8) & 255]
            ^ _TABLES[2, (word >> 16) & 255]
            ^ _TABLES[3, (word >> 24) & 255]
        )
    return word


@kernel
def spread(number):
    """The 16 bits of a number, one in each nibble and then a second one, where `mix` takes them apart fastest."""
    word = 0
    for bit in range(16):
        word |= ((number >> bit) & 1) << (4 * (bit & 7) + (bit >> 3))
    return word


@kernel
def sends_pulse(word, number, threshold):
    """Does neuron `number`, which fired, send a programming pulse? With probability `threshold` / 2^16."""
    return mix(word ^ PULSE_KEY ^ spread(number)) >> 16 < threshold


@kernel
def collides(word, number, threshold):
    """A-EqSpike: does the pulse of neuron `number` really meet those of its step? With probability threshold / 2^16."""
    return mix(word ^ COLLISION_KEY ^ spread(number)) >> 16 < threshold


@kernel
def noise_row(word, number):
    """The word of a row (or column) in a step from which its devices draw write noise."""
    return mix(word ^ NOISE_KEY ^ spread(number))


@kernel
def column_key(number):
    """What tells the devices of one row apart: the key of the neuron on the other side."""
    return mix(COLUMN_KEY ^ spread(number))


NOISE_DEVIATION = ((256**2 - 1) / 3) ** 0.5
"""Standard deviation of `noise_of`: the sum of four independent bytes."""
DEVIATE_DEVIATION = ((16**2 - 1) / 3) ** 0.5
DEVIATE_LIMIT = 30
"""Standard deviation and greatest value of `deviate_of`: the sum of four independent nibbles."""


@kernel
def noise_of(word):
    """A nearly normal integer of mean 0 from the four bytes of a word: -510..510."""
    return (word & 255) + ((word >> 8) & 255) + ((word >> 16) & 255) + (word >> 24) - 510


@kernel
def deviate_of(word, half):
    """A nearly normal integer of mean 0 from the nibbles of the lower (half 0) or upper (1) half: -30..30."""
    word = (word >> (16 * half)) & 0xFFFF
    return (word & 15) + ((word >> 4) & 15) + ((word >> 8) & 15) + (word >> 12) - DEVIATE_LIMIT
