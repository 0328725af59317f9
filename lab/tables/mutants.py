"""The table of small changes planted in the RTL (`make mutants`): by file, what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eqspike.lab.tables import Found, Kind, Shown, no_claims

HEAD = ("file", "drawn", "killed", "equivalent", "survived", "no change", "does not build", "open")
"""`drawn` are those that build and alter the circuit; `open` are not yet killed, and have jobs left to be tried on."""
COUNTED = HEAD[2:5]


@dataclass(frozen=True, kw_only=True)
class Mutants(Shown):
    """One run of `make mutants`."""

    measurement: str


def _row(name: str, counts: Mapping[str, int]) -> list[str]:
    numbers = [sum(counts.get(status, 0) for status in COUNTED), *(counts.get(status, 0) for status in HEAD[2:])]
    return [name, *(f"{number:,}" for number in numbers)]


def mutants_by_file(parameters: Mutants, found: Found) -> list[list[str]]:
    """A row a file of rtl/, and their sum; columns as in `HEAD`."""
    if parameters.measurement not in found:
        return []
    files = found[parameters.measurement]["result"]["files"]
    whole: Counter[str] = Counter()
    for counts in files.values():
        whole.update(counts)
    return [_row(f"rtl/{file}", counts) for file, counts in files.items()] + [_row("all", whole)]


KINDS: dict[str, Any] = {"mutants": Kind(Mutants, mutants_by_file, no_claims)}
