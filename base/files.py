"""Files that are whole or absent: written beside their place, flushed to the disk, then renamed."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np


def write_bytes(path: str | Path, data: bytes) -> None:
    """Replace `path` by `data` at once: a reader, or a crash, sees the old file or the new one.

    Raises OSError that names `path`; what was there then is still there.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:  # Ctrl-C too: leave nothing behind
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from None


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files of runs that were killed while they wrote."""
    for path in folder.glob(".*.tmp"):
        path.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """`write_bytes` of a text in UTF-8."""
    write_bytes(path, text.encode())


def write_json(path: str | Path, data: object) -> None:
    """`write_bytes` of readable JSON; NumPy's numbers and arrays become plain ones."""
    write_text(path, json.dumps(data, indent=1, default=_plain, allow_nan=False) + "\n")


def _plain(value: object) -> object:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not for JSON")


def npz_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """An .npz file as np.load reads it; unlike np.savez, the same arrays give the same bytes at any time."""
    buffer = io.BytesIO()
    archive = zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED)
    try:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, member.getvalue())
        archive.close()
    except BaseException:
        # Ctrl-C in the middle of an array: to close the archive would raise another error in its place, now or when it
        # is dropped. One without a file is closed.
        archive.fp = None
        raise
    return buffer.getvalue()
