"""Tables as instruments, spreadsheets and pandas write them."""

from __future__ import annotations

import io
import math

import pytest

from eqspike.golden.spreadsheet import SheetError, number, read_sheet


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("index", [None, "", "Unnamed: 0"])
def test_separators_and_pandas_column(index: str | None, separator: str) -> None:
    lines = [["a", "b"], ["1", "x y"], ["", ""], ["2", ""]]
    if index is not None:
        lines = [[(index, "0", "", "1")[at], *line] for at, line in enumerate(lines)]
    sheet = read_sheet(io.StringIO("\n".join(separator.join(line) for line in lines)))
    assert (sheet.header, sheet.separator) == (["a", "b"], separator)
    assert list(sheet.rows) == [(2, ["1", "x y"]), (4, ["2", ""])]


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "is empty"), ("a,a\n", "column 'a' is there twice"), ("a,b\n1\n", "line 2 has 1 entries, the header 2")],
)
def test_what_is_no_table(text: str, words: str) -> None:
    with pytest.raises(SheetError, match=words):
        list(read_sheet(io.StringIO(text)).rows)


def test_numbers() -> None:
    assert number(" 1.5 ", ",") == number("1,5", ";") == 1.5
    assert math.isnan(number("nan", ","))
    for text, separator in (("1,5", ","), ("1,000,5", ";"), ("1.000,5", ";"), ("1_0", ","), ("", ",")):
        with pytest.raises(ValueError, match="is not a number"):
            number(text, separator)
