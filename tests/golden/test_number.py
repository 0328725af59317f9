"""Formats and rounding against exact rational numbers."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from eqspike.golden.configfile import load_config, resolve_preset
from eqspike.golden.draw import neuron_draw, seed_word, xorshift32
from eqspike.golden.kernel import kernel
from eqspike.golden.number import (
    NEAREST,
    STOCHASTIC,
    TRUNCATE,
    Format,
    bits_for_signed,
    fixed_numbers,
    leak_down,
    leak_to_zero,
    scale,
    weight_step,
)

SMALL = range(-67, 68)


@kernel
def compiled_step(v, factor, gain, shift, rounding, draw):
    return weight_step(v, factor, gain, shift, rounding, draw)


@kernel
def compiled_leaks(x, leak):
    return leak_down(x, leak), leak_to_zero(x, leak)


def step(v: int, factor: int, gain: int, shift: int, rounding: int, draw: int) -> int:
    """The plain function, which must agree with the compiled one."""
    plain = weight_step(v, factor, gain, shift, rounding, draw)
    assert compiled_step(v, factor, gain, shift, rounding, draw) == plain
    return plain


@pytest.mark.parametrize("shift", range(6))
@pytest.mark.parametrize(("factor", "gain"), [(1, 0), (1, 2), (27, 0), (5, 1)])
def test_truncate_and_nearest(factor: int, gain: int, shift: int) -> None:
    for v in SMALL:
        exact = Fraction(v * factor << gain, 1 << shift)
        assert step(v, factor, gain, shift, TRUNCATE, 0) == math.trunc(exact)
        away = math.floor(abs(exact) + Fraction(1, 2))
        assert step(v, factor, gain, shift, NEAREST, 0) == (away if v >= 0 else -away)


@pytest.mark.parametrize("shift", range(6))
@pytest.mark.parametrize("factor", [1, 7])
def test_stochastic_is_unbiased(factor: int, shift: int) -> None:
    """Over all draws the mean is the exact value, and each result is one of its two neighbours."""
    for v in SMALL:
        exact = Fraction(v * factor, 1 << shift)
        steps = [step(v, factor, 0, shift, STOCHASTIC, draw) for draw in range(1 << shift)]
        assert sum(steps, Fraction(0)) / len(steps) == exact
        assert set(steps) <= {math.floor(exact), math.ceil(exact)}


def test_stochastic_mean_over_the_stream() -> None:
    """The generator's own draws: the mean of 20000 steps lies within four standard errors."""
    word, shift, count, v = seed_word(1), 5, 20000, 13
    total = 0
    for _ in range(count):
        word = xorshift32(word)
        total += weight_step(v, 1, 0, shift, STOCHASTIC, neuron_draw(word, 1, 3, shift))
    exact = v / 2**shift
    assert abs(total / count - exact) < 4 * math.sqrt(exact * (1 - exact) / count)


def test_real_step_does_not_round() -> None:
    assert weight_step(0.75, 1, 0.001, 0, NEAREST, 0) == compiled_step(0.75, 1, 0.001, 0, NEAREST, 0) == 0.75 * 0.001


@pytest.mark.parametrize("leak", range(1, 6))
def test_leaks(leak: int) -> None:
    for x in SMALL:
        lost = Fraction(x, 1 << leak)
        expected = (x - math.floor(lost), x - math.trunc(lost))
        assert (leak_down(x, leak), leak_to_zero(x, leak)) == expected == compiled_leaks(x, leak)
        assert leak_to_zero(-x, leak) == -leak_to_zero(x, leak)


def test_no_leak_and_real_leak() -> None:
    assert leak_down(77, -1) == 77
    assert compiled_leaks(-3.0, 0.25) == (leak_down(-3.0, 0.25), leak_to_zero(-3.0, 0.25)) == (-2.25, -2.25)


def test_scale() -> None:
    assert scale(-3, 4) == -48
    assert scale(-3, 0.5) == -1.5


def test_format() -> None:
    form = Format(8, 5)
    assert (form.low, form.high, form.lsb) == (-128, 127, 1 / 32)
    values = form.quantise(np.array([-9.0, -4.0, -1 / 64, 0.1, 3.96875, 4.0]))
    assert values.tolist() == [-128, -128, 0, 3, 127, 127]


def test_bits_for_signed() -> None:
    for low in range(-20, 1):
        for high in range(21):
            bits = bits_for_signed(low, high)
            assert -(2 ** (bits - 1)) <= low <= high <= 2 ** (bits - 1) - 1
            assert bits == 1 or not (-(2 ** (bits - 2)) <= low and high <= 2 ** (bits - 2) - 1)


# ---------------------------------------------------------------------------------------------------------------------


def test_numbers_of_a_known_config(make_config) -> None:
    """By hand: weights of 10 bits in [-0.5, 0.5) have LSB 2^-10; rho-bar's is 2^-6; eta 2^-10, halved once."""
    config = make_config(neuron={"fraction_bits": 12})
    numbers = fixed_numbers(config)
    assert numbers.membrane == Format(14, 12)
    assert (numbers.threshold, numbers.leak_shift) == (4096, 6)
    assert (numbers.rate, numbers.rate_leak_shift, numbers.rate_gain) == (Format(10, 6), 3, 5)
    assert (numbers.target, numbers.skip_counts, numbers.count_bits) == (8, 1, 4)
    assert numbers.nudge_shift == 12 - 1 - 3
    assert numbers.input_threshold == 32
    for synapse in numbers.synapses:
        assert synapse.weight == Format(10, 10)
        assert synapse.align == 2
        # rho-bar in LSBs x 2^-6 x 2^-10 (and half of it later) in units of 2^-10: shift right by 6, then by 7
        assert (synapse.step_shift, synapse.step_boost, synapse.halvings) == (7, 1, 1)


@pytest.mark.parametrize("preset", ["digits"])
def test_current_never_overflows(preset: str) -> None:
    """All weights at their end, all neurons spiking at once, the strongest nudge: the sum fits the width given."""
    config = load_config(resolve_preset(preset))
    numbers, layers = fixed_numbers(config), config.network.layers
    for layer in range(1, len(layers)):
        below = numbers.synapses[layer - 1]
        worst = (layers[layer - 1] + 1) * (below.weight.low << below.align)
        if layer + 1 < len(layers):
            above = numbers.synapses[layer]
            worst += layers[layer + 1] * (above.weight.low << above.align)
        else:
            worst -= numbers.target << numbers.nudge_shift
        assert worst >= -(1 << (numbers.current_bits[layer - 1] - 1))


@pytest.mark.parametrize("probability", [1, 0.3, 1 / 15, 2.0**-10])
def test_step_format_holds_every_step(probability: float, make_config) -> None:
    for rate in (2.0**-4, 2.0**-10, 2.0**-16):
        synapses = [{"bits": 10, "range": 0.5, "learning_rate": rate, "halve_at": [1, 2]}]
        numbers = fixed_numbers(make_config(synapses=synapses, programming={"probability": probability}))
        s = numbers.synapses[0]
        for v in (numbers.rate.low, numbers.rate.high):
            for draw in (0, (1 << s.step_shift) - 1):
                for rounding in (TRUNCATE, NEAREST, STOCHASTIC):
                    value = weight_step(v, s.factor, s.step_boost, s.step_shift, rounding, draw)
                    assert s.step.low <= value <= s.step.high
