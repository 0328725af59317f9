"""Memristors with faults: eq 3.2 against real numbers, pulses, noise, states, configs.

`test_network` compares whole images with devices written down again; here are the properties that both must have.
"""

from __future__ import annotations

import math
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eqspike.golden import crossbar
from eqspike.golden.configfile import config_from_dict, load_config
from eqspike.golden.device_numbers import curve_error, fixed_devices
from eqspike.golden.device_section import FREE, STUCK_OFF, STUCK_ON
from eqspike.golden.draw import column_key, mix, noise_row
from eqspike.golden.law import drive, law_config, rate_sweep, run_pair
from eqspike.golden.modes import LEARN
from eqspike.golden.network import Network
from eqspike.golden.number import NEAREST, STOCHASTIC, TRUNCATE
from eqspike.golden.state import Moment
from eqspike.golden.synapses import synapses_of
from eqspike.golden.validation import ConfigError
from tests.golden import chip, variants
from tests.golden.draws import greatest_correlation, words
from tests.golden.variants import DEVICE_SYNAPSE, one_layer

# ---------------------------------------------------------------------------------------------------------------------
# One write


def write_rows(network: Network, rhobars: np.ndarray, word: int = 1, rows: list[int] | None = None) -> int:
    """All inputs (or those of `rows`) program the neurons of layer 1, which have these rho-bars (real numbers)."""
    p, integrator = network.parameters, np.zeros_like(network.state.integrator)
    lsb = 1.0 if network.real else network.numbers.rate.lsb
    integrator[1, : len(rhobars)] = np.asarray(rhobars) / lsb
    pulses = np.array(range(network.layers[0]) if rows is None else rows, np.int64)
    return crossbar.program_rows_devices(
        network.array, synapses_of(p, 0), pulses, len(pulses), Moment(1, 1, word), integrator, network.devices
    )


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
    network = one_layer(2, 2, device=device, synapses=[DEVICE_SYNAPSE | {"bits": bits}])
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
    synapse = DEVICE_SYNAPSE | {"rounding": "nearest"}
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
    network = one_layer(
        1, len(rhobars), device=device, number={"format": number}, synapses=[DEVICE_SYNAPSE | {"bits": 16}]
    )
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
    config = config_from_dict(
        variants.BASE | {"device": faults, "number": {"format": number}, "synapses": [DEVICE_SYNAPSE]}
    )
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
    synapse = DEVICE_SYNAPSE | {"bits": 18}
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
    coarse, fine = (
        one_layer(12, 10, device={"write_noise": 1e-2}, synapses=[DEVICE_SYNAPSE | {"bits": b}]) for b in (10, 16)
    )
    for network in (coarse, fine):
        load(network, np.zeros((13, 10)))
        write_rows(network, rhobars, word)
    assert np.abs(coarse.real_weights()[0] - fine.real_weights()[0]).max() < 2.0**-9


def test_noise_words_of_all_devices_differ() -> None:
    """Rows and columns of all layers, inputs, biases and two-way synapses: as many words as devices."""
    config = config_from_dict({"network": {"layers": [12, 9, 8, 5]}, "synapses": [DEVICE_SYNAPSE]})
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
    network = one_layer(
        200, 13, device={"states": 32}, number={"format": "real"}, synapses=[DEVICE_SYNAPSE | {"rounding": name}]
    )
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
    synapses = [DEVICE_SYNAPSE | {"learning_rate": 2.0**-6}]
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
    config = config_from_dict(
        {"device": {"states": 64}, "synapses": [DEVICE_SYNAPSE | {"bits": 4}, DEVICE_SYNAPSE | {"bits": 12}]}
    )
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
        synapses = [DEVICE_SYNAPSE | {"bits": 24, "range": 16.0, "learning_rate": 2.0**-13}]
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
        assert config.compensation_parts == parts
        assert config.step_shift(0) == 6 + 15 - 12 + parts[1]
        real = Network(config_from_dict({"programming": programming, "number": {"format": "real"}}))
        assert real.parameters.step_gain[0] == 2.0**-15 * config.compensation


# ---------------------------------------------------------------------------------------------------------------------
# The learning law on devices


@pytest.mark.parametrize("device", [{"nonlinearity_up": 1.0}, {"states": 1024}, {"slope_spread": 0.1}, {}])
@pytest.mark.parametrize("real", [True, False])
def test_law_on_devices(real: bool, device: dict[str, Any]) -> None:
    """A device whose steps depend on its conductance needs bounds in real numbers too; and it still learns."""
    data = {"dataset": {"name": "random"}, "device": device, "synapses": [DEVICE_SYNAPSE]}
    config = law_config(config_from_dict(data | {"number": {"format": "real" if real else "fixed"}}), real)
    _, pre, post = rate_sweep(5)
    trace = run_pair(config, drive(config, pre), drive(config, post))
    change = trace.weight[:, -1].astype(float)
    assert np.isfinite(change).all()
    assert np.corrcoef(np.arange(5), change)[0, 1] > 0.95


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
        config_from_dict({section: values, "synapses": [DEVICE_SYNAPSE]})
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
    data = {"device": device, "synapses": [DEVICE_SYNAPSE | synapse]}
    with pytest.raises(ConfigError, match=words):
        Network(config_from_dict(data))
    assert not Network(config_from_dict(data | {"number": {"format": "real"}})).devices.alike


def test_devices_with_faults_draw_for_themselves() -> None:
    for device in ({"write_noise": 1e-3}, {"slope_up": 0.9}, {"file": "none.csv"}, {"stuck_off": 0.1}):
        with pytest.raises(
            ConfigError, match=r"synapses\[1\]\.draw: 'neuron' is not valid; synapse, where devices are"
        ):
            config_from_dict({"device": device, "synapses": [DEVICE_SYNAPSE, DEVICE_SYNAPSE | {"draw": "neuron"}]})
        nearest = DEVICE_SYNAPSE | {"draw": "neuron", "rounding": "nearest"}
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
    programming = config.programming
    fewer = programming.sparse or programming.image_end or programming.accumulator is not None
    assert sent < 0.6 * most if fewer else sent == most
    assert all(np.any(a != b) for a, b in zip(network.weights, Network(config).weights, strict=True))
    if not config.device.ideal:
        device, found = config.device, fixed_devices(config, network.numbers)
        for state, share in ((STUCK_ON, device.stuck_on), (STUCK_OFF, device.stuck_off)):
            assert (network.devices.stuck == state).any() == (share > 0)
        assert network.devices.noisy == all(d.noise_gain > 0 for d in found) == (device.write_noise > 0)
        assert network.devices.curved == (max(device.nonlinearity_up, device.nonlinearity_down) > 0)
        assert all((max(d.offsets[0]) > 20) == (device.threshold_spread > 0) for d in found)
    firing = network.parameters.membrane.threshold[1, : config.network.layers[1]]
    assert (len(set(firing.tolist())) > 1) == (config.neuron.gain_spread > 0)
