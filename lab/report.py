"""One self-contained HTML page from the results in some folders, and the same as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eqspike.base.errors import CommandError
from eqspike.base.files import write_json, write_text
from eqspike.lab.figures import network as figures
from eqspike.lab.pages import environment
from eqspike.lab.plots import data_uri
from eqspike.lab.report_files import gather
from eqspike.lab.report_parts import (
    build_item,
    compare_item,
    device_item,
    heal_item,
    law_item,
    number,
    percent,
    run_details,
    run_row,
    sweep_item,
    upset_item,
)
from eqspike.lab.seeds import SUMMARISED

DETAILED = 4
"""Runs shown in full: the first of each folder that holds several seeds."""


def _tiles(rows: list[dict[str, Any]], data: dict[str, Any]) -> list[dict[str, str]]:
    tiles = []
    for _, summary in data["summaries"][:1]:
        mean = summary["mean_last_5_test_accuracy"]
        if mean["mean"] is not None:
            tiles.append((percent(mean["mean"]) + " %", f"test accuracy, mean of {mean['count']} seeds", ""))
    scored = [row for row in rows if row["mean_last_5_test_accuracy"] is not None]
    if scored and not tiles:
        best = max(scored, key=lambda row: row["mean_last_5_test_accuracy"])
        tiles.append((percent(best["mean_last_5_test_accuracy"]) + " %", "test accuracy, mean of last 5 epochs", ""))
    if scored and scored[0]["first_spike_test_accuracy"] is not None:
        tiles.append((percent(scored[0]["first_spike_test_accuracy"]) + " %", "test accuracy by first spike", ""))
    for _, compare in data["compares"][:1]:
        wrong = compare.get("mismatches")
        tone = "good" if wrong == 0 else "bad"
        tiles.append(("?" if wrong is None else number(wrong), "mismatches, RTL against golden", tone))
    for _, build in data["builds"][:1]:
        for name, resource in build.get("resources", {}).items():
            if isinstance(resource, dict) and resource.get("total"):
                share = 100 * resource["used"] / resource["total"]
                tiles.append((f"{share:.0f} %", f"{name} of {build.get('board', 'the board')}", ""))
                break
    for _, law in data["laws"][:1]:
        worst = min(entry["runs"]["real"]["r2"] for entry in law["sweeps"].values())
        tiles.append((f"{worst:.4f}", "R² of the learning law, real numbers", "good" if law["passed"] else "bad"))
    return [{"value": value, "label": label, "tone": tone} for value, label, tone in tiles]


def make_report(folders: Sequence[Path], out: Path) -> dict[str, Any]:
    """Write the page to `out` and report.json beside it; returns what report.json holds."""
    data = gather(folders)
    try:
        rows = [run_row(folder, metrics) for folder, metrics in data["runs"]]
        groups = [folder for folder, _ in data["summaries"]]
        named = [
            (str(next((g for g in groups if g in folder.parents), folder)), metrics) for folder, metrics in data["runs"]
        ]
        first_of_each = {name: at for at, (name, _) in reversed(list(enumerate(named)))}
        chosen = [data["runs"][at] for at in sorted(first_of_each.values())][:DETAILED]
        pairs = [run_details(folder, metrics) for folder, metrics in chosen]
        page = {
            "title": "EqSpike: " + (", ".join(dict.fromkeys(row["config"] for row in rows)) or "results"),
            "folders": list(map(str, folders)),
            "tiles": _tiles(rows, data),
            "runs": rows,
            "validation": any(metrics["test_part"] == "validation" for _, metrics in data["runs"]),
            "curves": data_uri(figures.learning_curves(named)) if any(m["epochs"] for _, m in named) else None,
            "summaries": [{"folder": str(folder), "data": summary} for folder, summary in data["summaries"]],
            "summarised": SUMMARISED,
            "details": [shown for shown, _ in pairs],
            "compares": [compare_item(folder, compare) for folder, compare in data["compares"]],
            "builds": [build_item(folder, build) for folder, build in data["builds"]],
            "laws": [law_item(folder, law) for folder, law in data["laws"]],
            "devices": [device_item(folder, device) for folder, device in data["devices"]],
            "sweeps": [sweep_item(folder, sweep) for folder, sweep in data["sweeps"]],
            "heals": [heal_item(folder, heal) for folder, heal in data["heals"]],
            "upsets": [upset_item(folder, upset) for folder, upset in data["upsets"]],
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise CommandError(f"{', '.join(map(str, folders))}: a result is not of this version ({error!r})") from None
    templates = environment(html=True)
    templates.filters |= {"percent": percent, "number": number}
    write_text(out, templates.get_template("report.html.j2").render(page))
    result = {
        "folders": page["folders"],
        "runs": rows,
        "details": [plain for _, plain in pairs],
        **{
            kind: [{"folder": str(folder), **content} for folder, content in data[kind]]
            for kind in ("summaries", "sweeps", "heals", "upsets", "compares", "builds", "laws", "devices")
        },
    }
    write_json(out.with_suffix(".json"), result)
    return result
