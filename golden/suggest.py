"""What may have been meant by the name of a data set that there is not."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from eqspike.base.suggest import nearest

TABLES = (".csv", ".tsv", ".txt")
MOST_LOOKED_AT = 100
"""Entries of a folder."""


def suggestion(name: str, names: Iterable[str], kinds: Iterable[str]) -> str | None:
    """The nearest name, or the right kind ("idx:") for what lies at the path; None where nothing is near."""
    try:
        if kind := kind_of(Path(name)):
            return kind + name
    except (OSError, ValueError):
        return None
    word, colon, rest = name.partition(":")
    if colon:
        near = nearest(word + ":", kinds)
        return near + (rest or "PATH") if near else None
    return nearest(name, names)


def kind_of(path: Path) -> str | None:
    """As what a path can be read, by what lies there; None where nothing does, or nothing that is known."""
    if path.is_file():
        suffix = path.suffix.lower()
        return "csv:" if suffix in TABLES else "npz:" if suffix == ".npz" else None
    if not path.is_dir():
        return None
    inside = [entry for entry, _ in zip(path.iterdir(), range(MOST_LOOKED_AT), strict=False)]
    if any("-ubyte" in entry.name for entry in inside):
        return "idx:"
    return "images:" if any(entry.is_dir() and not entry.name.startswith(".") for entry in inside) else None
