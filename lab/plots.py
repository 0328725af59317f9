"""What the project's figures share: one look, and a canvas that needs no screen."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

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
