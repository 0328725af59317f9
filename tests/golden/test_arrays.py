"""npz:FILE: arrays with their labels, and files that are not what they say."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eqspike.golden import arrays
from eqspike.golden.arrays import read_arrays
from eqspike.golden.idx import DataError

X = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)
Y = np.array([0, 1, 1])


@pytest.fixture
def saved(tmp_path: Path):
    """Saves arrays by name, and returns the file's path."""

    def to(**named: Any) -> Path:
        np.savez(tmp_path / "own.npz", **named)
        return tmp_path / "own.npz"

    return to


@pytest.mark.parametrize("names", [("x", "y"), ("X", "Y"), ("data", "target"), ("images", "labels"), ("X_train", "y")])
def test_pixels(names: tuple[str, str], saved) -> None:
    found = read_arrays(saved(**dict(zip(names, (X, Y), strict=True))))
    assert found.values.tolist() == X.reshape(3, 4).tolist()
    assert (found.pixels, found.values.dtype, found.test) == (True, np.uint8, None)
    assert (found.labels.tolist(), found.classes) == ([0, 1, 1], ("0", "1"))


@pytest.mark.parametrize("kind", [np.float32, np.int64, np.int8, bool])
def test_features(kind: type, saved) -> None:
    found = read_arrays(saved(x=X.astype(kind), y=np.array(["b", "a", "b"])))
    assert (found.pixels, found.values.dtype) == (False, np.float64)
    assert found.values.tolist() == X.reshape(3, 4).astype(kind).astype(float).tolist()
    assert (found.labels.tolist(), found.classes) == ([1, 0, 1], ("a", "b"))


def test_unsigned_numbers_beyond_pixels_are_features(saved) -> None:
    assert read_arrays(saved(x=X.astype(np.uint16), y=Y)).pixels
    assert not read_arrays(saved(x=X.astype(np.uint16) + 250, y=Y)).pixels


def test_own_test_part(saved) -> None:
    found = read_arrays(saved(x_train=X, y_train=[5, 7, 5], x_test=X[:2] + 100, y_test=[7.0, 9.0]))
    images, labels = found.test
    assert found.classes == ("5", "7", "9")
    assert (found.labels.tolist(), labels.tolist()) == ([0, 1, 0], [1, 2])
    assert images.tolist() == (X[:2] + 100).reshape(2, 4).tolist()


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ({}, "holds nothing; expected an array named x, data, images or x_train"),
        ({"x": X, "z": Y}, "holds x, z; expected an array named y, target, labels or y_train"),
        ({"x": X, "X": X, "y": Y}, "holds x and X; leave one of them"),
        ({"x": X, "y": Y[:2]}, "3 examples in x, but y has shape (2,)"),
        ({"x": X, "y": 3}, "3 examples in x, but y has shape ()"),
        ({"x": Y, "y": Y}, "x has shape (3,); expected (examples, numbers of each)"),
        ({"x": X[:0], "y": Y[:0]}, "x has shape (0, 2, 2)"),
        ({"x": X.astype(str), "y": Y}, "x holds <U3; expected numbers"),
        ({"x": np.array([[1, np.nan]]), "y": [0]}, "x[0, 1] is nan; features are numbers"),
        ({"x": X, "y": [0.5, 1, 2]}, "example 1: '0.5' is no class"),
        ({"x": X, "y": Y, "x_test": X}, "x_test and y_test come together; y_test is missing"),
        ({"x": X, "y": Y, "x_test": X[:, 0], "y_test": Y}, "x_test has 2 numbers an example, x has 4"),
        ({"x": np.array([[{}]]), "y": [0]}, "holds Python objects, which are not loaded"),
    ],
)
def test_what_does_not_fit(named: dict, words: str, saved) -> None:
    path = saved(**named)
    with pytest.raises(DataError) as caught:
        read_arrays(path)
    assert str(caught.value).startswith(f"{path}")
    assert words in str(caught.value)
    assert str(caught.value).isprintable()


def test_bounds(saved, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = saved(x=X, y=Y)
    monkeypatch.setattr(arrays, "MOST_BYTES", 90)
    with pytest.raises(DataError, match="x takes 96 bytes; at most 90 are read"):
        read_arrays(path)
    with pytest.raises(DataError, match=r"none\.npz: cannot be read: No such file"):
        read_arrays(tmp_path / "none.npz")


def test_damaged_files_are_read_or_refused(saved) -> None:
    path, draw, refused = saved(x=X, y=Y), random.Random(3), 0
    whole = path.read_bytes()
    for _ in range(200):
        raw = bytearray(whole)
        at = draw.randrange(len(raw))
        raw[at : at + draw.choice((0, 1, 4, 50))] = draw.randbytes(draw.choice((1, 4)))
        path.write_bytes(raw)
        try:
            read_arrays(path)
        except DataError as error:
            refused += "\n" not in str(error)
    assert refused > 100
