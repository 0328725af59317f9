"""The table of statements holds what the tree holds, and nothing that the sources cite is missing in it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from eqspike.lab.traceability import Row, cited, faults, read_rows, table

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return read_rows(ROOT)


def test_all_places_are_there(rows: list[Row]) -> None:
    assert not list(faults(rows, ROOT))
    assert len(table(rows)) == len(rows) > 30


def test_every_experiment_of_the_thesis_is_named(rows: list[Row]) -> None:
    named = {place for row in rows for place in row.result}
    for path in (ROOT / "experiments").glob("*.yaml"):
        reference = yaml.safe_load(path.read_text(encoding="utf-8")).get("reference", "")
        if reference.startswith(("fig", "table")):
            assert f"experiments/{path.name}" in named


@pytest.mark.parametrize("kind", ["eq", "fig", "table"])
def test_everything_that_the_model_cites_has_a_row(kind: str, rows: list[Row]) -> None:
    known = set().union(*(cited(row.row, kind) for row in rows))
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "golden").rglob("*.py"))
    # Chapter 1 reviews what was known before.
    assert {number for number in cited(sources, kind) if not number.startswith("1.")} <= known


def test_numbers_in_a_text() -> None:
    assert cited("eqs 2.7 to 2.9, eq 3.1 and figs 4.2, 4.3", "eq") == {"2.7", "2.8", "2.9", "3.1"}
    assert cited("figs 4.2 and 4.3", "fig") == {"4.2", "4.3"}


def test_what_is_not_there_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def there(): ...\n")
    row = Row(row="eq 1.1", what="x", golden=("a.py:there",), rtl=("a.py:gone",), test=("b.py",), none={"golden": "y"})
    assert list(faults([row], tmp_path)) == [
        "eq 1.1: golden: name places, or under `none` why there are none",
        "eq 1.1: rtl: a.py:gone: a.py has no gone",
        "eq 1.1: test: b.py: no such file",
        "eq 1.1: result: name places, or under `none` why there are none",
    ]
