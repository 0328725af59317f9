"""Words of the generator, and how far they go together."""

from __future__ import annotations

import numpy as np

from eqspike.golden.draw import image_word, xorshift32


def words(count: int, seed: int = 3) -> list[int]:
    """The generator's words of so many steps."""
    word, out = image_word(seed), []
    for _ in range(count):
        word = xorshift32(word)
        out.append(int(word))
    return out


def greatest_correlation(samples: np.ndarray) -> float:
    """The greatest |correlation| of two columns of `samples` (shape (draws, things))."""
    found = np.corrcoef(samples.T.astype(float))
    np.fill_diagonal(found, 0)
    return float(np.abs(found).max())
