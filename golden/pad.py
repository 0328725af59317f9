"""A drawing as an image of the chip: strokes on a pad, and the pad's picture reduced to 8 x 8 sixteenths.

The same stands in lab/page/pad.js, to the byte: all is computed in integers. Only the drawing itself counts, not its
place: it is cropped, its height fills the image (its width where it is wider), the other side stays in proportion, and
there its centre of mass is in the middle.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

SIDE = 128
"""Of the pad: points of strokes are integers 0..SIDE - 1, right and down."""
RADIUS = 6
"""Of the pen: about an eighth of a usual drawing's height, as in MNIST, is its line."""
WHITE = 255
"""Full ink of a picture's pixel."""
CELLS = 8
"""Of the image, both ways."""
FULL = 16
"""Of a cell that is all ink."""

Point = tuple[int, int]


def picture(strokes: Iterable[Sequence[Point]]) -> np.ndarray:
    """Strokes, each a list of points (x, y), as ink: 0 or WHITE, shape (SIDE + 2 * RADIUS, SIDE + 2 * RADIUS). Points
    beyond the pad are taken to its edge; the margin holds the pen's width there, so a drawing is never cut."""
    ink = np.zeros((SIDE + 2 * RADIUS,) * 2, np.uint8)
    for stroke in strokes:
        points = [tuple(min(max(int(v), 0), SIDE - 1) + RADIUS for v in point) for point in stroke]
        for a, b in zip(points, points[1:] or points, strict=False):
            _line(ink, a, b)
    return ink


def _line(ink: np.ndarray, a: Point, b: Point) -> None:
    """Ink wherever a pixel's centre is at most RADIUS from the line between two points."""
    (x0, x1), (y0, y1) = ((min(p), max(p)) for p in zip(a, b, strict=True))
    rows, columns = slice(y0 - RADIUS, y1 + RADIUS + 1), slice(x0 - RADIUS, x1 + RADIUS + 1)
    y, x = np.ogrid[rows, columns]
    dx, dy = b[0] - a[0], b[1] - a[1]
    ax, ay = x - a[0], y - a[1]
    length, along, across = dx * dx + dy * dy, ax * dx + ay * dy, ax * dy - ay * dx
    near = np.where(
        along <= 0, ax * ax + ay * ay <= RADIUS**2,
        np.where(along >= length, (x - b[0]) ** 2 + (y - b[1]) ** 2 <= RADIUS**2, across**2 <= RADIUS**2 * length),
    )  # fmt: skip
    ink[rows, columns][near] = WHITE


def reduced(picture: np.ndarray) -> np.ndarray:
    """A picture of ink 0..WHITE, shape (rows, columns), as an image: integers 0..FULL, shape (CELLS * CELLS,).

    A cell is the part of its area that is ink, to the nearest sixteenth. Nothing drawn gives zeros.
    """
    rows, columns = (np.flatnonzero(picture.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return np.zeros(CELLS * CELLS, np.int64)
    crop = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.int64)
    side = max(crop.shape)
    parts = [_overlap(crop.sum(axis=axis), side) for axis in (1, 0)]
    full = side * side * WHITE
    return ((2 * FULL * (parts[0] @ crop @ parts[1].T) + full) // (2 * full)).ravel()


def _overlap(mass: np.ndarray, side: int) -> np.ndarray:
    """How much of each cell (row) each pixel (column) covers, along one axis, in units of an eighth of a pixel.

    The cells cover `side` pixels around the centre of `mass`, moved as little as keeps all of the drawing inside.
    """
    count, total = len(mass), int(mass.sum())
    centre = (CELLS * (2 * int(mass @ np.arange(count)) + total) + total) // (2 * total)
    start = min(max(centre - CELLS // 2 * side, CELLS * (count - side)), 0)
    low, pixel = start + side * np.arange(CELLS)[:, None], CELLS * np.arange(count)
    return np.maximum(np.minimum(low + side, pixel + CELLS) - np.maximum(low, pixel), 0)
