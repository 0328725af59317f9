"""IDX files, the format of MNIST and its relatives: one array of unsigned bytes a file, plain or .gz."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np


class DataError(ValueError):
    """A data set that cannot be read. The message is one line: what, where, what would be right."""


TEST_MARKS = ("t10k", "test")
"""What a file of test images or labels has in its name; any other file is for training."""


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


def _find(folder: Path, kind: str, test: bool) -> Path | None:
    """The file of that kind ("images" or "labels"), None when there is none. A plain file goes before its .gz."""
    rank = {"images": 3, "labels": 1}[kind]
    found = {}
    for path in sorted(folder.glob("*"), reverse=True):  # "x" comes after "x.gz" here, and takes its place
        name = path.name.removesuffix(".gz")
        if any(f"{kind}{dot}idx{rank}-ubyte" in name for dot in "-.") and any(m in name for m in TEST_MARKS) == test:
            found[name] = path
    if len(found) > 1:
        names = ", ".join(sorted(path.name for path in found.values()))
        raise DataError(f"{folder}: several files of {'test ' if test else ''}{kind}: {names}; leave one in the folder")
    return next(iter(found.values()), None)


def read_pair(folder: Path, test: bool = False) -> tuple[np.ndarray, np.ndarray] | None:
    """(images, labels) of the folder's training or test files: bytes, shapes (images, pixels) and (images,).

    None when there are no files of that part. Raises `DataError` for half a pair, and for files that do not fit.
    """
    paths = {kind: _find(folder, kind, test) for kind in ("images", "labels")}
    if not any(paths.values()):
        return None
    for kind, path in paths.items():
        if path is None:
            rank = {"images": 3, "labels": 1}[kind]
            part = f"test file (t10k*{kind}" if test else f"file (*{kind}"
            raise DataError(f"{folder}: no {part}-idx{rank}-ubyte[.gz]); images and labels come in pairs")
    images, labels = (read_idx(path) for path in paths.values())
    if images.ndim < 2 or labels.ndim != 1:
        raise DataError(f"{folder}: images of rank {images.ndim} and labels of rank {labels.ndim}; expected 3 and 1")
    if len(images) != len(labels):
        raise DataError(f"{folder}: {len(images)} {'test ' if test else ''}images but {len(labels)} labels")
    if not len(images):
        raise DataError(f"{folder}: no {'test ' if test else ''}images")
    return images.reshape(len(images), -1), labels
