"""Files of measured devices: that they are the drawn ones again, and by which words wrong ones are refused."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eqspike.golden.config import Config
from eqspike.golden.configfile import config_from_dict
from eqspike.golden.deviations import layer_devices
from eqspike.golden.device_numbers import fixed_devices, weight_per_volt
from eqspike.golden.measured import COLUMNS, read_devices, read_file
from eqspike.golden.network import Network
from eqspike.golden.validation import ConfigError
from tests.golden import variants
from tests.golden.variants import DEVICE_SYNAPSE

FAULTY = {"slope_up": 1.2, "slope_spread": 0.3, "threshold_up": 0.8, "threshold_spread": 0.1, "speed": 1e-2}


def measured_config(file: Path | None, number: str = "fixed", **device: Any) -> Config:
    """The small network, on the devices of a file or on drawn ones."""
    device = FAULTY | device | ({"file": str(file)} if file else {})
    return config_from_dict(
        variants.BASE | {"device": device, "number": {"format": number}, "synapses": [DEVICE_SYNAPSE]}
    )


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
    "duplicate": (again(50), "the device at layer 1, row 0, column 0 is there 2 times"),
    "NaN": (put("slope_up", 3, math.nan), "entry 4, slope_up: nan is not a number"),
    "infinite": (put("threshold_up", 0, math.inf), "entry 1, threshold_up: inf is not a number"),
    "negative": (put("slope_down", 2, -0.1), "entry 3, slope_down: -0.1; allowed: 0 to 8"),
    "negative row": (put("row", 2, -1), "entry 3, row: -1; allowed: 0 to"),
    "huge row": (put("row", 2, 1e300), "entry 3, row: 1e+300; allowed: 0 to"),
    "half a row": (put("row", 2, 0.5), "row must be whole numbers"),
    "stuck": (put("stuck", 5, 3), "entry 6, stuck: 3; allowed: 0 to 2"),
    "unknown column": (lambda table: table.update(age=table["row"]), "unknown column 'age'; columns are any of slope"),
    "no row": (lambda table: table.pop("row"), "no column 'row'; columns are"),
    "eta": (lambda table: table.update(eta_up=table["row"]), "unknown column 'eta_up'; columns are any of slope_up, "),
    "row outside": (put("row", 0, 10), "layer 0, row 10, column 0: this layer has 10 rows and 5 columns"),
    "layer outside": (again(0), "this network has 2 layers of synapses"),
    "no devices": (lambda table: [values.clear() for values in table.values()], "has no devices"),
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
        ([9, 4, 3], "layer 0, row 0, column 4: this layer has 10 rows and 4 columns"),
        ([8, 5, 3], "layer 0, row 9, column 0: this layer has 9 rows and 5 columns"),
    ):
        config = config_from_dict(
            variants.BASE | {"network": {"layers": layers}, "device": {"file": str(path)}, "synapses": [DEVICE_SYNAPSE]}
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
# Lists of devices, which say of few or of none where they stand

LIST = {"slope_up": [0.5, 1.0, 1.5, 0.0], "threshold_down": [0.9, 1.0, 1.1, 5.0], "stuck": [0, 0, 0, 1]}


@pytest.mark.parametrize("kind", ["csv", "npz"])
def test_every_synapse_draws_a_device_of_a_list(kind: str, tmp_path: Path) -> None:
    path = (write_csv if kind == "csv" else write_npz)(tmp_path / f"list.{kind}", LIST)
    first, again, other = (read_devices(measured_config(path, seed=seed)) for seed in (1, 1, 2))
    slopes = np.concatenate([layer["slope_up"].ravel() for layer in first])
    assert [layer["slope_up"].shape for layer in first] == [(10, 5), (6, 3)]
    assert set(slopes) == {0.0, 0.5, 1.0, 1.5}
    for layer, same, different in zip(first, again, other, strict=True):
        for name, array in layer.items():
            np.testing.assert_array_equal(array, same[name])
        assert (layer["slope_up"] != different["slope_up"]).any()
        # Whole devices are drawn: what belongs together stays together.
        for name in ("threshold_down", "stuck"):
            of_slope = dict(zip(LIST["slope_up"], LIST[name], strict=True))
            np.testing.assert_array_equal(layer[name], np.vectorize(of_slope.get)(layer["slope_up"]))


def test_a_list_is_drawn_evenly(tmp_path: Path) -> None:
    """Of 8 devices, each of 2,450 synapses draws any: 306 each, and a deviation of 16."""
    path = write_csv(tmp_path / "list.csv", {"slope_up": [1 + at / 8 for at in range(8)]})
    layers = {"network": {"layers": [64, 32, 10]}}
    device = {"device": {"file": str(path)}, "synapses": [DEVICE_SYNAPSE]}
    drawn = read_devices(config_from_dict(variants.BASE | layers | device))
    counts = np.unique(np.concatenate([layer["slope_up"].ravel() for layer in drawn]), return_counts=True)[1]
    assert len(counts) == 8
    assert abs(counts - counts.mean()).max() < 4 * 16.4


def test_devices_that_have_a_place_stand_there(tmp_path: Path) -> None:
    table = table_of(measured_config(None))
    few = {name: [values[at] for at in (0, 7, 60)] for name, values in table.items()}
    found = read_devices(measured_config(write_csv(tmp_path / "few.csv", few)))
    for layer, row, column, slope in zip(few["layer"], few["row"], few["column"], few["slope_up"], strict=True):
        assert found[layer]["slope_up"][row, column] == slope
    assert {float(v) for layer in found for v in layer["slope_up"].ravel()} == set(few["slope_up"])


def test_a_measured_spread_is_scaled(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "list.csv", LIST)
    measured = read_devices(measured_config(path))[0]
    for spread in (0.0, 0.5, 2.0):
        scaled = read_devices(measured_config(path, file_spread=spread))[0]
        np.testing.assert_array_equal(scaled["stuck"], measured["stuck"])
        free = scaled["stuck"] == 0  # the mean is theirs: 1 of slopes and of thresholds
        for name in ("slope_up", "threshold_down"):
            expected = np.maximum(1 + spread * (measured[name] - 1), 0)
            np.testing.assert_allclose(scaled[name][free], expected[free])
        assert (scaled["slope_down"] == 1).all()
    with pytest.raises(ConfigError, match=r"device\.file_spread: 0\.5 is not valid; 1 without device\.file"):
        measured_config(None, file_spread=0.5)
    with pytest.raises(ConfigError, match=r"device\.file_spread: -1\.0 is not valid; allowed: 0 to 10"):
        measured_config(path, file_spread=-1)


def test_what_is_no_list(tmp_path: Path) -> None:
    path = tmp_path / "pulses.csv"
    path.write_text("device,pulse,direction,conductance\n0,1,up,1\n")
    refused(path, "has pulse-response curves, not devices; 'eqspike device fit FILE' makes a preset of them")
    path.write_text("row,column,slope_up\n0,0,1\n")
    refused(path, "no column 'layer'; columns are any of slope_up,")
    path.write_text("Gmin\n1\n")
    refused(path, "unknown column 'Gmin'; columns are any of slope_up, slope_down, threshold_up, threshold_down, stuck")
    path.write_text("slope_up\n")
    refused(path, "has no devices")


# ---------------------------------------------------------------------------------------------------------------------
# Tables that a spreadsheet wrote


@pytest.mark.parametrize(
    ("separator", "comma", "begin", "end"),
    [
        (",", ".", "\ufeff", ""),
        (";", ".", "", ""),
        (";", ",", "\ufeff", ";" * 7 + "\r\n"),
        ("\t", ",", "", "\n"),
        (",", ".", "", "\n" * 3),
    ],
)
def test_spreadsheets_tables(separator: str, comma: str, begin: str, end: str, tmp_path: Path) -> None:
    """A byte-order mark, semicolons, decimal commas, lines without entries: the same devices."""
    table = table_of(measured_config(None, stuck_on=0.1))
    plain = write_csv(tmp_path / "plain.csv", table)
    rows = [[str(value).replace(".", comma) for value in row] for row in zip(*table.values(), strict=True)]
    text = begin + "\r\n".join(separator.join(row) for row in [list(table), *rows]) + "\r\n" + end
    path = tmp_path / "sheet.csv"
    path.write_bytes(text.encode())
    for ours, theirs in zip(read_devices(measured_config(path)), read_devices(measured_config(plain)), strict=True):
        for name, array in theirs.items():
            assert np.array_equal(ours[name], array), name


@pytest.mark.parametrize("name", ["", "Unnamed: 0"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_pandas_tables(separator: str, name: str, tmp_path: Path) -> None:
    """The column that counts the lines is none of a device; a column without a name elsewhere is."""
    lines = [[name, "slope_up", "stuck"], ["0", "1.25", "0"], ["1", "0.75", "2"]]
    path = tmp_path / "frame.csv"
    path.write_text("\n".join(separator.join(line) for line in lines))
    found = read_file(measured_config(path))
    assert found.place is None
    assert found.values["slope_up"].tolist() == [1.25, 0.75]
    assert found.values["stuck"].tolist() == [0, 2]
    path.write_text("\n".join(separator.join(line[1:] + line[:1]) for line in lines))
    refused(path, f"unknown column {name!r}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,5", "line 2 has 5 entries, the header 4"),
        ("1.000,5", "line 2 has 5 entries"),
        ("1_0", "line 2, slope_up: '1_0' is not a number"),
        ("\u0661", "line 2, slope_up: '\u0661' is not a number"),
        ("1e-400", "line 2, slope_up: '1e-400' is not a number"),
        ("0x1", "line 2, slope_up: '0x1' is not a number"),
        ("\x1b[31m", r"line 2, slope_up: '\x1b[31m' is not a number"),
        ("nan", "entry 1, slope_up: nan is not a number"),
        ("-inf", "entry 1, slope_up: -inf is not a number"),
        ("", "line 2, slope_up: '' is not a number"),
        ("x" * 5000, "line "),
    ],
)
def test_texts_that_are_no_numbers(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "chip.csv"
    path.write_bytes(f"layer,row,column,slope_up\n0,0,0,{text}\n".encode())
    refused(path, said)


def test_semicolons_and_two_commas(tmp_path: Path) -> None:
    for text in ("1.000,5", "1,000,5", "1,000.5"):
        path = tmp_path / "chip.csv"
        path.write_bytes(f"layer;row;column;slope_up\n0;0;0;{text}\n".encode())
        refused(path, f"line 2, slope_up: '{text}' is not a number")


def test_tables_larger_than_the_network(tmp_path: Path) -> None:
    """So large that they are not read: before memory is taken for them."""
    os.mkfifo(tmp_path / "fifo.csv")
    refused(tmp_path / "fifo.csv", "cannot be read: is not a regular file")
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(2**33)  # a hole, of 8 GB
    refused(large, "is larger than a table of")
    rows = tmp_path / "rows.csv"
    rows.write_text("layer,row,column\n" + "0,0,0\n" * 100_000)
    refused(rows, "devices, which are too many for this network")
    zeros = {name: np.zeros(2**22) for name in ("layer", "row", "column")}
    np.savez_compressed(tmp_path / "zeros.npz", **zeros)
    refused(tmp_path / "zeros.npz", "announces far more than it can hold")
    np.savez_compressed(tmp_path / "some.npz", **{name: array[:100_000] for name, array in zeros.items()})
    refused(tmp_path / "some.npz", "layer: 100,000 entries; at most")
