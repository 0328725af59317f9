"""What the project's figures share: one look, and a canvas that needs no screen."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imsave

from eqspike.base.files import write_bytes

if TYPE_CHECKING:
    import numpy as np

COLOURS = ("#2563a8", "#d9722c", "#2f8f5b", "#9a3fa0", "#b3262e", "#6b7280", "#b58900", "#0f8b8d")

mpl.rcParams.update(
    {
        "font.size": 9,
        "font.family": "DejaVu Sans",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": "#8a93a0",
        "axes.labelcolor": "#333b47",
        "axes.titlesize": 10,
        "axes.titleweight": "bold",
        "figure.titlesize": 10,
        "xtick.color": "#555e6b",
        "ytick.color": "#555e6b",
        "axes.grid": True,
        "grid.color": "#e4e8ee",
        "axes.axisbelow": True,
        "legend.frameon": False,
        "legend.fontsize": 8,
        "svg.hashsalt": "eqspike",
    }
)


def new_figure(rows: int, columns: int, size: tuple[float, float], **options: Any) -> tuple[Figure, np.ndarray]:
    """A figure and its axes, an array of shape (rows, columns)."""
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def png_bytes(figure: Figure, dpi: int = 120) -> bytes:
    """The figure as a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()


def save_png(figure: Figure, path: str | Path, dpi: int = 150) -> None:
    """Write the figure as a PNG file at once."""
    write_bytes(path, png_bytes(figure, dpi))


def data_uri(figure: Figure, kind: str = "svg") -> str:
    """The figure as the source of an <img> element: svg for lines, png for many points."""
    if kind == "png":
        data = png_bytes(figure)
    else:
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
        data = buffer.getvalue()
    mime = {"svg": "image/svg+xml", "png": "image/png"}[kind]
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


# ---------------------------------------------------------------------------------------------------------------------
# Inside a page

PANEL = (440, 300)
"""Width and height of a panel, in the page's pixels: a phone shows it at three quarters of its size."""
THEMED = {
    **{colour: f"var(--c{number})" for number, colour in enumerate(COLOURS)},
    "#8a93a0": "var(--axis)", "#333b47": "var(--ink)", "#555e6b": "var(--soft)", "#e4e8ee": "var(--line)",
    "#c9d0da": "var(--line)", "#fdf1dc": "var(--band)", "#e9f1fb": "var(--band2)", "#d9a441": "var(--mark)",
    "#b9c2cf": "var(--faint)", "#1f2733": "var(--ink)", "#000000": "var(--ink)",
}  # fmt: skip
"""The figures' colours as the style sheet names them, which has others for a dark page."""


def panel_svg(draw: Callable[[Any], object], size: tuple[int, int] = PANEL) -> tuple[str, str]:
    """(title, SVG element) of one pair of axes that `draw` draws on, as large as a page's column; the page sets its
    text and has its colours. The title is the page's to show: it may be longer than the panel is wide."""
    fonts = {"font.size": 12, "legend.fontsize": 11, "axes.titlesize": 12, "svg.fonttype": "none"}
    with mpl.rc_context(fonts):
        figure, axes = new_figure(1, 1, (size[0] / 72, size[1] / 72))
        draw(axes[0, 0])
        title = axes[0, 0].get_title()
        axes[0, 0].set_title("")
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return title, _element(buffer.getvalue(), title)


def _element(file: str, title: str) -> str:
    """The SVG file as an element of a page: no head, no names of its own, as wide as there is room."""
    from markupsafe import escape

    body = re.sub(r"<metadata>.*?</metadata>", "", file[file.index("<svg") :], flags=re.S)
    body = re.sub(r'<g id="[^"]*"', "<g", body)
    body = re.sub(r"#[0-9a-f]{6}", lambda found: THEMED.get(found[0], found[0]), body)
    box = re.search(r'viewBox="([^"]*)"', body)[1]
    return f'<svg viewBox="{box}" role="img" aria-label="{escape(title)}">{body[body.index(">") + 1 :]}'


def pixels_uri(values: np.ndarray, colours: str, low: float, high: float) -> str:
    """An array of numbers as the source of an <img> element, one pixel each; NaN is transparent."""
    buffer = io.BytesIO()
    imsave(buffer, values, cmap=colours, vmin=low, vmax=high, format="png")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
