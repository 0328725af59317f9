"""npz:FILE, a data set as NumPy arrays: examples and labels, and a test part if it has one of its own."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from eqspike.base.npz import Archive, NpzError, open_npz
from eqspike.base.printable import cut
from eqspike.golden.classes import numbered
from eqspike.golden.idx import DataError

EXAMPLES = ("x", "data", "images", "x_train")
LABELS = ("y", "target", "labels", "y_train")
"""Names of the arrays, in any case."""
TEST = ("x_test", "y_test")
MOST_BYTES = 2**30
"""Of one array in memory."""
WHITE = 255


class Arrays(NamedTuple):
    """What a file holds."""

    values: np.ndarray
    """Shape (examples, columns): unsigned bytes (pixels), or floats (features)."""
    labels: np.ndarray
    classes: tuple[str, ...]
    pixels: bool
    test: tuple[np.ndarray, np.ndarray] | None


def read_arrays(path: Path) -> Arrays:
    """The arrays of an .npz file; Python objects in it are never loaded. Raises `DataError`, which names the file."""
    try:
        with open_npz(path) as archive:
            return _read(path, archive)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
    except NpzError as error:
        if "Object" in str(error):
            raise DataError(f"{path}: holds Python objects, which are not loaded; save plain arrays") from None
        raise DataError(f"{path}: not a whole .npz file of arrays: {error}") from None


def _read(path: Path, archive: Archive) -> Arrays:
    names = (_wanted(path, archive, EXAMPLES), _wanted(path, archive, LABELS))
    own = tuple(_one(path, archive, (name,)) for name in TEST)
    if own.count(None) == 1:
        raise DataError(f"{path}: {' and '.join(TEST)} come together; {TEST[own.index(None)]} is missing")
    parts = [names] if None in own else [names, own]
    for part in parts:
        _check(path, archive, *part)
    values = [archive.array(part[0]).reshape(archive.headers[part[0]].shape[0], -1) for part in parts]
    if len({array.shape[1] for array in values}) > 1:
        raise DataError(
            f"{path}: {own[0]} has {values[1].shape[1]} numbers an example, {names[0]} has {values[0].shape[1]}"
        )
    pixels = all(array.dtype.kind == "u" and array.max(initial=0) <= WHITE for array in values)
    values = [array.astype(np.uint8 if pixels else np.float64) for array in values]
    for array, (name, _) in zip(values, parts, strict=True):
        if len(bad := np.argwhere(~np.isfinite(array))):
            at = ", ".join(map(str, bad[0].tolist()))
            raise DataError(f"{path}: {name}[{at}] is {array[tuple(bad[0])]}; features are numbers")
    labels, classes = numbered(
        np.concatenate([archive.array(part[1]) for part in parts]).reshape(-1), f"{path}, {names[1]}"
    )
    count = len(values[0])
    return Arrays(values[0], labels[:count], classes, pixels, (values[1], labels[count:]) if own[0] else None)


def _one(path: Path, archive: Archive, names: tuple[str, ...]) -> str | None:
    """The array of one of these names, in any case. Raises `DataError` where there are several."""
    found = [name for name in archive.headers if name.lower() in names]
    if len(found) > 1:
        raise DataError(f"{path}: holds {found[0]} and {found[1]}; leave one of them")
    return found[0] if found else None


def _wanted(path: Path, archive: Archive, names: tuple[str, ...]) -> str:
    if (found := _one(path, archive, names)) is None:
        held = cut(", ".join(archive.headers), 200) or "nothing"
        raise DataError(f"{path}: holds {held}; expected an array named {', '.join(names[:-1])} or {names[-1]}")
    return found


def _check(path: Path, archive: Archive, examples: str, labels: str) -> None:
    """Hold what the file announces against each other, before anything is unpacked. Raises `DataError`."""
    values, own = archive.headers[examples], archive.headers[labels]
    if values.dtype.kind not in "biuf" or own.dtype.kind not in "biufU":
        wrong, header = (examples, values) if values.dtype.kind not in "biuf" else (labels, own)
        raise DataError(f"{path}: {wrong} holds {header.dtype}; expected numbers")
    if len(values.shape) < 2 or not values.size:
        raise DataError(f"{path}: {examples} has shape {values.shape}; expected (examples, numbers of each)")
    if own.size != values.shape[0] or not own.shape:
        raise DataError(f"{path}: {values.shape[0]} examples in {examples}, but {labels} has shape {own.shape}")
    for name, entries in ((examples, values.size * 8), (labels, own.bytes)):
        if entries > MOST_BYTES:
            raise DataError(f"{path}: {name} takes {entries:,} bytes; at most {MOST_BYTES:,} are read")
