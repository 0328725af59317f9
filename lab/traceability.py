"""Where each statement of the thesis stands: docs/traceability.yaml, checked against the tree and written as a table.

Needs the project's folder: tests are not installed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from eqspike.base.errors import CommandError
from eqspike.base.strict_yaml import read_yaml

PLACES = Path("docs") / "traceability.yaml"
KINDS = ("golden", "rtl", "test", "proof", "result")
NEEDED = ("golden", "rtl", "test", "result")
"""What a row must have or excuse; most statements have no proof, and the table shows which."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A statement of the thesis: `row` (eq 2.5, figs 2.6 to 2.8, ...), what it says, and places by kind."""

    row: str
    what: str
    golden: tuple[str, ...] = ()
    rtl: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    proof: tuple[str, ...] = ()
    result: tuple[str, ...] = ()
    none: Mapping[str, str] = field(default_factory=dict)
    """Kind -> why there is none."""


def read_rows(root: Path) -> list[Row]:
    """The rows of `root`/docs/traceability.yaml. Raises `CommandError` for a key that is not known."""
    rows = []
    for entry in read_yaml(root / PLACES):
        known = {key: tuple(value) if key in KINDS else value for key, value in entry.items()}
        try:
            rows.append(Row(**known))
        except TypeError as error:
            raise CommandError(f"{PLACES}: {entry.get('row')}: {error}") from None
    return rows


def cited(text: str, kind: str) -> set[str]:
    """The numbers of `kind` (eq, fig, table, section, algorithm) in a text: `eqs 2.7 to 2.9` are three."""
    found: set[str] = set()
    numbers = r"\d\.\d+(?:\.\d+)?"
    for match in re.finditer(rf"\b{kind}s? ((?:{numbers}|, | to | and |, and )+)", text):
        parts = re.findall(rf"{numbers}| to ", match.group(1))
        for before, part, after in zip(["", *parts], parts, [*parts[1:], ""], strict=False):
            if part != " to ":
                found.add(part)
            elif before and after:
                chapter, first = before.split(".")[:2]
                found |= {f"{chapter}.{number}" for number in range(int(first), int(after.split(".")[1]) + 1)}
    return found


def faults(rows: Sequence[Row], root: Path) -> Iterator[str]:
    """What is wrong with the table, a line each: places that are not there, kinds without place or reason."""
    for row in rows:
        for kind in KINDS:
            places = getattr(row, kind)
            for place in places:
                if (wrong := _fault(place, root)) is not None:
                    yield f"{row.row}: {kind}: {place}: {wrong}"
            if kind in NEEDED and bool(places) == (kind in row.none):
                yield f"{row.row}: {kind}: name places, or under `none` why there are none"


def _fault(place: str, root: Path) -> str | None:
    name, _, member = place.partition(":")
    path = root / name
    if not path.exists():
        return "no such file"
    if member and member not in _names(path):
        return f"{name} has no {member}"
    return None


@cache
def _names(path: Path) -> frozenset[str]:
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return frozenset(node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef))


def table(rows: Sequence[Row]) -> list[list[str]]:
    """Rows for a Markdown table: statement, then a cell a kind."""
    return [[f"{row.row}: {row.what}", *(_cell(row, kind) for kind in KINDS)] for row in rows]


def _cell(row: Row, kind: str) -> str:
    places = getattr(row, kind)
    if not places:
        return f"none: {row.none[kind]}" if kind in row.none else "—"
    return ", ".join(f"`{place.rpartition(':')[2] if ':' in place else Path(place).name}`" for place in places)
