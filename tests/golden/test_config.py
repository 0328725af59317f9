"""Configs: what is refused, and by which words."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import yaml

from eqspike.golden.config import Config, hardware_for, rate_bound
from eqspike.golden.configfile import apply_override, config_from_dict, load_config
from eqspike.golden.sections import RateConfig
from eqspike.golden.validation import ConfigError, log2_exact


def change(data: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    apply_override(data, f"{path}={yaml.safe_dump(value, default_flow_style=True, width=1000).splitlines()[0]}")
    return data


@pytest.mark.parametrize(
    ("path", "value", "key", "allowed"),
    [
        ("network.layers", [64, 0, 10], "network.layers", "1 to 4096"),
        ("network.layers", [64, -3, 10], "network.layers", "1 to 4096"),
        ("network.layers", [4096] * 16, "network.layers", "at most 65,536"),
        ("network.layers", [64, 10], "network.layers", "three sizes"),
        ("network.layers", 64, "network.layers", "a list"),
        ("network.layers", [64, "many", 10], "network.layers[1]", "a number"),
        ("network.layers", [64, 2.5, 10], "network.layers[1]", "a whole number"),
        ("synapses.0.bits", -8, "synapses[0].bits", "2 to 24"),
        ("synapses.0.bits", 25, "synapses[0].bits", "2 to 24"),
        ("synapses.0.range", 0.3, "synapses[0].range", "a power of two"),
        ("synapses.0.feedback", 0.3, "synapses[0].feedback", "a power of two, e.g. 0.5 or 1"),
        ("synapses.0.feedback", 2, "synapses[0].feedback", "allowed"),
        ("synapses.0.learning_rate", 0.003, "synapses[0].learning_rate", "a power of two, e.g. 2^-8"),
        ("synapses.0.learning_rate", 2.0**-30, "synapses[0].learning_rate", "too small"),
        ("synapses.0.learning_rate", math.nan, "synapses[0].learning_rate", "allowed"),
        ("synapses.0.rounding", "up", "synapses[0].rounding", "truncate, nearest, stochastic"),
        ("synapses.0.draw", "layer", "synapses[0].draw", "neuron, synapse"),
        ("synapses.0.halve_at", [3, 2], "synapses[0].halve_at", "rising order"),
        ("synapses.0.halve_at", [*range(8)], "synapses[0].halve_at", "at most 7"),
        ("neuron.leak", 0.01, "neuron.leak", "a power of two or 0, e.g. 2^-7"),
        ("neuron.leak", -0.5, "neuron.leak", "0 to 0.5"),
        ("neuron.threshold", 0.7, "neuron.threshold", "power of two"),
        ("neuron.refractory", 1, "neuron.refractory", "2 to 8"),
        ("neuron.membrane_limit", 1.0, "neuron.membrane_limit", "2 to 1024"),
        ("neuron.membrane_limit", 3.0, "neuron.membrane_limit", "power of two"),
        ("neuron.fraction_bits", 3, "neuron.fraction_bits", "at least 10"),
        ("rate.leak", 0.1, "rate.leak", "a power of two, e.g. 2^-3"),
        ("rate.delay", 0, "rate.delay", "1 to 1024"),
        ("rate.filter", 10, "rate.filter", "a power of two, e.g. 2^3"),
        ("rate.filter", 64.5, "rate.filter", "a whole number"),
        ("rate.fraction_bits", 0, "rate.filter", "2^rate.fraction_bits"),
        ("rate.integer_bits", 2, "rate.integer_bits", "at least 4"),
        ("learning.beta", 0.3, "learning.beta", "a power of two, e.g. 2^-2"),
        ("learning.window", 40, "learning.window", "at most learning.free_steps"),
        ("learning.window", 12, "learning.window", "refractory times a power of two"),
        ("learning.random_sign", 1, "learning.random_sign", "true or false"),
        ("learning.skip_tolerance", 2, "learning.skip_tolerance", "0 to 1"),
        ("number.format", "float", "number.format", "fixed, real"),
        ("dataset.name", "mnist", "dataset.name", "digits, mnist5k, drawings, fashion-mnist, random, idx:DIR"),
        ("dataset.name", "idx:", "dataset.name", "idx:DIR"),
        ("dataset.shift", -1, "dataset.shift", "0 to 8"),
        ("dataset.brightness", 1.5, "dataset.brightness", "0.01 to 1"),
        ("dataset.train_limit", 0, "dataset.train_limit", "1 to"),
        ("dataset.test_limit", 2.5, "dataset.test_limit", "a whole number"),
        ("dataset.test_fraction", 0.0, "dataset.test_fraction", "0.01 to 0.9"),
        ("input.full_scale", 15, "input.full_scale", "power of two"),
        ("input.phase", "chance", "input.phase", "zero, golden, random"),
        ("training.seed", -1, "training.seed", "0 to 4.29497e+09"),
        ("training.epochs", 1.5, "training.epochs", "a whole number"),
        ("hardware.lanes", 0, "hardware.lanes", "1 to 1024"),
        ("boards", {"mine": {"lanes": 0}}, "boards.mine.lanes", "1 to 1024"),
        ("rate", 3, "rate", "a mapping"),
        ("neuron", {"leek": 0.5}, "neuron.leek", "unknown key; known here: threshold, leak"),
        ("nuron", {}, "nuron", "unknown key; known here: name, dataset"),
    ],
)
def test_refused(path: str, value: object, key: str, allowed: str, tiny_data: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(yaml.safe_dump(change(tiny_data, path, value)))
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    message = str(caught.value)
    assert message.startswith(f"{file}: {key}: ")
    assert allowed in message
    assert "\n" not in message


def test_refused_value_is_named(tiny_data: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"synapses\[0\]\.bits: -8 is not valid"):
        config_from_dict(change(tiny_data, "synapses.0.bits", -8))


def test_wrong_number_of_synapse_layers(tiny_data: dict[str, Any]) -> None:
    tiny_data["synapses"] *= 3
    with pytest.raises(ConfigError, match=r"synapses: '3 entries'.* or 2: one a layer"):
        config_from_dict(tiny_data)


def test_real_numbers_need_no_powers_of_two(tiny_data: dict[str, Any]) -> None:
    for path, value in (("number.format", "real"), ("neuron.leak", 0.01), ("rate.leak", 0.1), ("rate.filter", 10)):
        change(tiny_data, path, value)
    assert config_from_dict(tiny_data).rate.filter == 10


def test_log2_exact() -> None:
    assert [log2_exact(v) for v in (1, 8, 0.25, 3, 0, -2, math.inf, math.nan)] == [0, 3, -2, *[None] * 5]


def test_one_synapse_entry_serves_all() -> None:
    config = config_from_dict({"network": {"layers": [4, 3, 3, 2]}, "synapses": {"bits": 9}})
    assert [s.bits for s in config.synapses] == [9, 9, 9]
    assert len(Config().synapses) == 2


def test_hardware_of_a_board(tiny_data: dict[str, Any]) -> None:
    config = config_from_dict(tiny_data | {"boards": {"icebreaker": {"lanes": 3}}})
    assert hardware_for(config, "icebreaker").lanes == 3
    assert hardware_for(config, "another") == hardware_for(config, None) == config.hardware


def test_rate_bound_grows_with_the_spikes_that_fit() -> None:
    rate = RateConfig(leak=0.125)
    assert rate_bound(rate, 2) > rate_bound(rate, 4) > 2**rate.fraction_bits


def test_feedback_by_itself_and_the_membrane_that_holds_it(make_config) -> None:
    """A half between hidden layers, all of it from the outputs; a weaker one asks for as many more fraction bits."""
    layers = {"network": {"layers": [9, 5, 4, 4, 3]}}
    synapse = {"bits": 12, "range": 0.5}  # 12 fraction bits
    config = make_config(**layers, synapses=[synapse])
    assert (config.feedback, config.membrane_fraction_bits) == ((0, 0.5, 0.5, 1), 13)
    assert make_config(synapses=[synapse]).membrane_fraction_bits == 12
    weak = [synapse, synapse, synapse | {"feedback": 0.25}, synapse | {"feedback": 0.5}]
    config = make_config(**layers, synapses=weak)
    assert (config.feedback, config.membrane_fraction_bits) == ((0, 0.5, 0.25, 0.5), 14)
    with pytest.raises(ConfigError, match=r"neuron.fraction_bits: 13 is not valid; at least 14, as synapses\[2\] has"):
        make_config(**layers, synapses=weak, neuron={"fraction_bits": 13})
