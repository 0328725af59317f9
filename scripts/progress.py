"""Progress of training on the terminal: a bar for each epoch, and a line when it is done."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from tqdm import tqdm

from eqspike.lab.progress import Progress
from eqspike.scripts.stages import stages

if TYPE_CHECKING:
    from eqspike.lab.seeds import Spread
    from eqspike.lab.train import Epoch


def percent(value: float | None) -> str:
    """A share as a percentage of fixed width."""
    return "      -" if value is None else f"{100 * value:7.2f}"


def print_mean(title: str, values: Spread, with_deviation: bool = False) -> None:
    """A mean over seeds, in per cent; nothing where there is none."""
    if values.mean is None:
        return
    tail = ""
    if values.standard_error is not None:
        deviation = f"; standard deviation {100 * values.standard_deviation:.2f}" if with_deviation else ""
        tail = f" +- {100 * values.standard_error:.2f} (standard error{deviation})"
    click.echo(f"{title}: {100 * values.mean:.2f} %{tail}, {values.count} seeds")


@contextmanager
def image_bar(title: str, images: int) -> Iterator[Callable[[int, float], None]]:
    """A bar over images, which is told how many more were learned and the share predicted right so far."""
    with tqdm(total=images, unit="img", leave=False, disable=None, dynamic_ncols=True, desc=title) as bar:

        def advance(more: int, right: float) -> None:
            bar.update(more)
            bar.set_postfix_str(f"train {100 * right:.2f} %")

        yield advance


def _line(entry: Epoch, epochs: int) -> str:
    """An epoch, under the table's head."""
    speed = entry.images_per_second
    return (
        f"{entry.epoch:>3}/{epochs:<3}   {percent(entry.train_accuracy)}  {percent(entry.test_accuracy)}"
        f"         {percent(entry.first_spike_test_accuracy)}    {percent(entry.nudged_fraction)}"
        f"   {'-' if speed is None else format(speed, '.4g'):>8}"
    )


class Printed(Progress):
    """Prints how a training run goes on; `validation` says that it is scored on a validation part."""

    def __init__(self, validation: bool = False) -> None:
        self.scored = "valid. %" if validation else "  test %"

    @contextmanager
    def preparing(self, engine: str) -> Iterator[None]:
        """Say what is made ready, and for how long, where that takes its time."""
        if engine.startswith("golden"):
            yield
            return
        with stages("train", patience=1.0) as say:
            say(f"preparing the engine {engine}")
            yield

    def note(self, text: str) -> None:
        """Print it."""
        click.echo(f"note: {text}")

    def begin(self, epochs: int, done: Sequence[Epoch]) -> None:
        """Print the table's head, and the epochs that were done before."""
        click.echo(f"  epoch   train % {self.scored}   first spike %   nudged %   images/s")
        for entry in done:
            click.echo(f"{_line(entry, epochs)}   before")
        if done and len(done) < epochs:
            click.echo(f"  resumed after epoch {len(done)}")

    @contextmanager
    def epoch(self, number: int, epochs: int, images: int) -> Iterator[Callable[[int, float], None]]:
        """A bar over the epoch's images."""
        with image_bar(f"epoch {number}/{epochs}", images) as advance:
            yield advance

    def learned(self, entry: Epoch, epochs: int) -> None:
        """Print the epoch's line."""
        click.echo(_line(entry, epochs))

    def lost(self, error: Exception, number: int) -> None:
        """Say that the board is waited for."""
        click.echo(f"{error}; waiting for the board, then epoch {number} begins anew", err=True)
        self.told = math.inf

    def waiting(self, left: float | None) -> None:
        """Count down: each second on a terminal, in place, else a line every ten seconds."""
        terminal = sys.stderr.isatty()
        if left is None:
            click.echo("\r\x1b[K" if terminal else "", nl=False, err=True)
        elif self.told - left >= (1 if terminal else 10):
            self.told = left
            text = f"waiting for the board: {left:.0f} s left"
            click.echo(f"\r{text}\x1b[K" if terminal else text, nl=not terminal, err=True)

    def seed(self, seed: int) -> None:
        """Print the seed."""
        click.echo(f"seed {seed}")

    @contextmanager
    def seeds(self, count: int) -> Iterator[Callable[[], None]]:
        """A bar over the seeds."""
        with tqdm(total=count, unit="seed", disable=None, dynamic_ncols=True) as bar:
            yield lambda: bar.update()
