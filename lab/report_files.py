"""The results in some folders and below, by kind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eqspike.base import reading
from eqspike.base.errors import UsageProblem

LIVE_PAGE = "see-it-learn.html"
"""What a report links: the circuit as a page, in the folders or below (`lab.page`)."""


def read_json(path: Path) -> Any:
    """The file's content; raises `UsageProblem` when it is no whole JSON."""
    try:
        return reading.read_json(path)
    except ValueError:
        raise UsageProblem(f"{path}: not valid JSON") from None


def find(folders: Sequence[Path], name: str) -> list[Path]:
    """All files of that name in the folders and below, each once, in order."""
    found: dict[Path, Path] = {}
    for folder in folders:
        for path in sorted(folder.rglob(name), key=_by_number):
            found.setdefault(path.resolve(), path)
    return list(found.values())


def _by_number(path: Path) -> tuple[int, str]:
    """seed-10 after seed-9."""
    digits = "".join(c for c in path.parent.name if c.isdigit())
    return (int(digits[:18]) if digits else -1, str(path))


def gather(folders: Sequence[Path]) -> dict[str, Any]:
    """What the folders hold: runs (folder, metrics), summaries, sweeps, compares, builds, laws, devices,
    heals and upsets."""
    for folder in folders:
        if not folder.is_dir():
            raise UsageProblem(f"{folder}: is not a folder")
    data = {
        kind: [(path.parent, read_json(path)) for path in find(folders, name)]
        for kind, name in (
            ("runs", "metrics.json"),
            ("summaries", "summary.json"),
            ("compares", "compare.json"),
            ("builds", "build.json"),
            ("laws", "law.json"),
            ("devices", "device.json"),
            ("heals", "heal.json"),
            ("upsets", "upset.json"),
        )
    }
    every = data["summaries"]
    data["sweeps"] = [item for item in every if is_sweep(item[1])]
    data["summaries"] = [item for item in every if not is_sweep(item[1])]
    if not any(data.values()):
        names = ", ".join(map(str, folders))
        raise UsageProblem(f"{names}: no results here; 'eqspike train CONFIG' or 'eqspike demo' makes some")
    return data


def is_sweep(summary: Any) -> bool:
    """Is this summary.json that of `eqspike sweep`?"""
    return isinstance(summary, dict) and summary.get("kind") == "sweep"
