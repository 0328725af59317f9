"""csv:FILE, a data set as a table: one row an example, one column its label, all others numbers."""

from __future__ import annotations

import csv
import io
import math
import os
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np

from eqspike.base.printable import cut, shown
from eqspike.base.reading import open_regular
from eqspike.golden.classes import numbered
from eqspike.golden.idx import DataError
from eqspike.golden.spreadsheet import SheetError, number, read_sheet

LABELS = ("label", "class", "target", "species")
"""What the column of labels is called where nobody names it, in any case; else it is the last one."""
LONGEST_LINE = 2**20
"""Characters of a line: thousands of columns."""
MOST_BYTES = 2**30
MOST_ENTRIES = 2**27
"""Numbers of a table: a gibibyte in memory."""
PLAIN = frozenset("0123456789.+-eE ")
"""Characters of numbers that Python's `float` reads just as `number` does, and faster."""


class Table(NamedTuple):
    """What a file holds."""

    values: np.ndarray
    """Floats, shape (examples, columns)."""
    labels: np.ndarray
    classes: tuple[str, ...]
    columns: tuple[str, ...]


def read_table(path: Path, label: str = "") -> Table:
    """The table of a CSV file; `label` names its column of labels. Raises `DataError`, which names file and line."""
    try:
        with open_regular(path) as file:
            if (size := os.fstat(file.fileno()).st_size) > MOST_BYTES:
                raise DataError(f"{path}: {size:,} bytes; at most {MOST_BYTES:,} are read")
            with io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:  # -sig: a byte-order mark is skipped
                return _read(path, text, label)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
    except SheetError as error:
        raise DataError(f"{path}: {error}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: is not a table of text: {error}") from None


def _read(path: Path, text: TextIO, label: str) -> Table:
    header, separator, rows = read_sheet(text, LONGEST_LINE)
    if len(header) < 2:
        raise DataError(f"{path}: one column; a table needs a column of labels and at least one of numbers")
    if all(_is_number(name, separator) for name in header):
        raise DataError(f"{path}: line 1 holds numbers; it must name the columns")
    place = _label_place(path, header, label)
    columns = tuple(header[:place] + header[place + 1 :])
    values: list[np.ndarray] = []
    labels: list[str] = []
    for line, row in rows:
        labels.append(row.pop(place))
        if not labels[-1].strip():
            raise DataError(f"{path}: line {line}: column {shown(header[place])} is empty, and it is the label")
        values.append(_numbers(path, line, row, columns, separator))
        if len(values) * len(columns) > MOST_ENTRIES:
            raise DataError(f"{path}: more than {MOST_ENTRIES:,} numbers")
    if not values:
        raise DataError(f"{path}: holds no row below its header")
    found = numbered(labels, f"{path}, column {shown(header[place])}")
    return Table(np.stack(values), *found, columns)


def _is_number(text: str, separator: str) -> bool:
    try:
        number(text, separator)
    except ValueError:
        return False
    return True


def _label_place(path: Path, header: list[str], label: str) -> int:
    """Which column holds the labels. Raises `DataError` where none, or several, could."""
    if label:
        if label not in header:
            raise DataError(
                f"dataset.label: {shown(label)} is not valid; columns of {path}: {cut(', '.join(header), 200)}"
            )
        return header.index(label)
    named = [place for place, name in enumerate(header) if name.lower() in LABELS]
    if len(named) > 1:
        names = " and ".join(shown(header[place]) for place in named[:2])
        raise DataError(f"{path}: {names} may both be the labels: say which by --set dataset.label=NAME")
    return named[0] if named else len(header) - 1


def _numbers(path: Path, line: int, row: list[str], columns: tuple[str, ...], separator: str) -> np.ndarray:
    """A row's numbers. Raises `DataError`, which names the column of what is none."""
    if PLAIN.issuperset("".join(row)):
        try:
            found = np.array([float(text) for text in row])
        except ValueError:
            found = None
        if found is not None and np.isfinite(found).all():
            return found
    values = []
    for name, text in zip(columns, row, strict=True):
        try:
            values.append(number(text, separator))
        except ValueError as error:
            what = "is empty" if not text.strip() else f"{shown(text)} {error}"
            raise DataError(f"{path}: line {line}, column {shown(name)}: {what}; features are numbers") from None
        if not math.isfinite(values[-1]):
            raise DataError(f"{path}: line {line}, column {shown(name)}: {shown(text)} is not a number")
    return np.array(values)
