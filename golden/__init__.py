"""The golden model: the specification of the chip, every number format and every order of operations."""

import hashlib
import os
import tempfile
from pathlib import Path

import numba

from eqspike.base.places import user_cache


def _kernel_cache() -> str:
    """A folder for compiled kernels, named after the sources.

    numba notices a change of the file that holds a kernel but not of the files of the kernels it calls, and would run
    stale code; a folder for each state of the sources cannot be stale.
    """
    sources = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        sources.update(path.read_bytes())
    folder = user_cache() / f"kernels-{sources.hexdigest()[:16]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return tempfile.mkdtemp(prefix="eqspike-kernels-")
    return str(folder)


if not os.environ.get("NUMBA_CACHE_DIR"):
    numba.config.CACHE_DIR = _kernel_cache()
