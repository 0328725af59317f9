"""`eqspike report`: one self-contained HTML page from the results in some folders, and the same as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from scripts.errors import CommandError, UsageProblem
from scripts.options import read_config

DETAILED = 4
"""Runs shown in full: the first of each folder that holds several seeds."""

COUNTER_NAMES = {
    "images": "images",
    "steps": "steps",
    "synops": "SynOps",
    "programming_pulses": "programming pulses",
    "membrane_saturations": "membrane saturations",
    "weight_saturations": "weight saturations",
    "nudged": "images with a nudge phase",
    "skipped": "images without (skip rule)",
}


def read_json(path: Path) -> Any:
    """The file's content; raises `UsageProblem` when it is no whole JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
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
    """What the folders hold: runs (folder, metrics), summaries, sweeps, compares, builds, laws, devices and heals."""
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


def run_row(folder: Path, metrics: dict[str, Any]) -> dict[str, Any]:
    """One line of the table of runs."""
    last = metrics["epochs"][-1] if metrics["epochs"] else {}
    speeds = [entry["images_per_second"] for entry in metrics["epochs"] if entry.get("images_per_second")]
    return {
        "folder": str(folder),
        "config": metrics["config"],
        "number_format": metrics["number_format"],
        "engine": metrics["engine"],
        "seed": metrics["seed"],
        "epochs": len(metrics["epochs"]),
        "epochs_planned": metrics["epochs_planned"],
        "train_images": metrics["images"]["train"],
        "test_images": metrics["images"]["test"],
        "train_accuracy": last.get("train_accuracy"),
        "test_accuracy": last.get("test_accuracy"),
        "mean_last_5_test_accuracy": metrics["mean_last_5_test_accuracy"],
        "first_spike_test_accuracy": last.get("first_spike_test_accuracy"),
        "images_per_second": max(speeds) if speeds else None,
    }


def counters_table(metrics: dict[str, Any]) -> dict[str, Any]:
    """Columns: all training, training an image, test inference an image, first-spike inference an image."""
    from scripts.train import add_counters

    total: dict[str, Any] = {}
    for entry in metrics["epochs"]:
        total = add_counters(total, entry["counters"])
    if not total:
        return {}
    last = metrics["epochs"][-1]
    sources = [
        (total, True),
        (total, False),
        (last["test_counters"], False),
        (last["first_spike_test_counters"], False),
    ]

    def column(counters: dict[str, Any], whole: bool, value: int) -> float | int:
        return value if whole else value / max(counters["images"], 1)

    rows = [
        {"name": title, "cells": [column(c, whole, c[name]) for c, whole in sources]}
        for name, title in COUNTER_NAMES.items()
        if name in total
    ]
    layers = len(total["spikes"])
    for layer in range(layers):
        kind = "inputs" if layer == 0 else "outputs" if layer == layers - 1 else f"hidden layer {layer}"
        rows.append(
            {"name": f"spikes of {kind}", "cells": [column(c, whole, c["spikes"][layer]) for c, whole in sources]}
        )
    columns = ["training, all epochs", "training, an image", "inference, an image", "first-spike inference, an image"]
    return {"columns": columns, "rows": rows}


def run_details(folder: Path, metrics: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(what the page shows of a run, the figures included; what report.json holds of it)."""
    from golden.data import DataError, load_split
    from golden.network import Network
    from scripts import figures
    from scripts.infer import infer
    from scripts.plots import data_uri
    from scripts.weights import load_weights

    counters = counters_table(metrics)
    shown: dict[str, Any] = {"folder": str(folder), "counters": counters, "problem": None, "confusion": None}
    plain: dict[str, Any] = {"folder": str(folder), "counters": counters}
    config_path = folder / "config.yaml"
    shown["config_text"] = config_path.read_text(encoding="utf-8") if config_path.exists() else "no config.yaml here"
    try:
        config = read_config(str(config_path))
        weights = load_weights(folder / "weights.npz", config).weights
        judged = infer(config, folder / "weights.npz")
        split = load_split(config)
    except (UsageProblem, DataError) as error:
        shown["problem"] = plain["problem"] = f"No pictures of the network: {error}"
        return shown, plain
    if not judged["images"]:
        shown["problem"] = plain["problem"] = "No pictures of the network: the data set's test part is empty"
        return shown, plain
    network = Network(config)
    before = network.real_weights()
    network.load_weights(weights)
    after = network.real_weights()
    presented = figures.present_one(config, weights, split.test_images, split.test_labels, 0)
    ranges = [synapse.range for synapse in config.synapses]
    parts = [[w / (2 * r) + 0.5 for w, r in zip(weights, ranges, strict=True)] for weights in (before, after)]
    stuck = [found != 0 for found in network.views(network.devices.stuck)]
    part = "validation" if config.dataset.validation_fraction > 0 else "test"
    plain |= {
        "accuracy": judged["accuracy"],
        "images": judged["images"],
        "part": part,
        "confusion": judged["confusion"],
    }
    shown |= {
        "accuracy": judged["accuracy"],
        "images": judged["images"],
        "part": part,
        "confusion": data_uri(figures.confusion(judged["confusion"])),
        "raster": data_uri(figures.raster(presented), "png"),
        "traces": data_uri(figures.traces(presented)),
        "fields": data_uri(figures.receptive_fields(before[0], after[0]), "png"),
        "histograms": data_uri(figures.histograms(before, after, ranges)),
        "conductances": data_uri(figures.conductances(*parts, stuck)),
    }
    return shown, plain


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


def compare_item(folder: Path, data: dict[str, Any]) -> dict[str, Any]:
    """The verdict of a compare.json and its rows."""
    wrong = data.get("mismatches")
    ok = wrong == 0
    verdict = "identical" if ok else "no verdict" if wrong is None else f"{number(wrong)} mismatches"
    hidden = ("versions", "config_resolved")
    rows = [row for key, value in data.items() if key not in hidden for row in flat(value, key)]
    return {"folder": str(folder), "ok": ok, "verdict": verdict, "rows": rows}


def build_item(folder: Path, data: dict[str, Any]) -> dict[str, Any]:
    """Resources (used, total) of a build.json, and all the rest of it in rows."""
    resources = [
        {"name": name, "used": r["used"], "total": r["total"], "share": 100 * r["used"] / max(r["total"], 1)}
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
    from scripts.law import plot_law
    from scripts.plots import data_uri

    rows = [
        {"sweep": sweep, "number": name, **{k: run[k] for k in ("slope", "intercept", "r2")}}
        for sweep, entry in data["sweeps"].items()
        for name, run in entry["runs"].items()
    ]
    return {"folder": str(folder), "figure": data_uri(plot_law(data)), "rows": rows}


def device_item(folder: Path, data: dict[str, Any]) -> dict[str, Any]:
    """Figure of a device.json, what one write of each layer is, and the RTL's timing where it was recorded."""
    from scripts.figures import device_panels, timing_panels
    from scripts.plots import data_uri

    timing = folder / "device-timing.json"
    return {
        "folder": str(folder),
        "title": f"{data['config']} ({data['number_format']})",
        "figure": data_uri(device_panels(data)),
        "timing": data_uri(timing_panels(read_json(timing))) if timing.exists() else None,
        "writes": data["writes"],
    }


def sweep_item(folder: Path, data: dict[str, Any]) -> dict[str, Any]:
    """Figure and table of a sweep's summary.json."""
    from scripts.figures import sweep_panels
    from scripts.plots import data_uri
    from scripts.sweep import HEAD, row_cells

    return {
        "folder": str(folder),
        "title": data["title"],
        "epochs": data["epochs"],
        "test_part": data["test_part"],
        "agrees_within": data["agrees_within"],
        "finished": data["finished"],
        "errors": data["errors"],
        "figure": data_uri(sweep_panels(data)),
        "head": HEAD,
        "rows": [{"group": row["group"], "cells": row_cells(row)} for row in data["rows"]],
    }


def heal_item(folder: Path, data: dict[str, Any]) -> dict[str, Any]:
    """Table of a heal.json."""
    from scripts.heal import HEAD, table_rows

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


def make_report(folders: Sequence[Path], out: Path) -> dict[str, Any]:
    """Write the page to `out` and report.json beside it; returns what report.json holds."""
    import jinja2

    from scripts import figures
    from scripts.files import write_json, write_text
    from scripts.plots import data_uri
    from scripts.train import SUMMARISED

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
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise CommandError(f"{', '.join(map(str, folders))}: a result is not of this version ({error!r})") from None
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("scripts"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {"percent": percent, "number": number}
    write_text(out, environment.get_template("report.html.j2").render(page))
    result = {
        "folders": page["folders"],
        "runs": rows,
        "details": [plain for _, plain in pairs],
        **{
            kind: [{"folder": str(folder), **content} for folder, content in data[kind]]
            for kind in ("summaries", "sweeps", "heals", "compares", "builds", "laws", "devices")
        },
    }
    write_json(out.with_suffix(".json"), result)
    return result


@click.command(
    "report",
    epilog="""\b
Examples:
  eqspike report runs/demo
  eqspike report runs/digits-seeds0-9 runs/digits-law --out report.html
""",
)
@click.argument("folders", metavar="DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="The page [default: report.html in the first DIR].")
def command(folders: tuple[Path, ...], out: Path | None) -> None:
    """Make one HTML page, with no outside resources, from all results in the DIRs and below.

    Shows runs (metrics.json, weights.npz), seeds and sweeps (summary.json), devices (device.json), comparisons
    (compare.json), bitstreams (build.json) and law checks (law.json), and says how to make what is not there. Writes
    the same data to a JSON file beside it.
    """
    out = out or folders[0] / "report.html"
    make_report(folders, out)
    click.echo(f"wrote {out} and {out.with_suffix('.json').name}")
