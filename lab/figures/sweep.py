"""A sweep's rows: accuracy against what was changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from matplotlib.figure import Figure

from eqspike.lab.plots import COLOURS, new_figure


def sweep_groups(summary: dict[str, Any]) -> list[Callable[[Any], None]]:
    """What draws each group's panel on a pair of axes."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in summary["rows"]:
        groups.setdefault(row["group"], []).append(row)
    means = {row["name"]: row["accuracy"]["mean"] for row in summary["rows"]}

    def draw(axis: Any, group: str) -> None:
        _sweep_panel(axis, groups[group], means)
        axis.set_title(group or summary["title"])
        seeds = max(row["accuracy"]["count"] for row in groups[group])
        bars = f"; bars: deviation of {seeds} seeds" if seeds > 1 else ""
        axis.set_ylabel(f"{summary['test_part']} accuracy, %{bars}")
        if group in summary["xlabels"]:
            axis.set_xlabel(summary["xlabels"][group])

    return [partial(draw, group=group) for group in groups]


def sweep_panels(summary: dict[str, Any], columns: int = 3) -> Figure:
    """Accuracy of a sweep's rows, one panel a group: points with the seeds' deviation, open diamonds the thesis's."""
    groups = sweep_groups(summary)
    columns = min(columns, len(groups))
    lines = -(-len(groups) // columns)
    figure, axes = new_figure(lines, columns, (4.3 * columns, 3.3 * lines))
    for axis, draw in zip(axes.ravel(), groups, strict=False):
        draw(axis)
    for axis in axes.ravel()[len(groups) :]:
        axis.axis("off")
    return figure


def _sweep_panel(axis: Any, rows: Sequence[dict[str, Any]], means: dict[str, float | None]) -> None:
    series: dict[str, list[tuple[float, dict[str, Any]]]] = {}
    placed = all(row["x"] is not None for row in rows)
    for at, row in enumerate(rows):
        series.setdefault(row["series"], []).append((row["x"] if placed else at, row))
    for colour, (name, points) in zip(COLOURS * 2, series.items(), strict=False):
        done = sorted(((x, row) for x, row in points if row["accuracy"]["mean"] is not None), key=lambda p: p[0])
        axis.errorbar(
            [x for x, _ in done],
            [100 * row["accuracy"]["mean"] for _, row in done],
            [100 * (row["accuracy"]["standard_deviation"] or 0) for _, row in done],
            fmt="o-" if placed and len(done) > 1 else "o", color=colour, markersize=4, linewidth=1.1, capsize=2,
            label=name or None,
        )  # fmt: skip
        told = [(x, value) for x, row in points if (value := _thesis_accuracy(row, means)) is not None]
        axis.plot(*zip(*told, strict=True) if told else ([], []), "D", color=colour, markersize=6, fillstyle="none")
    places = sorted({x for points in series.values() for x, _ in points})
    if placed and places[0] > 0 and places[-1] / places[0] > 20:
        axis.set_xscale("log")
    if not placed:
        axis.set_xticks(range(len(rows)), [row["name"] for row in rows], rotation=40, ha="right", fontsize="small")
    if any(series):
        axis.legend(loc="lower left")


def _thesis_accuracy(row: dict[str, Any], means: dict[str, float | None]) -> float | None:
    """The thesis's value as an accuracy in percent, a loss being counted from this sweep's reference row."""
    thesis = row["thesis"] or {}
    if thesis.get("kind") == "accuracy":
        return thesis["value"]
    base = means.get(row["reference"])
    return 100 * base - thesis["value"] if thesis.get("kind") == "loss" and base is not None else None
