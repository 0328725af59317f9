"""What tells devices and neurons of a chip apart: that it is drawn independently, and from nothing but the seed."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import pytest

from eqspike.golden.configfile import config_from_dict
from eqspike.golden.deviations import deviates, device_words, gains, layer_devices, thresholds
from eqspike.golden.device_numbers import offset_of, slope_of, weight_per_volt
from eqspike.golden.device_section import FREE, STUCK_OFF, STUCK_ON
from eqspike.golden.draw import DEVIATE_DEVIATION
from eqspike.golden.network import Network
from tests.golden import chip
from tests.golden.draws import greatest_correlation
from tests.golden.variants import DEVICE_SYNAPSE, one_layer


def test_devices_are_independent() -> None:
    """Slopes and thresholds, up and down, of neighbouring rows and columns and of other layers go their own ways."""
    config = config_from_dict(
        {
            "network": {"layers": [150, 90, 60]},
            "device": {"stuck_on": 0.1, "stuck_off": 0.2},
            "synapses": [DEVICE_SYNAPSE],
        }
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
    config = config_from_dict({"network": {"layers": [40, 30, 20, 10]}, "synapses": [DEVICE_SYNAPSE]})
    found = [device_words(config, layer, 12345).ravel() for layer in range(3)]
    assert len(np.unique(np.concatenate(found))) == sum(len(array) for array in found)


def test_a_seed_is_a_chip() -> None:
    """device.seed, or else training.seed, and nothing else decides what is drawn."""

    def drawn(device: dict[str, Any], seed: int, **more: Any) -> np.ndarray:
        data = {
            "network": {"layers": [9, 5, 3]},
            "synapses": [DEVICE_SYNAPSE],
            "device": {"slope_spread": 0.2} | device,
        }
        return layer_devices(config_from_dict(data | {"training": {"seed": seed}} | more), 1).slope_up

    assert np.array_equal(drawn({}, 3), drawn({"seed": 3}, 4))
    assert not np.array_equal(drawn({}, 3), drawn({}, 4))
    assert np.array_equal(drawn({}, 3), drawn({"write_noise": 0.1}, 3, hardware={"lanes": 3}))


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
