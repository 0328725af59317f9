"""What the report's page shows of trainings: what they are called, their table, their curves, what they counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eqspike.golden.config import Config
from eqspike.lab.figures.charts import Line, Mark, line_chart
from eqspike.lab.seeds import synapse_counts
from eqspike.lab.text import LAST, LAST_MEAN, judged_after
from eqspike.lab.train import add_counters

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


@dataclass(frozen=True)
class Named:
    """A run that is there, and what the page calls it."""

    folder: Path
    metrics: dict[str, Any]
    name: str
    """The run alone: its config, numbers and seed, and its folder where another run has all these, too."""
    group: str
    """What its line is called: that of the run, or of all the seeds that it is one of."""


def named_runs(runs: Sequence[tuple[Path, dict[str, Any]]], groups: Sequence[Path]) -> list[Named]:
    """The runs by name; those below one of the folders `groups` are seeds of one thing."""
    parents = [next((group for group in groups if group in folder.parents), None) for folder, _ in runs]
    names = [f"{kind_text(metrics)}, seed {metrics['seed']}" for _, metrics in runs]
    # a group's name, once a group: two groups of the same config need their folders to be told apart
    several = {
        group: f"{kind_text(metrics)}, {counted(parents.count(group), 'seed')}"
        for group, (_, metrics) in zip(parents, runs, strict=True)
        if group is not None
    }
    return [
        Named(
            folder,
            metrics,
            own := _told_apart(name, folder, names),
            own if group is None else _told_apart(several[group], group, list(several.values())),
        )
        for (folder, metrics), name, group in zip(runs, names, parents, strict=True)
    ]


def _told_apart(name: str, folder: Path, names: Sequence[str]) -> str:
    return f"{name} ({folder})" if names.count(name) > 1 else name


def counted(count: int, what: str) -> str:
    """How many of something."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def kind_text(metrics: dict[str, Any]) -> str:
    """Config, and what of engine and numbers is not as usual."""
    parts = [str(metrics["config"])]
    if not str(metrics["engine"]).startswith("golden"):
        parts.append(f"by {metrics['engine']}")
    if metrics["number_format"] != "fixed":
        parts.append(f"{metrics['number_format']} numbers")
    return ", ".join(parts)


def judged(metrics: dict[str, Any]) -> tuple[float | None, str]:
    """(the accuracy by which a run is judged, what it is)."""
    epochs = len(metrics["epochs"])
    value = metrics[LAST_MEAN] if epochs >= LAST else metrics["last_test_accuracy"]
    return value, f"{metrics['test_part']} accuracy, {judged_after(epochs)}"


def run_row(run: Named) -> dict[str, Any]:
    """One line of the table of runs."""
    metrics = run.metrics
    last = metrics["epochs"][-1] if metrics["epochs"] else {}
    speeds = [entry["images_per_second"] for entry in metrics["epochs"] if entry.get("images_per_second")]
    return {
        "folder": str(run.folder),
        "name": run.name,
        "config": metrics["config"],
        "number_format": metrics["number_format"],
        "engine": metrics["engine"],
        "seed": metrics["seed"],
        "epochs": len(metrics["epochs"]),
        "epochs_planned": metrics["epochs_planned"],
        "resumed_after": metrics.get("resumed_after", []),
        "train_images": metrics["images"]["train"],
        "test_images": metrics["images"]["test"],
        "train_accuracy": last.get("train_accuracy"),
        "test_accuracy": last.get("test_accuracy"),
        LAST_MEAN: metrics[LAST_MEAN],
        "first_spike_test_accuracy": last.get("first_spike_test_accuracy"),
        "images_per_second": max(speeds) if speeds else None,
    }


# ---------------------------------------------------------------------------------------------------------------------
# Curves

CURVES = (
    ("Accuracy by rate", (("test_accuracy", "", ""), ("train_accuracy", "train", "dotted"))),
    (
        "First-spike accuracy, and images nudged",
        (("first_spike_test_accuracy", "first spike", ""), ("nudged_fraction", "nudged", "dashed")),
    ),
)
"""Of each chart: title, and what is drawn of an epoch with what it is called and how its line looks."""


def learning_charts(runs: Sequence[Named]) -> list[tuple[str, dict[str, Any]]]:
    """(title, chart) of accuracy against epochs; empty without epochs. Seeds of one thing share a colour and a name."""
    shown = [run for run in runs if run.metrics["epochs"]]
    if not shown:
        return []
    colours = {name: number for number, name in enumerate(dict.fromkeys(run.group for run in shown))}
    epochs = list(range(1, max(len(run.metrics["epochs"]) for run in shown) + 1))
    charts = []
    for title, parts in CURVES:
        lines = [
            Line(
                name=f"{run.group}, {what or run.metrics['test_part']}",
                values=_percents(run.metrics["epochs"], key, len(epochs)),
                colour=colours[run.group],
                style=style,
            )
            for key, what, style in parts
            for run in shown
            if any(entry.get(key) is not None for entry in run.metrics["epochs"])
        ]
        if lines:
            charts.append(
                (f"{title}, %", line_chart(epochs, lines, xname="epoch", unit="%", whole_x=True, marks=_breaks(shown)))
            )
    return charts


def _percents(entries: Sequence[dict[str, Any]], key: str, length: int) -> list[float | None]:
    values = [None if entry.get(key) is None else 100 * entry[key] for entry in entries]
    return values + [None] * (length - len(values))


def _breaks(runs: Sequence[Named]) -> list[Mark]:
    """Where runs went on after they had stopped."""
    places = sorted({at for run in runs for at in run.metrics.get("resumed_after", ())})
    return [Mark(at=at + 0.5, name="resumed" if number == 0 else "") for number, at in enumerate(places)]


# ---------------------------------------------------------------------------------------------------------------------
# What was counted


def counters_table(metrics: dict[str, Any]) -> dict[str, Any]:
    """Columns: all training, training an image, test inference an image, first-spike inference an image."""
    total: dict[str, Any] = {}
    for entry in metrics["epochs"]:
        total = add_counters(total, entry.get("counters", {}))  # a baseline counts nothing of a chip
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
