"""What a misspelt name was meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from eqspike.base.printable import cut

LONGEST = 60
"""Characters of a name that is compared: the comparison takes the square of its length."""

BEGINNING = 3
"""Characters from which on a beginning says which name is meant."""


def nearest(name: object, known: Iterable[str]) -> str | None:
    """The known name that is nearest, or the only one that begins so; None where none is near. Case makes no
    difference, nor _ in place of -."""
    if not isinstance(name, str):
        return None
    plain, word = {_plain(other): other for other in known}, _plain(cut(name, LONGEST))
    longer = [other for other in plain if other.startswith(word)] if len(word) >= BEGINNING else []
    near = longer if len(longer) == 1 else difflib.get_close_matches(word, plain, n=1, cutoff=0.75)
    return plain[near[0]] if near else None


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """The end of a message, "; did you mean X?", with the nearest of the known names; nothing where none is near."""
    near = nearest(name, known)
    return f"; did you mean {near}?" if near else ""
