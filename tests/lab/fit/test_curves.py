"""Files of pulse-response curves: what is taken, in which order, and by which words others are refused."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from eqspike.lab.fit.curves import Curves, CurvesError, read_curves

ROWS = (("a", "0", "", "10"), ("a", "1", "up", "11.5"), ("a", "2", "down", "10.25"), ("b", "0", "", "20"),
        ("b", "1", "up", "21"), ("b", "2", "down", "20"))  # fmt: skip
HEADER = ("device", "pulse", "direction", "conductance")


def read(tmp_path: Path, text: str, encoding: str = "utf-8") -> Curves:
    path = tmp_path / "pulses.csv"
    path.write_bytes(text.encode(encoding))
    return read_curves(path)


def table(header: tuple[str, ...] = HEADER, separator: str = ",", rows: tuple[tuple[str, ...], ...] = ROWS) -> str:
    return "\n".join(separator.join(row) for row in (header, *rows)) + "\n"


def test_a_plain_file(tmp_path: Path) -> None:
    found = read(tmp_path, table())
    assert [train.name for train in found.trains] == ["a", "b"]
    first = found.trains[0]
    assert first.conductance.tolist() == [10, 11.5, 10.25]
    assert first.direction.tolist() == [0, 1, -1]
    assert first.pulses.tolist() == [1, 2]
    assert (found.unit, found.ignored) == ("", [])


@pytest.mark.parametrize(
    ("header", "unit"),
    [
        (("Device", "Pulse number", "Direction", "Conductance (uS)"), "uS"),
        (("cell", "n", "polarity", "G [nS]"), "nS"),
        (("device_id", "pulse_number", "direction", "conductance_us"), "uS"),
        (("DUT", "number", "sign", "conductance (\u00b5S)"), "uS"),
        (("device", "pulse", "direction", "g"), ""),
    ],
)
def test_names_and_units_of_columns(header: tuple[str, ...], unit: str, tmp_path: Path) -> None:
    assert read(tmp_path, table(header)).unit == unit


def test_units_beside_readings(tmp_path: Path) -> None:
    """The first one that has a unit gives it; all are told in it."""
    rows = (("a", "0", "", "10 uS"), ("a", "1", "up", "0.0125mS"), ("a", "2", "down", "11000 nS"))
    found = read(tmp_path, table(rows=rows))
    assert found.unit == "uS"
    assert found.trains[0].conductance == pytest.approx([10, 12.5, 11])


@pytest.mark.parametrize(("separator", "comma", "begin"), [(";", ",", "\ufeff"), ("\t", ".", ""), (",", ".", "\ufeff")])
def test_spreadsheets_and_pandas(separator: str, comma: str, begin: str, tmp_path: Path) -> None:
    """Byte-order mark, separators, decimal commas, pandas' column that counts lines, one more that is not used."""
    rows = tuple((str(at), *(t.replace(".", comma) for t in row), "25") for at, row in enumerate(ROWS))
    found = read(tmp_path, begin + table(("", *HEADER, "temperature"), separator, rows) + separator * 5 + "\n")
    assert found.trains[0].conductance.tolist() == [10, 11.5, 10.25]
    assert found.ignored == ["temperature"]


@pytest.mark.parametrize(
    ("up", "down"),
    [("up", "down"), ("+", "-"), ("1", "-1"), ("LTP", "LTD"), ("SET", "depression")],
)
def test_words_for_directions(up: str, down: str, tmp_path: Path) -> None:
    rows = (("a", "0", "0", "1"), ("a", "1", up, "2"), ("a", "2", down, "1"))
    assert read(tmp_path, table(rows=rows)).trains[0].direction.tolist() == [0, 1, -1]


def train(tmp_path: Path, *rows: tuple[int, str, float | str]) -> tuple[list[float], list[int]]:
    """Readings, and places of those that a pulse moved from the reading before."""
    found = read(tmp_path, table(rows=tuple(("a", str(n), d, str(g)) for n, d, g in rows))).trains[0]
    return found.conductance.tolist(), found.pulses.tolist()


def test_the_order_of_readings(tmp_path: Path) -> None:
    ordered = ((0, "", 1), (1, "up", 2), (2, "up", 3), (3, "down", 2.5))
    assert train(tmp_path, *reversed(ordered)) == ([1, 2, 3, 2.5], [1, 2, 3])
    # Numbers that begin anew with each direction: the first pulse down begins where the last one up ended.
    assert train(tmp_path, (1, "up", 2), (2, "up", 3), (1, "down", 2.5), (2, "down", 2)) == ([2, 3, 2.5, 2], [1, 2, 3])
    # Number 0 is the state before.
    again = ((0, "up", 1), (1, "up", 2), (0, "down", 2), (1, "down", 1.5))
    assert train(tmp_path, *again) == ([1, 2, 2, 1.5], [1, 3])


def test_readings_that_are_missing(tmp_path: Path) -> None:
    """A pulse counts where the readings before and after it are there."""
    rows = ((0, "", 1), (1, "up", 2), (2, "up", ""), (3, "up", 4), (4, "up", 5), (6, "down", 4), (7, "down", 3))
    readings, pulses = train(tmp_path, *rows)
    assert np.isnan(readings[2])
    assert pulses == [1, 4, 6]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        (table(rows=()), "has no readings"),
        (table(("device", "pulse", "direction", "resistance")), "no column 'conductance'; columns are device, pulse,"),
        (table(("device", "pulse", "direction", "conductance (kOhm)")), "column 'conductance (kOhm)': the unit is S,"),
        (table(("device", "cell", "pulse", "direction"), rows=()), "columns 'device' and 'cell' both name the device"),
        (table(rows=(*ROWS, ("", "1", "up", "1"))), "line 8, device: it has no name"),
        (table(rows=(*ROWS, ("a", "x", "up", "1"))), "line 8, pulse: 'x' is not a number"),
        (table(rows=(*ROWS, ("a", "1.5", "up", "1"))), "line 8, pulse: '1.5'; a whole number"),
        (table(rows=(*ROWS, ("a", "3", "left", "1"))), "line 8, direction: 'left'; up or down"),
        (table(rows=(*ROWS, ("a", "3", "up", "1 Ohm"))), "line 8, conductance: '1 Ohm' is not a number"),
        (table(rows=(*ROWS, ("a", "3", "up", '"1\n2"'))), "line 8, conductance: "),
        (table(rows=(*ROWS, ("a", "3", "up", "-1"))), "line 8, conductance: '-1'; at least 0"),
        (table(rows=(*ROWS, ("a", "3", "up", "inf"))), "line 8, conductance: 'inf'; at least 0"),
        (table(rows=(*ROWS, ("a", "3", "up"))), "line 8 has 3 entries, the header 4"),
        (table(rows=ROWS[:2]), "has no pulse down; both directions are needed"),
    ],
)  # fmt: skip
def test_what_is_refused(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(CurvesError) as caught:
        read(tmp_path, text)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'pulses.csv'}: ")
    assert words in message
    assert "\n" not in message


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for name, words in (("none", "cannot be read: No such file"), ("fifo", "is not a regular file")):
        with pytest.raises(CurvesError, match=words):
            read_curves(tmp_path / name)
    with pytest.raises(CurvesError, match="is not a table of pulses"):
        read(tmp_path, table(("device", "pulse", "direction", "conductance (\u00b5S)")), "latin-1")
