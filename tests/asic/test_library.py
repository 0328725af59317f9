"""Liberty files: what is read of them, and how a wrong one is refused."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from eqspike.asic.expression import parse
from eqspike.asic.library import read_library
from eqspike.base.errors import UsageProblem
from tests.asic import cells


@pytest.mark.parametrize(
    ("text", "python"),
    [
        ("!(A B)", "not (A and B)"),
        ("(A*B)+C'", "(A and B) or not C"),
        ("A ^ B C", "(A != B) and C"),
        ("!A & (B | !C)", "not A and (B or not C)"),
        ("(!((S A)+(S' B)))", "not (A if S else B)"),
        ("A''", "A"),
        ("1", "True"),
        ("0 + A", "A"),
    ],
)
def test_functions(text: str, python: str) -> None:
    """Every row of the truth table, against Python's own words."""
    function = parse(text)
    compiled = function.compiled()
    pins = sorted(function.pins())
    for row in itertools.product((0, 1), repeat=len(pins)):
        values = dict(zip(pins, row, strict=True))
        assert compiled(**values) & 1 == int(bool(eval(python, {}, values))), values


def test_function_as_verilog() -> None:
    """Names stand in the pins' places."""
    assert parse("!(A B)+1").verilog({"A": "x[1]", "B": "n2"}) == "(~(x[1] & n2) | 1'b1)"


@pytest.mark.parametrize("text", ["A +", "(A", "A)", "A ? B", "", "* A"])
def test_wrong_functions(text: str) -> None:
    """Named, with what is wrong."""
    with pytest.raises(ValueError, match=r"function|stand|closed"):
        parse(text)


def test_cells(tmp_path: Path) -> None:
    """Units are pF and pJ, whatever the file's."""
    library = cells.simple(tmp_path)
    assert (library.name, library.voltage) == ("simple", 2.0)
    flip_flop = library.flip_flop()
    assert (flip_flop.name, flip_flop.clock, flip_flop.state, flip_flop.area) == ("DFF", "CK", "ff", 60)
    assert flip_flop.pins["CK"].capacitance == pytest.approx(0.02)
    assert flip_flop.pins["CK"].powers[0].fall.at(0.0, 0.2) == pytest.approx(0.2)
    assert flip_flop.pins["Q"].limit == pytest.approx(0.2)
    assert library.latch().name == "LATCH"
    assert library.buffer().name == "BUF"
    assert library.clock_buffer().name == "CLKBUF"
    assert (library.gate("and", 2).name, library.gate("not", 1).name) == ("AND2", "INV")


def test_tables_lie_between_their_places(tmp_path: Path) -> None:
    """Over load and transition; beyond the last place the last value stays."""
    path = tmp_path / "x.lib"
    path.write_text(cells.TEXT.replace('values ("5, 5", \\\n "5, 5")', 'values ("5, 7", \\\n "9, 11")', 1))
    table = read_library(path).cells["INV"].pins["Y"].powers[0].rise
    assert [table.at(load, 0.1) for load in (0.0, 0.01, 0.015, 0.02, 9.0)] == pytest.approx(
        [0.05, 0.05, 0.07, 0.09, 0.09]
    )
    assert table.at(0.01, 0.2) == pytest.approx(0.06)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("capacitive_load_unit (10, ff)", "capacitive_load_unit (10, uf)", "capacitive_load_unit"),
        ("nom_voltage : 2.0;", "", "nom_voltage"),
        ('voltage_unit : "1V"', 'voltage_unit : "1mV"', "voltage_unit"),
        ('function : "!A"', 'function : "!A +"', "must stand before"),
        ("library(simple) {", "library(simple) (", "line 4"),
        ('values ("10, 10")', 'values ("10")', "do not fill"),
    ],
)
def test_wrong_files(tmp_path: Path, old: str, new: str, message: str) -> None:
    """One line with the file and what is needed."""
    path = tmp_path / "wrong.lib"
    path.write_text(cells.TEXT.replace(old, new, 1))
    with pytest.raises(UsageProblem, match=message) as caught:
        read_library(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_cut_file(tmp_path: Path) -> None:
    """A file that ends too early is no library, wherever it ends."""
    path = tmp_path / "cut.lib"
    for at in range(60, len(cells.TEXT) - 2, 211):
        path.write_text(cells.TEXT[:at])
        with pytest.raises(UsageProblem):
            read_library(path)
