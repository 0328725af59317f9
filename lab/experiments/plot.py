"""The picture of an experiment: its series on the thesis's axes, the thesis's numbers as open diamonds and lines."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from eqspike.lab.experiments.outcome import Outcome, Series
from eqspike.lab.experiments.spec import Experiment, Panel
from eqspike.lab.plots import COLOURS, new_figure

THESIS = "#111827"
DASHES = {"real": "--", "fixed": "-", "": ":"}
BARS = {"real": (COLOURS[0], "real"), "fixed": (COLOURS[1], "fixed"), "": ("#9aa3af", "cited")}
MARKERS = {"real": "o", "fixed": "s", "": "d"}


def draw(experiment: Experiment, outcome: Outcome, quick: bool) -> Figure:
    """One panel for each of the file's."""
    panels = experiment.header.panels
    columns = min(len(panels), 2)
    lines = -(-len(panels) // columns)
    figure, axes = new_figure(lines, columns, (5.2 * columns if columns > 1 else 6.2, 3.7 * lines))
    for axis, panel in zip(axes.flat, panels, strict=False):
        _panel(axis, experiment, outcome, panel)
    for axis in axes.flat[len(panels) :]:
        axis.axis("off")
    title = f"{experiment.header.reference}: {experiment.header.title}" + (" (reduced size)" if quick else "")
    figure.suptitle(title, fontsize=9)
    return figure


def _panel(axis: Any, experiment: Experiment, outcome: Outcome, panel: Panel) -> None:
    own = [s for s in outcome.series if experiment.panel(s.panel) is panel]
    names = list(dict.fromkeys(s.name for s in own))
    words: list[str] = []
    if panel.xscale == "names":
        words = list(dict.fromkeys(str(x) for s in own for x in s.x))
    bars = [s for s in own if s.style == "bars"]
    for s in own:
        colour = COLOURS[names.index(s.name) % len(COLOURS)]
        if len(names) == 1 and s.numbers == "fixed":
            colour = COLOURS[1]
        x = [words.index(str(v)) for v in s.x] if words else list(s.x)
        if s.style == "bars":
            _bars(axis, s, x, bars)
        else:
            _series(axis, s, x, colour)
    _thesis(axis, experiment, outcome, panel, words)
    if words:
        axis.set_xticks(range(len(words)), words, rotation=30, ha="right", fontsize=7)
    elif panel.xscale == "log2":
        places = sorted({float(x) for s in own for x in s.x})
        axis.set_xscale("log", base=2)
        axis.set_xticks(places, [f"{x:g}" for x in places])
        axis.minorticks_off()
    else:
        axis.set_xscale(panel.xscale)
    axis.set_yscale(panel.yscale)
    if bars:
        values = [y for s in bars for y in s.y if y is not None]
        values += [y for line in axis.lines if line.get_marker() == "D" for y in line.get_ydata()]
        axis.set_ylim(*_bar_limits(values))
    axis.set_title(panel.title)
    axis.set_xlabel(panel.xlabel)
    axis.set_ylabel(panel.ylabel)
    handles, labels = axis.get_legend_handles_labels()
    if labels:
        unique = dict(zip(labels, handles, strict=True))
        axis.legend(unique.values(), unique.keys(), fontsize=6.5, loc="best")


def _bar_limits(values: list[float]) -> tuple[float, float]:
    """Bars of accuracies close to each other are cut off below, so that their difference is seen."""
    low, high = min(values), max(values)
    room = max(high - low, 0.02 * abs(high))
    return (low - 0.6 * room if low > 0.5 * high > 0 else min(0.0, low)), high + 0.35 * room


def _bars(axis: Any, s: Series, x: list[float], bars: list[Series]) -> None:
    """Bars of one number format, beside those that others have at the same place."""
    width = 0.8 / len({b.numbers for b in bars if b.numbers} or {""})
    colour, label = BARS[s.numbers]
    for at, word, value, error in zip(x, s.x, s.y, s.error or [0] * len(x), strict=True):
        if value is None:
            continue
        here = [n for n in BARS if any(b.numbers == n and word in b.x for b in bars)]
        shift = (here.index(s.numbers) - (len(here) - 1) / 2) * width
        axis.bar([at + shift], [value], width, yerr=[error or 0], color=colour, capsize=2, label=label)


def _series(axis: Any, s: Series, x: list[float], colour: str) -> None:
    label = f"{s.name}, {s.numbers}" if s.name and s.numbers else s.name or s.numbers or None
    y = [float("nan") if v is None else v for v in s.y]
    error = [v or 0 for v in s.error] if s.error is not None else None
    dash, marker = DASHES[s.numbers], MARKERS[s.numbers]
    if s.style == "steps":
        axis.step(x, y, where="mid", color=colour, linestyle=dash, linewidth=1, label=label)
    elif s.style in ("points", "dots"):
        size = 1.2 if s.style == "dots" else 3
        fill = "none" if s.numbers == "real" else "full"
        axis.plot(x, y, marker, color=colour, markersize=size, alpha=0.6, fillstyle=fill, linestyle="", label=label)
    elif s.style in ("plain", "dashed"):
        axis.plot(x, y, color=colour, linestyle=":" if s.style == "dashed" else dash, linewidth=1, label=label)
    else:
        axis.errorbar(
            x, y, error, color=colour, linestyle=dash, marker=marker, markersize=3.5, linewidth=1.1, capsize=2,
            label=label,
        )  # fmt: skip


def _thesis(axis: Any, experiment: Experiment, outcome: Outcome, panel: Panel, words: list[str]) -> None:
    labelled = False
    for goal in experiment.header.goals:
        place = outcome.places.get(goal.quantity)
        if place is None or goal.value is None or experiment.panel(place[0]) is not panel:
            continue
        _, x, base = place
        y = goal.value if base is None else base - goal.value
        label = None if labelled else "thesis"
        if x is None:
            axis.axhline(y, color=THESIS, linestyle="-.", linewidth=0.8, label=label)
        else:
            at = words.index(str(x)) if words else x
            axis.plot([at], [y], "D", color=THESIS, markersize=6, fillstyle="none", label=label, zorder=5)
        labelled = True
