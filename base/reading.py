"""Files that others wrote: only regular ones are opened, and what they say of their size is not believed.

Opening a FIFO waits for its writer, and a device never ends; so `open_regular` refuses both, as it does folders.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO

LARGE = 64 * 2**20
"""Bytes up to which it does not matter how well a file is packed."""
PACKED = 100
"""Above `LARGE`, how many times its own size a file may unpack to: images and weights reach 20 at most, while zeros
reach 1000, with which 3 MB become 3 GB."""


def open_regular(path: str | Path) -> BinaryIO:
    """A regular file, open for reading its bytes. Raises OSError, which names the path, for anything else."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError:  # a NUL in the name
        raise OSError(errno.EINVAL, "no file can have this name", ascii(str(path))) from None
    try:
        mode = os.fstat(number).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, "Is a directory", str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "is not a regular file", str(path))
        return os.fdopen(number, "rb")
    except BaseException:
        os.close(number)
        raise


def read_bytes(path: str | Path, most: int | None = None) -> bytes:
    """All of a regular file. Raises OSError, also when it has more than `most` bytes."""
    with open_regular(path) as file:
        if most is not None and (size := os.fstat(file.fileno()).st_size) > most:
            raise OSError(errno.EFBIG, f"{size:,} bytes; at most {most:,} are read", str(path))
        return file.read()


def read_text(path: str | Path, most: int | None = None) -> str:
    """All of a regular file as UTF-8. Raises OSError, and ValueError for bytes that are no text."""
    return read_bytes(path, most).decode("utf-8")


def read_json(path: str | Path) -> Any:
    """What a JSON file holds. Raises OSError, and ValueError for what is no JSON."""
    try:
        return json.loads(read_text(path))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def sha256(path: str | Path) -> str:
    """The hash of a regular file's bytes. Raises OSError."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unpacks_too_far(unpacked: int, packed: int) -> bool:
    """Is so much in a file of so few bytes no data, but a trap? `unpacked` is what the file's header announces."""
    return unpacked > max(LARGE, PACKED * packed)
