"""A placed and routed component, drawn from its DEF file."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from eqspike.asic.layout import Layout
from eqspike.lab.plots import COLOURS, new_figure

CELLS = {"flip-flops": "#f3d9a4", "logic": "#dfe6ee", "buffers": "#cfe8cf"}


def layout_picture(
    layout: Layout, sizes: Mapping[str, tuple[float, float]], parts: Mapping[str, str], title: str
) -> Figure:
    """Cells by part (`parts[kind]` is one of `CELLS`), and over them the wires by their layer."""
    figure, axes = new_figure(1, 1, (9.0, 1.2 + 8.2 * layout.height / layout.width))
    axis = axes[0, 0]
    keys = []
    for part, colour in CELLS.items():
        boxes = [Rectangle((c.x, c.y), *sizes[c.kind]) for c in layout.cells if parts.get(c.kind, "logic") == part]
        if boxes:
            axis.add_collection(PatchCollection(boxes, facecolor=colour, edgecolor="#8a93a0", linewidth=0.3))
            keys.append(Patch(facecolor=colour, edgecolor="#8a93a0", label=part))
    for number, layer in enumerate(sorted({wire.layer for wire in layout.wires})):
        lines = [((w.x0, w.y0), (w.x1, w.y1)) for w in layout.wires if w.layer == layer]
        colour = COLOURS[number % len(COLOURS)]
        axis.add_collection(LineCollection(lines, colors=colour, linewidths=0.5, alpha=0.8))
        keys.append(Patch(facecolor=colour, label=layer))
    axis.set_xlim(0, layout.width)
    axis.set_ylim(0, layout.height)
    axis.set_aspect("equal")
    axis.set_xlabel("um")
    axis.set_ylabel("um")
    axis.set_title(title)
    axis.legend(handles=keys, loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, fontsize=8)
    return figure


__all__ = ["layout_picture"]
