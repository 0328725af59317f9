"""Values and texts from outside, made fit for one line on a terminal."""

from __future__ import annotations

import reprlib

_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother = 3, 80, 80
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxdict = _SHORT.maxset = 12
LONGEST_NUMBER = 2**64
"""Whole numbers beyond it are not printed: nothing here needs them, and Python refuses to print the longest."""


def shown(value: object) -> str:
    """A value as a message shows it: like `repr`, but cut where it is long, and on one line."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > LONGEST_NUMBER:
        return f"a whole number of {value.bit_length()} bits"
    return _SHORT.repr(value)


def printable(text: str) -> str:
    """The text with what a terminal would obey, or could not show, as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def cut(text: str, most: int = 300) -> str:
    """The text, its end left out where it is longer."""
    return text if len(text) <= most else f"{text[: most - 3]}..."
