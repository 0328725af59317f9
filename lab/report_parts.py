"""What the report's page shows of each kind of result but runs, and numbers for its reader."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from eqspike.lab.figures.device import device_parts
from eqspike.lab.figures.sweep import sweep_groups
from eqspike.lab.figures.timing import timing_panels
from eqspike.lab.law import draw_sweep
from eqspike.lab.plots import data_uri, panel_svg
from eqspike.lab.report_files import read_json
from eqspike.lab.text import averaged_over


def flat(data: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested plain data as (dotted name, text)."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from flat(value, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(data, list) and any(isinstance(item, dict | list) for item in data):
        for index, value in enumerate(data):
            yield from flat(value, f"{prefix}[{index}]")
    else:
        yield prefix.replace("_", " "), number(data) if isinstance(data, int | float) else str(data)


RESOURCES = {"lc": "logic cells", "ff": "flip-flops", "bram": "block RAMs", "dsp": "DSPs", "lut": "LUTs"}
"""How a board's resources are called."""


def compare_item(folder: Path, data: dict[str, Any]) -> dict[str, Any]:
    """The verdict of a compare.json, what was compared in a sentence, and its rows."""
    wrong = data.get("mismatches")
    ok = wrong == 0
    verdict = "identical" if ok else "no verdict" if wrong is None else f"{number(wrong)} mismatches"
    title = "RTL = golden model" if ok else "RTL differs from the golden model"
    words = data.get("words_compared", sum(v for v in data.get("compared", {}).values() if isinstance(v, int)))
    who = f"{data.get('config', 'the network')} on {data.get('simulator', 'a simulator')}"
    told = f"{number(words)} words of state in {number(data.get('images'))} images of {who}"
    hidden = ("versions", "config_resolved")
    rows = [row for key, value in data.items() if key not in hidden for row in flat(value, key)]
    return {
        "folder": str(folder), "ok": ok, "verdict": verdict, "rows": rows,
        "title": "RTL against the golden model" if wrong is None else title, "told": told,
        "first": _first_mismatch(data.get("first_mismatch")),
    }  # fmt: skip


def _first_mismatch(found: Any) -> str | None:
    """Where the first word differs, in words."""
    if not isinstance(found, dict):
        return None
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in found.items())


def build_item(folder: Path, data: dict[str, Any]) -> dict[str, Any]:
    """Resources (used, total) of a build.json, and all the rest of it in rows."""
    resources = [
        {
            "name": name,
            "title": RESOURCES.get(name, name),
            "used": r["used"],
            "total": r["total"],
            "share": 100 * r["used"] / max(r["total"], 1),
        }
        for name, r in data.get("resources", {}).items()
        if isinstance(r, dict) and "used" in r and r.get("total")
    ]
    shown = {r["name"] for r in resources}
    rest = {key: value for key, value in data.items() if key != "resources"}
    rest["resources"] = {k: v for k, v in data.get("resources", {}).items() if k not in shown}
    return {
        "folder": str(folder),
        "title": f"{data.get('config', '')} for {data.get('board', 'a board')}".strip(),
        "resources": resources,
        "rows": [row for key, value in rest.items() for row in flat(value, key)],
    }


def law_item(folder: Path, data: dict[str, Any]) -> dict[str, Any]:
    """Figure and table of a law.json."""
    rows = [
        {"sweep": sweep, "number": name, **{k: run[k] for k in ("slope", "intercept", "r2")}}
        for sweep, entry in data["sweeps"].items()
        for name, run in entry["runs"].items()
    ]
    figures = [panel_svg(partial(draw_sweep, name=name, entry=entry)) for name, entry in data["sweeps"].items()]
    return {"folder": str(folder), "figures": figures, "rows": rows}


def device_item(folder: Path, data: dict[str, Any]) -> dict[str, Any]:
    """Figure of a device.json, what one write of each layer is, and the RTL's timing where it was recorded."""
    timing = folder / "device-timing.json"
    return {
        "folder": str(folder),
        "title": f"{data['config']} ({data['number_format']})",
        "figures": [panel_svg(draw) for draw in device_parts(data)],
        "timing": data_uri(timing_panels(read_json(timing))) if timing.exists() else None,
        "writes": data["writes"],
    }


def sweep_item(folder: Path, data: dict[str, Any]) -> dict[str, Any]:
    """Figure and table of a sweep's summary.json."""
    from eqspike.lab.experiments.kinds.sweep import table

    (head, *cells), _ = table(data["rows"])
    return {
        "folder": str(folder),
        "title": data["title"],
        "over": averaged_over(data["epochs"]),
        "epochs": data["epochs"],
        "test_part": data["test_part"],
        "agrees_within": data["agrees_within"],
        "finished": data["finished"],
        "errors": data["errors"],
        "figures": [panel_svg(draw) for draw in sweep_groups(data)],
        "head": head,
        "with_thesis": "verdict" in head,
        "rows": [{"group": row["group"], "cells": own} for row, own in zip(data["rows"], cells, strict=True)],
    }


def heal_item(folder: Path, data: dict[str, Any]) -> dict[str, Any]:
    """Table of a heal.json."""
    from eqspike.lab.healing import HEAD, table_rows

    return {
        "folder": str(folder),
        "title": data["config"],
        "epochs": data["fault"]["epochs"],
        "trained": data["epochs"],
        "test_part": data["test_part"],
        "finished": data["finished"],
        "errors": data["errors"],
        "head": HEAD,
        "rows": table_rows(data),
    }


def upset_item(folder: Path, data: dict[str, Any]) -> dict[str, Any]:
    """Table and map of an upset.json."""
    from eqspike.lab.figures.upset import upset_map
    from eqspike.lab.upsets import HEAD, table_rows

    return {
        "folder": str(folder),
        "title": data["config"],
        "strikes": data["strikes"],
        "trained": data["epochs"],
        "test_part": data["test_part"],
        "finished": data["finished"],
        "errors": data["errors"],
        "check": data["check"],
        "figure": data_uri(upset_map(data), "png") if data["summary"] else None,
        "head": HEAD,
        "rows": table_rows(data),
    }


def percent(value: float | None) -> str:
    """A share as a percentage."""
    return "-" if value is None else f"{100 * value:.2f}"


def number(value: float | int | None) -> str:
    """A number for the reader: thin spaces between thousands, four digits of a fraction."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) or (abs(value) >= 1000 and abs(value) < 1e15):
        return f"{round(value):,}".replace(",", "\u2009")
    return f"{value:.4g}"
