"""The pad: what of a drawing counts, exact areas, and the page's JavaScript, which must give the same bytes."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from fractions import Fraction

import numpy as np
import pytest

from eqspike.base.places import package_folder
from eqspike.golden import pad

Strokes = list[list[tuple[int, int]]]


def drawings(count: int, seed: int = 20, low: int = 0, high: int = pad.SIDE) -> list[Strokes]:
    """Seeded drawings of one to three strokes, of one to eight points."""
    generator = np.random.default_rng(seed)
    sizes = (generator.integers(1, 9, generator.integers(1, 4)) for _ in range(count))
    return [[[tuple(p) for p in generator.integers(low, high, (n, 2)).tolist()] for n in each] for each in sizes]


def moved(strokes: Strokes, right: int, down: int) -> Strokes:
    return [[(x + right, y + down) for x, y in stroke] for stroke in strokes]


def image(strokes: Strokes) -> np.ndarray:
    return pad.reduced(pad.picture(strokes))


def test_nothing_and_a_dot() -> None:
    assert image([]).tolist() == image([[]]).tolist() == [0] * 64
    dot = image([[(3, 100)]]).reshape(8, 8)
    assert dot.max() == pad.FULL
    assert (dot == dot[::-1]).all()  # round, whatever its size
    assert (dot == dot.T).all()


def test_place_does_not_count() -> None:
    """A drawing moved to every edge and corner of the pad is the same image."""
    for strokes in drawings(20, low=40, high=80):
        points = np.array([point for stroke in strokes for point in stroke])
        ends = [(-int(low), pad.SIDE - 1 - int(high)) for low, high in zip(points.min(0), points.max(0), strict=True)]
        home = image(strokes)
        for right in (*ends[0], 1):
            for down in (*ends[1], -1):
                assert (image(moved(strokes, right, down)) == home).all(), (right, down)


def test_beyond_the_pad() -> None:
    assert (image([[(-50, 10), (500, 10)]]) == image([[(0, 10), (pad.SIDE - 1, 10)]])).all()


def test_a_line_is_a_pen_wide() -> None:
    ink = pad.picture([[(20, 30), (80, 30)]])
    assert set(np.unique(ink)) == {0, pad.WHITE}
    column = ink[:, 50 + pad.RADIUS]
    assert np.flatnonzero(column).tolist() == list(range(30, 30 + 2 * pad.RADIUS + 1))


def exact(picture: np.ndarray) -> list[int]:
    """The image by fractions, a pixel and a cell at a time."""
    rows, columns = np.flatnonzero(picture.any(1)), np.flatnonzero(picture.any(0))
    crop = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(int).tolist()
    height, width = len(crop), len(crop[0])
    side = max(height, width)
    eighth = Fraction(1, 8)

    def begin(mass: list[int]) -> Fraction:
        centre = Fraction(sum(v * place for place, v in enumerate(mass)), sum(mass)) + Fraction(1, 2)
        rounded = Fraction((centre / eighth + Fraction(1, 2)).__floor__(), 8)
        return min(max(rounded - Fraction(side, 2), Fraction(len(mass) - side)), Fraction(0))

    top, left = begin([sum(row) for row in crop]), begin([sum(column) for column in zip(*crop, strict=True)])
    values = []
    for row in range(8):
        for column in range(8):
            ink = Fraction(0)
            for y in range(height):
                for x in range(width):
                    lows = ((top + row * eighth * side, y), (left + column * eighth * side, x))
                    parts = [max(min(low + eighth * side, place + 1) - max(low, place), 0) for low, place in lows]
                    ink += parts[0] * parts[1] * crop[y][x]
            share = ink / (side * side * eighth**2 * pad.WHITE)
            values.append((pad.FULL * share + Fraction(1, 2)).__floor__())
    return values


def test_exact_areas() -> None:
    generator = np.random.default_rng(3)
    for shape in ((3, 3), (5, 2), (2, 7), (9, 9)):
        picture = generator.integers(0, 256, shape).astype(np.uint8)
        assert pad.reduced(picture).tolist() == exact(picture)
    assert pad.reduced(np.full((8, 8), pad.WHITE, np.uint8)).tolist() == [pad.FULL] * 64


NODE = """
const pad = require(process.argv[1]), { createHash } = require("crypto");
const asked = JSON.parse(require("fs").readFileSync(0, "utf8"));
const drawn = asked.strokes.map((strokes) => [...pad.reduced(pad.picture(strokes))]);
const inked = asked.strokes.map((strokes) => createHash("sha256").update(pad.picture(strokes)).digest("hex"));
const gray = asked.pictures.map(([width, ink]) => [...pad.reduced(Uint8Array.from(ink), width)]);
console.log(JSON.stringify({ drawn, inked, gray, sizes: [pad.SIDE, pad.RADIUS, pad.CELLS, pad.FULL] }));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_javascript_gives_the_same_bytes() -> None:
    """100 drawings, their ink and their images; and gray pictures of odd shapes."""
    strokes = [*drawings(96), [], [[(-9, 200)]], [[(3, 3)]], [[(0, 64), (127, 64)]]]
    generator = np.random.default_rng(5)
    pictures = [generator.integers(0, 256, shape).astype(np.uint8) for shape in ((1, 1), (28, 28), (4, 19), (30, 3))]
    asked = {"strokes": strokes, "pictures": [[p.shape[1], p.ravel().tolist()] for p in pictures]}
    script = str(package_folder("lab") / "page" / "pad.js")
    done = subprocess.run(
        ["node", "-e", NODE, script], input=json.dumps(asked), capture_output=True, text=True, timeout=60, check=True
    )
    found = json.loads(done.stdout)
    assert found["sizes"] == [pad.SIDE, pad.RADIUS, pad.CELLS, pad.FULL]
    assert found["inked"] == [hashlib.sha256(pad.picture(each).tobytes()).hexdigest() for each in strokes]
    assert found["drawn"] == [image(each).tolist() for each in strokes]
    assert found["gray"] == [pad.reduced(each).tolist() for each in pictures]
