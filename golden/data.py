"""Images as integers 0..full_scale and labels, and their split by seed."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from eqspike.golden.config import Config
from eqspike.golden.idx import DataError
from eqspike.golden.sources import Fit, Source, read_source


class Split(NamedTuple):
    """Training and test images (integers, shape (images, inputs)) and labels."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


def load_source(config: Config) -> Source:
    """The config's data set as it comes. Raises `DataError` when it is missing, damaged or does not fit the network."""
    name = config.dataset.name
    inputs, outputs = config.network.layers[0], config.network.layers[-1]
    source = read_source(name, Fit(inputs, outputs, config.input.full_scale))
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
    full_scale: at 1 it is f_max exactly. Raises `DataError` for pixels that are no integers."""
    if images.dtype.kind not in "iu":
        raise DataError(f"dataset {config.dataset.name}: pixels of type {images.dtype}; expected integers 0 to {white}")
    return (images.astype(np.int64) * peak(config) + white // 2) // white


def peak(config: Config) -> int:
    """What white becomes."""
    return round(config.dataset.brightness * config.input.full_scale)


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


class Members(NamedTuple):
    """Which images are in which part."""

    train: np.ndarray
    """Places, rising, in the source's images."""
    test: np.ndarray
    """Places in the source's images, or in those of its own test part."""
    own_test: bool
    """Are they of the source's own test part? Then no seed makes one of them a training image."""


def split_members(config: Config, source: Source) -> Members:
    """The split of `config.training.seed`, as `load_split` says. Raises `DataError`."""
    settings, seed, labels = config.dataset, config.training.seed, source.labels
    if not len(labels):
        raise DataError(f"dataset {settings.name}: holds no image for training")
    if source.test is None:
        test_labels = labels
        train, test = split(source.images, labels, settings.test_fraction, [seed, 0])
    else:
        test_labels = source.test[1]
        train, test = np.arange(len(labels)), np.arange(len(test_labels))
    train = _limited(config, "train", labels, train, 4)
    if settings.validation_fraction > 0:
        kept, held = split(source.images[train], labels[train], settings.validation_fraction, [seed, 3])
        found = Members(train[kept], train[held], False)
    else:
        found = Members(train, _limited(config, "test", test_labels, test, 5), source.test is not None)
    if missing := sorted({*labels.tolist(), *test_labels.tolist()} - set(labels[found.train].tolist())):
        first, more = missing[0], f", nor of {len(missing) - 1} others" if len(missing) > 1 else ""
        raise DataError(
            f"dataset {settings.name}: the split leaves {len(found.train)} images for training, none of them of label "
            f"{first}{more}, of which there are {int(np.sum(labels == first))}: take a smaller dataset.test_fraction "
            f"({settings.test_fraction:g}) or validation_fraction ({settings.validation_fraction:g}), or a greater "
            f"train_limit ({settings.train_limit}), or more images"
        )
    return found


def load_split(config: Config) -> Split:
    """The split of `config.training.seed`; a data set with a test part of its own keeps that. `train_limit` and
    `test_limit` choose among each part's images. With validation_fraction > 0 the "test" part is then cut from the
    training part and the true test images are not touched. Raises `DataError`, also where a class of the data set has
    no training image left."""
    source = load_source(config)
    train, test, own_test = split_members(config, source)

    def part(images: np.ndarray, labels: np.ndarray, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return scale(images[chosen], source.white, config), labels[chosen].astype(np.int64)

    own = source.test if own_test else (source.images, source.labels)
    return Split(*part(source.images, source.labels, train), *part(*own, test))


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
