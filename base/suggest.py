"""What a misspelt name was meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from eqspike.base.printable import cut

LONGEST = 60
"""Characters of a name that is compared: the comparison takes the square of its length."""


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """ "; did you mean X?" with the nearest of the known names, or nothing where none is near."""
    if not isinstance(name, str):
        return ""
    by_small = {other.lower(): other for other in known}
    near = difflib.get_close_matches(cut(name, LONGEST).lower(), by_small, n=1, cutoff=0.75)
    return f"; did you mean {by_small[near[0]]}?" if near else ""
