"""The top of the report's page: what made it, and the numbers that it begins with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from eqspike.base.versions import command_line, git_commit, software_versions
from eqspike.lab.report_parts import RESOURCES, number, percent
from eqspike.lab.report_runs import Named, counted, judged, kind_text
from eqspike.lab.seeds import titles_after

TILES = 4
"""Of groups, and of runs that belong to none, at most so many have tiles."""


def made() -> dict[str, str | None]:
    """When the page was made, by what version and commit, and by which command."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "version": software_versions()["eqspike"],
        "commit": git_commit(),
        "command": command_line(),
    }


def tiles(runs: Sequence[Named], data: dict[str, Any]) -> list[dict[str, str]]:
    """The page's first numbers; each says whose it is, and what its ± is."""
    groups = [folder for folder, _ in data["summaries"]]
    found = [_group_tile(summary) for _, summary in data["summaries"][:TILES]]
    alone = [run for run in runs if not any(group in run.folder.parents for group in groups)]
    for run in alone[:TILES]:
        found += _run_tiles(run)
    for _, build in data["builds"][:1]:
        found += _build_tile(build)
    for _, law in data["laws"][:1]:
        worst = min(entry["runs"]["real"]["r2"] for entry in law["sweeps"].values())
        config = f" of {law['config']}" if law.get("config") else ""
        found.append((f"{worst:.4f}", "", f"R² of the learning law{config}, real numbers", _tone(law["passed"])))
    names = ("value", "spread", "label", "tone")
    return [dict(zip(names, tile, strict=True)) for tile in found if tile is not None]


Tile = tuple[str, str, str, str]
"""The number, what its seeds leave open, whose number it is, good or bad."""


def _tone(good: bool) -> str:
    return "good" if good else "bad"


def _group_tile(summary: dict[str, Any]) -> Tile | None:
    key, title = next(iter(titles_after(summary_epochs(summary)).items()))
    found = summary[key]
    if found["mean"] is None:
        return None
    error, deviation = found["standard_error"], found["standard_deviation"]
    spread = "" if error is None else f"± {100 * error:.2f}"
    seeds = summary["seeds"]
    named = f" (seeds {seeds[0]} to {seeds[-1]})" if len(seeds) > 1 else f" (seed {seeds[0]})"
    told = f"{kind_text(summary)}, mean of {counted(found['count'], 'seed')}{named}: {title}"
    if error is not None:
        told += f"; ± is the standard error, the standard deviation is {100 * deviation:.2f}"
    return f"{percent(found['mean'])} %", spread, told, ""


def summary_epochs(summary: dict[str, Any]) -> int:
    """Epochs that every seed of a summary.json has done."""
    return min((row["epochs"] for row in summary["runs"]), default=0)


def _run_tiles(run: Named) -> list[Tile]:
    value, what = judged(run.metrics)
    if value is None:
        return []
    found: list[Tile] = [(f"{percent(value)} %", "", f"{run.name}: {what}", "")]
    first = run.metrics["epochs"][-1].get("first_spike_test_accuracy")
    if first is not None:
        epochs = counted(len(run.metrics["epochs"]), "epoch")
        told = f"{run.name}: {run.metrics['test_part']} accuracy by the first spike, after {epochs}"
        found.append((f"{percent(first)} %", "", told, ""))
    return found


def _build_tile(build: dict[str, Any]) -> list[Tile]:
    """The first of the board's resources."""
    for name, resource in build.get("resources", {}).items():
        if isinstance(resource, dict) and resource.get("total"):
            share = 100 * resource["used"] / resource["total"]
            told = f"of the {RESOURCES.get(name, name)} of {build.get('board', 'the board')}: "
            told += f"{build.get('config', 'the network')}, "
            told += f"{number(resource['used'])} of {number(resource['total'])}"
            return [(f"{share:.0f} %", "", told, "")]
    return []


SECTIONS = (
    ("learning", "Learning", "runs"),
    ("runs", "Trained networks", "details"),
    ("device", "Memristors", "devices"),
    ("sweep", "What each fault costs", "sweeps"),
    ("heal", "Stuck devices", "heals"),
    ("upset", "Bits that flip", "upsets"),
    ("compare", "RTL against the model", "compares"),
    ("hardware", "Resources and timing", "builds"),
    ("law", "Learning law", "laws"),
)
"""Sections of the page: anchor, title, and which part of the page fills it."""
MISSING = {
    "runs": ("A training run", "eqspike train CONFIG"),
    "compares": ("A comparison of RTL and model", "eqspike compare CONFIG --out DIR"),
    "builds": ("A bitstream's resources", "eqspike build CONFIG --board BOARD --out DIR"),
    "laws": ("A check of the learning law", "eqspike law CONFIG --out DIR"),
    "devices": ("A device's curves", "eqspike device CONFIG --out DIR"),
    "sweeps": ("A sweep", "eqspike sweep SPEC.yaml --out DIR"),
}
"""What a page may hold, and the command that makes it."""


def contents(page: dict[str, Any]) -> dict[str, Any]:
    """The links to the sections that are there, and how to make what is not."""
    return {
        "contents": [(anchor, title) for anchor, title, key in SECTIONS if page[key]],
        "missing": [entry for key, entry in MISSING.items() if not page[key]],
    }


def failed_first(compares: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The comparisons, those that failed first: nobody must search for them."""
    return sorted(compares, key=lambda item: item["ok"])
