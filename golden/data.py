"""Data sets: images as integers 0..full_scale, labels, and their split by seed."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from golden.config import Config


class DataError(ValueError):
    """A data set that cannot be read. The message is one line: what, where, what would be right."""


class Split(NamedTuple):
    """Training and test images (integers, shape (images, inputs)) and labels."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


def _digits() -> tuple[np.ndarray, np.ndarray, int]:
    from sklearn.datasets import load_digits

    data = load_digits()
    return data.data.astype(np.int64), data.target.astype(np.int64), 16


def _random(inputs: int, outputs: int, full_scale: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Random images around one random prototype a class: for networks of any size in tests and comparisons."""
    generator = np.random.default_rng(2024)
    labels = np.arange(40 * outputs) % outputs
    prototypes = generator.integers(0, full_scale + 1, (outputs, inputs))
    noise = generator.integers(-full_scale // 4, full_scale // 4 + 1, (len(labels), inputs))
    return np.clip(prototypes[labels] + noise, 0, full_scale), labels, full_scale


def read_idx(path: Path) -> np.ndarray:
    """One IDX file of unsigned bytes (plain or .gz). Raises `DataError`."""
    try:
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rb") as file:
            raw = file.read()
    except (OSError, EOFError, zlib.error) as error:  # a broken .gz raises any of them
        raise DataError(f"{path}: cannot be read: {error}") from None
    if len(raw) < 4 or raw[:3] != b"\x00\x00\x08":
        raise DataError(f"{path}: not an IDX file of unsigned bytes (it must begin with 00 00 08)")
    rank = raw[3]
    header = 4 + 4 * rank
    if len(raw) < header:
        raise DataError(f"{path}: cut short: {len(raw)} bytes, the header alone needs {header}")
    shape = tuple(int.from_bytes(raw[4 + 4 * i : 8 + 4 * i], "big") for i in range(rank))
    if len(raw) != header + math.prod(shape):
        raise DataError(f"{path}: {len(raw)} bytes, the header announces {header + math.prod(shape)}")
    return np.frombuffer(raw, np.uint8, offset=header).reshape(shape)


def _idx(folder: Path) -> tuple[np.ndarray, np.ndarray, int]:
    found = {}
    for kind in ("images-idx3-ubyte", "labels-idx1-ubyte"):
        matches = sorted(p for p in folder.glob("*") if kind in p.name and "t10k" not in p.name)
        if not matches:
            raise DataError(f"{folder}: no file named *{kind}[.gz] (an IDX pair: images and labels)")
        found[kind] = read_idx(matches[0])
    images, labels = found["images-idx3-ubyte"], found["labels-idx1-ubyte"]
    if images.ndim < 2 or labels.ndim != 1:
        raise DataError(f"{folder}: images of rank {images.ndim} and labels of rank {labels.ndim}; expected 3 and 1")
    if len(images) != len(labels):
        raise DataError(f"{folder}: {len(images)} images but {len(labels)} labels")
    if not len(images):
        raise DataError(f"{folder}: no images")
    return images.reshape(len(images), -1).astype(np.int64), labels.astype(np.int64), 255


def load_dataset(config: Config) -> tuple[np.ndarray, np.ndarray]:
    """Images scaled to integers 0..full_scale, and labels. Raises `DataError` when they do not fit the network."""
    name, full_scale = config.dataset.name, config.input.full_scale
    inputs, outputs = config.network.layers[0], config.network.layers[-1]
    if name == "digits":
        images, labels, white = _digits()
    elif name == "random":
        images, labels, white = _random(inputs, outputs, full_scale)
    else:
        images, labels, white = _idx(Path(name.removeprefix("idx:")))
    if images.shape[1] != inputs:
        raise DataError(f"dataset {name}: {images.shape[1]} pixels an image, but network.layers begins with {inputs}")
    if labels.size and labels.max() >= outputs:
        raise DataError(f"dataset {name}: labels up to {labels.max()}, but network.layers ends with {outputs}")
    # Rounded to the input neurons' grid: white is f_max exactly.
    return (images * full_scale + white // 2) // white, labels


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


def load_split(config: Config) -> Split:
    """The split of `config.training.seed`. With validation_fraction > 0 the "test" part is cut from the training part
    and the true test images are not touched."""
    images, labels = load_dataset(config)
    seed = config.training.seed
    train, test = split(images, labels, config.dataset.test_fraction, [seed, 0])
    if config.dataset.validation_fraction > 0:
        kept, held = split(images[train], labels[train], config.dataset.validation_fraction, [seed, 3])
        train, test = train[kept], train[held]
    return Split(images[train], labels[train], images[test], labels[test])


def epoch_order(config: Config, epoch: int, count: int) -> np.ndarray:
    """Order in which the images of `epoch` are learned."""
    return np.random.default_rng([config.training.seed, 2, epoch]).permutation(count)
