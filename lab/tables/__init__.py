"""Tables of docs/results.md: kinds of experiments' files whose results were measured by command lines.

A kind has `Parameters` (a frozen dataclass, the file's `parameters`) and makes rows of texts from what results/*.json
hold; some also make claims, of which the README shows those that a file names.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from eqspike.golden.validation import fail

Found = dict[str, dict[str, Any]]
"""Measurement -> what was kept of it: command, seconds, result."""


class Claim(NamedTuple):
    """One line of the README's table."""

    what: str
    measured: str
    basis: str
    """How often it was measured, and what the ± is."""
    wanted: str
    """What was to be reached."""
    status: str


@dataclass(frozen=True, kw_only=True)
class Shown:
    """Parameters of a table; by themselves, of one that shows fixed measurements."""

    def validate(self, key: str) -> None:
        """Raise `ConfigError` where a text or a list that has no default is empty."""
        for part in dataclasses.fields(self):
            needed = part.default is dataclasses.MISSING and part.default_factory is dataclasses.MISSING
            if needed and getattr(self, part.name) in ("", ()):
                fail(f"{key}.{part.name}", getattr(self, part.name), "at least one")


@dataclass(frozen=True)
class Kind:
    """A kind of table."""

    Parameters: type
    table: Callable[[Any, Found], list[list[str]]]
    claims: Callable[[Any, Found], list[Claim]]


KINDS = (
    "accuracies", "accuracies_with_faults", "activity", "asic_checks", "asic_cores", "asic_energy", "asic_layouts",
    "asic_neurons", "builds", "circuit_cost", "comparisons", "device_builds", "device_comparisons", "device_cost",
    "energy", "growth", "heals", "lanes", "laws", "learning_cost", "mutants", "presets_on_boards", "pulse_laws",
    "speeds", "stages", "sweep_rows", "throughputs", "times", "upset_checks", "upsets",
)  # fmt: skip
MODULES = ("accuracies", "asic", "boards", "circuit", "energy", "laws", "mutants", "speed")


def table_kind(name: str) -> Kind:
    """The kind of that name."""
    for module in MODULES:
        kinds = importlib.import_module(f"eqspike.lab.tables.{module}").KINDS
        if name in kinds:
            return kinds[name]
    raise KeyError(name)


def rows_of(found: Found, name: str) -> list[dict[str, Any]]:
    """The rows of a measurement of several commands; none where it was not made."""
    return found[name]["result"]["rows"] if name in found else []


def no_claims(parameters: Any, found: Found) -> list[Claim]:
    """Of tables that the README does not quote."""
    return []


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])
