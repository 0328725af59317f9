"""Tables in CSV as instruments, spreadsheets and pandas write them.

Columns are separated by commas, semicolons or tabs; where commas do not separate columns, they may stand before
decimals. The column without a name that pandas puts first, which only counts the lines, is left out.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import NamedTuple, TextIO

from eqspike.base.printable import shown
from eqspike.golden.validation import decimal

LONGEST_LINE = 4096
"""Characters of a line, where nobody says otherwise."""
NOT_FINITE = ("nan", "inf", "infinity")
"""Words that are numbers here, so that whoever refuses them can name the entry."""
INDEX = ("", "Unnamed: 0")
"""What pandas calls the column that counts lines, as it writes it and as it reads it again."""


class SheetError(ValueError):
    """A file that is no table; the message is one line."""


class Sheet(NamedTuple):
    """A table's header, and its lines as they are read."""

    header: list[str]
    separator: str
    rows: Iterator[tuple[int, list[str]]]
    """(line, its texts): the file's first line is 1. Raises `SheetError` for a line that is not as long as the
    header."""


def read_sheet(file: TextIO, longest: int = LONGEST_LINE) -> Sheet:
    """The table of a CSV file that is open as text, of lines up to `longest`. Raises `SheetError`, and csv.Error."""
    first = file.readline(longest)
    if not first:
        raise SheetError("is empty")
    separator = next((mark for mark in ";\t" if mark in first), ",")
    header = [name.strip() for name in next(csv.reader([first], delimiter=separator), [])]
    index = len(header) > 1 and header[0] in INDEX
    named = header[1:] if index else header
    if twice := [name for at, name in enumerate(named) if name in named[:at]]:
        raise SheetError(f"column {shown(twice[0])} is there twice")
    return Sheet(named, separator, _rows(file, separator, len(header), index, longest))


def _rows(file: TextIO, separator: str, width: int, index: bool, longest: int) -> Iterator[tuple[int, list[str]]]:
    lines = iter(lambda: file.readline(longest), "")
    for line, row in enumerate(csv.reader(lines, delimiter=separator), 2):
        if not any(text.strip() for text in row):  # spreadsheets end with lines of separators alone
            continue
        if len(row) != width:
            raise SheetError(f"line {line} has {len(row)} entries, the header {width}")
        yield line, row[1:] if index else row


def number(text: str, separator: str) -> float:
    """A table's number. Where commas do not separate columns, they stand before decimals. Raises ValueError."""
    text = text.strip()
    if separator != "," and text.count(",") == 1 and "." not in text:
        text = text.replace(",", ".")
    return float(text) if text.lower().lstrip("+-") in NOT_FINITE else decimal(text)
