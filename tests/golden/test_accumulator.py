"""Accumulators: what is gathered, when a device gets its pulse, and what is kept in files."""

from __future__ import annotations

import numpy as np
import pytest

from cocotb_tests import networks
from eqspike.base.errors import WeightsError
from eqspike.golden.accumulator import change
from eqspike.golden.cells import cell_bits, to_cells, to_contents
from eqspike.golden.config import Config
from eqspike.golden.configfile import config_from_dict
from eqspike.golden.data import load_split
from eqspike.golden.modes import LEARN
from eqspike.golden.network import Network
from eqspike.golden.synapses import synapses_of
from eqspike.golden.validation import ConfigError
from eqspike.lab.weights import load_weights, save_weights

PLACE = (2, 1)


def config(format: str = "fixed", **sections: dict) -> Config:
    """A small network whose accumulators have 4 bits and whose pulses are 2^-3 of the range: 2 of 16 states."""
    synapse = {"bits": 4, "range": 0.5, "learning_rate": 2.0**-8, "draw": "synapse"}
    return config_from_dict(
        {
            "network": {"layers": [7, 5, 3]}, "dataset": {"name": "random"}, "synapses": [synapse] * 2,
            "programming": {"accumulator": 4, "step": 2.0**-3}, "number": {"format": format},
        }
        | sections
    )  # fmt: skip


def changes(network: Network, values: np.ndarray, seed: int = 0, sign: int = 1) -> tuple[int, int]:
    """Changes of one synapse one after another; (pulses given, saturations)."""
    programming = synapses_of(network.parameters, 0).programming
    words = np.random.default_rng(seed).integers(0, 2**32, (len(values), 2))
    totals = np.zeros(2, np.int64)
    for value, draws in zip(values, words, strict=True):
        totals += change(
            network.array, network.accumulators, PLACE, value, sign, (int(draws[0]), int(draws[1])), programming,
            network.devices,
        )  # fmt: skip
    return int(totals[0]), int(totals[1])


def one(network: Network) -> tuple[float, float]:
    """(weight, what is gathered) of the synapse."""
    return network.array[PLACE], network.accumulators[PLACE]


def test_nothing_is_lost_or_made() -> None:
    """Pulses given and the rest are together the sum of all steps: here exactly, as every step is a whole LSB."""
    network = Network(config())
    network.array[PLACE] = 0
    shift = network.parameters.step_shift[0] - network.parameters.step_gain[0]
    steps = np.random.default_rng(1).integers(-6, 7, 400)
    total, weight = 0, 0
    for step in steps:
        given, met = changes(network, np.array([int(step) << shift]))
        total += int(step)
        weight, rest = one(network)
        if met:
            network.array[PLACE], network.accumulators[PLACE], total = 0, 0, 0
            continue
        assert (weight // 2) * 8 + rest == total
        assert abs(rest) < 8
        assert given in {0, 1}


def test_a_pulse_comes_at_a_whole_step_and_no_sooner() -> None:
    network = Network(config())
    network.array[PLACE] = 0
    shift = network.parameters.step_shift[0] - network.parameters.step_gain[0]
    assert changes(network, np.array([7 << shift])) == (0, 0)
    assert one(network) == (0, 7)
    assert changes(network, np.array([1 << shift])) == (1, 0)
    assert one(network) == (2, 0)
    assert changes(network, np.array([-8 << shift])) == (1, 0)
    assert one(network) == (0, 0)
    assert changes(network, np.array([8 << shift]), sign=-1) == (1, 0)
    assert one(network) == (-2, 0)


def test_a_change_of_more_than_two_steps_fills_the_accumulator() -> None:
    """One pulse at a time: what does not fit is lost."""
    network = Network(config())
    network.array[PLACE] = 0
    shift = network.parameters.step_shift[0] - network.parameters.step_gain[0]
    assert changes(network, np.array([100 << shift])) == (1, 0)
    assert one(network) == (2, 7)
    assert changes(network, np.array([-100 << shift])) == (1, 0)
    assert one(network) == (0, -7)


def test_a_full_accumulator_at_the_end_of_the_range_saturates() -> None:
    network = Network(config())
    network.array[PLACE] = 7
    shift = network.parameters.step_shift[0] - network.parameters.step_gain[0]
    assert changes(network, np.array([8 << shift])) == (1, 1)
    assert one(network) == (7, 0)


def test_rounding_is_right_in_the_mean() -> None:
    """Changes far below the accumulator's LSB come through as often as they should (binomial: 4 deviations)."""
    network = Network(config())
    network.array[PLACE] = -8
    shift = int(network.parameters.step_shift[0] - network.parameters.step_gain[0])
    changes(network, np.full(4000, 1 << (shift - 6)))
    weight, rest = one(network)
    assert (weight + 8) / 2 * 8 + rest == pytest.approx(4000 / 64, abs=4 * (4000 / 64) ** 0.5)


def test_real_numbers() -> None:
    """The same in real numbers, where nothing is rounded."""
    network = Network(config("real"))
    network.array[PLACE] = 0
    gain = network.parameters.step_gain[0]
    assert changes(network, np.array([0.1 / gain])) == (0, 0)
    assert one(network) == pytest.approx((0, 0.1))
    assert changes(network, np.array([0.05 / gain])) == (1, 0)
    assert one(network) == pytest.approx((0.125, 0.025))
    assert changes(network, np.array([1 / gain]), sign=-1) == (1, 0)
    # One pulse down; the rest is as full as it can be, which is one of 2^3 parts below a step.
    assert one(network) == pytest.approx((0, -0.125 * 7 / 8))


def test_what_rounds_a_device_is_not_what_filled_the_accumulator() -> None:
    """A device of three quarters of the slope moves by 1.5 LSB: by 1 or 2, equally often, however it came to that."""
    network = Network(config(device={"slope_up": 0.75, "slope_down": 0.75}))
    shift = int(network.parameters.step_shift[0] - network.parameters.step_gain[0])
    moves = []
    for seed in range(600):
        network.array[PLACE], network.accumulators[PLACE] = 0, 0
        given, _ = changes(network, np.full(90, 1 << (shift - 3)), seed)
        moves += [one(network)[0]] if given == 1 else []
    assert len(moves) > 400
    assert set(moves) == {1, 2}
    assert np.mean(moves) == pytest.approx(1.5, abs=4 * 0.5 / len(moves) ** 0.5)


def test_the_driver_makes_up_for_a_mean_difference() -> None:
    """Steps down of four times the size, and a curve: with it a pulse moves the nominal step in the range's middle."""
    device = {"slope_down": 4.0, "nonlinearity_up": 2.0, "states": 1024}
    for number in ("fixed", "real"):
        steps = {}
        for compensate in ("none", "nominal"):
            network = Network(
                config(
                    number,
                    device=device | {"compensate": compensate},
                    synapses=[{"bits": 12, "range": 0.5, "learning_rate": 2.0**-8, "draw": "synapse"}] * 2,
                )
            )
            lsb = 1 if number == "real" else network.numbers.synapses[0].weight.lsb
            for half, direction in enumerate((1, -1)):
                network.array[PLACE], network.accumulators[PLACE] = 0, 0
                network.accumulators[PLACE] = direction * (network.parameters.full[0] - network.parameters.least[0])
                big = 4 * network.parameters.full[0] / (network.parameters.step_gain[0] if number == "real" else 1)
                value = direction * (big if number == "real" else 1 << 20)
                changes(network, np.array([value]))
                steps[compensate, half] = one(network)[0] * lsb
        assert steps["none", 0] == pytest.approx(0.125 * np.exp(1), rel=0.05), number
        assert steps["none", 1] == pytest.approx(-0.5, rel=0.05), number
        assert steps["nominal", 0] == pytest.approx(0.125, rel=0.05), number
        assert steps["nominal", 1] == pytest.approx(-0.125, rel=0.05), number


@pytest.mark.parametrize("name", ["gather-7-5-3", "sweep-16-9-9-4"])
def test_learning_goes_on_from_a_file(name: str, tmp_path) -> None:
    """To the bit: accumulators are saved beside the weights."""
    config = networks.odd(name)
    part, whole = load_split(config), Network(config)
    whole.learn(part.train_images[:20], part.train_labels[:20])
    assert np.count_nonzero(whole.accumulators) > 10
    save_weights(tmp_path / "weights.npz", config, whole.contents, epoch=0, key=whole.key)
    saved, second = load_weights(tmp_path / "weights.npz", config), Network(config)
    second.load_weights(saved.contents)
    second.key = saved.about["key"]
    for network in (whole, second):
        network.learn(part.train_images[20:40], part.train_labels[20:40])
    assert np.array_equal(whole.array, second.array)
    assert np.array_equal(whole.accumulators, second.accumulators)


@pytest.mark.parametrize(("when", "rates"), [("spike", (2.0**-7, 2.0**-8)), ("image_end", (2.0**-4, 2.0**-5))])
def test_writes_are_counted_by_layer(when: str, rates: tuple[float, float]) -> None:
    """Each pulse that an ideal device gets moves its weight, step by step, unless it meets a bound."""
    synapses = [{"bits": 8, "range": 2, "learning_rate": rate, "draw": "synapse"} for rate in rates]
    programming = {"accumulator": 4, "step": 2.0**-4, "when": when}
    network = Network(config(programming=programming, synapses=synapses))
    part, learning = load_split(network.config), network.config.learning
    moved = np.zeros(2, np.int64)
    for image, label in zip(part.train_images[:40], part.train_labels[:40], strict=True):
        first = [w.copy() for w in network.weights]
        trace = network.empty_trace(learning.free_steps + learning.nudge_steps, weights=True)
        result = network.present(image, int(label), LEARN, trace)
        # Steps that were not taken hold 0; those of a sweep stand behind the last one.
        ends = learning.free_steps + (learning.nudge_steps + (when == "image_end") if result.nudged else 0)
        for layer, (view, before) in enumerate(zip(network.views(trace.weights[:ends]), first, strict=True)):
            every = np.concatenate([before[None], view])
            moved[layer] += np.count_nonzero(np.diff(every, axis=0))
    counters, writes = network.counter_values(), network.layer_writes()
    assert min(moved) > 20
    assert sum(writes) == counters["programming_pulses"]
    assert counters["weight_saturations"] == 0
    assert writes == tuple(moved)
    network.clear_counters()
    assert network.layer_writes() == (0, 0)


def test_files_that_do_not_fit(tmp_path) -> None:
    config = networks.odd("gather-7-5-3")
    network, path = Network(config), tmp_path / "weights.npz"
    rests = [np.zeros_like(w) for w in network.weights]
    rests[1][0, 0] = 4
    save_weights(path, config, (*network.weights, *rests))
    with pytest.raises(WeightsError, match=r"accumulators of layer 1 are not all between -4 and 4"):
        load_weights(path, config)
    # What is refused changes nothing.
    before = network.array.copy()
    with pytest.raises(ValueError, match="accumulators of layer 1"):
        network.load_weights([*(np.zeros_like(w) for w in network.weights), *rests])
    assert np.array_equal(network.array, before)
    save_weights(path, config, (*network.weights, rests[0]))
    with pytest.raises(WeightsError, match=r"holds accumulators_0; expected accumulators_0, ... or none"):
        load_weights(path, config)


def test_cells() -> None:
    """Weight and accumulator in one number, and back, for all values of both."""
    config = networks.odd("gather-7-5-3")
    assert cell_bits(config) == (9, 8)
    shapes = [w.shape for w in Network(config).weights]
    draw = np.random.default_rng(3)
    contents = [draw.integers(-32, 32, shape) for shape in shapes] + [draw.integers(-4, 4, shape) for shape in shapes]
    cells = to_cells(config, contents)
    assert min(c.min() for c in cells) >= -256
    assert max(c.max() for c in cells) < 256
    assert all(np.array_equal(a, b) for a, b in zip(to_contents(config, cells), contents, strict=True))
    assert all(np.array_equal(a, b << 3) for a, b in zip(to_cells(config, contents[:2]), contents, strict=False))


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"programming": {"accumulator": 1}}, r"programming.accumulator: 1 is not valid; allowed: 2 to 8"),
        ({"programming": {"accumulator": 4, "step": 0.3}}, r"programming.step: 0.3 is not valid; a power of two"),
        ({"programming": {"accumulator": 4, "step": 2.0**-6}}, r"programming.step: .* is not valid; at least 2\^-4"),
        (
            {"programming": {"accumulator": 4}, "synapses": [{"bits": 8}]},
            r"synapses\[0\].draw: 'neuron' is not valid; synapse, with programming.accumulator",
        ),
        (
            {"learning": {"signal": "pulse"}, "pulse": {"variant": "naive"}},
            r"programming.accumulator: 4 is not valid; none, with pulse.variant naive",
        ),
        ({"hardware": {"banks": 2}}, r"hardware.banks: 2 is not valid; 1, with programming.accumulator"),
        ({"device": {"compensate": "measured"}}, r"device.compensate: 'measured' is not valid; nominal, or a device"),
    ],
)  # fmt: skip
def test_what_cannot_be(sections: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        config(**sections)
