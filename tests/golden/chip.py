"""The chip's hash, its devices, its programming pulses and their tails, written down again from the formulas in their
docstrings.

Shares no code with `golden.number`, `golden.device` and `golden.pulse`: the hash goes bit by bit, a device is a
dictionary, and fixed point is exact fractions that are rounded where the chip rounds. The only thing taken from the
golden model is a format: how many bits a weight change has below the weight's LSB.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, exp, floor, sqrt, trunc
from typing import Any

import numpy as np

from eqspike.golden.config import Config
from eqspike.golden.device_numbers import device_numbers
from eqspike.golden.number import fixed_numbers

PRESENT = (0xC, 0x5, 0x6, 0xB, 0x9, 0x0, 0xA, 0xD, 0x3, 0xE, 0xF, 0x8, 0x4, 0x7, 0x1, 0x2)
PULSE, NOISE, COLUMN, COLLISION = 0x7F4A7C15, 0x2545F491, 0x5851F42D, 0x14057B7E


def mix(word: int) -> int:
    """Four rounds: PRESENT's S-box on each nibble, then bit i goes to bit 8 i mod 31 (31 stays)."""
    for _ in range(4):
        bits = [PRESENT[word >> 4 * (bit // 4) & 15] >> bit % 4 & 1 for bit in range(32)]
        word = sum(value << (31 if bit == 31 else 8 * bit % 31) for bit, value in enumerate(bits))
    return word


def spread(number: int) -> int:
    """Bits 0 to 7 to the lowest bit of the eight nibbles, bits 8 to 15 to the bit above."""
    return sum((number >> nibble & 1) + 2 * (number >> nibble + 8 & 1) << 4 * nibble for nibble in range(8))


def column_key(number: int) -> int:
    """Key of the neuron on the other side of a row."""
    return mix(COLUMN ^ spread(number))


def sends_pulse(config: Config, word: int, number: int) -> bool:
    """Sparse programming: does the spike of the neuron of that number send a programming pulse?"""
    return mix(word ^ PULSE ^ spread(number)) // 2**16 < max(1, round(config.programming.probability * 2**16))


def tail(config: Config, age: int) -> int:
    """A-EqSpike: the tail of a spike of that age; the programming pulse stands at half the length."""
    half = config.pulse.length // 2
    if age == half or not 0 <= age <= 2 * half:
        return 0
    if config.pulse.shape == "square":
        return 1 if age < half else -1
    return age if age < half else age - 2 * half


def collides(config: Config, word: int, number: int) -> bool:
    """A-EqSpike: is the tail of the neuron of that number gone under its programming pulse?"""
    pulse = config.pulse
    if pulse.variant == "desynch_collision":
        return mix(word ^ COLLISION ^ spread(number)) // 2**16 < round(pulse.collision_probability * 2**16)
    return pulse.variant in ("desynch", "desynch_proba")


def clipped(config: Config, signal: Any) -> Any:
    """A-EqSpike: the sum of tails between -Vth and Vth, where pulses may meet."""
    pulse = config.pulse
    chance = pulse.collision_probability if pulse.variant == "desynch_collision" else 1
    if pulse.variant in ("naive", "synch") or chance == 0:
        return signal
    return max(min(signal, 1 / pulse.amplitude), -1 / pulse.amplitude)


def four(word: int, bits: int) -> int:
    """The sum of four fields of that many bits, around 0."""
    return sum(word >> bits * at & 2**bits - 1 for at in range(4)) - 2 * (2**bits - 1)


def deviation(bits: int) -> float:
    """Standard deviation of `four` over all words: four times the variance of a uniform number."""
    return sqrt(4 * (4**bits - 1) / 12)


def first_numbers(layers: tuple[int, ...]) -> list[int]:
    """Number of the first neuron of each layer; a layer's bias neuron stands behind it."""
    return [sum(size + 1 for size in layers[:layer]) for layer in range(len(layers))]


def numbers_of(config: Config, s: int, i: int, k: int) -> tuple[int, int]:
    """(row, column): the neurons' numbers of the synapse from i (the layer's size: bias) to k in synapse layer s."""
    first, layers = first_numbers(config.network.layers), config.network.layers
    below, above = first[s] + i, first[s + 1] + k
    return (below, above) if s == 0 or i == layers[s] else (above, below)


def seeds(config: Config) -> list[int]:
    """Words for slopes, thresholds, stuck devices and gains."""
    seed = config.training.seed if config.device.seed is None else config.device.seed
    return np.random.SeedSequence([seed, 0xD3]).generate_state(4, np.uint32).tolist()


def gain(config: Config, layer: int, n: int) -> float:
    """alpha of a neuron."""
    word = mix(seeds(config)[3] ^ column_key(first_numbers(config.network.layers)[layer] + n))
    return 1 + config.neuron.gain_spread * four(word, 8) / deviation(8)


def threshold(config: Config, layer: int, n: int) -> Any:
    """What a neuron's membrane must exceed; its greatest value, where it never fires."""
    alpha, real = gain(config, layer, n), config.number.format == "real"
    bits = config.membrane_fraction_bits if not real else 0
    high = config.neuron.membrane_limit if real else config.neuron.membrane_limit - Fraction(1, 2**bits)
    if alpha <= 0:
        return high
    exact = config.neuron.threshold / alpha
    return min(exact if real else Fraction(round(exact * 2**bits), 2**bits), high)


class Device:
    """One memristor; weights, x and offsets are in weight LSBs (fixed point: fractions) or real numbers."""

    def __init__(self, config: Config, s: int, i: int, k: int) -> None:
        self.config, self.device, self.synapse = config, config.device, config.synapses[s]
        self.real = config.number.format == "real"
        device = config.device
        self.numbers = numbers_of(config, s, i, k)
        words = [mix(mix(seed ^ spread(self.numbers[0])) ^ column_key(self.numbers[1])) for seed in seeds(config)[:3]]
        half = [[words[at] & 0xFFFF, words[at] >> 16] for at in (0, 1)]
        if device.slope_symmetric:
            half[0][1] = half[0][0]
        if device.threshold_symmetric:
            half[1][1] = half[1][0]
        nominal = (device.slope_up, device.slope_down)
        deviates = [[four(word, 4) / deviation(4) for word in pair] for pair in half]
        self.slopes = [max(0.0, nominal[at] * (1 + device.slope_spread * deviates[0][at])) for at in (0, 1)]
        # S * 50 ns * 1 V = speed of the range; the deviation in volts is a part of the threshold.
        volts = 2 * self.synapse.range * device.speed * device.pulse_ns / 50
        thresholds = (device.threshold_up, device.threshold_down)
        self.offsets: list[Any] = [volts * thresholds[at] * device.threshold_spread * deviates[1][at] for at in (0, 1)]
        draw, on = words[2] >> 16, round(device.stuck_on * 2**16)
        self.stuck = 1 if draw < on else 2 if draw < on + round(device.stuck_off * 2**16) else 0
        self.noise = 2 * self.synapse.range * device.write_noise
        self.low, self.high = -self.synapse.range, self.synapse.range
        self.state = 2 * self.synapse.range / device.states if device.states else 0
        self.draw_bits = 24
        if self.real:
            self.high -= self.state
        else:
            lsbs = 2**self.synapse.fraction_bits
            self.low, self.high = int(self.low * lsbs), int(self.high * lsbs) - 1
            numbers = fixed_numbers(config).synapses[s]
            found = device_numbers(config, s, numbers.step_shift, numbers.step_boost)
            if found is not None:
                self.draw_bits = found.fraction
                self.slopes = [Fraction(min(round(256 * slope), 2047), 256) for slope in self.slopes]
                fine = 2 ** (self.draw_bits - 8)
                self.offsets = [Fraction(round(offset * lsbs * fine), fine) for offset in self.offsets]

    def load(self, weight: Any) -> Any:
        """The weight after `weight` was loaded."""
        return (weight, self.high, self.low)[self.stuck]

    def curve(self, half: int, weight: Any) -> Any:
        """Eq 3.2's factor: steps up (half 0) or down where the weight stands."""
        eta = (self.device.nonlinearity_up, self.device.nonlinearity_down)[half]
        rising = (half == 1) == (self.device.nonlinearity_form == "saturating")
        if self.real:
            g = (weight - self.low) / (2 * self.synapse.range)
        else:  # the middle of one of 64 parts (or fewer) of the conductance range
            parts = min(64, 2**self.synapse.bits)
            g = (floor(Fraction(weight - self.low, 2**self.synapse.bits) * parts) + 0.5) / parts
        factor = exp(eta * g) if rising else exp(eta * (1 - g))
        return factor if self.real else Fraction(round(256 * factor), 256)

    def change(self, weight: Any, pulses: list[Any], word: int) -> Any:
        """dW before it is rounded, of pulses that meet these rho-bars (times learning rate and sign); `word` is the
        step's."""
        up = sum(max(0, x - self.offsets[0]) for x in pulses)
        down = sum(min(0, x + self.offsets[1]) for x in pulses)
        factors = []
        for half in (0, 1):
            factor = self.slopes[half] * self.curve(half, weight)
            factors.append(factor if self.real else Fraction(floor(factor * 256 + Fraction(1, 2)), 256))
        row, column = self.numbers
        drawn = mix(mix(word ^ NOISE ^ spread(row)) ^ column_key(column))
        if self.real:
            noise: Any = self.noise * four(drawn, 8) / deviation(8)
        else:
            unit = self.noise * 2 ** (self.synapse.fraction_bits + self.draw_bits) / deviation(8)
            noise = Fraction(round(unit) * four(drawn, 8), 2**self.draw_bits)
        return up * factors[0] + down * factors[1] + noise

    def write(self, weight: Any, pulses: list[Any], word: int, draw: int) -> tuple[Any, bool]:
        """The weight after a write, and whether it met a bound. `draw` has `draw_bits` bits."""
        if self.stuck:
            return weight, False
        change = self.change(weight, pulses, word)
        exact = weight + change
        if not self.real:
            exact = weight + rounded(change, self.synapse.rounding, draw, self.draw_bits)
        elif self.state:
            # The weight stands on a state: rounding the change to states is rounding the sum.
            states = rounded(change / self.state, self.synapse.rounding, draw, self.draw_bits)
            exact = weight + states * self.state
        new = min(max(exact, self.low), self.high)
        return new, new != exact


def rounded(value: Any, rounding: str, draw: int, bits: int) -> int:
    """A whole number: toward zero, the nearest (halves away from zero), or down after adding draw / 2^bits."""
    if rounding == "truncate":
        return trunc(value)
    if rounding == "nearest":
        return floor(value + Fraction(1, 2)) if value >= 0 else ceil(value - Fraction(1, 2))
    return floor(value + Fraction(draw, 2**bits))
