"""A folder of results belongs to one command at a time; what a killed one left there is removed."""

from __future__ import annotations

import fcntl
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from eqspike.base.errors import UsageProblem
from eqspike.base.files import remove_leftovers

_held: dict[Path, int] = {}
"""Folders that this process has locked, and the thread that did."""


class FolderBusy(UsageProblem):
    """Another command, or another thread, is at work in the folder."""


@contextmanager
def locked(folder: str | Path) -> Iterator[None]:
    """Keep others out of a folder, which is made if it is not there, and remove what killed writers left in it.

    A thread that has the folder may lock it again. The lock is the system's, so that it ends with the process however
    that ends; its file `.lock` goes when the lock does. A new folder that is still empty then goes too. Raises
    `FolderBusy` where another command is at work, `UsageProblem` where there is no folder but a file, OSError.
    """
    folder = Path(folder)
    place = folder.resolve()
    if _held.get(place) == threading.get_ident():
        yield
        return
    made = not folder.exists()
    file = _acquire(folder)
    _held[place] = threading.get_ident()
    try:
        remove_leftovers(folder)
        yield
    finally:
        del _held[place]
        with file:  # first the name, then the lock: whoever opened the file meanwhile sees that it is not this one
            Path(file.name).unlink(missing_ok=True)
        if made:
            with suppress(OSError):
                folder.rmdir()


def _acquire(folder: Path) -> IO[str]:
    """The open file that holds the lock."""
    path = folder / ".lock"
    while True:
        with suppress(FileNotFoundError, FileExistsError):  # another's new folder goes, or comes, between these lines
            if folder.exists() and not stat.S_ISDIR(folder.stat().st_mode):
                raise UsageProblem(f"{folder}: is not a folder")
            folder.mkdir(parents=True, exist_ok=True)
            file = path.open("a", encoding="utf-8")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                raise FolderBusy(f"{folder}: another command is at work there") from None
            except BaseException:
                file.close()
                raise
            if _is(path, file):
                return file
            file.close()  # the command that had it removed it after it was opened here


def _is(path: Path, file: IO[str]) -> bool:
    """Does the open file still have this name?"""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


__all__ = ["FolderBusy", "locked"]
