"""The C program as a loaded library: compiled once for each shape, and kept in the user's cache.

The name of a library is a hash of all that it depends on: header, sources, compiler, flags, processor. It is compiled
beside its place and renamed, so that several processes may want it at once, and none sees half of one.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
import warnings
from pathlib import Path

from eqspike.base.places import user_cache

SOURCES = Path(__file__).parent
FLAGS = (
    "-std=gnu11", "-O3", "-march=native", "-shared", "-fPIC", "-w",
    "-ffp-contract=off",  # real numbers are rounded after each operation, as numba has them
    "-fwrapv",  # integers that overflow wrap, as numba's do; bounds.py shows that few can
    "-fno-math-errno",
)  # fmt: skip
TUNING = ("--param=max-completely-peel-times=8", "-fno-loop-interchange", "-fno-loop-unroll-and-jam")
"""For speed alone, of GCC: short loops over neurons become vectors, not unrolled or turned inside out before."""


@functools.cache
def compiler() -> str | None:
    """The C compiler's path: CC if it is set, else the system's; None where there is none."""
    names = [os.environ["CC"]] if os.environ.get("CC") else ["cc", "gcc", "clang"]
    return next((found for name in names if (found := shutil.which(name))), None)


@functools.cache
def _machine() -> str:
    """What -march=native and the compiler's own version make of a program."""
    version = subprocess.run([compiler(), "--version"], capture_output=True, text=True, check=False).stdout
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        processor = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    except OSError:
        processor = platform.processor()
    return f"{version}{platform.platform()}{processor}"


@functools.cache
def _sources(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob("*.[ch]")))


@functools.cache
def _scratch() -> tempfile.TemporaryDirectory[str]:
    """A folder for this process, where the user's cache cannot be written."""
    return tempfile.TemporaryDirectory(prefix="eqspike-fast-")


def _cache() -> Path:
    folder = user_cache() / "fast"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return Path(_scratch().name)
    return folder if os.access(folder, os.W_OK) else Path(_scratch().name)


@functools.cache
def load(header: str, folder: Path = SOURCES) -> ctypes.CDLL | None:
    """The library for this header; None where it cannot be compiled, with a warning if there is a compiler."""
    if compiler() is None:
        return None
    flags = " ".join((*FLAGS, *TUNING))
    state = hashlib.sha256(header.encode() + _sources(folder) + _machine().encode() + flags.encode())
    try:
        place = _cache() / f"{state.hexdigest()[:24]}.so"
        if not place.exists():
            _compile(header, folder, place)
        library = ctypes.CDLL(str(place))
    except (OSError, subprocess.SubprocessError) as error:
        detail = getattr(error, "stderr", "") or str(error)
        warnings.warn(f"the fast engine was not compiled, golden's own kernels compute: {detail}", stacklevel=2)
        return None
    library.present_all.restype = ctypes.c_int
    return library


def _compile(header: str, folder: Path, place: Path) -> None:
    """Raises `OSError` or `subprocess.CalledProcessError`."""
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".compile-") as scratch:
        (Path(scratch) / "shape.h").write_text(header, encoding="utf-8")
        made = Path(scratch) / "library.so"
        source = [f"-I{scratch}", "-o", str(made), str(folder / "phases.c"), "-lm"]
        tuned = subprocess.run([compiler(), *FLAGS, *TUNING, *source], capture_output=True, check=False)
        if tuned.returncode:  # not GCC, perhaps
            subprocess.run([compiler(), *FLAGS, *source], check=True, capture_output=True, text=True)
        made.replace(place)
