"""Numbers and tables as texts, for the terminal and for the pages."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

LAST = 5
"""Epochs at the end of a run over which test accuracy is averaged."""
LAST_MEAN = "mean_last_5_test_accuracy"
"""The key of that mean, which is one of all epochs where there are fewer."""


def epochs_text(epochs: int) -> str:
    """How many epochs."""
    return f"{epochs} epoch{'' if epochs == 1 else 's'}"


def judged_after(epochs: int) -> str:
    """What the accuracy is by which a run of so many epochs is judged: where there are fewer than `LAST`, no mean says
    more than the last one."""
    return f"mean of the last {LAST} epochs" if epochs >= LAST else f"after {epochs_text(epochs)}"


def averaged_over(epochs: int) -> str:
    """What the mean is that stands under `LAST_MEAN`, of a run of so many epochs."""
    return judged_after(epochs) if epochs >= LAST or epochs < 2 else f"mean of all {epochs} epochs"


def csv_text(lines: Iterable[Sequence[object]]) -> str:
    """Lines as CSV."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(lines)
    return buffer.getvalue()


def share(entry: dict[str, Any], deviation: str = "standard_error", unit: str = "") -> str:
    """A mean of shares in percent with what its seeds leave open: 97.43 ± 0.30; without it for a single seed.

    `entry` is what `spread` says of the seeds, `deviation` standard_error or standard_deviation.
    """
    if entry["mean"] is None:
        return "-"
    error = entry[deviation]
    return f"{100 * entry['mean']:.2f}" + ("" if error is None else f" ± {100 * error:.2f}") + unit


def percent(entry: dict[str, Any]) -> str:
    """A mean of shares with its standard error: 97.43 ± 0.30 %."""
    return share(entry, unit=" %")


def points(value: float | None) -> str:
    """A difference in points."""
    return "-" if value is None else f"{value:.2f}".replace("-0.00", "0.00")


def columns(lines: Sequence[Sequence[str]], left: Sequence[int] = ()) -> list[str]:
    """Lines for the terminal with columns below each other: those numbered `left` to the left, others to the right."""
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    return [
        "  " + "  ".join(
            text.ljust(width) if at in left else text.rjust(width)
            for at, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]  # fmt: skip
