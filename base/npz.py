""".npz files that others wrote: what their headers announce is known, and checked, before anything is unpacked."""

from __future__ import annotations

import errno
import io
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from eqspike.base.printable import cut
from eqspike.base.reading import open_regular, unpacks_too_far

MOST_ARRAYS = 1000
LONGEST_HEADER = 2**14
LONGEST_TEXT = 2**20
"""Bytes of a single text."""


class NpzError(ValueError):
    """A file that is no whole .npz; the message says why."""


@dataclass(frozen=True)
class Header:
    """What a file says of one of its arrays."""

    shape: tuple[int, ...]
    dtype: np.dtype

    @property
    def size(self) -> int:
        """Entries."""
        return prod(self.shape)

    @property
    def bytes(self) -> int:
        """What it takes in memory."""
        return self.size * self.dtype.itemsize


class Archive:
    """An open .npz file. `headers` is known at once; arrays are read one by one."""

    def __init__(self, archive: zipfile.ZipFile, packed: int) -> None:
        entries = archive.infolist()
        if len(entries) > MOST_ARRAYS:
            raise NpzError(f"holds {len(entries):,} arrays")
        self._archive = archive
        self._entries: dict[str, zipfile.ZipInfo] = {}
        self.headers: dict[str, Header] = {}
        for entry in entries:
            name = entry.filename.removesuffix(".npy")
            if name == entry.filename or name in self._entries:
                wrong = "is there twice" if name in self._entries else "is no array"
                raise NpzError(f"{cut(entry.filename, 60)} {wrong}")
            self._entries[name] = entry
            self.headers[name] = self._header(entry)
        if unpacks_too_far(sum(header.bytes for header in self.headers.values()), packed):
            raise NpzError("announces far more than it can hold")

    def _header(self, entry: zipfile.ZipInfo) -> Header:
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise NpzError(f"{entry.filename} is packed in another way than NumPy packs")
        with self._archive.open(entry) as file:
            member = io.BytesIO(file.read(LONGEST_HEADER))
            version = np.lib.format.read_magic(member)
            if version not in ((1, 0), (2, 0), (3, 0)):
                raise NpzError(f"{entry.filename} is of version {version}")
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = read(member)
            header = Header(shape, dtype)
            if dtype.hasobject:
                raise NpzError("Object arrays cannot be loaded")
            if dtype.kind not in "biufU" or dtype.subdtype is not None:
                raise NpzError(f"{entry.filename} holds {dtype}, no numbers")
            if any(length < 0 for length in shape) or len(shape) > 8:
                raise NpzError(f"{entry.filename} has an impossible shape")
            if member.tell() + header.bytes != entry.file_size:
                raise NpzError(f"{entry.filename} has {entry.file_size:,} bytes; its header announces {header.bytes:,}")
        return header

    def text(self, name: str) -> str:
        """A single text."""
        header = self.headers[name]
        if header.shape != () or header.dtype.kind != "U" or header.bytes > LONGEST_TEXT:
            raise NpzError(f"{name} is not a text")
        return str(self.array(name))

    def array(self, name: str) -> np.ndarray:
        """One array; its size in memory is what its header says. Raises `NpzError`."""
        with _told_plainly(), self._archive.open(self._entries[name]) as member:
            return np.lib.format.read_array(io.BytesIO(member.read()), allow_pickle=False)


@contextmanager
def _told_plainly() -> Iterator[None]:
    """A broken archive raises whatever its parser trips over: zip, zlib, the header, which is Python's syntax."""
    try:
        with warnings.catch_warnings(action="error"):  # NumPy warns of headers that it had to guess at
            yield
    except (MemoryError, NpzError):
        raise
    except OSError as error:
        if error.errno != errno.EINVAL:  # a place before the file's beginning
            raise
        raise NpzError("it points to places that it does not have") from None
    except Exception as error:
        raise NpzError(" ".join(str(error).split()) or type(error).__name__) from None


@contextmanager
def open_npz(path: Path) -> Iterator[Archive]:
    """The file, open. Raises OSError for what cannot be read, `NpzError` for what is no .npz."""
    with open_regular(path) as file:
        packed = file.seek(0, 2)
        file.seek(0)
        with _told_plainly():
            archive = Archive(zipfile.ZipFile(file), packed)
        yield archive
