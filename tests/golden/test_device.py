"""Memristors with faults: the hash that draws them, eq 3.2 against real numbers, pulses, noise, states, tables.

`test_network` compares whole images with devices written down again; here are the properties that both must have.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from golden import crossbar
from golden.config import Config, ConfigError, config_from_dict, load_config
from golden.device import (
    COLUMNS,
    FREE,
    STUCK_OFF,
    STUCK_ON,
    curve_error,
    deviates,
    device_words,
    gains,
    layer_devices,
    offset_of,
    read_devices,
    slope_of,
    thresholds,
    weight_per_volt,
)
from golden.law import drive, law_config, rate_sweep, run_pair
from golden.network import LEARN, Network, fixed_devices
from golden.number import (
    DEVIATE_DEVIATION,
    DEVIATE_LIMIT,
    MASK32,
    NEAREST,
    NOISE_DEVIATION,
    PERMUTATION,
    STOCHASTIC,
    SUBSTITUTION,
    TRUNCATE,
    column_key,
    deviate_of,
    image_word,
    mix,
    noise_of,
    noise_row,
    sends_pulse,
    spread,
    xorshift32,
)
from tests.golden import chip, variants

OWN = {"bits": 12, "range": 0.5, "learning_rate": 2.0**-10, "draw": "synapse", "init": 1.0}
"""Synapses that devices with faults may have."""


def words(count: int, seed: int = 3) -> list[int]:
    """The generator's words of so many steps."""
    word, out = image_word(seed), []
    for _ in range(count):
        word = xorshift32(word)
        out.append(int(word))
    return out


def greatest_correlation(samples: np.ndarray) -> float:
    """The greatest |correlation| of two columns of `samples` (shape (draws, things))."""
    found = np.corrcoef(samples.T.astype(float))
    np.fill_diagonal(found, 0)
    return float(np.abs(found).max())


# ---------------------------------------------------------------------------------------------------------------------
# The hash


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


def test_devices_are_independent() -> None:
    """Slopes and thresholds, up and down, of neighbouring rows and columns and of other layers go their own ways."""
    config = config_from_dict(
        {"network": {"layers": [150, 90, 60]}, "device": {"stuck_on": 0.1, "stuck_off": 0.2}, "synapses": [OWN]}
    )
    for layer in (0, 1):
        drawn = deviates(config, layer)
        rest = drawn[:4]
        count = rest[0].size
        bound = 5 / math.sqrt(count)
        for array in rest:
            assert abs(array.mean()) < 5 * DEVIATE_DEVIATION / math.sqrt(count)
            assert array.std() == pytest.approx(DEVIATE_DEVIATION, rel=bound)
            for move in ((1, 0), (0, 1), (1, 1), (2, 0), (0, 2), (8, 0), (0, 8)):
                moved = array[move[0] :, move[1] :]
                still = array[: array.shape[0] - move[0], : array.shape[1] - move[1]]
                assert abs(np.corrcoef(still.ravel(), moved.ravel())[0, 1]) < bound
        assert greatest_correlation(np.stack([array.ravel() for array in rest], axis=1)) < bound
        assert greatest_correlation(rest[0][:-1]) < 5.5 / math.sqrt(len(rest[0]) - 1)  # all pairs of columns
        for state, share in ((STUCK_ON, 0.1), (STUCK_OFF, 0.2), (FREE, 0.7)):
            assert np.mean(drawn.stuck == state) == pytest.approx(share, abs=5 * math.sqrt(share / count))
    first, second = deviates(config, 0), deviates(config, 1)
    pair = np.stack([first.slope_up[:60, :60].ravel(), second.slope_up[:60, :60].ravel()], axis=1)
    assert greatest_correlation(pair) < 5 / 60


def test_every_device_has_a_word_of_its_own() -> None:
    config = config_from_dict({"network": {"layers": [40, 30, 20, 10]}, "synapses": [OWN]})
    found = [device_words(config, layer, 12345).ravel() for layer in range(3)]
    assert len(np.unique(np.concatenate(found))) == sum(len(array) for array in found)


def test_a_seed_is_a_chip() -> None:
    """device.seed, or else training.seed, and nothing else decides what is drawn."""

    def drawn(device: dict[str, Any], seed: int, **more: Any) -> np.ndarray:
        data = {"network": {"layers": [9, 5, 3]}, "synapses": [OWN], "device": {"slope_spread": 0.2} | device}
        return layer_devices(config_from_dict(data | {"training": {"seed": seed}} | more), 1).slope_up

    assert np.array_equal(drawn({}, 3), drawn({"seed": 3}, 4))
    assert not np.array_equal(drawn({}, 3), drawn({}, 4))
    assert np.array_equal(drawn({}, 3), drawn({"write_noise": 0.1}, 3, hardware={"lanes": 3}))


def test_pulses_come_as_often_as_they_should() -> None:
    for probability in (1 / 15, 0.3, 0.75):
        limit, steps, neurons = round(probability * 65536), 6000, 48
        sent = np.array([[sends_pulse(word, number, limit) for number in range(neurons)] for word in words(steps)])
        deviation = math.sqrt(probability * (1 - probability) / steps)
        assert np.abs(sent.mean(axis=0) - limit / 65536).max() < 5 * deviation
        assert abs(sent.mean() - limit / 65536) < 5 * deviation / math.sqrt(neurons)
        assert greatest_correlation(sent) < 0.12


def test_gains() -> None:
    config = config_from_dict({"network": {"layers": [7, 400, 300]}, "neuron": {"gain_spread": 0.1}})
    drawn = gains(config)
    assert (drawn[0] == 1).all()
    both = np.concatenate(drawn[1:])
    assert abs(both.mean() - 1) < 5 * 0.1 / math.sqrt(700)
    assert both.std() == pytest.approx(0.1, rel=5 / math.sqrt(1400))
    assert len(np.unique(both)) > 350
    assert drawn[1][3] == pytest.approx(chip.gain(config, 1, 3))
    assert thresholds(config, 2.0)[2] == pytest.approx(np.minimum(1 / drawn[2], 2.0))


def test_a_neuron_without_gain_never_fires() -> None:
    for number in ("fixed", "real"):
        config = config_from_dict(
            {
                "dataset": {"name": "random"},
                "network": {"layers": [5, 60, 3]},
                "neuron": {"gain_spread": 1.0},
                "number": {"format": number},
                "learning": {"free_steps": 64, "window": 64},
            }
        )
        network = Network(config)
        network.load_weights(
            [np.full(w.shape, high) for w, high in zip(network.weights, network.parameters.weight_high, strict=True)]
        )
        trace = network.empty_trace(64)
        network.present(np.full(5, 16), 0, 0, trace)
        silent = gains(config)[1] <= 0.5  # threshold of 2 or more, or none
        assert 10 < silent.sum() < 40
        assert np.array_equal(trace.spikes[:, :60].any(axis=0), ~silent)


# ---------------------------------------------------------------------------------------------------------------------
# One write


def one_layer(rows: int, columns: int, **sections: Any) -> Network:
    """A network for writes to its first layer of synapses."""
    data: dict[str, Any] = {"dataset": {"name": "random"}, "network": {"layers": [rows, columns, 2]}, "synapses": [OWN]}
    return Network(config_from_dict(data | sections))


def write_rows(network: Network, rhobars: np.ndarray, word: int = 1, rows: list[int] | None = None) -> int:
    """All inputs (or those of `rows`) program the neurons of layer 1, which have these rho-bars (real numbers)."""
    p, integrator = network.parameters, np.zeros_like(network.state.integrator)
    lsb = 1.0 if network.real else network.numbers.rate.lsb
    integrator[1, : len(rhobars)] = np.asarray(rhobars) / lsb
    pulses = np.array(range(network.layers[0]) if rows is None else rows, np.int64)
    return crossbar.program_rows_devices(
        network.array, p.base[0], pulses, len(pulses), 1, p.widths[1], 1, integrator, p.number[0], p.step_factor[0],
        p.step_gain[0], p.step_shift[0], p.rounding[0], word, p.weight_low[0], p.weight_high[0], network.devices,
    )  # fmt: skip


def load(network: Network, weights: np.ndarray) -> None:
    """Real weights into the first layer of synapses."""
    lsb = 1.0 if network.real else network.numbers.synapses[0].weight.lsb
    network.load_weights([np.rint(weights / lsb) if lsb != 1.0 else weights, network.weights[1]])


@pytest.mark.parametrize("form", ["saturating", "accelerating"])
@pytest.mark.parametrize("eta", [0.5, 1, 2, 4])
@pytest.mark.parametrize("bits", [12, 6, 3])
def test_curves(bits: int, eta: float, form: str) -> None:
    """Fixed point against exp: over the whole range within `curve_error`, and the two forms as their texts say."""
    device = {"nonlinearity_up": eta, "nonlinearity_down": eta / 2, "nonlinearity_form": form}
    network = one_layer(2, 2, device=device, synapses=[OWN | {"bits": bits}])
    size = 2**bits
    # A weight is its conductance's code: the middle of its LSB stands for it where a part is one LSB.
    middle = 0.5 if bits <= 6 else 0.0
    g = (np.arange(size) + middle) / size
    for half, exponent in ((0, eta), (1, eta / 2)):
        falls = half == 0 if form == "saturating" else half == 1
        exact = np.exp(exponent * (1 - g) if falls else exponent * g)
        found = network.devices.curve[0, half, np.arange(size) >> network.devices.curve_shift[0]] / 256
        assert np.abs(found / exact - 1).max() <= curve_error(network.config)
        assert found[0] > found[-1] if falls else found[0] < found[-1]
    assert curve_error(network.config) < 1.1 * eta / 128 + 0.002


@pytest.mark.parametrize("form", ["saturating", "accelerating"])
def test_one_write_against_real_numbers(form: str) -> None:
    """Devices with every fault: fixed point is the exact formula but for its curves, its slopes and its rounding."""
    faults = variants.FAULTS | {"nonlinearity_form": form, "stuck_on": 0, "stuck_off": 0}
    synapse = OWN | {"rounding": "nearest"}
    fixed, real = (
        one_layer(40, 30, device=faults, synapses=[synapse], number={"format": f}) for f in ("fixed", "real")
    )
    generator = np.random.default_rng(8)
    start = np.rint(generator.uniform(-0.45, 0.45, (41, 30)) * 4096) / 4096
    rhobars = np.rint(generator.uniform(-3, 3, 30) * 64) / 64
    word = words(1)[0]
    expected = np.zeros((40, 30))
    bound = np.zeros((40, 30))
    for i, k in product(range(40), range(30)):
        device, x = chip.Device(real.config, 0, i, k), rhobars[k] * 2.0**-10
        expected[i, k] = device.change(start[i, k], [x], word)
        up, down = max(0, x - device.offsets[0]), min(0, x + device.offsets[1])
        for half, part in ((0, up), (1, down)):
            curve, slope = device.curve(half, start[i, k]), device.slopes[half]
            factor = slope * curve * curve_error(real.config) + (curve * 1.05 + 1) / 512
            unit = 2.0 ** -(12 + fixed_devices(fixed.config, fixed.numbers)[0].fraction - 8)
            bound[i, k] += abs(part) * factor + 0.5 * unit * (slope * curve * 1.05 + 0.1)
    bound += 0.5 * 2.0**-12 + 510 * 0.5 * 2.0 ** -(12 + fixed_devices(fixed.config, fixed.numbers)[0].fraction)
    for network in (fixed, real):
        load(network, start)
        before = network.real_weights()[0][:40]
        assert write_rows(network, rhobars, word) == 0
        change = network.real_weights()[0][:40] - before
        if network is real:
            assert change == pytest.approx(expected, abs=1e-12)
        else:
            assert (np.abs(change - expected) <= bound).all()
            assert np.abs(change - expected).max() > 0.25 * 2.0**-12  # so that the bound is not idle
    assert np.abs(expected).max() > 5 * bound.max()


@pytest.mark.parametrize("number", ["fixed", "real"])
@pytest.mark.parametrize(("offset_up", "offset_down"), [(1, 1), (2, 2), (1, 0), (0, 2), (-1, -1), (-2, -1), (-1, 2)])
def test_both_halves_of_the_pulse(offset_up: float, offset_down: float, number: str) -> None:
    """A threshold above the pulse makes a dead zone; below it, both halves act on a small rho-bar."""
    device = {"slope_up": 1.5, "slope_down": 0.5, "threshold_spread": 0.05, "speed": 1e-2}
    rhobars = np.array([-4, -2.5, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2.5, 4])
    network = one_layer(1, len(rhobars), device=device, number={"format": number}, synapses=[OWN | {"bits": 16}])
    rate, lsb = 2.0**-10, 2.0**-16
    # Offsets in units of a rho-bar of 1.
    unit = rate if network.real else (2**6) << int(network.parameters.step_gain[0])
    network.devices.offset_up[:] = offset_up * unit
    network.devices.offset_down[:] = offset_down * unit
    slopes = (1.5, 0.5) if network.real else (384, 128)
    network.devices.slope_up[:], network.devices.slope_down[:] = slopes
    load(network, np.zeros((2, len(rhobars))))
    write_rows(network, rhobars)
    up = np.maximum(rhobars - offset_up, 0)
    down = np.minimum(rhobars + offset_down, 0)
    change = network.real_weights()[0][0]
    assert np.abs(change - rate * (1.5 * up + 0.5 * down)).max() <= (1e-12 if network.real else lsb)
    dead = (rhobars <= offset_up) & (rhobars >= -offset_down)
    assert not change[dead].any()
    both = (rhobars > offset_up) & (rhobars < -offset_down)
    assert both.any() == (offset_up < 0 and offset_down < 0)
    expected = (1.5 + 0.5) * rhobars[both] - 1.5 * offset_up + 0.5 * offset_down
    assert change[both] == pytest.approx(rate * expected, abs=1e-12 if network.real else lsb)


def test_symmetric_devices_share_one_draw() -> None:
    for slopes, limits in product((False, True), repeat=2):
        device = {
            "slope_spread": 0.2,
            "threshold_spread": 0.1,
            "speed": 1e-2,
            "threshold_up": 1.0,
            "threshold_down": 2.0,
        }
        device |= {"slope_symmetric": slopes, "threshold_symmetric": limits}
        found = layer_devices(one_layer(9, 5, device=device).config, 0)
        assert np.array_equal(found.slope_up, found.slope_down) == slopes
        assert np.allclose(2 * found.offset_up, found.offset_down, rtol=0, atol=1e-12) == limits


def test_units_of_thresholds() -> None:
    """Eq 3.16: 1 V over the threshold for 50 ns moves `speed` of the range; a deviation is a part of the threshold."""
    device = {"threshold_spread": 0.05, "threshold_up": 0.8, "threshold_down": 1.2, "speed": 1e-3, "pulse_ns": 100}
    config = one_layer(3, 2, device=device).config
    assert weight_per_volt(config, 0) == pytest.approx(1e-3 * 2)  # twice the time, range -0.5 to 0.5
    assert offset_of(config, 0, 0, DEVIATE_DEVIATION) == pytest.approx(2e-3 * 0.8 * 0.05)
    assert offset_of(config, 0, 1, -DEVIATE_DEVIATION) == pytest.approx(-2e-3 * 1.2 * 0.05)
    spread_config = one_layer(3, 2, device={"slope_up": 2.0, "slope_spread": 0.5}).config
    assert slope_of(spread_config, 0, DEVIATE_DEVIATION) == pytest.approx(3.0)
    assert slope_of(spread_config, 0, -3 * DEVIATE_DEVIATION) == 0


@pytest.mark.parametrize("number", ["fixed", "real"])
def test_weights_stay_in_range(number: str) -> None:
    """G- is mid-range and fixed: a weight is in [-range, range), or up to range in real numbers."""
    network = one_layer(30, 20, device={"write_noise": 0.2}, number={"format": number})
    bounds = 0
    for word in words(60):
        bounds += write_rows(network, np.linspace(-3, 3, 20), word)
        weights = network.real_weights()[0][:30]
        assert weights.min() >= -0.5
        assert weights.max() <= (0.5 if network.real else 0.5 - 2.0**-12)
    assert bounds > 300
    assert (weights.min(), weights.max()) == (-0.5, 0.5 if network.real else 0.5 - 2.0**-12)


@pytest.mark.parametrize("number", ["fixed", "real"])
def test_stuck_devices(number: str) -> None:
    """Loading sets them, whatever is loaded, and nothing moves them."""
    faults = variants.FAULTS | {"stuck_on": 0.25, "stuck_off": 0.25, "write_noise": 0.01}
    config = config_from_dict(variants.BASE | {"device": faults, "number": {"format": number}, "synapses": [OWN]})
    network = Network(config)
    images, labels = variants.pictures(config, 3)
    stuck = network.views(network.devices.stuck)
    assert all({FREE, STUCK_ON, STUCK_OFF} == set(array.ravel().tolist()) for array in stuck)
    for load_zero in (False, True):
        if load_zero:
            network.load_weights([np.zeros(w.shape) for w in network.weights])
        start = [w.copy() for w in network.weights]
        network.learn(images, labels)
        for s in (0, 1):
            low, high = network.parameters.weight_low[s], network.parameters.weight_high[s]
            for weights in (start[s], network.weights[s]):
                assert (weights[stuck[s] == STUCK_ON] == high).all()
                assert (weights[stuck[s] == STUCK_OFF] == low).all()
            assert not load_zero or not start[s][stuck[s] == FREE].any()
            assert np.mean(network.weights[s][stuck[s] == FREE] != start[s][stuck[s] == FREE]) > 0.5


@pytest.mark.parametrize("number", ["fixed", "real"])
def test_write_noise(number: str) -> None:
    """Mean 0, the configured part of the range as deviation, and neighbours in time and place independent."""
    noise, rows, columns, steps = 1e-3, 12, 10, 500
    synapse = OWN | {"bits": 18}
    network = one_layer(rows, columns, device={"write_noise": noise}, synapses=[synapse], number={"format": number})
    found = np.zeros((steps, rows, columns))
    for t, word in enumerate(words(steps)):
        load(network, np.zeros((rows + 1, columns)))
        write_rows(network, np.zeros(columns), word)
        found[t] = network.real_weights()[0][:rows]
    deviation = noise * 1.0  # weights from -0.5 to 0.5
    assert abs(found.mean()) < 5 * deviation / math.sqrt(found.size)
    assert found.std() == pytest.approx(deviation, rel=5 / math.sqrt(2 * found.size) + 1e-3)
    flat = found.reshape(steps, -1)
    assert np.abs(flat.mean(axis=0)).max() < 5 * deviation / math.sqrt(steps)
    assert greatest_correlation(flat) < 6 / math.sqrt(steps)
    assert greatest_correlation(np.stack([flat[:-1].ravel(), flat[1:].ravel()], axis=1)) < 5 / math.sqrt(flat.size)


def test_write_noise_depends_on_nothing_else() -> None:
    """Not on lanes, not on the other rows that are written in the step, nor on the format's LSB."""
    rhobars = np.linspace(-2, 2, 10)
    every, word = list(range(12)), words(1)[0]
    found = []
    for lanes, rows in ((1, every), (7, every), (7, [3]), (7, [11, 3])):
        network = one_layer(12, 10, device={"write_noise": 1e-2}, hardware={"lanes": lanes})
        write_rows(network, rhobars, word, rows)
        found.append(network.weights[0][3].tolist())
    assert found[0] == found[1] == found[2] == found[3]
    start = one_layer(12, 10, device={"write_noise": 1e-2}).weights[0][3].tolist()
    assert found[0] != start
    coarse, fine = (one_layer(12, 10, device={"write_noise": 1e-2}, synapses=[OWN | {"bits": b}]) for b in (10, 16))
    for network in (coarse, fine):
        load(network, np.zeros((13, 10)))
        write_rows(network, rhobars, word)
    assert np.abs(coarse.real_weights()[0] - fine.real_weights()[0]).max() < 2.0**-9


def test_noise_words_of_all_devices_differ() -> None:
    """Rows and columns of all layers, inputs, biases and two-way synapses: as many words as devices."""
    config = config_from_dict({"network": {"layers": [12, 9, 8, 5]}, "synapses": [OWN]})
    word, found = words(1)[0], []
    for s in range(3):
        for i, k in product(range(config.network.layers[s] + 1), range(config.network.layers[s + 1])):
            row, column = chip.numbers_of(config, s, i, k)
            found.append(mix(noise_row(word, row) ^ column_key(column)))
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("rounding", [TRUNCATE, NEAREST, STOCHASTIC])
def test_real_states(rounding: int) -> None:
    """Changes are rounded to whole states as in fixed point: halves away from zero, or at random without bias."""
    name = ("truncate", "nearest", "stochastic")[rounding]
    network = one_layer(200, 13, device={"states": 32}, number={"format": "real"}, synapses=[OWN | {"rounding": name}])
    state = 1 / 32
    wanted = np.array([-2, -1.75, -1.5, -1, -0.5, -0.25, 0, 0.25, 0.5, 1, 1.5, 1.75, 2])
    load(network, np.zeros((201, 13)))
    write_rows(network, wanted * state * 2**10, words(1)[0])
    moved = network.weights[0][:200] / state
    assert np.array_equal(moved, np.rint(moved))
    if rounding == STOCHASTIC:
        assert (np.abs(moved - wanted) < 1).all()
        assert np.abs(moved.mean(axis=0) - wanted).max() < 5 * 0.5 / math.sqrt(200)
        assert moved[:, 4].min() < moved[:, 4].max()
    else:
        away = np.sign(wanted) * np.floor(np.abs(wanted) + 0.5)
        assert (moved == (away if rounding == NEAREST else np.trunc(wanted))).all()


# ---------------------------------------------------------------------------------------------------------------------
# States, sparse programming


@pytest.mark.parametrize("form", ["fixed", "real"])
def test_finite_states(form: str) -> None:
    """No weight between states, no more of them than there are; fixed point takes fewer bits."""
    faults = {"states": 16, "slope_spread": 0.2, "write_noise": 0.02}
    synapses = [OWN | {"learning_rate": 2.0**-6}]
    for device in (faults, {"states": 16}):
        config = config_from_dict(variants.BASE | {"device": device, "number": {"format": form}, "synapses": synapses})
        assert [s.bits for s in config.synapses] == [4, 4]
        network = Network(config)
        images, labels = variants.pictures(config, 12)
        seen: set[float] = set()
        start = [w.copy() for w in network.weights]
        for image, label in zip(images, labels, strict=True):
            network.learn(image[None], label[None])
            for weights in network.real_weights():
                states = (weights + 0.5) * 16
                assert np.array_equal(states, np.rint(states))
                seen |= set(states.ravel().tolist())
        assert seen <= set(range(16))
        assert {0, 15} <= seen
        assert all(np.mean(a != b) > 0.3 for a, b in zip(start, network.weights, strict=True))


def test_fewer_bits_than_states_stay() -> None:
    config = config_from_dict({"device": {"states": 64}, "synapses": [OWN | {"bits": 4}, OWN | {"bits": 12}]})
    assert [s.bits for s in config.synapses] == [4, 6]
    with pytest.raises(ConfigError, match=r"synapses\[0\]\.learning_rate.*too small"):
        config_from_dict({"device": {"states": 4}, "synapses": [{"bits": 12, "learning_rate": 2.0**-24}]})


@pytest.mark.parametrize(
    ("programming", "slack"),
    [
        ({"probability": 1 / 15}, 0),
        ({"probability": 0.3}, 0),
        ({"every": 2, "count_from": "image"}, 0.01),
        ({"every": 5, "count_from": "image"}, 0.02),
        ({"every": 10, "count_from": "image"}, 0.04),
    ],
)
@pytest.mark.parametrize("number", ["fixed", "real"])
def test_sparse_programming_is_compensated(number: str, programming: dict[str, Any], slack: float) -> None:
    """The mean change of weights is that of dense programming, whose spikes are the same: the steps are too small to
    matter within an image, and each begins with the same weights.

    Each image's changes are compared with its dense ones by a regression through the origin; `slack` is for the
    regular pattern of every N-th spike, which rho-bars follow a little.
    """

    def changes(of: dict[str, Any], count: int) -> np.ndarray:
        synapses = [OWN | {"bits": 24, "range": 16.0, "learning_rate": 2.0**-13}]
        config = config_from_dict(
            {
                "dataset": {"name": "random"},
                "network": {"layers": [16, 8, 4]},
                "rate": {"delay": 12},
                "learning": {"free_steps": 150, "nudge_steps": 40, "window": 16, "skip_tolerance": None},
                "number": {"format": number},
                "programming": of,
                "synapses": synapses,
            }
        )
        network, generator = Network(config), np.random.default_rng(5)
        start, out = [w.copy() for w in network.weights], []
        for image, label in zip(generator.integers(0, 17, (count, 16)), generator.integers(0, 4, count), strict=True):
            network.load_weights(start)
            network.present(image, int(label), LEARN)
            out.append(np.concatenate([(a - b).ravel() for a, b in zip(network.weights, start, strict=True)]))
        assert network.counter_values()["nudged"] == count
        return np.array(out, float)

    dense, sparse = changes({}, 400), changes(programming, 400)
    each, squares = (sparse * dense).sum(axis=1), (dense**2).sum(axis=1)
    ratio = each.sum() / squares.sum()
    error = math.sqrt(((each - ratio * squares) ** 2).sum()) / squares.sum()
    expected = 1.0
    if number == "fixed" and programming.get("probability") == 0.3:
        expected = 27 / 8 * 0.3  # compensated to the nearest eighth
    assert error < 0.05
    assert abs(ratio - expected) < 4 * error + slack


def test_compensation() -> None:
    """Nearest eighth as an odd factor and a shift; in real numbers exactly."""
    for programming, parts in (
        ({}, (1, 0)),
        ({"every": 2}, (1, -1)),
        ({"every": 10}, (5, -1)),
        ({"probability": 0.3}, (27, 3)),
        ({"probability": 0.0666667}, (15, 0)),
        ({"probability": 0.5}, (1, -1)),
    ):
        config = config_from_dict({"programming": programming})
        assert config.programming.compensation_parts == parts
        assert config.step_shift(0) == 6 + 15 - 12 + parts[1]
        real = Network(config_from_dict({"programming": programming, "number": {"format": "real"}}))
        assert real.parameters.step_gain[0] == 2.0**-15 * config.programming.compensation


# ---------------------------------------------------------------------------------------------------------------------
# The learning law on devices


@pytest.mark.parametrize("device", [{"nonlinearity_up": 1.0}, {"states": 1024}, {"slope_spread": 0.1}, {}])
@pytest.mark.parametrize("real", [True, False])
def test_law_on_devices(real: bool, device: dict[str, Any]) -> None:
    """A device whose steps depend on its conductance needs bounds in real numbers too; and it still learns."""
    data = {"dataset": {"name": "random"}, "device": device, "synapses": [OWN]}
    config = law_config(config_from_dict(data | {"number": {"format": "real" if real else "fixed"}}), real)
    _, pre, post = rate_sweep(5)
    trace = run_pair(config, drive(config, pre), drive(config, post))
    change = trace.weight[:, -1].astype(float)
    assert np.isfinite(change).all()
    assert np.corrcoef(np.arange(5), change)[0, 1] > 0.95


# ---------------------------------------------------------------------------------------------------------------------
# Measured devices

FAULTY = {"slope_up": 1.2, "slope_spread": 0.3, "threshold_up": 0.8, "threshold_spread": 0.1, "speed": 1e-2}


def measured_config(file: Path | None, number: str = "fixed", **device: Any) -> Config:
    """The small network, on the devices of a file or on drawn ones."""
    device = FAULTY | device | ({"file": str(file)} if file else {})
    return config_from_dict(variants.BASE | {"device": device, "number": {"format": number}, "synapses": [OWN]})


def table_of(config: Config) -> dict[str, list[float]]:
    """The devices that `config` draws as a table of measurements."""
    table: dict[str, list[float]] = {name: [] for name in ("layer", "row", "column", *COLUMNS)}
    for layer in range(2):
        found, volts = layer_devices(config, layer), weight_per_volt(config, layer)
        for row, column in np.ndindex(found.stuck.shape):
            at = (row, column)
            table["layer"].append(layer)
            table["row"].append(row)
            table["column"].append(column)
            table["slope_up"].append(found.slope_up[at] / config.device.slope_up)
            table["slope_down"].append(found.slope_down[at] / config.device.slope_down)
            table["threshold_up"].append(config.device.threshold_up + found.offset_up[at] / volts)
            table["threshold_down"].append(config.device.threshold_down + found.offset_down[at] / volts)
            table["stuck"].append(int(found.stuck[at]))
    return table


def write_csv(path: Path, table: dict[str, Any]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(zip(*table.values(), strict=True))
    return path


def write_npz(path: Path, table: dict[str, Any]) -> Path:
    np.savez(path, **{name: np.array(values) for name, values in table.items()})
    return path


@pytest.mark.parametrize("number", ["fixed", "real"])
@pytest.mark.parametrize("kind", ["csv", "npz"])
def test_measured_devices_are_the_drawn_ones(kind: str, number: str, tmp_path: Path) -> None:
    drawn = measured_config(None, number, stuck_on=0.1, stuck_off=0.1, write_noise=1e-3)
    table = table_of(drawn)
    order = np.random.default_rng(0).permutation(len(table["row"]))  # in whatever order
    shuffled = {name: [values[i] for i in order] for name, values in reversed(table.items())}
    path = (write_csv if kind == "csv" else write_npz)(tmp_path / f"chip.{kind}", shuffled)
    measured = measured_config(path, number, write_noise=1e-3)
    numbers = [None] * 2
    if number == "fixed":
        # The bits of a change follow from the spreads, which a file does not have: offsets are coarser there.
        numbers = fixed_devices(measured, Network(measured).numbers)
    for layer in range(2):
        ours, theirs = layer_devices(measured, layer, numbers[layer]), layer_devices(drawn, layer, numbers[layer])
        for name in ours._fields:
            assert getattr(ours, name) == pytest.approx(getattr(theirs, name), abs=1e-12), name
    found = variants.record(measured)
    expected = variants.record(drawn)
    for key, array in expected.items():
        np.testing.assert_allclose(found[key], array, rtol=0, atol=1e-9, err_msg=key)


def test_what_a_table_leaves_out_is_nominal(tmp_path: Path) -> None:
    table = {name: table_of(measured_config(None))[name] for name in ("layer", "row", "column", "slope_up")}
    config = measured_config(write_csv(tmp_path / "chip.csv", table))
    found = layer_devices(config, 0)
    assert (found.slope_down == 1).all()
    assert not found.offset_up.any()
    assert not found.stuck.any()
    assert found.slope_up == pytest.approx(layer_devices(measured_config(None), 0).slope_up)
    assert not config.device.ideal


Change = Callable[[dict[str, list[Any]]], Any]


def put(name: str, at: int, value: object) -> Change:
    return lambda table: table[name].__setitem__(at, value)


def drop(at: int) -> Change:
    return lambda table: [values.pop(at) for values in table.values()]


def again(at: int) -> Change:
    return lambda table: [values.append(values[at]) for values in table.values()]


WRONG: dict[str, tuple[Change, str]] = {
    "missing": (drop(7), "the device at layer 0, row 1, column 2 is missing; 1 such in this layer"),
    "duplicate": (again(50), "the device at layer 1, row 0, column 0 is there 2 times"),
    "NaN": (put("slope_up", 3, math.nan), "entry 4, slope_up: nan is not a number"),
    "infinite": (put("threshold_up", 0, math.inf), "entry 1, threshold_up: inf is not a number"),
    "negative": (put("slope_down", 2, -0.1), "entry 3, slope_down: -0.1; allowed: 0 to 8"),
    "negative row": (put("row", 2, -1), "entry 3, row: -1; allowed: 0 to"),
    "huge row": (put("row", 2, 1e300), "entry 3, row: 1e+300; allowed: 0 to"),
    "half a row": (put("row", 2, 0.5), "row must be whole numbers"),
    "stuck": (put("stuck", 5, 3), "entry 6, stuck: 3; allowed: 0 to 2"),
    "unknown column": (lambda table: table.update(age=table["row"]), "unknown column 'age'; columns are layer, row,"),
    "no row": (lambda table: table.pop("row"), "no column 'row'; columns are"),
    "row outside": (put("row", 0, 10), "layer 0, row 10, column 0: this layer has 10 rows and 5 columns"),
    "layer outside": (again(0), "this network has 2 layers of synapses"),
    "no devices": (lambda table: [values.clear() for values in table.values()], "layer 0, row 0, column 0 is missing"),
}


@pytest.mark.parametrize("kind", ["csv", "npz"])
@pytest.mark.parametrize("name", WRONG)
def test_wrong_tables(name: str, kind: str, tmp_path: Path) -> None:
    table = table_of(measured_config(None))
    change, words = WRONG[name]
    change(table)
    if name == "layer outside":
        table["layer"][-1] = 2
    path = (write_csv if kind == "csv" else write_npz)(tmp_path / f"chip.{kind}", table)
    refused(path, words)


def refused(path: Path, words: str) -> None:
    """The network of that file is refused in one line that names the file."""
    with pytest.raises(ConfigError) as caught:
        Network(measured_config(path))
    message = str(caught.value)
    assert message.startswith(f"device.file: {path}: ")
    assert words in message
    assert "\n" not in message


def test_a_table_for_another_network(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "chip.csv", table_of(measured_config(None)))
    for layers, words in (
        ([9, 6, 3], "the device at layer 0, row 0, column 5 is missing; 10 such in this layer"),
        ([8, 5, 3], "layer 0, row 9, column 0: this layer has 9 rows and 5 columns"),
    ):
        config = config_from_dict(
            variants.BASE | {"network": {"layers": layers}, "device": {"file": str(path)}, "synapses": [OWN]}
        )
        with pytest.raises(ConfigError, match=words):
            read_devices(config)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.csv", b"", "is empty"),
        ("text.csv", b"layer,row,column\n0,0,first\n", "line 2, column: 'first' is not a number"),
        ("ragged.csv", b"layer,row,column\n0,0,0\n0,1\n", "line 3 has 2 entries, the header 3"),
        ("twice.csv", b"layer,row,column,row\n0,0,0,1\n", "column 'row' is there twice"),
        ("bytes.csv", b"layer,row,column\n\xff\xfe", "is not a table of devices"),
        ("empty.npz", b"", "is not a table of devices"),
        ("text.npz", b"layer,row,column\n0,0,0\n", "is not a table of devices"),
        ("broken.npz", b"PK\x03\x04 and no more", "is not a table of devices"),
        ("none.csv", None, "cannot be read: No such file"),
        ("none.npz", None, "cannot be read: No such file"),
        ("folder.csv", ..., "cannot be read: Is a directory"),
    ],
)
def test_not_a_table(name: str, content: Any, words: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if content is ...:
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    refused(path, words)


def test_wrong_arrays(tmp_path: Path) -> None:
    table = {name: np.array(values) for name, values in table_of(measured_config(None)).items()}
    good = tmp_path / "good.npz"
    np.savez(good, **table)
    cut = tmp_path / "cut.npz"
    cut.write_bytes(good.read_bytes()[:-200])
    refused(cut, "is not a table of devices")
    single = tmp_path / "single.npz"
    with single.open("wb") as file:
        np.save(file, table["row"])
    refused(single, "is not a table of devices")
    for change, words in (
        ({"slope_up": table["slope_up"][:-1]}, "columns of different lengths"),
        ({"slope_up": np.array(["steep"] * len(table["row"]))}, "is not a table of devices: could not convert string"),
        ({"slope_up": np.array([None] * len(table["row"]))}, "is not a table of devices: Object arrays"),
    ):
        path = tmp_path / "wrong.npz"
        np.savez(path, **table | change)
        refused(path, words)


# ---------------------------------------------------------------------------------------------------------------------
# Configs


@pytest.mark.parametrize(
    ("section", "values", "words"),
    [
        (
            "device",
            {"conductance_min": 1.0},
            "device.conductance_max: 1.0 is not valid; above device.conductance_min = 1",
        ),
        ("device", {"conductance_min": 2, "conductance_max": 1}, "device.conductance_max: 1.0 is not valid; above"),
        ("device", {"conductance_max": math.nan}, "device.conductance_max: nan"),
        ("device", {"states": 100}, "device.states: 100 is not valid; a power of two"),
        ("device", {"states": 2}, "device.states: 2 is not valid; allowed: 4 to"),
        ("device", {"stuck_on": 0.6, "stuck_off": 0.5}, "device.stuck_off: 0.5 is not valid; at most 1"),
        ("device", {"stuck_on": 1.5}, "device.stuck_on: 1.5 is not valid; allowed: 0 to 1"),
        ("device", {"write_noise": -1e-3}, "device.write_noise: -0.001 is not valid"),
        ("device", {"slope_spread": math.nan}, "device.slope_spread: nan is not valid"),
        (
            "device",
            {"nonlinearity_form": "linear"},
            "device.nonlinearity_form: 'linear' is not valid; allowed: saturating",
        ),
        ("device", {"nonlinearity_up": 5}, "device.nonlinearity_up: 5.0 is not valid"),
        ("device", {"speed": 0}, "device.speed: 0.0 is not valid"),
        ("programming", {"probability": 0}, "programming.probability: 0.0 is not valid; above 0"),
        ("programming", {"probability": 1.01}, "programming.probability: 1.01 is not valid; above 0"),
        ("programming", {"probability": math.nan}, "programming.probability: nan is not valid"),
        ("programming", {"every": 0}, "programming.every: 0 is not valid; allowed: 1 to 64"),
        ("programming", {"every": 2, "probability": 0.5}, "programming.probability: 0.5 is not valid; 1 while"),
        ("programming", {"count_from": "start"}, "programming.count_from: 'start' is not valid; allowed: nudge, image"),
        ("neuron", {"gain_spread": -0.1}, "neuron.gain_spread: -0.1 is not valid"),
    ],
)
def test_refused(section: str, values: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config_from_dict({section: values, "synapses": [OWN]})
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("device", "synapse", "words"),
    [
        ({"write_noise": 1e-13}, {}, r"device\.write_noise: 1e-13 is too small for fixed point; 0, or at least"),
        (
            {"threshold_spread": 1e-6, "speed": 1e-9},
            {},
            r"device\.threshold_spread: 1e-06 is too small for fixed point",
        ),
        (
            {"slope_spread": 0.1},
            {"learning_rate": 2.0**-28},
            r"synapses\[0\]\.learning_rate: .* is too small for devices",
        ),
    ],
)
def test_too_small_for_fixed_point(device: dict[str, Any], synapse: dict[str, Any], words: str) -> None:
    data = {"device": device, "synapses": [OWN | synapse]}
    with pytest.raises(ConfigError, match=words):
        Network(config_from_dict(data))
    assert not Network(config_from_dict(data | {"number": {"format": "real"}})).devices.alike


def test_devices_with_faults_draw_for_themselves() -> None:
    for device in ({"write_noise": 1e-3}, {"slope_up": 0.9}, {"file": "none.csv"}, {"stuck_off": 0.1}):
        with pytest.raises(
            ConfigError, match=r"synapses\[1\]\.draw: 'neuron' is not valid; synapse, where devices are"
        ):
            config_from_dict({"device": device, "synapses": [OWN, OWN | {"draw": "neuron"}]})
        nearest = OWN | {"draw": "neuron", "rounding": "nearest"}
        assert not config_from_dict({"device": device, "synapses": [nearest]}).device.ideal
    for device in ({}, {"conductance_max": 5.0}, {"states": 16}, {"nonlinearity_form": "accelerating", "speed": 1.0}):
        assert config_from_dict({"device": device}).device.ideal


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[2] / "configs" / "odd").glob("*.yaml")), ids=lambda p: p.stem
)
def test_odd_presets_use_what_they_have(path: Path) -> None:
    """Each learns, sends fewer pulses where it should, and has the faults it names."""
    config = load_config(path)
    network = Network(config)
    images, labels = variants.pictures(config, 10)
    network.learn(images, labels)
    dense = Network(config.replace(programming=type(config.programming)()))
    dense.learn(images, labels)
    sent, most = (n.counter_values()["programming_pulses"] for n in (network, dense))
    assert sent < 0.6 * most if config.programming.sparse else sent == most
    assert all(np.any(a != b) for a, b in zip(network.weights, Network(config).weights, strict=True))
    if not config.device.ideal:
        device, found = config.device, fixed_devices(config, network.numbers)
        for state, share in ((STUCK_ON, device.stuck_on), (STUCK_OFF, device.stuck_off)):
            assert (network.devices.stuck == state).any() == (share > 0)
        assert network.devices.noisy == all(d.noise_gain > 0 for d in found) == (device.write_noise > 0)
        assert network.devices.curved == (max(device.nonlinearity_up, device.nonlinearity_down) > 0)
        assert all((max(d.offsets[0]) > 20) == (device.threshold_spread > 0) for d in found)
    firing = network.parameters.threshold[1, : config.network.layers[1]]
    assert (len(set(firing.tolist())) > 1) == (config.neuron.gain_spread > 0)
