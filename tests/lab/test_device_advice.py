"""What a config's devices are known to cost: each symptom by its number, and the keys that help; else no word."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from eqspike.golden.config import Config
from eqspike.golden.configfile import load_config, resolve_preset
from eqspike.lab.device_advice import Advice, device_advice, mean_step


def config_of(preset: str = "digits-memristor", **device: Any) -> Config:
    return load_config(resolve_preset(preset), [f"device.{key}={value}" for key, value in device.items()])


def only(found: list[Advice]) -> Advice:
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize("preset", ["digits", "mnist", "digits-memristor", "digits-aeqspike-synch"])
def test_ideal_devices_need_no_advice(preset: str) -> None:
    assert device_advice(load_config(resolve_preset(preset))) == []


@pytest.mark.parametrize("device", [{"write_noise": 1e-4}, {"slope_spread": 0.5}, {"threshold_spread": 0.01},
                                    {"nonlinearity_up": 1, "nonlinearity_down": 1}, {"states": 4096},
                                    {"stuck_on": 0.1}, {"slope_up": 1.05}])  # fmt: skip
def test_faults_that_are_hardly_felt(device: dict[str, Any]) -> None:
    """Those of which docs/results.md has no more than a point lost, or which none of these numbers tells."""
    assert device_advice(config_of(**device)) == []


def test_write_noise() -> None:
    config = config_of(write_noise=1e-3)
    found = only(device_advice(config))
    # A rho-bar of 1/4 at 2^-15 and p = 1/15, over a range of 1/2.
    assert mean_step(config, 1) == pytest.approx(2.0**-15 * 15 / 4 / 0.5, rel=1e-4)
    assert found.number == pytest.approx(1e-3 / mean_step(config, 1))
    words = "write noise is 4.37 times the mean step of layer 1 (0.001 of the range against 0.000229): 0.066 of"
    assert found.line.startswith(words)
    assert "programming.accumulator" in found.cure
    assert "programming.step" in found.cure


@pytest.mark.parametrize(("up", "down", "device"), [
    (math.exp(0.25), 1, {"nonlinearity_up": 0.5}),
    (math.exp(0.2), math.exp(0.5), {"nonlinearity_up": 0.4, "nonlinearity_down": 1.0}),
    (2, 1, {"slope_up": 2}),
    (1, 4, {"slope_down": 4}),
])  # fmt: skip
def test_steps_up_and_down(up: float, down: float, device: dict[str, Any]) -> None:
    """Mean slopes with what the curve makes of them at mid-range."""
    found = only(device_advice(config_of(**device)))
    assert found.number == pytest.approx(up / down)
    assert "device.compensate=nominal" in found.cure
    slope = device.get("slope_up", 1) * down / up
    assert found.cure.endswith(f"device.slope_up={slope:.4g}")
    assert device_advice(config_of(**device | {"slope_up": f"{slope:.4g}"})) == []


def test_slopes_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "chip.csv"
    path.write_text("slope_up,slope_down,stuck\n1.5,1,0\n1.5,1,0\n0,0,1\n")  # what is stuck has no slope
    assert only(device_advice(config_of(file=path))).number == pytest.approx(1.5)


def test_thresholds_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "chip.csv"
    path.write_text("threshold_up,threshold_down\n1.3,1\n1.1,1\n")
    found = only(device_advice(config_of(file=path, speed=1e-2, seed=3)))
    assert found.symptom.startswith("thresholds up are 0.")
    assert "V above the pulse in the mean" in found.symptom
    assert found.number == pytest.approx(0.2 * 1e-2 / mean_step(config_of(), 1), rel=0.1)
    height = float(found.cure.partition("device.threshold_up=")[2])
    assert height == pytest.approx(1.2, abs=0.02)
    assert device_advice(config_of(file=path, speed=1e-2, seed=3, threshold_up=height)) == []
    low = device_advice(config_of(file=path, speed=1e-2, seed=3, threshold_down=1.5, threshold_up=height))
    assert only(low).symptom.startswith("thresholds down are 0.5 V below the pulse")
    assert only(low).number < 0


def test_states() -> None:
    config = config_of(states=64)
    found = only(device_advice(config))
    assert found.number == pytest.approx(1 / 64 / mean_step(config, 1))
    assert "one write in 68.3 moves a device, by chance" in found.symptom
    assert "programming.step of a state or more" in found.cure
    text = [f"synapses.{layer}.rounding=truncate" for layer in (0, 1)]
    lost = only(device_advice(load_config(resolve_preset("digits-memristor"), ["device.states=1024", *text])))
    assert lost.symptom.endswith("rounding truncate loses them")


def test_the_presets_of_real_devices() -> None:
    """Write noise costs most on resistive memories, as their preset says; phase-change ones are unlike up and down."""
    assert [a.symptom.split(" is ")[0] for a in device_advice(config_of("digits-rram-direct"))] == ["write noise"]
    assert [a.symptom.split()[0] for a in device_advice(config_of("digits-pcm-direct"))] == ["steps", "write"]


def test_pulses_have_steps_too() -> None:
    """A-EqSpike: half of the tail's height."""
    config = load_config(resolve_preset("digits-aeqspike-synch"), ["device.write_noise=0.1"]
                         + [f"synapses.{layer}.draw=synapse" for layer in (0, 1)])  # fmt: skip
    synapse = config.synapses[0]
    height = config.pulse.amplitude * config.pulse.half
    assert mean_step(config, 0) == pytest.approx(synapse.learning_rate * height / 2 / (2 * synapse.range))
    assert only(device_advice(config)).symptom.startswith("write noise")
