"""What the report's page shows of each kind of result."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eqspike.base.errors import UsageProblem
from eqspike.golden.config import Config
from eqspike.golden.data import load_split
from eqspike.golden.idx import DataError
from eqspike.golden.network import Network
from eqspike.lab.configs import read_config
from eqspike.lab.figures import network as figures
from eqspike.lab.figures.device import conductances, device_panels
from eqspike.lab.figures.sweep import sweep_panels
from eqspike.lab.figures.timing import timing_panels
from eqspike.lab.infer import infer
from eqspike.lab.law import plot_law
from eqspike.lab.plots import data_uri
from eqspike.lab.report_files import read_json
from eqspike.lab.seeds import synapse_counts
from eqspike.lab.train import add_counters
from eqspike.lab.weights import load_weights

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


def writes_table(metrics: dict[str, Any], config: Config) -> list[dict[str, Any]]:
    """What the devices of each layer of synapses took in all epochs, and of all layers together; only the latter where
    an epoch's engine does not count layers apart. Empty without epochs."""
    epochs, counts = metrics["epochs"], synapse_counts(config)
    images = sum(entry["counters"]["images"] for entry in epochs)
    rows = [("all", sum(counts), sum(entry["counters"]["programming_pulses"] for entry in epochs))] if epochs else []
    counted = [entry.get("layer_writes") for entry in epochs]
    if None not in counted:
        pulses = [sum(layer) for layer in zip(*counted, strict=True)]
        rows = [*((str(at), *own) for at, own in enumerate(zip(counts, pulses, strict=False))), *rows]
    return [
        {"layer": name, "synapses": count, "writes": sum_, "a_synapse": sum_ / count, "an_image": sum_ / max(images, 1)}
        for name, count, sum_ in rows
    ]


def run_details(folder: Path, metrics: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(what the page shows of a run, the figures included; what report.json holds of it)."""
    counters = counters_table(metrics)
    shown: dict[str, Any] = {
        "folder": str(folder), "counters": counters, "problem": None, "confusion": None, "writes": [],
    }  # fmt: skip
    plain: dict[str, Any] = {"folder": str(folder), "counters": counters}
    config_path = folder / "config.yaml"
    shown["config_text"] = config_path.read_text(encoding="utf-8") if config_path.exists() else "no config.yaml here"
    try:
        config = read_config(str(config_path))
        saved = load_weights(folder / "weights.npz", config)
        weights = saved.weights
        judged = infer(config, folder / "weights.npz")
        split = load_split(config, saved.encoding)
    except (UsageProblem, DataError) as error:
        shown["problem"] = plain["problem"] = f"No pictures of the network: {error}"
        return shown, plain
    shown["writes"] = plain["writes"] = writes_table(metrics, config)
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
        "confusion": data_uri(figures.confusion(judged["confusion"], judged["classes"])),
        "raster": data_uri(figures.raster(presented), "png"),
        "traces": data_uri(figures.traces(presented)),
        "fields": data_uri(figures.receptive_fields(before[0], after[0]), "png"),
        "histograms": data_uri(figures.histograms(before, after, ranges)),
        "conductances": data_uri(conductances(*parts, stuck)),
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
    rows = [
        {"sweep": sweep, "number": name, **{k: run[k] for k in ("slope", "intercept", "r2")}}
        for sweep, entry in data["sweeps"].items()
        for name, run in entry["runs"].items()
    ]
    return {"folder": str(folder), "figure": data_uri(plot_law(data)), "rows": rows}


def device_item(folder: Path, data: dict[str, Any]) -> dict[str, Any]:
    """Figure of a device.json, what one write of each layer is, and the RTL's timing where it was recorded."""
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
    from eqspike.lab.experiments.kinds.sweep import HEAD, row_cells

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
