"""Many images in a row on the fast engine where it can, else on golden's kernels.

`present_all` has the arguments of `golden.phases.present_all`, and `golden.network` takes it in its place.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

import numba
import numpy as np

from eqspike.golden import phases
from eqspike.golden.fast.bounds import TooWide
from eqspike.golden.fast.library import load
from eqspike.golden.fast.shape import Shape, header, numbers, shape_of
from eqspike.golden.phases import Chip
from eqspike.golden.state import Trace

CHOICE = "EQSPIKE_GOLDEN"
"""Environment variable: `plain` has golden's own kernels compute everything, in processes started from here too."""


@contextmanager
def plain() -> Iterator[None]:
    """Golden's own kernels compute, meanwhile."""
    before = os.environ.get(CHOICE)
    os.environ[CHOICE] = "plain"
    try:
        yield
    finally:
        if before is None:
            del os.environ[CHOICE]
        else:
            os.environ[CHOICE] = before


class _Job(ctypes.Structure):
    """The C struct `Job` (state.h)."""

    _fields_ = [
        *((name, ctypes.c_void_p) for name in (
            "images", "labels", "results", "free_counts", "counters", "weights", "accumulators", "slope_up",
            "slope_down", "offset_up", "offset_down", "stuck", "key", "threshold", "numbers",
        )),
        *((name, ctypes.c_int64) for name in ("count", "mode", "stream_key")),
    ]  # fmt: skip


def supports(chip: Chip, pixel: np.dtype) -> Shape | None:
    """What is to be compiled for this network, whose images are of type `pixel`; None where golden's kernels compute:
    when that was asked for, with NUMBA_DISABLE_JIT=1, and where a number may need more than 64 bits."""
    if os.environ.get(CHOICE) == "plain" or numba.config.DISABLE_JIT:
        return None
    try:
        return shape_of(chip, pixel)
    except TooWide:
        return None


def library_for(chip: Chip, pixel: np.dtype) -> ctypes.CDLL | None:
    """The compiled program for this network; None where golden's kernels compute, as without a C compiler."""
    shape = supports(chip, pixel)
    return None if shape is None else load(header(shape))


def present_all(
    images: np.ndarray, labels: np.ndarray, mode: int, key: int, chip: Chip, trace: Trace, free_counts: np.ndarray,
    results: np.ndarray,
) -> int:  # fmt: skip
    """As `golden.phases.present_all`, to the same bits; `trace` has no room for steps. What the last image leaves in
    the state, but for accumulators, is not written: no image sees it."""
    shape = supports(chip, images.dtype)
    library = None if shape is None else load(header(shape))
    if library is None:
        return int(phases.present_all(images, labels, mode, key, chip, trace, free_counts, results))
    if len(images) == 0:
        return key
    devices, given = chip.devices, numbers(chip, shape)
    arrays = {
        "images": images, "labels": labels, "results": results, "free_counts": free_counts, "counters": chip.counters,
        "weights": chip.weights, "accumulators": chip.state.accumulators, "slope_up": devices.slope_up,
        "slope_down": devices.slope_down, "offset_up": devices.offset_up, "offset_down": devices.offset_down,
        "stuck": devices.stuck, "key": devices.key, "threshold": chip.parameters.membrane.threshold,
    }  # fmt: skip
    if not all(array.flags.c_contiguous for array in arrays.values()):
        raise ValueError("the fast engine takes contiguous arrays")
    places = {name: array.ctypes.data for name, array in arrays.items()}
    job = _Job(**places, numbers=ctypes.addressof(given), count=len(images), mode=mode, stream_key=key)
    if library.present_all(ctypes.byref(job)):
        raise MemoryError("the fast engine has no memory")
    return int(job.stream_key)
