"""A memristor in numbers: its curves and steps are those of the golden model's writes."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eqspike.golden.config import Config
from eqspike.golden.deviations import layer_devices
from eqspike.golden.device import write
from eqspike.golden.device_numbers import weight_per_volt
from eqspike.golden.network import Network
from eqspike.golden.number import TRUNCATE
from eqspike.golden.synapses import Programming
from eqspike.lab import compare
from eqspike.lab import device as view
from eqspike.lab.configs import for_simulator

FAULTS = {
    "nonlinearity_up": 1.0,
    "nonlinearity_down": 0.5,
    "slope_up": 1.5,
    "slope_spread": 0.1,
    "threshold_spread": 0.05,
    "speed": 1e-2,
    "write_noise": 1e-3,
    "stuck_on": 0.1,
    "stuck_off": 0.1,
}
SYNAPSES = [{"bits": 10, "range": 0.5, "learning_rate": "2^-6", "draw": "synapse"}]


@pytest.fixture
def faulty(make_config) -> Config:
    return make_config(device=FAULTS, synapses=SYNAPSES)


def test_the_real_curve_is_the_golden_models_write(faulty: Config) -> None:
    real = view.nominal(faulty).replace(number=dataclasses.replace(faulty.number, format="real"))
    # A curve needs a device that is not ideal; its slopes are the nominal ones.
    network = Network(real)
    low, high = float(network.parameters.weight_low[0]), float(network.parameters.weight_high[0])
    programming = Programming(0, 1, 1.0, 0, TRUNCATE, low, high, 0.0, 0.0, 0.0, 0)
    for g in (0.1, 0.5, 0.8):
        for volts in (0.3, 1.7):
            for half, sign in ((0, 1), (1, -1)):
                weights = np.array([[low + g * (high - low)]])
                x = sign * volts * weight_per_volt(real, 0)
                write(weights, (0, 0), max(x, 0.0), min(x, 0.0), (0, 0), programming, network.devices)
                moved = (weights[0, 0] - low) / (high - low) - g
                assert moved == pytest.approx(view.real_change(real, 0, half, sign * volts, g), rel=1e-9)


@pytest.mark.parametrize("faults", [{}, FAULTS, {"states": 64}])
def test_the_fixed_steps_are_those_of_eq_3_2(faults: dict[str, Any], make_config) -> None:
    config = make_config(device=faults, synapses=SYNAPSES)
    data = view.device_view(config, 51)
    for curve in data["voltage"]:
        fixed = curve["fixed"]
        lsb = 2.0 ** -config.synapses[curve["layer"]].bits
        over = np.maximum(fixed["volts"] - config.device.threshold_up, 0)
        under = np.minimum(fixed["volts"] + config.device.threshold_down, 0)
        expected = view.real_change(config, curve["layer"], 0, over, 0.5) + view.real_change(
            config, curve["layer"], 1, under, 0.5
        )
        bound = np.abs(expected) * 2 * data["curve_error_bound"] + lsb / view.DRAWS
        assert np.all(np.abs(fixed["mean"] - expected) <= bound)
        assert np.all((fixed["most"] - fixed["least"]) <= lsb * 1.0001)
        assert np.all(np.sign(fixed["mean"]) == np.sign(np.where(fixed["mean"] == 0, 0, fixed["rhobar_lsbs"])))


def test_tables_keep_to_their_bound(faulty: Config) -> None:
    data = view.conductance_curve(faulty, 1025)
    table = data["fixed"]
    parts = len(table["g"])
    for name in ("up", "down"):
        value = np.array(table[name])[np.minimum((data["g"] * parts).astype(int), parts - 1)]
        assert np.all(np.abs(value / data[name] - 1) <= data["error_bound"])


def test_the_sample_is_the_golden_models(faulty: Config) -> None:
    drawn = layer_devices(faulty, 1)
    for entry in view.deviations(faulty, 1)["sample"]:
        place = entry["row"], entry["column"]
        assert entry["slope_up"] == drawn.slope_up[place]
        assert entry["stuck"] == drawn.stuck[place]
        offset = (entry["threshold_up"] - 1) * weight_per_volt(faulty, 1)
        assert offset == pytest.approx(drawn.offset_up[place], abs=1e-15)


def test_a_simulator_finds_measured_devices(tiny: str, make_config) -> None:
    """It runs in a folder of its own."""
    config = make_config(device={"file": "chip.csv"}, synapses=SYNAPSES)
    assert compare.learning_job(config, 1)["config"]["device"]["file"] == str(Path.cwd() / "chip.csv")
    assert for_simulator(make_config()) == make_config()
