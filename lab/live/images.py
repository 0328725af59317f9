"""The images of a live page: the training part in the order in which `eqspike train` learns it, and the test part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eqspike.golden.config import Config
from eqspike.golden.data import Split, epoch_moves, epoch_order, load_parts, move
from eqspike.golden.features import Encoding


@dataclass(frozen=True)
class Images:
    """A split, and names of its classes, one an output."""

    config: Config
    split: Split
    classes: tuple[str, ...]

    def epoch(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """(places in the training part, how far each image there is moved) of an epoch."""
        count = len(self.split.train_labels)
        return epoch_order(self.config, number, count), epoch_moves(self.config, number, count)

    def train(self, place: int, moves: np.ndarray) -> tuple[np.ndarray, int]:
        """A training image, moved, and its label."""
        image = move(self.split.train_images[place : place + 1], moves[place : place + 1])[0]
        return image, int(self.split.train_labels[place])


def load_images(config: Config, limit: int | None = None, encoding: Encoding | None = None) -> Images:
    """The config's images, of the training part the first `limit`. Raises `DataError`."""
    parts = load_parts(config, limit, encoding)
    names = parts.encoding.classes or tuple(str(k) for k in range(config.network.layers[-1]))
    return Images(config, parts.split, tuple(map(str, names)))


__all__ = ["Images", "load_images"]
