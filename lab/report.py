"""One self-contained HTML page from the results in some folders, and the same as JSON."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from eqspike.base.errors import CommandError
from eqspike.base.files import write_json, write_text
from eqspike.lab.pages import environment
from eqspike.lab.report_files import LIVE_PAGE, find, gather
from eqspike.lab.report_head import contents, failed_first, made, summary_epochs, tiles
from eqspike.lab.report_network import run_details
from eqspike.lab.report_parts import (
    build_item,
    compare_item,
    device_item,
    heal_item,
    law_item,
    number,
    percent,
    sweep_item,
    upset_item,
)
from eqspike.lab.report_runs import kind_text, learning_charts, named_runs, run_row
from eqspike.lab.seeds import titles_after
from eqspike.lab.text import LAST

DETAILED = 4
"""Runs shown in full: the first of each folder that holds several seeds."""


def make_report(folders: Sequence[Path], out: Path) -> dict[str, Any]:
    """Write the page to `out` and report.json beside it; returns what report.json holds."""
    data, about = gather(folders), made()
    try:
        runs = named_runs(data["runs"], [folder for folder, _ in data["summaries"]])
        rows = [run_row(run) for run in runs]
        firsts = {run.group: run for run in reversed(runs)}
        pairs = [run_details(run) for run in [run for run in runs if firsts[run.group] is run][:DETAILED]]
        page = {
            "title": "EqSpike: " + (", ".join(dict.fromkeys(row["config"] for row in rows)) or "results"),
            "made": about,
            "folders": list(map(str, folders)),
            "live": [_link(path, out) for path in find(folders, LIVE_PAGE)],
            "tiles": tiles(runs, data),
            "runs": rows,
            "last": LAST,
            "long": any(row["epochs"] >= LAST for row in rows),
            "validation": any(run.metrics["test_part"] == "validation" for run in runs),
            "curves": learning_charts(runs),
            "summaries": [_summary_item(folder, summary) for folder, summary in data["summaries"]],
            "details": [shown for shown, _ in pairs],
            "compares": failed_first([compare_item(*found) for found in data["compares"]]),
            "builds": [build_item(*found) for found in data["builds"]],
            "laws": [law_item(*found) for found in data["laws"]],
            "devices": [device_item(*found) for found in data["devices"]],
            "sweeps": [sweep_item(*found) for found in data["sweeps"]],
            "heals": [heal_item(*found) for found in data["heals"]],
            "upsets": [upset_item(*found) for found in data["upsets"]],
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise CommandError(f"{', '.join(map(str, folders))}: a result is not of this version ({error!r})") from None
    write_text(out, _html(page | contents(page)))
    result = {
        "made": about,
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


def _summary_item(folder: Path, summary: dict[str, Any]) -> dict[str, Any]:
    """Statistics over seeds, under their titles."""
    titles = titles_after(summary_epochs(summary))
    return {
        "folder": str(folder),
        "title": kind_text(summary),
        "seeds": summary["seeds"],
        "rows": [(title, summary[name]) for name, title in titles.items() if summary[name]["mean"] is not None],
    }


def _link(path: Path, out: Path) -> str:
    """A file as the page names it, which stands elsewhere."""
    return quote(Path(os.path.relpath(path.resolve(), out.resolve().parent)).as_posix())


def _html(page: dict[str, Any]) -> str:
    """The page; a browser that reads it runs its script alone, and asks nobody for anything."""
    templates = environment(html=True)
    templates.filters |= {"percent": percent, "number": number}
    script = templates.get_template("hover.js.j2").render().strip()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page |= {"script": script, "script_hash": f"sha256-{digest}"}
    return templates.get_template("report.html.j2").render(page).lstrip()
