"""The preset of a fit: a config of the base's settings with the fitted devices, and comments on how sure they are."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
import yaml

from eqspike.golden.configfile import config_from_text, load_config, resolve_preset
from eqspike.golden.measured import read_file
from eqspike.golden.validation import ConfigError
from eqspike.lab.fit.curves import read_curves
from eqspike.lab.fit.fit import fit_curves
from eqspike.lab.fit.parameters import Fit
from eqspike.lab.fit.preset import Origin, preset_text
from eqspike.lab.fit.result import device_list, fit_data, summary_lines
from tests.lab.fit.sets import Known, make


@pytest.fixture(scope="module")
def fit() -> Fit:
    return fit_curves(make(Known(slope_down=0.8, eta_up=0.8, eta_down=1.1), 12, 0))


def origin(base: str = "digits-memristor", **change: object) -> Origin:
    return Origin(**({"source": "p.csv", "unit": "uS", "base": base, "name": "mine"} | change))


def test_the_preset_is_the_bases_with_these_devices(fit: Fit) -> None:
    text = preset_text(fit, origin())
    config, base = config_from_text(text), load_config(resolve_preset("digits-memristor"))
    assert config.name == "mine"
    for name in ("network", "neuron", "rate", "learning", "programming", "training", "boards"):
        assert getattr(config, name) == getattr(base, name), name
    assert [s.learning_rate for s in config.synapses] == [s.learning_rate for s in base.synapses]
    for key, value in fit.values.items():
        found = getattr(config.device, key)
        assert found == (pytest.approx(value, rel=1e-4, abs=1e-9) if isinstance(value, float) else value), key
    assert "nonlinearity_up: 0.80" in text
    assert f"# eta, ± {fit.errors['nonlinearity_up']:.2g}" in text
    assert "fit' to p.csv; all else is digits-memristor's" in text
    assert f"by {fit.step:.4g} ± {fit.errors['step']:.2g} of Gmax - Gmin" in text
    assert "conductance_max: 100 # uS" in text


def test_the_pulses_voltage_gives_the_speed(fit: Fit) -> None:
    """1 V over the threshold for 50 ns would move step / volts / (ns / 50)."""
    device = config_from_text(preset_text(fit, origin(pulse=(0.5, 100.0), seed=3))).device
    assert device.speed == pytest.approx(fit.step / 0.5 / 2, rel=1e-4)
    assert (device.pulse_ns, device.seed) == (100, 3)
    with pytest.raises(ConfigError, match=r"digits-memristor with these devices: device\.speed: .* allowed: 1e-09"):
        preset_text(fit, origin(pulse=(1e-5, 1e-3)))


def test_what_the_curves_do_not_tell_stays(fit: Fit) -> None:
    text = preset_text(fit, origin("digits-rram"))
    device = config_from_text(text).device
    assert (device.pulse_ns, device.speed, device.slope_down) == (10, 0.1, pytest.approx(0.8, abs=0.05))
    assert "speed: 0.1 # of digits-rram: the curves do not tell" in text


def test_a_base_of_ideal_devices_is_changed(fit: Fit, tmp_path: Path) -> None:
    """Synapses that draw by the neuron, and several banks, do not go with devices."""
    data = {
        "network": {"layers": [9, 5, 3]},
        "synapses": {"bits": 10},
        "hardware": {"banks": 2},
        "boards": {"x": {"banks": 4}},
    }
    (tmp_path / "base.yaml").write_text(yaml.safe_dump(data))
    text = preset_text(fit, origin(str(tmp_path / "base.yaml")))
    config = config_from_text(text)
    assert {s.draw for s in config.synapses} == {"synapse"}
    assert (config.hardware.banks, config.boards["x"].banks, config.device.states) == (1, 1, fit.states.count)
    assert ", but each synapse draws by itself (draw: synapse) and one bank." in text


def test_a_base_that_is_wrong(fit: Fit, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read"):
        preset_text(fit, origin(str(tmp_path / "none.yaml")))
    (tmp_path / "list.yaml").write_text("[1]")
    with pytest.raises(ConfigError, match=r"list\.yaml: the file: "):
        preset_text(fit, origin(str(tmp_path / "list.yaml")))


def test_the_list_of_devices_is_one_for_device_file(fit: Fit, tmp_path: Path) -> None:
    text = device_list(fit)
    assert len(list(csv.reader(io.StringIO(text)))) == 1 + 12
    path = tmp_path / "devices.csv"
    path.write_text(text)
    changes = [f"device.file={path}", "synapses.0.draw=synapse", "synapses.1.draw=synapse"]
    found = read_file(load_config(resolve_preset("toy"), changes))
    assert found.place is None
    assert found.values["slope_up"].mean() == pytest.approx(1, abs=1e-4)
    assert found.values["slope_down"].std(ddof=1) == pytest.approx(0.1, abs=0.07)


def test_data_and_summary(fit: Fit) -> None:
    curves = make(Known(slope_down=0.8, eta_up=0.8, eta_down=1.1), 12, 0)
    data = fit_data(fit, curves, origin())
    assert data["parameters"]["device.slope_up"] == {"value": 1.0, "standard_error": None}
    assert data["parameters"]["device.slope_down"]["standard_error"] == fit.errors["slope_down"]
    assert data["pulse"]["step_conductance"] == pytest.approx(90 * fit.step)
    assert data["pulse"]["write_noise_over_step"] == pytest.approx(0.05, abs=0.005)
    assert data["devices"]["all"] == len(data["devices"]["fitted"]) == 12
    lines = "\n".join(summary_lines(fit, curves))
    for words in ("12 devices: 12 fitted (0 reversed, 0 ragged)", "device.slope_down", "noise of readings: none",
                  "the range is the one in which the devices stop"):  # fmt: skip
        assert words in lines


def test_the_documentations_example() -> None:
    """docs/devices.md shows what comes of docs/pulses.csv."""
    docs = Path(__file__).resolve().parents[3] / "docs"
    fit, text = fit_curves(read_curves(docs / "pulses.csv")), (docs / "devices.md").read_text()
    for key, true in (("slope_down", 0.8), ("slope_spread", 0.1), ("nonlinearity_up", 0.8), ("nonlinearity_down", 1.1)):
        assert abs(fit.values[key] - true) < 3 * fit.errors[key]
        assert f"| `{key}` | {true} | {fit.values[key]:.3f} \u00b1 {fit.errors[key]:.3f}" in text
    assert f"| step of a pulse | 0.02 | {fit.step:.4f} \u00b1 {fit.errors['step']:.4f} of" in text
