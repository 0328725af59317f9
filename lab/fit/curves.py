"""Pulse-response curves from a CSV file: a line for each reading, of one device after one pulse."""

from __future__ import annotations

import csv
import io
import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eqspike.base.errors import UsageProblem
from eqspike.base.printable import shown
from eqspike.base.reading import open_regular
from eqspike.golden.spreadsheet import Sheet, SheetError, number, read_sheet

MOST_BYTES = 2**28
NAMES = {
    "device": ("device", "device id", "device number", "cell", "dut"),
    "pulse": ("pulse", "pulse number", "pulse index", "number", "n"),
    "direction": ("direction", "polarity", "sign"),
    "conductance": ("conductance", "g"),
}
"""What the columns may be called; case, hyphens and underscores do not matter."""
UNITS = {"s": ("S", 1.0), "ms": ("mS", 1e-3), "us": ("uS", 1e-6), "ns": ("nS", 1e-9), "ps": ("pS", 1e-12)}
"""Unit in lower letters: as it is shown, and siemens."""
UP = ("up", "+", "+1", "1", "potentiation", "ltp", "p", "set")
DOWN = ("down", "-", "-1", "depression", "ltd", "d", "reset")
START = ("", "0", "start", "none")
"""A reading before any pulse."""
HEADER = "device, pulse, direction (up or down), conductance, with or without a unit, e.g. 'conductance (uS)'"


class CurvesError(UsageProblem):
    """A file that holds no pulse-response curves; the message names it, and the line."""


@dataclass(frozen=True)
class Train:
    """One device's readings in the order in which they were taken, arrays of shape (readings,)."""

    name: str
    conductance: np.ndarray
    """In the file's unit; NaN: the reading is missing."""
    direction: np.ndarray
    """Of the pulse before the reading: 1 up, -1 down, 0 none."""
    follows: np.ndarray
    """Does the reading follow the one before it with no pulse left out?"""

    @property
    def pulses(self) -> np.ndarray:
        """Readings whose pulse moved the device from the reading before: both are there."""
        there = np.isfinite(self.conductance)
        ready = self.follows & (self.direction != 0) & there
        ready[1:] &= there[:-1]
        return np.flatnonzero(ready)


@dataclass(frozen=True)
class Curves:
    """What a file of pulse-response curves holds."""

    trains: list[Train]
    unit: str
    """Of the conductances; empty: none is given."""
    ignored: list[str]
    """Columns that say nothing here."""


def read_curves(path: Path) -> Curves:
    """The curves of a CSV file. Raises `CurvesError`, which names the file, line and column."""

    def refuse(what: str) -> CurvesError:
        return CurvesError(f"{path}: {what}")

    try:
        with open_regular(path) as file:
            if os.fstat(file.fileno()).st_size > MOST_BYTES:
                raise refuse(f"is larger than {MOST_BYTES:,} bytes")
            with io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
                return _read(read_sheet(text))
    except OSError as error:
        raise refuse(f"cannot be read: {error.strerror or error}") from None
    except SheetError as error:
        raise refuse(str(error)) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise refuse(f"is not a table of pulses: {error}") from None


def _read(sheet: Sheet) -> Curves:
    places, unit = _columns(sheet.header)
    rows: dict[str, list[tuple[float, int, float]]] = {}
    for line, texts in sheet.rows:
        cells = {name: texts[at].strip() for name, at in places.items()}
        name = cells["device"]
        if not name:
            raise SheetError(f"line {line}, device: it has no name")
        pulse = _whole(cells["pulse"], sheet.separator, line)
        direction = _direction(cells["direction"], line)
        value, unit = _conductance(cells["conductance"], unit, sheet.separator, line)
        rows.setdefault(name, []).append((pulse, direction, value))
    if not rows:
        raise SheetError("has no readings")
    for sign, name in ((1, "up"), (-1, "down")):
        if not any(row[1] == sign for device in rows.values() for row in device):
            raise SheetError(f"has no pulse {name}; both directions are needed")
    ignored = [name for at, name in enumerate(sheet.header) if at not in places.values()]
    return Curves([_train(name, device) for name, device in rows.items()], unit or "", ignored)


def _columns(header: list[str]) -> tuple[dict[str, int], str | None]:
    """Where each column stands, and the unit that the header gives."""
    places: dict[str, int] = {}
    unit = None
    for at, text in enumerate(header):
        plain = re.sub(r"[\s_-]+", " ", text.replace("µ", "u").replace("μ", "u")).strip().lower()
        plain, given = re.fullmatch(r"(.*?)\s*(?:[(\[]\s*(.*?)\s*[)\]])?", plain).groups()
        if given is None and (tail := re.fullmatch(r"(conductance|g) (\w+)", plain)):
            plain, given = tail.groups()
        column = next((name for name, others in NAMES.items() if plain in others), None)
        if column is None:
            continue
        if column in places:
            raise SheetError(f"columns {shown(header[places[column]])} and {shown(text)} both name the {column}")
        places[column] = at
        if column == "conductance" and given:
            if given not in UNITS:
                raise SheetError(f"column {shown(text)}: the unit is S, mS, uS, nS, pS, or not given")
            unit = given
    if missing := [name for name in NAMES if name not in places]:
        raise SheetError(f"no column {missing[0]!r}; columns are {HEADER}")
    return places, UNITS[unit][0] if unit else None


def _whole(text: str, separator: str, line: int) -> float:
    try:
        value = number(text, separator)
    except ValueError:
        raise SheetError(f"line {line}, pulse: {shown(text)} is not a number") from None
    if not 0 <= value <= 1e9 or value != int(value):
        raise SheetError(f"line {line}, pulse: {shown(text)}; a whole number from 0, or from 1")
    return value


def _direction(text: str, line: int) -> int:
    for sign, words in ((1, UP), (-1, DOWN), (0, START)):
        if text.lower() in words:
            return sign
    raise SheetError(f"line {line}, direction: {shown(text)}; up or down, + or -, 1 or -1")


def _conductance(text: str, unit: str | None, separator: str, line: int) -> tuple[float, str | None]:
    """A reading in the table's unit, which the first that has one gives; NaN where it is empty, or says that it is."""
    if text.lower() in ("", "nan", "na", "n/a", "none"):
        return np.nan, unit
    plain, given = re.fullmatch(r"(.*?)\s*([numpµμ]?S)?", text, re.DOTALL).groups()
    try:
        value = number(plain, separator)
    except ValueError:
        raise SheetError(f"line {line}, conductance: {shown(text)} is not a number") from None
    if not 0 <= value <= 1e30:
        raise SheetError(f"line {line}, conductance: {shown(text)}; at least 0")
    if given is None:
        return value, unit
    name, scale = UNITS[given.replace("µ", "u").replace("μ", "u").lower()]
    if unit is None:
        return value, name
    return value * scale / UNITS[unit.lower()][1], unit


def _train(name: str, rows: list[tuple[float, int, float]]) -> Train:
    """A device's readings in order: by their numbers where these tell all apart, else as they stand in the file.

    Where numbers begin anew, with each direction or cycle, number 0 is the state before its pulses and 1 the first of
    them, which moves the device from where the pulses before left it.
    """
    numbers = np.array([row[0] for row in rows])
    if len(np.unique(numbers)) == len(numbers):
        order = np.argsort(numbers)
        rows, numbers = [rows[at] for at in order], numbers[order]
    follows = np.zeros(len(rows), bool)
    ahead = np.diff(numbers)
    follows[1:] = (ahead == 1) | ((ahead <= 0) & (numbers[1:] == 1))
    return Train(name, np.array([row[2] for row in rows]), np.array([row[1] for row in rows], dtype=np.int64), follows)
