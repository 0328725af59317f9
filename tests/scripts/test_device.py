"""`eqspike device`: its files, any preset and measured devices, and refusals of devices that cannot be."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eqspike.lab import device as view
from tests.lab.test_device import FAULTS


def read(path: str | Path) -> Any:
    return json.loads(Path(path).read_text())


def settings(faults: dict[str, Any]) -> list[str]:
    changes = [f"device.{key}={value}" for key, value in faults.items()]
    changes += ["synapses.0.draw=synapse", "synapses.1.draw=synapse"]
    return [text for change in changes for text in ("--set", change)]


def test_device_command(tiny: str, run) -> None:
    result = run("device", tiny, *settings(FAULTS), "--points", 21)
    assert result.exit_code == 0, result.output
    data = read("runs/tiny-device/device.json")
    assert Path("runs/tiny-device/device.png").read_bytes().startswith(b"\x89PNG")
    assert (data["kind"], data["chip_seed"], data["ideal"]) == ("device", 7, False)
    assert len(data["voltage"][0]["volts"]) == len(data["conductance"]["g"]) == 21
    rows = {row["quantity"]: row for row in data["writes"][0]["rows"]}
    assert rows["LSB"]["lsbs"] == 1
    assert rows["write noise, deviation"]["lsbs"] == pytest.approx(1e-3 * 2**10)
    assert rows["threshold offset up, deviation"]["volts"] == pytest.approx(0.05)
    assert rows["1 V over the threshold"]["share"] == pytest.approx(1e-2)
    assert rows["rho-bar of 1"]["weight"] == pytest.approx(2**-10)
    assert rows["LSB"]["conductance"] == pytest.approx(0.999 * 2**-10)
    for entry, shape in zip(data["deviations"], ((10, 5), (6, 3)), strict=True):
        assert entry["devices"] == shape[0] * shape[1]
        assert sum(entry["histograms"]["slope_up"]["counts"]) == entry["devices"]
        assert 0 < entry["stuck_on"] + entry["stuck_off"] < entry["devices"]
    assert data["deviations"][0]["sample"][0]["row"] == 0
    for word in ("device.write_noise", "LSBs", "stuck on", "within"):
        assert word in result.stdout


def test_the_pulses(tiny: str, run) -> None:
    """Fig 3.3: V = Vi - Vj is x + Vth, then x - Vth; a threshold that is off lets the other half act, or takes away."""
    assert run("device", tiny, *settings({"threshold_spread": 0.4, "speed": 1e-2})).exit_code == 0
    pulses = read("runs/tiny-device/device.json")["pulses"]
    x = pulses["rhobar_volts"]
    assert pulses["rhobar"] == view.EXAMPLE
    trace = {name: np.array(values) for name, values in pulses["trace"].items()}
    np.testing.assert_allclose(trace["v"], trace["vi"] - trace["vj"])
    phases = {phase["phase"]: phase for phase in pulses["phases"]}
    assert phases["up"]["to"] - phases["up"]["from"] == 50
    inside = {
        name: trace["v"][(trace["time"] >= phases[name]["from"]) & (trace["time"] <= phases[name]["to"])]
        for name in ("communication", "up", "down")
    }
    assert max(inside["up"]) == pytest.approx(x + 1)
    assert min(inside["down"]) == pytest.approx(x - 1)
    assert 0 < max(inside["communication"]) < 1
    plain, higher, lower = pulses["changes"]
    assert plain["up"] > 0 == plain["down"]
    assert higher["up"] < plain["up"] < lower["up"]
    assert lower["down"] < 0
    assert pulses["fixed"]["up"] == pytest.approx(plain["up"], rel=0.05)
    assert pulses["fixed"]["down"] == 0


@pytest.mark.parametrize(
    "faults", [{}, {"nonlinearity_up": 2, "nonlinearity_form": "accelerating"}, {"states": 64}, {"stuck_on": 1}]
)
@pytest.mark.parametrize("number", ["fixed", "real"])
def test_any_preset_can_be_shown(number: str, faults: dict[str, Any], tiny: str, run) -> None:
    more = ("--set", f"number.format={number}", "--set", "neuron.gain_spread=0.5", "--set", "neuron.membrane_limit=8")
    result = run("device", tiny, *settings(faults), *more, "--points", 11, "--out", "a")
    assert result.exit_code == 0, result.output
    assert "neuron gain" in result.stdout
    data = read("a/device.json")
    assert (data["voltage"][0]["fixed"] is None) == (number == "real")


def test_measured_devices(tiny: str, run) -> None:
    Path("chip.csv").write_text(devices_table({(0, 0, 0): "1.25,0.9,1"}))
    result = run("device", tiny, *settings({"file": "chip.csv"}), "--out", "a")
    assert result.exit_code == 0, result.output
    data = read("a/device.json")["deviations"][0]
    assert data["sample"][0]["slope_up"] == 1.25
    assert data["sample"][0]["threshold_down"] == pytest.approx(0.9)
    assert data["stuck_on"] == 1
    assert run("train", tiny, *settings({"file": "chip.csv"}), "--out", "t", "--epochs", 1).exit_code == 0


def test_a_list_of_devices_and_its_spread(tiny: str, run) -> None:
    """How many synapses draw is said; one key sweeps the spread, and a file without places is a list."""
    Path("list.csv").write_text(",slope_up\n0,0.8\n1,1.2\n")
    for spread in (1, 0.5, 0):
        result = run("device", tiny, *settings({"file": "list.csv", "file_spread": spread}), "--out", "a")
        assert result.exit_code == 0, result.output
        words = f"device.file: 2 devices, 68 of 68 synapses draw one of them; spread times {spread:g}"
        assert words in result.stdout
        slopes = read("a/device.json")["deviations"][0]["histograms"]["slope_up"]
        assert slopes["deviation"] == pytest.approx(0.2 * spread, abs=0.02)
    table = devices_table({}, (0, 3, 2))
    Path("chip.csv").write_text(table)
    result = run("device", tiny, *settings({"file": "chip.csv"}), "--out", "a")
    assert "device.file: 67 devices, 1 of 68 synapses draw one of them" in result.stdout


def test_it_says_what_devices_cost(tiny: str, run) -> None:
    result = run("device", tiny, *settings({"slope_up": 2}), "--out", "a")
    said = "steps up are 2 times those down at mid-range, in the mean; device.compensate=nominal divides"
    assert f"warning: {said}" in result.stdout
    assert read("a/device.json")["advice"][0]["number"] == pytest.approx(2)
    trained = run("train", tiny, *settings({"slope_up": 2}), "--epochs", 1, "--limit", 5, "--seeds", 2)
    assert trained.stdout.count("warning: ") == trained.stdout.count(said) == 1
    assert "warning" not in run("train", tiny, "--epochs", 1, "--limit", 5).stdout


def devices_table(changed: dict[tuple[int, int, int], str], leave_out: tuple[int, ...] = ()) -> str:
    lines = ["layer,row,column,slope_up,threshold_down,stuck"]
    for layer, (below, above) in enumerate(((9, 5), (5, 3))):
        for row in range(below + 1):
            for column in range(above):
                place = layer, row, column
                if place != leave_out:
                    lines.append("{},{},{},".format(*place) + changed.get(place, "1,1,0"))
    return "\n".join(lines) + "\n"


BAD: list[tuple[dict[str, Any], str]] = [
    ({"conductance_min": 1, "conductance_max": 1}, "device.conductance_max: 1.0 is not valid; above"),
    ({"conductance_min": 2}, "device.conductance_max: 1.0 is not valid; above device.conductance_min = 2"),
    ({"conductance_min": ".nan"}, "device.conductance_min: nan is not valid"),
    ({"threshold_up": 0}, "device.threshold_up: 0.0 is not valid"),
    ({"speed": 0}, "device.speed: 0.0 is not valid"),
    ({"nonlinearity_form": "round"}, "allowed: saturating, accelerating"),
    ({"write_noise": -1}, "device.write_noise: -1.0 is not valid"),
    ({"write_noise": 1e-14}, "device.write_noise: 1e-14 is too small for fixed point"),
    ({"threshold_spread": 1e-7, "speed": 1e-9}, "device.threshold_spread: 1e-07 is too small for fixed point"),
    ({"stuck_on": 0.7, "stuck_off": 0.7}, "device.stuck_off: 0.7 is not valid; at most"),
    ({"states": 100}, "device.states: 100 is not valid; a power of two"),
    ({"colour": 1}, "device.colour: unknown key"),
    ({"file": "nowhere.csv"}, "device.file: nowhere.csv: cannot be read: No such file or directory"),
]


@pytest.mark.parametrize(("faults", "words"), BAD)
@pytest.mark.parametrize("command", ["device", "train"])
def test_what_no_device_is(command: str, faults: dict[str, Any], words: str, tiny: str, fails) -> None:
    assert words in fails(2, command, tiny, *settings(faults), "--out", "a")
    assert not Path("a").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("programming.probability=0", "programming.probability: 0.0 is not valid; above 0"),
        ("programming.probability=1.5", "programming.probability: 1.5 is not valid"),
        ("programming.every=0", "programming.every: 0 is not valid; allowed: 1 to 64"),
        ("programming.count_from=start", "allowed: nudge, image"),
        ("neuron.gain_spread=-1", "neuron.gain_spread: -1.0 is not valid"),
    ],
)
@pytest.mark.parametrize("command", ["device", "train"])
def test_what_no_programming_is(command: str, change: str, words: str, tiny: str, fails) -> None:
    assert words in fails(2, command, tiny, "--set", change, "--out", "a")
    assert not Path("a").exists()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (devices_table({(1, 2, 1): "nan,1,0"}), "slope_up: nan is not a number"),
        (devices_table({(1, 2, 1): "1,,0"}), "threshold_down: '' is not a number"),
        (devices_table({(1, 2, 1): "1,1"}), "line 59 has 5 entries, the header 6"),
        (devices_table({(1, 2, 1): "1,1,3"}), "stuck: 3; allowed: 0 to 2"),
        (devices_table({}) + "1,2,1,1,1,0\n", "layer 1, row 2, column 1 is there 2 times"),
        (devices_table({}) + "1,9,1,1,1,0\n", "layer 1, row 9, column 1: this layer has 6 rows and 3 columns"),
        (devices_table({}).replace("slope_up", "slope"), "unknown column 'slope'"),
        ("", "is empty"),
    ],
)
def test_a_wrong_table_of_devices(table: str, words: str, tiny: str, fails: Callable[..., str]) -> None:
    Path("chip.csv").write_text(table)
    for command in ("device", "train"):
        line = fails(2, command, tiny, *settings({"file": "chip.csv"}), "--out", "a")
        assert line.startswith("device.file: chip.csv: ")
        assert words in line
    assert not Path("a").exists()


def test_a_broken_npz(tiny: str, run, fails) -> None:
    Path("chip.npz").write_bytes(b"PK\x03\x04 no archive")
    assert fails(2, "device", tiny, *settings({"file": "chip.npz"})).startswith("device.file: chip.npz: ")
    table = np.genfromtxt(devices_table({(0, 0, 0): "2,1,0"}).splitlines(), delimiter=",", names=True)
    np.savez("chip.npz", **{name: table[name] for name in table.dtype.names})
    assert run("device", tiny, *settings({"file": "chip.npz"}), "--out", "a").exit_code == 0
    assert read("a/device.json")["deviations"][0]["sample"][0]["slope_up"] == 2


def test_unwritable(tiny: str, fails) -> None:
    Path("file").write_text("")
    assert fails(1, "device", tiny, "--out", "file/below").startswith("file/below")


# ---------------------------------------------------------------------------------------------------------------------
# Timing, without a simulator; cocotb_tests/test_timing.py records it from the RTL.


def cycle(kind: str, **signals: object) -> dict[str, Any]:
    names = ("cg_lanes", "cg_above", "pg_lanes", "pg_above", "ccii_up", "ccii_down", "spikes_lanes", "spike_above")
    return {
        "kind": kind,
        **dict.fromkeys(names, 0),
        "rhobar": [3, -4],
        "rhobar_above": 5,
        "address": 1,
        "write": None,
    } | (signals)


TIMING = {
    "kind": "device-timing",
    "config": "tiny",
    "layers": [4, 3, 2],
    "lanes": 2,
    "cases": [
        {"name": "row", "title": "a row", "at": 1, "write": 2,
         "cycles": [cycle("NOP"), cycle("ROW", cg_lanes=1, pg_lanes=1, ccii_up=1), cycle("PAIR", pg_above=3, write=1)]},
        {"name": "pair", "title": "a pair", "at": 0, "write": None,
         "cycles": [cycle("PAIR", spikes_lanes=2), cycle("LOAD")]},
    ],
}  # fmt: skip


def test_timing(tiny: str, run, fails, monkeypatch: pytest.MonkeyPatch) -> None:
    from eqspike.sim import timing

    monkeypatch.setattr(timing, "record", lambda config: TIMING)
    result = run("device", tiny, "--out", "a", "--points", 11, "--timing")
    assert result.exit_code == 0, result.output
    assert read("a/device-timing.json") == TIMING
    assert Path("a/device-timing.png").read_bytes().startswith(b"\x89PNG")
    assert "device-timing.png" in result.stdout
    assert run("report", "a").exit_code == 0
    assert "switches, clock by clock" in Path("a/report.html").read_text()
    line = fails(2, "device", tiny, "--out", "b", "--timing", "--set", "number.format=real")
    assert line == "--timing: number.format is real; the RTL computes in fixed point"
    assert not Path("b").exists()
    assert run("device", tiny, "--out", "b", "--points", 11).exit_code == 0
    run("report", "b")
    assert "switches, clock by clock" not in Path("b/report.html").read_text()
