"""What an HDF5 file holds, as dictionaries and arrays; as a program, one that may fail.

What the file announces is counted before it is read, and nothing outside the file is opened: HDF5 can keep arrays in
other files, and link to them. HDF5's library is C that believes much of a file: some damaged ones it reads for ever, or
dies of. So `read` has a process of its own do it, with bounds on its time and memory.
"""

from __future__ import annotations

import pickle
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from eqspike.base.printable import cut
from eqspike.base.reading import unpacks_too_far

MOST_BYTES = 2**29
"""Of all arrays together."""
MOST_ENTRIES = 100_000
"""Groups and arrays of a file, and edges of a graph."""
DEEPEST = 6
MOST_TEXT = 2**24
"""Bytes of all texts together."""
TEXTS = 64
"""So many are read at once."""
MOST_MEMORY = 2**32
"""Bytes of addresses of the process that reads."""
SECONDS = 5
"""Of the processor, for a small file; thousands of times what one takes."""
BYTES_A_SECOND = 2**24
"""What a large file takes besides; it is read ten times as fast."""
WAIT = 20
"""How many times these seconds may pass on a machine that is busy with something else."""


class Unfit(ValueError):
    """A part of the file that is not taken; the message says which and why."""


def read(path: Path, size: int) -> dict[str, Any]:
    """The group `node` of the file of `size` bytes, read by another process. Raises `Unfit`."""
    seconds = SECONDS + size // BYTES_A_SECOND
    command = [sys.executable, "-P", "-m", "eqspike.lab.nir.contents", str(path), str(size), str(seconds)]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=WAIT * seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise Unfit(f"HDF5's library comes to no end with it in {WAIT * seconds} seconds") from None
    if done.returncode:
        raise Unfit("HDF5's library dies of it, or comes to no end with it")
    found = pickle.loads(done.stdout)  # of our own process
    if isinstance(found, str):
        raise Unfit(found)
    return found


def contents(path: Path, size: int) -> dict[str, Any]:
    """The group `node` of the file of `size` bytes. Raises whatever h5py trips over, and `Unfit`."""
    with h5py.File(path, "r") as file:
        return _Contents(size).group(_member(file, "node"), "node")


def _member(group: h5py.Group, name: str) -> Any:
    """What stands in a group under that name; links out of the file, and to elsewhere in it, are not followed."""
    link = group.get(name, getlink=True)
    if not isinstance(link, h5py.HardLink):
        raise Unfit(f"{cut(name, 60)!r} is a link, and links are not followed")
    return group[name]


class _Contents:
    """Reads groups and arrays of one file of `packed` bytes, and counts what they take."""

    def __init__(self, packed: int) -> None:
        self.packed = packed
        self.entries = self.bytes = self.text = 0

    def group(self, group: Any, place: str, depth: int = 0) -> dict[str, Any]:
        """A group as a dictionary, as `nir.dict2NIRNode` takes it."""
        if not isinstance(group, h5py.Group):
            raise Unfit(f"{place} is no group")
        if depth > DEEPEST:
            raise Unfit(f"{place} is nested more than {DEEPEST} levels deep")
        found = {}
        for name in group:
            self.entries += 1
            if self.entries > MOST_ENTRIES:
                raise Unfit(f"has more than {MOST_ENTRIES:,} parts")
            below, item = f"{place}/{cut(name, 60)}", _member(group, name)
            if isinstance(item, h5py.Group):
                found[name] = self.group(item, below, depth + 1)
            elif isinstance(item, h5py.Dataset):
                found[name] = self._array(item, below)
            else:
                raise Unfit(f"{below} is neither group nor array")
        return found

    def _array(self, item: h5py.Dataset, place: str) -> Any:
        if item.external or item.is_virtual:
            raise Unfit(f"{place} is kept in another file, which is not opened")
        if item.shape is None:
            return None
        if h5py.check_string_dtype(item.dtype) is not None:
            return self._text(item, place)
        if item.dtype.kind not in "biuf":
            raise Unfit(f"{place} holds {cut(str(item.dtype), 40)}, no numbers")
        if len(item.shape) > 8:
            raise Unfit(f"{place} has {len(item.shape)} dimensions")
        self.bytes += item.size * item.dtype.itemsize
        if self.bytes > MOST_BYTES or unpacks_too_far(self.bytes, self.packed):
            raise Unfit(f"{place}, shape {item.shape}: with it, arrays have {self.bytes:,} bytes, more than is taken")
        return item[()]

    def _text(self, item: h5py.Dataset, place: str) -> Any:
        """A text, or an array of texts, which may all be the same long one: so it is read in parts."""
        if item.size * item.dtype.itemsize > MOST_TEXT:
            raise Unfit(f"{place}: its texts take {item.size * item.dtype.itemsize:,} bytes")
        if item.size > 2 * MOST_ENTRIES or item.ndim > 2:
            raise Unfit(f"{place} has {item.size:,} texts")
        if item.shape == ():
            return self._counted(item[()], place)
        texts = []
        for at in range(0, len(item), TEXTS):
            texts += [self._counted(text, place) for text in np.ravel(item[at : at + TEXTS])]
        return np.array(texts, dtype=object).reshape(item.shape)

    def _counted(self, value: Any, place: str) -> str:
        text = value.decode("utf-8") if isinstance(value, bytes) else str(value)
        self.text += len(text)
        if self.text > MOST_TEXT:
            raise Unfit(f"{place}: with it, texts have more than {MOST_TEXT:,} characters")
        return text


def main(path: str, size: str, seconds: str) -> None:
    """Write what the file holds, or a text that says why it is not taken, to standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        found: dict[str, Any] | str = contents(Path(path), int(size))
    except Exception as error:
        found = " ".join(str(error).split()) or type(error).__name__
    sys.stdout.buffer.write(pickle.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
