"""The data set `drawings`: handwritten digits as the pad of a page gives them (`golden.pad`), to 8 x 8 sixteenths.

The last fifth of every class of each collection is held out; in the files' order, so that no seed makes one of them a
training image.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from eqspike.golden.pad import reduced

HELD_OUT = 5
"""One image of so many of each class."""


class Part(NamedTuple):
    """Images 0..FULL, shape (images, CELLS * CELLS), and labels."""

    images: np.ndarray
    labels: np.ndarray


def from_pictures(images: np.ndarray, labels: np.ndarray) -> Part:
    """Square pictures of ink 0..255, shape (images, pixels), each put through the pad's function."""
    side = int(np.sqrt(images.shape[1]))
    return Part(np.stack([reduced(image.reshape(side, side)) for image in images]).astype(np.uint8), labels)


def held_out(part: Part) -> tuple[Part, Part]:
    """(kept, held out)."""
    out = np.zeros(len(part.labels), bool)
    for label in np.unique(part.labels):
        members = np.flatnonzero(part.labels == label)
        out[members[len(members) - len(members) // HELD_OUT :]] = True
    return Part(*(array[~out] for array in part)), Part(*(array[out] for array in part))


def together(first: Part, second: Part) -> Part:
    """One behind the other."""
    return Part(*(np.concatenate(arrays) for arrays in zip(first, second, strict=True)))
