"""The generator against arithmetic over GF(2); draws and hashes against `chip` and statistics."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from eqspike.golden.draw import (
    DEVIATE_DEVIATION,
    DEVIATE_LIMIT,
    MASK32,
    NOISE_DEVIATION,
    PERMUTATION,
    ROTATE_LAYER,
    ROTATE_NEURON,
    SUBSTITUTION,
    WEYL,
    column_key,
    deviate_of,
    image_word,
    mix,
    neuron_draw,
    next_key,
    noise_of,
    rotate_right,
    row_word,
    seed_word,
    sends_pulse,
    spread,
    xorshift32,
)
from tests.golden import chip
from tests.golden.draws import greatest_correlation, words

COLUMNS = [int(xorshift32(1 << bit)) for bit in range(32)]


def apply(columns: list[int], word: int) -> int:
    result = 0
    for bit, column in enumerate(columns):
        if word >> bit & 1:
            result ^= column
    return result


def power(exponent: int) -> list[int]:
    result, base = [1 << bit for bit in range(32)], COLUMNS
    while exponent:
        if exponent & 1:
            result = [apply(base, column) for column in result]
        base = [apply(base, column) for column in base]
        exponent >>= 1
    return result


def test_xorshift_is_linear() -> None:
    generator = np.random.default_rng(0)
    for a, b in generator.integers(0, 2**32, (200, 2)).tolist():
        assert xorshift32(a ^ b) == xorshift32(a) ^ xorshift32(b)
        assert xorshift32(a) == apply(COLUMNS, a)


def test_xorshift_visits_every_word_but_zero() -> None:
    """Order 2^32 - 1: so no word but zero becomes zero, and the period is the longest there is."""
    identity = [1 << bit for bit in range(32)]
    assert power(2**32 - 1) == identity
    for prime in (3, 5, 17, 257, 65537):
        assert power((2**32 - 1) // prime) != identity


def test_image_word_is_never_zero() -> None:
    for key in (0, 1, MASK32, WEYL, 2**31):
        assert 0 < image_word(key) <= MASK32
    expected = 12345
    for _ in range(8):
        expected = xorshift32(expected)
    assert image_word(12345) == expected


def test_draws() -> None:
    generator = np.random.default_rng(1)
    for word in generator.integers(0, 2**32, 50).tolist():
        for layer, neuron in ((1, 0), (2, 5), (1, 31), (3, 300)):
            amount = (ROTATE_NEURON * neuron + ROTATE_LAYER * layer) % 32
            bits = f"{word:032b}"
            rotated = int(bits[32 - amount :] + bits[: 32 - amount], 2)
            assert rotate_right(word, amount) == rotated
            assert neuron_draw(word, layer, neuron, 7) == rotated % 128
            assert neuron_draw(word, layer, neuron, 0) == 0
        assert row_word(word, 9) == xorshift32(word ^ (9 * WEYL % 2**32))


def test_draws_of_a_step_differ_and_spread() -> None:
    """Neighbouring neurons' draws over many steps: each is uniform, and no two go together."""
    word, draws = image_word(seed_word(3)), []
    for _ in range(4000):
        word = xorshift32(word)
        draws.append([neuron_draw(word, 1, n, 6) for n in range(32)])
    array = np.array(draws)
    assert np.abs(array.mean(axis=0) - 31.5).max() < 4 * 18.5 / math.sqrt(len(array))
    neighbours = [abs(np.corrcoef(array[:, a], array[:, b])[0, 1]) for a, b in pairwise(range(32))]
    assert max(neighbours) < 0.08


def test_seed_words_are_unrelated() -> None:
    words = [seed_word(seed) for seed in range(200)]
    assert len(set(words)) == 200
    flipped = [(a ^ b).bit_count() for a, b in pairwise(words)]
    assert 14 < np.mean(flipped) < 18


def test_hash_is_the_one_written_down_again() -> None:
    for word in [0, 1, MASK32, 0x80000000, *words(300)]:
        assert mix(word) == chip.mix(word)
    for number in [*range(40), *range(0, 65536, 977), 65535]:
        assert spread(number) == chip.spread(number)
        assert column_key(number) == chip.column_key(number)


def test_hash_is_a_bijection() -> None:
    """Both of a round's maps are permutations, hence so are four rounds; and no two of many words fall together."""
    assert sorted(SUBSTITUTION) == list(range(16))
    assert sorted(PERMUTATION) == list(range(32))
    assert len({mix(word) for word in range(50000)}) == 50000


def test_hash_avalanche() -> None:
    """Each bit of a word that flips, flips nearly half of the hash: on average, and every output bit now and then."""
    sample = words(1500)
    flips = np.zeros((32, 32))
    for word in sample:
        mixed = mix(word)
        for bit in range(32):
            changed = mixed ^ mix(word ^ (1 << bit))
            flips[bit] += [changed >> at & 1 for at in range(32)]
    flips /= len(sample)
    assert abs(flips.mean() - 0.5) < 0.05
    assert flips.min() > 0.3
    assert flips.max() < 0.6


def test_column_keys_are_distinct() -> None:
    assert len({spread(number) for number in range(65536)}) == 65536
    assert len({column_key(number) for number in range(65536)}) == 65536


def test_deviates_and_noise_are_symmetric() -> None:
    """Over all values of their nibbles and bytes the sum is 0; the deviation is the one that scales them."""
    every = np.array([deviate_of(word, 0) for word in range(65536)])
    assert every.sum() == 0
    assert (every.min(), every.max()) == (-DEVIATE_LIMIT, DEVIATE_LIMIT)
    assert every.std() == pytest.approx(DEVIATE_DEVIATION, rel=1e-12)
    for word in words(300):
        assert deviate_of(word, 1) == deviate_of(word >> 16, 0) == chip.four(word >> 16, 4)
        assert noise_of(word) == chip.four(word, 8) == -noise_of(word ^ MASK32)
    for place in range(4):  # a sum over bytes: all values of each, the others at both ends
        assert sum(noise_of(byte << 8 * place) + noise_of(MASK32 ^ (byte << 8 * place)) for byte in range(256)) == 0
    byte = np.arange(256) - 127.5
    assert pytest.approx(math.sqrt(4 * np.mean(byte**2)), rel=1e-12) == NOISE_DEVIATION == chip.deviation(8)


def test_pulses_come_as_often_as_they_should() -> None:
    for probability in (1 / 15, 0.3, 0.75):
        limit, steps, neurons = round(probability * 65536), 6000, 48
        sent = np.array([[sends_pulse(word, number, limit) for number in range(neurons)] for word in words(steps)])
        deviation = math.sqrt(probability * (1 - probability) / steps)
        assert np.abs(sent.mean(axis=0) - limit / 65536).max() < 5 * deviation
        assert abs(sent.mean() - limit / 65536) < 5 * deviation / math.sqrt(neurons)
        assert greatest_correlation(sent) < 0.12


def test_next_key() -> None:
    for key in (0, 1, MASK32, 2**31):
        step = key
        for images in range(5):
            assert next_key(key, images) == step == (key + images * WEYL) % 2**32
            step = next_key(step)
    assert next_key(7, 2**33) == (7 + 2**33 * WEYL) % 2**32  # more than 64 bits can hold
