"""IDX files for the tests that read them."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import numpy as np
import pytest


@pytest.fixture
def idx_bytes() -> Callable[..., bytes]:
    """`idx_bytes(array, packed=False)`: an array as an IDX file of unsigned bytes, or as its .gz."""

    def write(array: np.ndarray, packed: bool = False) -> bytes:
        header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
        raw = header + array.astype(np.uint8).tobytes()
        return gzip.compress(raw) if packed else raw

    return write
