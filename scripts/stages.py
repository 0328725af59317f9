"""Long stages on the terminal: what is being done, and for how long it has been done."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

MINUTE = 60.0
"""Seconds between two lines of a long stage where there is no terminal."""
SHORT = 2.0
"""A stage that took less is not worth a line of its time where there is no terminal."""


def shown(seconds: float) -> str:
    """Minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


@contextmanager
def stages(what: str, patience: float = 0.0) -> Iterator[Callable[[str], None]]:
    """A function to be told the name of each stage of `what` as it begins.

    Standard error gets it. On a terminal the stage's time counts on in its line; elsewhere there is a line when a stage
    begins, one a minute while it lasts, and one with its time when it ends. A stage that is over within `patience`
    seconds is not spoken of.
    """
    teller = _Teller(what, patience)
    try:
        yield teller.begin
    finally:
        teller.end()


class _Teller:
    def __init__(self, what: str, patience: float) -> None:
        self.what, self.patience, self.terminal = what, patience, sys.stderr.isatty()
        self.stop: threading.Event | None = None

    def begin(self, stage: str) -> None:
        """End the stage before, and count this one's time."""
        self.end()
        self.stage, self.began, self.stop = f"{self.what}: {stage}", time.monotonic(), threading.Event()
        self.spoken = False
        if not self.patience:
            self._speak()
        self.thread = threading.Thread(target=self._count, args=(self.stop,), daemon=True)
        self.thread.start()

    def _speak(self) -> None:
        self.spoken = True
        click.echo(self.stage, nl=not self.terminal, err=True)

    def _count(self, stop: threading.Event) -> None:
        if not self.spoken:
            if stop.wait(self.patience):
                return
            self._speak()
        while not stop.wait(1.0 if self.terminal else MINUTE):
            self._tell("" if self.terminal else " so far", end=not self.terminal)

    def _tell(self, tail: str, end: bool) -> None:
        start = f"\r{self.stage} " if self.terminal else f"{self.stage}: "
        click.echo(f"{start}{shown(time.monotonic() - self.began)}{tail}", nl=end, err=True)

    def end(self) -> None:
        """The stage is over, or broken off."""
        if self.stop is None:
            return
        self.stop.set()
        self.thread.join()
        self.stop = None
        if self.spoken and (self.terminal or time.monotonic() - self.began >= SHORT):
            self._tell("", end=True)
