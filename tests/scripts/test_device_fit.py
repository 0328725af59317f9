"""`eqspike device fit` and `curves`: their files, and refusals after which there are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.scripts.processes import HeldElsewhere

MORE = ("--set", "device.nonlinearity_up=0.5", "--set", "device.slope_spread=0.1", "--set", "device.write_noise=5e-4",
        "--set", "synapses.0.draw=synapse", "--set", "synapses.1.draw=synapse")  # fmt: skip


@pytest.fixture
def pulses(tiny: str, run) -> Path:
    """Curves of twelve devices of the small network."""
    result = run("device", "curves", tiny, "-o", "pulses.csv", "--devices", 12, "--step", 0.02, *MORE)
    assert result.exit_code == 0, result.output
    return Path("pulses.csv")


def test_from_curves_to_a_run(pulses: Path, tiny: str, run) -> None:
    assert pulses.read_text().splitlines()[0] == "device,pulse,direction,conductance (uS)"
    result = run("device", "fit", pulses, "-o", "mine.yaml", "--preset", tiny, "--seed", 5)
    assert result.exit_code == 0, result.output
    assert "12 devices: 12 fitted" in result.stdout
    assert "wrote mine.yaml; runs/pulses-fit/fit.json, fit.png, devices.csv" in result.stdout
    assert sorted(path.name for path in Path("runs/pulses-fit").iterdir()) == ["devices.csv", "fit.json", "fit.png"]
    assert Path("runs/pulses-fit/fit.png").read_bytes().startswith(b"\x89PNG")
    data = json.loads(Path("runs/pulses-fit/fit.json").read_text())
    eta = data["parameters"]["device.nonlinearity_up"]
    assert abs(eta["value"] - 0.5) < 3 * eta["standard_error"]
    assert run("device", "mine.yaml", "--out", "a").exit_code == 0
    assert json.loads(Path("a/device.json").read_text())["chip_seed"] == 5
    assert run("train", "mine.yaml", "--epochs", 1, "--limit", 5, "--out", "t").exit_code == 0


def test_where_files_go(pulses: Path, tiny: str, run) -> None:
    result = run("device", "fit", pulses, "--preset", tiny, "--name", "ours", "--pulse", 0.5, 50)
    assert result.exit_code == 0, result.output
    text = Path("runs/ours-fit/ours.yaml").read_text()
    assert "name: ours\n" in text
    assert "# from pulses of 0.5 V over the threshold and 50 ns" in text
    given = run("device", "fit", pulses, "--preset", tiny, "--out", "b", "--range", 0, 2)
    assert "the range is the one given" in given.stdout
    assert "conductance_max: 2 #" in Path("b/pulses.yaml").read_text()


def test_what_is_refused(pulses: Path, tiny: str, fails) -> None:
    before = {path: path.stat().st_mtime_ns for path in Path.cwd().rglob("*")}
    fit = ("device", "fit", pulses)
    assert fails(2, "device", "fit", "none.csv").startswith("none.csv: cannot be read")
    assert fails(2, *fit, "--range", 3, 2) == "--range: 3 2 is not valid; Gmin, then a greater Gmax"
    assert "--pulse: 0 50 is not valid; volts over" in fails(2, *fit, "--pulse", 0, 50)
    assert fails(2, *fit, "--name", "../x").startswith("--name: '../x' is not valid; a name, not a path")
    assert fails(2, *fit, "-o", pulses) == "-o: pulses.csv is the curves; choose another name"
    assert "the preset that it is made from" in fails(2, *fit, "--preset", tiny, "-o", tiny)
    assert fails(2, *fit, "--preset", "none").startswith("'none' is no file, nor a preset")
    assert "the first layer of synapses has 50" in fails(
        2, "device", "curves", tiny, "-o", "x.csv", "--devices", 51, *MORE
    )
    assert {path: path.stat().st_mtime_ns for path in Path.cwd().rglob("*")} == before


def test_a_folder_at_work(pulses: Path, tiny: str, fails) -> None:
    with HeldElsewhere("d"):
        line = fails(2, "device", "fit", pulses, "--preset", tiny, "--out", "d", "-o", "mine.yaml")
        assert line == "d: another command is at work there"
    assert not Path("mine.yaml").exists()


def test_curves_that_no_device_follows(tiny: str, fails) -> None:
    rows = "".join(f"a,{n},{'up' if n < 8 else 'down'},5\n" for n in range(16))
    Path("still.csv").write_text(f"device,pulse,direction,conductance\n{rows}")
    line = fails(2, "device", "fit", "still.csv")
    assert line.startswith("still.csv: no device of 1 can be fitted, e.g. device a: its readings do not follow")
    assert not Path("runs").exists()


def test_curves_as_a_file_of_devices(pulses: Path, tiny: str, fails) -> None:
    line = fails(2, "device", tiny, *MORE, "--set", f"device.file={pulses}")
    assert "has pulse-response curves, not devices; 'eqspike device fit FILE' makes a preset of them" in line


def test_help_teaches_all_ways(run, fails) -> None:
    text = run("device", "--help").stdout
    for words in (
        "device CONFIG [OPTIONS]",
        "device fit FILE",
        "--timing",
        "--points",
        "Commands:",
        "eqspike device fit",
    ):
        assert words in text
    assert run("device").exit_code == 2
    assert "--range GMIN GMAX" in run("device", "fit", "--help").stdout
    assert "--timing" in run("device", "digits", "--help").stdout
    assert "Missing argument 'CONFIG'" in fails(2, "device", "--points", 5)
    assert "No such option" in fails(2, "device", "digits", "--nope")
