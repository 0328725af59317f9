"""The map of upsets: what a flipped bit costs, by place, layer and bit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from eqspike.lab.plots import COLOURS, new_figure

PANELS = (("lost", "test accuracy lost", "points"), ("misread", "struck images misread", "%"),
          ("images_back", "learning that brings it back", "images"))  # fmt: skip
LEFT_OUT = ("key", "counters")
"""Places with as many bits as a word, all alike: the table has them."""
MAP = LinearSegmentedColormap.from_list("lost", ["#f4f6f9", COLOURS[6], COLOURS[1], COLOURS[4]])


def upset_map(result: dict[str, Any]) -> Figure:
    """An upset.json: points of accuracy lost, struck images misread, and images of learning on, one panel for each
    number of flips that there is; a row is a place and layer, a column a bit, the lowest left."""
    summary = [line for line in result["summary"] if line["place"] not in LEFT_OUT]
    flips = sorted({line["flips"] for line in summary})
    names = list(dict.fromkeys((line["place"], line["layer"]) for line in summary))
    bits = 1 + max((line["bit"] for line in summary), default=0)
    size = (3.2 + 2.6 * len(flips), 1.8 + 0.6 * max(3, len(names)))
    figure, axes = new_figure(len(PANELS), max(1, len(flips)), size, sharex=True, sharey=True)
    most_learned = float(result["strikes"]["learn"])
    for row, (name, title, unit) in enumerate(PANELS):
        grids = [_grid(summary, count, names, bits, name, most_learned) for count in flips]
        # Noise of some points is white; one scale for all panels of a row.
        most = max([10.0, *(float(np.nanmax(grid)) for grid in grids if not np.isnan(grid).all())])
        for axis, count, grid in zip(axes[row], flips, grids, strict=False):
            shown = axis.imshow(grid, cmap=MAP, vmin=0, vmax=most, aspect="auto", interpolation="nearest")
            axis.set_title(f"{count} flip{'s' if count > 1 else ''}")
            axis.xaxis.set_major_locator(MaxNLocator(integer=True))
            axis.grid(visible=False)
            axis.set_yticks(range(len(names)), [f"{place} {layer}" for place, layer in names])
            if row == len(PANELS) - 1:
                axis.set_xlabel("bit")
        if grids:
            axes[row][0].set_ylabel(title, fontweight="bold")
            figure.colorbar(shown, ax=axes[row].tolist(), label=unit)
    seeds = len({seed for line in summary for seed in line["seeds"]})
    of_seeds = f"{seeds} seed{'s' if seeds > 1 else ''}"
    figure.suptitle(f"{result['config']}: bits that flip in a trained chip, by place and layer; {of_seeds}")
    return figure


def _grid(
    summary: Sequence[dict[str, Any]], flips: int, names: Sequence[tuple[str, int]], bits: int, name: str, learn: float
) -> np.ndarray:
    """Shape (places and layers, bits); NaN where there is no such bit, or nothing to say. What did not come back shows
    as all of the images learned on."""
    grid = np.full((len(names), bits), np.nan)
    for line in summary:
        value = {
            "lost": line["lost"]["mean"],
            "misread": None if line["misread"] is None else 100 * line["misread"],
            "images_back": learn if line["images_back"] is None else line["images_back"],
        }[name]
        if line["flips"] == flips and value is not None:
            grid[names.index((line["place"], line["layer"])), line["bit"]] = value
    return grid
