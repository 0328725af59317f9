"""A search's trials: accuracy against the value of each key."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from eqspike.lab.plots import COLOURS, new_figure


def search_panels(found: dict[str, Any]) -> Figure:
    """One panel a key: every trial a point, the best one in another colour."""
    keys = found["keys"]
    figure, axes = new_figure(1, len(keys), (3.2 * len(keys), 3.0), sharey=True)
    for axis, key in zip(axes[0], keys, strict=True):
        texts = [
            next(t.partition("=")[2] for t in trial["set"] if t.startswith(f"{key}=")) for trial in found["trials"]
        ]
        accuracies = [100 * trial["accuracy"] for trial in found["trials"]]
        places, ticks = _places(texts)
        axis.plot(places, accuracies, "o", color=COLOURS[0], markersize=4, alpha=0.6)
        axis.plot(places[:1], accuracies[:1], "o", color=COLOURS[1], markersize=6, label="best")
        if ticks:
            axis.set_xticks(range(len(ticks)), ticks, rotation=40, ha="right", fontsize=7)
        axis.set_xlabel(key)
    axes[0][0].set_ylabel(f"validation accuracy, %, mean of {len(found['seeds'])} seeds")
    axes[0][0].legend()
    return figure


def _places(texts: list[str]) -> tuple[list[float], list[str]]:
    """Where values stand, and the ticks' texts: numbers as they are; powers of two and words side by side."""
    try:
        return [float(text) for text in texts], []
    except ValueError:
        ticks = sorted(set(texts), key=lambda text: (int(text[2:]), "") if text.startswith("2^") else (0, text))
        return [float(ticks.index(text)) for text in texts], ticks
