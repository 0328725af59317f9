"""What a training run tells while it goes on. Light on purpose: commands derive from it what they print."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eqspike.lab.train import Epoch


def silent(*_: object) -> None:
    """Say nothing."""


class Progress:
    """Is told how a training run goes on; this one says nothing."""

    @contextmanager
    def preparing(self, engine: str) -> Iterator[None]:
        """For the time in which the engine of that name is made ready: a simulator may have to be compiled."""
        yield

    def note(self, text: str) -> None:
        """What the user should know of the data set, in one line."""

    def begin(self, epochs: int, done: Sequence[Epoch]) -> None:
        """A run of `epochs` epochs begins, or goes on after those that are `done`."""

    @contextmanager
    def epoch(self, number: int, epochs: int, images: int) -> Iterator[Callable[[int, float], None]]:
        """For the time of epoch `number` (from 1): is called with how many more images were learned, and the share
        predicted right so far."""
        yield silent

    def learned(self, entry: Epoch, epochs: int) -> None:
        """An epoch is done."""

    def lost(self, error: Exception, number: int) -> None:
        """The board is gone; once it is back, epoch `number` begins anew."""

    def waiting(self, left: float | None) -> None:
        """The board may still take so many seconds to come back; None: the waiting is over."""

    def seed(self, seed: int) -> None:
        """The run of the next seed begins, in this process."""

    @contextmanager
    def seeds(self, count: int) -> Iterator[Callable[[], None]]:
        """For the time in which `count` seeds are trained by other processes: is called for each that is done."""
        yield silent


SILENT = Progress()
