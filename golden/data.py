"""Images, or other examples, as integers 0..full_scale and labels, and their split by seed."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from eqspike.base.printable import shown
from eqspike.golden.classes import renumbered
from eqspike.golden.config import Config
from eqspike.golden.features import Encoding, constant_text, fitted
from eqspike.golden.idx import DataError, cure
from eqspike.golden.sources import Fit, Source, read_source


class Split(NamedTuple):
    """Training and test images (integers, shape (images, inputs)) and labels."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


class Parts(NamedTuple):
    """A split, and how its numbers and labels came about."""

    split: Split
    encoding: Encoding
    notes: tuple[str, ...] = ()
    """What its user should know, a line each."""


def load_source(config: Config, encoding: Encoding | None = None) -> Source:
    """The config's data set as it comes; with the `encoding` of weights, its columns and labels in their order. Raises
    `DataError` when it is missing, damaged or does not fit the network."""
    name = config.dataset.name
    inputs, *hidden, outputs = config.network.layers
    fit = Fit(inputs, outputs, config.input.full_scale, tuple(hidden), config.dataset.label)
    source = read_source(name, fit)
    if encoding:
        source = _as_trained(name, source, encoding)
    _check_fit(config, source)
    for key, wanted in (("shift", config.dataset.shift), ("invert", config.dataset.invert)):
        if wanted and source.white is None:
            raise DataError(f"dataset.{key}: {shown(wanted)} is not valid; dataset {name} has features, no pixels")
    if config.dataset.shift and math.isqrt(inputs) ** 2 != inputs:
        raise DataError(f"dataset.shift: {config.dataset.shift} is not valid; {inputs} pixels are no square image")
    return source


def _as_trained(name: str, source: Source, encoding: Encoding) -> Source:
    """The source with columns and labels in the order of the encoding's. Raises `DataError` where it has others."""
    where = f"dataset {name}"
    if source.white is None and not encoding.low:
        raise DataError(f"{where}: has features, but the weights were trained on pixels")

    def part(values: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if encoding.low:
            values = encoding.ordered(values.astype(np.float64), source.columns, where)
        if encoding.classes and source.classes:
            labels = renumbered(labels, source.classes, encoding.classes, where)
        return values, labels

    images, labels = part(source.images, source.labels)
    test = source.test and part(*source.test)
    return source._replace(
        images=images, labels=labels, test=test, white=None if encoding.low else source.white,
        columns=encoding.columns or source.columns, classes=encoding.classes or source.classes,
    )  # fmt: skip


def _check_fit(config: Config, source: Source) -> None:
    """Raise `DataError`, which names the layers that fit, for another number of inputs, or too few outputs."""
    name, layers = config.dataset.name, config.network.layers
    parts = [("", *source[:2])] + ([("test ", *source.test)] if source.test else [])
    columns = source.images.shape[1]
    most = max((int(labels.max()) for _, _, labels in parts if labels.size), default=0)
    fitting = cure(layers, columns, max(most + 1, len(source.classes)))
    for part, images, labels in parts:
        an = "a test" if part else "an"
        if images.shape[1] != layers[0]:
            what = f"{images.shape[1]} features" if source.white is None else f"{images.shape[1]} pixels {an} image"
            raise DataError(f"dataset {name}: {what}, but network.layers begins with {layers[0]}{fitting}")
        if labels.size and labels.max() >= layers[-1]:
            what = f"{len(source.classes)} classes" if source.classes else f"{part}labels up to {labels.max()}"
            raise DataError(f"dataset {name}: {what}, but network.layers ends with {layers[-1]}{fitting}")


def scale(images: np.ndarray, white: int, config: Config) -> np.ndarray:
    """Pixels 0..white on the input neurons' grid, 0..full_scale, to the nearest. White becomes dataset.brightness times
    full_scale: at 1 it is f_max exactly. With dataset.invert, black does. Raises `DataError` for pixels that are no
    integers."""
    if images.dtype.kind not in "iu":
        raise DataError(f"dataset {config.dataset.name}: pixels of type {images.dtype}; expected integers 0 to {white}")
    bright = images.astype(np.int64)
    if config.dataset.invert:
        bright = white - bright
    return (bright * peak(config) + white // 2) // white


def peak(config: Config) -> int:
    """What white becomes."""
    return round(config.dataset.brightness * config.input.full_scale)


def split(images: np.ndarray, labels: np.ndarray, fraction: float, seed: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Indices (kept, held out): a stratified split, every class held out in proportion, drawn from `seed`."""
    generator = np.random.default_rng(seed)
    held = []
    for label in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == label))
        count = max(1, min(round(fraction * len(members)), len(members) - 1))  # one on both sides, where there are two
        held.append(members[: count if fraction > 0 else 0])
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
        label = shown(source.classes[first]) if source.classes else first
        raise DataError(
            f"dataset {settings.name}: the split leaves {len(found.train)} images for training, none of them of label "
            f"{label}{more}, of which there are {int(np.sum(labels == first))}: take a smaller dataset.test_fraction "
            f"({settings.test_fraction:g}) or validation_fraction ({settings.validation_fraction:g}), or a greater "
            f"train_limit ({settings.train_limit}), or more images"
        )
    return found


def load_split(config: Config, encoding: Encoding | None = None) -> Split:
    """The split of `config.training.seed`; a data set with a test part of its own keeps that. `train_limit` and
    `test_limit` choose among each part's images. With validation_fraction > 0 the "test" part is then cut from the
    training part and the true test images are not touched. Features are scaled by the training part, or by the
    `encoding` of weights that were trained before. Raises `DataError`, also where a class of the data set has no
    training image left."""
    return load_parts(config, None, encoding).split


def load_parts(config: Config, limit: int | None = None, encoding: Encoding | None = None) -> Parts:
    """`load_split`, of whose training part only the first `limit` images are taken, and how it was encoded."""
    source = load_source(config, encoding)
    train, test, own_test = split_members(config, source)
    train = train[:limit]
    own = source.test if own_test else (source.images, source.labels)
    where = f"dataset {config.dataset.name}"
    if not encoding and source.white is None:
        encoding = fitted(source.images[train], source.columns, source.classes, where)
    encoding = encoding or Encoding(classes=source.classes)
    learned = encoded(config, source, source.images[train], encoding)
    split = Split(
        learned, source.labels[train].astype(np.int64),
        encoded(config, source, own[0][test], encoding), own[1][test].astype(np.int64),
    )  # fmt: skip
    notes = [constant_text(encoding, where)]
    if source.white is not None and source.classes and learned.size and 2 * learned.mean() > peak(config):
        notes.append(
            f"{where}: most of its pictures is white, and the network expects white on black: --set "
            f"dataset.invert={'false' if config.dataset.invert else 'true'} turns them over"
        )
    return Parts(split, encoding, tuple(note for note in notes if note))


def load_all(config: Config, encoding: Encoding | None = None) -> tuple[np.ndarray, np.ndarray]:
    """(images, labels) of the whole data set, its own test part behind the rest. Without an `encoding`, features are
    scaled by all of them."""
    source = load_source(config, encoding)
    parts = [source[:2], source.test] if source.test else [source[:2]]
    images, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    if not encoding and source.white is None:
        encoding = fitted(images, source.columns, source.classes, f"dataset {config.dataset.name}")
    return encoded(config, source, images, encoding), labels.astype(np.int64)


def encoded(config: Config, source: Source, images: np.ndarray, encoding: Encoding | None) -> np.ndarray:
    """Images or other examples of the source as the input neurons take them."""
    if source.white is None:
        return encoding.scaled(images, peak(config))
    return scale(images, source.white, config)


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
