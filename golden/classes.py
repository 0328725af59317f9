"""Labels as they stand in files, names or whole numbers, as the numbers of outputs."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from eqspike.base.printable import cut, shown
from eqspike.golden.idx import DataError
from eqspike.golden.validation import decimal

WHOLE = re.compile(r"[-+]?[0-9]{1,18}(?:\.0*)?")
"""A label that is a whole number; tables of real numbers write 1.0."""
LONGEST = 100
"""Characters of a class's name."""
MOST = 4096
"""Classes: a layer has no more neurons."""


def numbered(labels: Sequence[str] | np.ndarray, where: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """(the number of each label's class, the classes' names): names are sorted, whole numbers rise, so that those that
    are 0 to n - 1 already stay as they are. `where` names the labels, in messages. Raises `DataError`."""
    texts = [str(label).strip() for label in np.asarray(labels).tolist()]
    if all(WHOLE.fullmatch(text) for text in texts):
        values = np.array([int(text.partition(".")[0]) for text in texts], np.int64)
        found, numbers = np.unique(values, return_inverse=True)
        names = tuple(map(str, found.tolist()))
    else:
        for number, text in enumerate(texts, 1):
            _check_name(text, number, where)
        names = tuple(sorted(set(texts)))
        places = {name: place for place, name in enumerate(names)}
        numbers = np.array([places[text] for text in texts], np.int64)
    if len(names) > MOST:
        raise DataError(f"{where}: {len(names):,} different labels; at most {MOST:,} classes")
    return numbers.astype(np.int64), names


def _check_name(text: str, number: int, where: str) -> None:
    """Raise `DataError` for what is no name of a class; `number` counts the examples from 1."""
    if not text:
        raise DataError(f"{where}: example {number} has no label")
    if len(text) > LONGEST or not text.isprintable():
        raise DataError(f"{where}: example {number}: {shown(text)} is no name of a class: up to {LONGEST} characters")
    try:
        value = decimal(text)
    except ValueError:
        return
    if value != int(value):
        raise DataError(
            f"{where}: example {number}: {shown(text)} is no class; labels are names or whole numbers (is this the "
            "column of labels? dataset.label names it)"
        )


def renumbered(labels: np.ndarray, names: Sequence[str], known: Sequence[str], where: str) -> np.ndarray:
    """Labels that were numbered by `names`, numbered by the classes that a network knows. Raises `DataError`."""
    if unknown := [name for name in names if name not in known]:
        raise DataError(
            f"{where}: label {shown(unknown[0])} is none of the classes that the weights were trained on: "
            f"{cut(', '.join(known), 200)}"
        )
    return np.array([known.index(name) for name in names], np.int64)[labels]
