"""The table of changes planted in the RTL."""

from __future__ import annotations

from eqspike.lab.tables import markdown, table_kind
from eqspike.lab.tables.mutants import HEAD, Mutants, mutants_by_file


def test_a_row_a_file_and_their_sum() -> None:
    files = {
        "rate.py": {"killed": 1000, "no change": 4},
        "sums.py": {"equivalent": 1, "killed": 2, "survived": 3, "open": 7},
    }
    rows = mutants_by_file(Mutants(measurement="mutants"), {"mutants": {"result": {"files": files}}})
    assert rows == [
        ["rtl/rate.py", "1,000", "1,000", "0", "0", "4", "0", "0"],
        ["rtl/sums.py", "6", "2", "1", "3", "0", "0", "7"],
        ["all", "1,006", "1,002", "1", "3", "4", "0", "7"],
    ]
    assert markdown(HEAD, rows).startswith("| file | drawn | killed |")


def test_nothing_where_it_was_not_measured() -> None:
    assert table_kind("mutants").table(Mutants(measurement="mutants"), {}) == []
