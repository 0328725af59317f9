"""Checks of the arrays that a user gives, and their way to the integers that the chip takes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from eqspike.base.errors import InputError
from eqspike.golden.config import Config
from eqspike.golden.data import peak, scale
from eqspike.golden.features import Encoding
from eqspike.golden.idx import DataError


def pixels(images: ArrayLike, config: Config, name: str = "images") -> np.ndarray:
    """Images as the input neurons take them: int64 in 0..input.full_scale, shape (n, inputs).

    `images` has shape (n, inputs): uint8, of which 255 is white, or floats in [0, 1]. Each is rounded to the nearest
    level; white becomes dataset.brightness times full scale, or black with dataset.invert. Raises `InputError`.
    """
    array = _array(images, name)
    inputs = config.network.layers[0]
    if array.ndim != 2 or array.shape[1] != inputs:
        more = f": {name}.reshape(len({name}), -1)" if array.ndim > 2 and array[0].size == inputs else ""
        raise InputError(f"{name}: shape {array.shape}; {config.name} needs (n, {inputs}){more}")
    if array.dtype == np.uint8:
        return scale(array, 255, config)
    if array.dtype.kind != "f":
        raise InputError(f"{name}: {array.dtype}; expected floats in [0, 1], or uint8")
    if array.size and not (array.min() >= 0 and array.max() <= 1):  # NaN fails too
        raise InputError(f"{name}: values from {array.min():g} to {array.max():g}; floats must lie in [0, 1]")
    bright = array.astype(np.float64)
    if config.dataset.invert:
        bright = 1 - bright
    return np.floor(bright * peak(config) + 0.5).astype(np.int64)


def classes(labels: ArrayLike, config: Config, count: int, name: str = "labels") -> np.ndarray:
    """Labels as int64, shape (count,), each the number of an output. Raises `InputError`."""
    array = _array(labels, name)
    outputs = config.network.layers[-1]
    if array.shape != (count,):
        raise InputError(f"{name}: shape {array.shape}; {count} images need ({count},)")
    if array.dtype.kind not in "iu":
        raise InputError(f"{name}: {array.dtype}; expected integers")
    if array.size and not (array.min() >= 0 and array.max() < outputs):
        wrong = array.max() if array.max() >= outputs else array.min()
        raise InputError(f"{name}: label {wrong}; {config.name} has {outputs} outputs, labels 0 to {outputs - 1}")
    return array.astype(np.int64)


def labelled(images: ArrayLike, labels: ArrayLike, config: Config, prefix: str = "") -> tuple[np.ndarray, np.ndarray]:
    """(pixels, classes) of at least one image. Raises `InputError`."""
    checked = pixels(images, config, f"{prefix}images")
    if not len(checked):
        raise InputError(f"{prefix}images: there are none")
    return checked, classes(labels, config, len(checked), f"{prefix}labels")


def table_features(
    features: ArrayLike, columns: tuple[str, ...], encoding: Encoding, config: Config, name: str = "features"
) -> np.ndarray:
    """Numbers of a table as images, floats in [0, 1], shape (n, inputs), scaled as in training. Raises `InputError`."""
    array = _array(features, name)
    if array.ndim != 2 or array.dtype.kind not in "biuf":
        raise InputError(f"{name}: {array.dtype} of shape {array.shape}; expected numbers of shape (n, features)")
    if columns and len(columns) != array.shape[1]:
        raise InputError(f"{name}: {array.shape[1]} columns, but {len(columns)} names")
    if not np.isfinite(array).all():
        raise InputError(f"{name}: not all are finite numbers")
    try:
        ordered = encoding.ordered(array.astype(np.float64), columns, name)
    except DataError as error:
        raise InputError(str(error)) from None
    levels = peak(config)
    part = encoding.scaled(ordered, levels) / levels
    return 1 - part if config.dataset.invert else part


def _array(values: ArrayLike, name: str) -> np.ndarray:
    try:
        return np.asarray(values)
    except ValueError:
        raise InputError(f"{name}: rows of different lengths; expected an array") from None
