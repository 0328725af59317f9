"""Plots that the report draws itself, as plain data for `templates/charts.html.j2`: lines, and spikes as a raster.

They are drawn in a box of `WIDTH` units, which a phone shows at three quarters of its size and a wide screen larger.
The page's script reads the values under the pointer from `data`, or from the raster's own paths.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

WIDTH = 440
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 14, 38
COLOURS = 8
"""Of the style sheet: c0, c1, ..."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line over a chart's x; None where there is no value."""

    name: str
    """In legend and read-out; lines of one name are seeds of one thing, and share colour and entry."""
    values: Sequence[float | None]
    colour: int = 0
    style: str = ""
    """"" (solid), dotted or dashed."""


@dataclass(frozen=True, kw_only=True)
class Band:
    """A stretch of x that is shaded and named."""

    start: float
    end: float
    name: str


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A place at which a line across the chart stands: at an x, or at a y."""

    at: float
    name: str = ""
    across: bool = False
    """At a y."""


def ticks(low: float, high: float, count: int) -> list[float]:
    """Round places within the range."""
    places = MaxNLocator(count, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    margin = 1e-9 * max(abs(low), abs(high), 1e-30)
    return [float(place) for place in places if low - margin <= place <= high + margin]


def _span(values: Sequence[float], padding: float) -> tuple[float, float]:
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    room = padding * (high - low) or max(abs(high), 1.0) * 0.05
    return low - room, high + room


def _text(value: float) -> str:
    return f"{value:.6g}".replace("-", "\N{MINUS SIGN}")


def line_chart(
    x: Sequence[float],
    lines: Sequence[Line],
    *,
    xname: str,
    unit: str = "",
    whole_x: bool = False,
    height: int = 250,
    bands: Sequence[Band] = (),
    marks: Sequence[Mark] = (),
) -> dict[str, Any]:
    """Lines over one x. `whole_x`: x are whole numbers, which stand apart from the edges."""
    given = [v for line in lines for v in line.values if v is not None and math.isfinite(v)]
    low, high = _span([*given, *(mark.at for mark in marks if mark.across)], 0.06)
    first, last = (min(x) - 0.5, max(x) + 0.5) if whole_x else (min(x), max(x) or 1)
    wide, tall = WIDTH - LEFT - RIGHT, height - TOP - BOTTOM

    def place(at: float) -> float:
        return round(LEFT + wide * (at - first) / (last - first), 1)

    def level(value: float) -> float:
        return round(TOP + tall * (high - value) / (high - low), 1)

    places = [at for at in ticks(first, last, 6) if not whole_x or at == int(at)]
    return {
        "width": WIDTH, "height": height, "box": [LEFT, TOP, wide, tall], "xname": xname, "unit": unit,
        "xticks": [(place(at), _text(at)) for at in places],
        "yticks": [(level(at), _text(at)) for at in ticks(low, high, 5)],
        "bands": [
            {"x": place(b.start), "width": round(place(b.end) - place(b.start), 1), "name": b.name} for b in bands
        ],
        "marks": [{"at": level(m.at) if m.across else place(m.at), "name": m.name, "across": m.across} for m in marks],
        "lines": [_drawn(line, [place(at) for at in x], level) for line in lines],
        "legend": list({line.name: line for line in reversed(lines)}.values())[::-1],
        "data": {
            "x": list(x), "px": [place(at) for at in x], "name": xname, "unit": unit,
            "lines": [[line.name, [_short(value) for value in line.values]] for line in lines],
        },
    }  # fmt: skip


def _drawn(line: Line, places: Sequence[float], level: Any) -> dict[str, Any]:
    """The line in stretches without gaps; single points as dots."""
    stretches: list[list[str]] = [[]]
    for at, value in zip(places, line.values, strict=True):
        if value is None or not math.isfinite(value):
            stretches.append([])
        else:
            stretches[-1].append(f"{at:g},{level(value):g}")
    return {
        "colour": line.colour % COLOURS, "style": line.style,
        "points": [" ".join(part) for part in stretches if len(part) > 1],
        "dots": [part[0].split(",") for part in stretches if len(part) == 1],
    }  # fmt: skip


def _short(value: float | None) -> float | None:
    """Four digits, which is what is read out."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.4g}")


@dataclass(frozen=True, kw_only=True)
class Layer:
    """The spikes of one layer."""

    name: str
    spikes: np.ndarray
    """Shape (steps, neurons)."""
    notes: Sequence[tuple[int, str]] = ()
    """Neurons that are named beside their row."""


def raster_chart(layers: Sequence[Layer], bands: Sequence[Band], height: int = 330) -> dict[str, Any]:
    """Every spike. Layers from below upwards, all as high as each other: 10 outputs are no line beside 784 inputs."""
    left, right, gap, head = 8, 60, 8, 17
    steps = len(layers[0].spikes)
    wide, tall = WIDTH - left - right, height - TOP - BOTTOM
    each = (tall - gap * (len(layers) - 1)) / len(layers) - head
    shown = []
    for order, layer in enumerate(reversed(layers)):
        top = TOP + order * (each + head + gap) + head
        count = layer.spikes.shape[1]
        at, neuron = np.nonzero(layer.spikes)
        notes = [(round(top + (n + 0.5) * each / count, 1), text) for n, text in layer.notes]
        shown.append({
            "name": layer.name, "neurons": count, "top": round(top, 1), "height": round(each, 1),
            "colour": (len(layers) - 1 - order) % COLOURS, "title": round(top - 5, 1), "notes": _apart(notes),
            "scale": (round(wide / steps, 5), round(each / count, 5)),
            # the page's script reads steps and neurons from it, so they are whole numbers here
            "path": "".join(f"M{t} {n}v.85" for t, n in zip(at, neuron, strict=True)),
        })  # fmt: skip
    return {
        "width": WIDTH, "height": height, "box": [left, TOP, wide, tall], "layers": shown,
        "xticks": [(round(left + wide * at / steps, 1), _text(at)) for at in ticks(0, steps, 6)],
        "bands": [
            {"x": round(left + wide * b.start / steps, 1), "width": round(wide * (b.end - b.start) / steps, 1),
             "name": b.name}
            for b in bands
        ],
        "data": {
            "steps": steps, "left": left, "width": wide,
            "layers": [[s["name"], s["neurons"], s["top"], s["height"]] for s in shown],
        },
    }  # fmt: skip


def _apart(notes: Sequence[tuple[float, str]], least: float = 13) -> list[tuple[float, str]]:
    """The notes, none so near the one above that they would touch."""
    placed: list[tuple[float, str]] = []
    for at, text in sorted(notes):
        placed.append((max(at, placed[-1][0] + least) if placed else at, text))
    return placed
