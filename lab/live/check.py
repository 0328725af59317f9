"""A chip's check of itself: the first training images, learned by it and by the golden model."""

from __future__ import annotations

from typing import Any

import numpy as np

from eqspike.golden.config import Config
from eqspike.golden.modes import LEARN
from eqspike.golden.network import Network
from eqspike.lab.live.chip import Chip
from eqspike.lab.live.images import Images
from eqspike.lab.page.material import check_images

TOLD = 5
"""Images from one message to the next."""

Said = dict[str, Any]


class Check:
    """A piece at a time; one in which the chip was lost may be asked for again. At the end the chip holds what it held.

    Golden learns all images at once, on its fast engine, so a chip that is the golden model's kernels is checked
    against other code too.
    """

    def __init__(self, config: Config, chip: Chip, images: Images) -> None:
        self.chip, self.images = chip, images
        self.held = chip.contents(), chip.key
        self.golden = Network(config)
        self.begin = self.golden.initial_weights(), self.golden.key
        self.order, self.moves = images.epoch(0)
        self.of = min(chip.check_images or check_images(config), len(self.order))
        self.done = 0
        self.pieces = iter((self._begin, *(self._learn,) * self.of, self._compare, self._restore))
        self.piece = next(self.pieces)

    def more(self) -> Said | None:
        """One more piece: fields of the message `check`, None where there is nothing new to say."""
        said = self.piece()
        self.piece = next(self.pieces, None)
        return said

    def _begin(self) -> None:
        self.chip.load(*self.begin)

    def _learn(self) -> Said | None:
        image, label = self.images.train(self.order[self.done], self.moves)
        self.chip.present(image, label, LEARN, 0, None)
        self.done += 1
        return self._said("running") if self.done % TOLD == 0 else None

    def _compare(self) -> None:
        chosen = [self.images.train(place, self.moves) for place in self.order[: self.of]]
        self.golden.load_weights(self.begin[0])
        self.golden.key = self.begin[1]
        if chosen:
            self.golden.learn(np.stack([image for image, _ in chosen]), np.array([label for _, label in chosen]))
        found = self.chip.read()
        self.same = self.chip.key == self.golden.key and all(
            np.array_equal(a, b) for a, b in zip(found, self.golden.contents, strict=True)
        )

    def _restore(self) -> Said:
        self.chip.load(*self.held)
        count = sum(layer.size for layer in self.golden.weights)
        what = f"{self.of} images learned, {count} weights and the key of the random draws"
        text = f"{what} are {'' if self.same else 'not '}those of the golden model"
        return self._said("passed" if self.same else "failed", text)

    def _said(self, state: str, text: str = "") -> Said:
        return {"state": state, "done": self.done, "of": self.of, "text": text}


__all__ = ["Check"]
