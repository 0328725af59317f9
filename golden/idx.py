"""IDX files, the format of MNIST and its relatives: one array of unsigned bytes a file, plain or .gz.

A file's header announces its size. It is held against the file, the other file of the pair and the network before
anything else is read, or unpacked.
"""

from __future__ import annotations

import gzip
import math
import os
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from eqspike.base.errors import UsageProblem
from eqspike.base.reading import open_regular, unpacks_too_far


class DataError(UsageProblem, ValueError):
    """A data set that cannot be read. The message is one line: what, where, what would be right."""


TEST_MARKS = ("t10k", "test")
"""Words in the name of a file of test images or labels; any other file is for training."""
RANKS = {"images": 3, "labels": 1}
MOST_BYTES = 2**30
"""Of one file: as numbers for the network they take eight times as much memory."""
HIGHEST_RANK = 8
MOST_NEURONS = 4096
"""Of a layer (`golden.sections.NetworkConfig`)."""
MOST_LABELS = 2**22
"""Labels that are read only to say which network would fit."""


@contextmanager
def _open(path: Path) -> Iterator[tuple[BinaryIO, int, bool]]:
    """(file of the unpacked bytes, bytes of the file as it lies there, is it packed). Raises `DataError`."""
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            if path.suffix == ".gz":
                with gzip.GzipFile(fileobj=file) as unpacked:
                    yield unpacked, size, True
            else:
                yield file, size, False
    except DataError:
        raise
    except (OSError, EOFError, zlib.error) as error:  # a broken .gz raises any of them
        raise DataError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _header(path: Path, file: BinaryIO) -> tuple[int, ...]:
    """The shape that the file announces."""
    raw = file.read(4)
    if len(raw) < 4 or raw[:3] != b"\x00\x00\x08":
        raise DataError(f"{path}: not an IDX file of unsigned bytes (it must begin with 00 00 08)")
    rank = raw[3]
    if rank > HIGHEST_RANK:
        raise DataError(f"{path}: announces {rank} dimensions; images have 3, labels 1")
    sizes = file.read(4 * rank)
    if len(sizes) < 4 * rank:
        raise DataError(f"{path}: cut short: {4 + len(sizes)} bytes, the header alone needs {4 + 4 * rank}")
    return tuple(int.from_bytes(sizes[4 * i : 4 * i + 4], "big") for i in range(rank))


def idx_shape(path: Path) -> tuple[int, ...]:
    """The shape that an IDX file announces, in a size that it can have. Raises `DataError`."""
    with _open(path) as (file, size, packed):
        shape = _header(path, file)
    whole = 4 + 4 * len(shape) + math.prod(shape)
    if not packed and size != whole:
        raise DataError(f"{path}: {size} bytes, the header announces {whole}")
    if whole > MOST_BYTES or (packed and unpacks_too_far(whole, size)):
        raise DataError(f"{path}: its header announces {whole:,} bytes, more than can be in it")
    return shape


def read_idx(path: Path) -> np.ndarray:
    """One IDX file of unsigned bytes (plain or .gz). Raises `DataError`."""
    shape = idx_shape(path)
    count = math.prod(shape)
    with _open(path) as (file, _, _):
        header = 4 + 4 * len(_header(path, file))
        raw = file.read(count + 1)  # one more, which must not be there; at the end, a .gz checks its sum
    if len(raw) != count:
        more = "more than " if len(raw) > count else ""
        raise DataError(f"{path}: {more}{header + min(len(raw), count)} bytes, the header announces {header + count}")
    return np.frombuffer(raw, np.uint8).reshape(shape)


def _is_kind(name: str, kind: str, test: bool) -> bool:
    """Is it a name for files of that kind ("images" or "labels")?"""
    before, found, _ = re.sub(r"[.]idx", "-idx", name.lower()).partition(f"{kind}-idx{RANKS[kind]}-ubyte")
    return bool(found) and any(word in TEST_MARKS for word in re.split("[^a-z0-9]+", before)) == test


def _find(folder: Path, kind: str, test: bool) -> Path | None:
    """The file of that kind ("images" or "labels"), None when there is none. A plain file goes before its .gz.

    Some archives unpack each file into a folder of the file's name. Such folders are looked into where there is no
    file of that kind beside them: some have the same file there too.
    """
    named = [path for path in sorted(folder.glob("*"), reverse=True) if _is_kind(path.name, kind, test)]
    files = [path for path in named if not path.is_dir()]
    if not files:
        below = (path for inner in named for path in sorted(inner.glob("*"), reverse=True))
        files = [path for path in below if _is_kind(path.name, kind, test) and not path.is_dir()]
    found = {}
    for path in files:  # "x" comes after "x.gz" here, and takes its place
        found[path.with_name(path.name.removesuffix(".gz"))] = path
    if len(found) > 1:
        names = ", ".join(sorted(str(path.relative_to(folder)) for path in found.values()))
        raise DataError(f"{folder}: several files of {'test ' if test else ''}{kind}: {names}; leave one in the folder")
    return next(iter(found.values()), None)


def cure(layers: Sequence[int], inputs: int, outputs: int) -> str:
    """What to say behind an error of a network whose layers do not fit the data set: which would."""
    if max(inputs, outputs) > MOST_NEURONS:
        return f"; at most {MOST_NEURONS:,} can be told apart"
    return f": --set 'network.layers=[{','.join(map(str, (inputs, *layers[1:-1], outputs)))}]'"


def _classes(path: Path, count: int) -> int:
    """Outputs that the labels of a file need."""
    return int(read_idx(path).max()) + 1 if count <= MOST_LABELS else 256


def read_pair(
    folder: Path, test: bool = False, network: Sequence[int] | None = None
) -> tuple[np.ndarray, np.ndarray] | None:
    """(images, labels) of the folder's training or test files: bytes, shapes (images, pixels) and (images,).

    `network` are layers, whose first size is how many pixels an image must have. None when there are no files of that
    part. Raises `DataError` for half a pair, and for files that do not fit.
    """
    paths = {kind: _find(folder, kind, test) for kind in RANKS}
    if not any(paths.values()):
        return None
    for kind, path in paths.items():
        if path is None:
            part = f"test file (t10k*{kind}" if test else f"file (*{kind}"
            raise DataError(f"{folder}: no {part}-idx{RANKS[kind]}-ubyte[.gz]); images and labels come in pairs")
    images, labels = (idx_shape(path) for path in paths.values())
    if len(images) < 2 or len(labels) != 1:
        raise DataError(f"{folder}: images of rank {len(images)} and labels of rank {len(labels)}; expected 3 and 1")
    if images[0] != labels[0]:
        raise DataError(f"{folder}: {images[0]} {'test ' if test else ''}images but {labels[0]} labels")
    if not images[0]:
        raise DataError(f"{folder}: no {'test ' if test else ''}images")
    pixels = math.prod(images[1:])
    if network is not None and pixels != network[0]:
        an = "a test" if test else "an"
        begins = f"{paths['images']}: {pixels} pixels {an} image, but network.layers begins with {network[0]}"
        raise DataError(begins + (cure(network, pixels, _classes(paths["labels"], labels[0])) if not test else ""))
    return read_idx(paths["images"]).reshape(-1, pixels), read_idx(paths["labels"])
