"""How the numbers and labels of a data set become those that a network takes: fitted once, and kept with the weights.

Features are numbers that are no pixels: each column is scaled by its lowest and highest value in the training part, and
what lies outside of them later is cut off there. Labels of files are the places of their names among the classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from eqspike.base.printable import cut, shown
from eqspike.golden.classes import LONGEST, MOST
from eqspike.golden.idx import DataError

LARGEST = 1e150
"""Of a feature's magnitude: differences of two are still numbers."""
MOST_NAMED = 50_000
"""Characters of all columns' names; of a table with longer ones only their order is kept."""


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """What a network knows of its data set."""

    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    """Of each feature in the training part; empty where the data set has pixels."""
    columns: tuple[str, ...] = ()
    """Names of the features, where they have some."""
    classes: tuple[str, ...] = ()
    """Names of the classes, in the order of the outputs, where they have some."""

    def __bool__(self) -> bool:
        """Does it say anything?"""
        return bool(self.low or self.classes)

    @property
    def constant(self) -> list[str]:
        """The features that are all the same in the training part: they become 0."""
        names = self.columns or [str(place) for place in range(len(self.low))]
        return [name for name, low, high in zip(names, self.low, self.high, strict=True) if low == high]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, which keeps every bit of the numbers."""
        parts = {"low": self.low, "high": self.high, "columns": self.columns, "classes": self.classes}
        return {name: list(values) for name, values in parts.items() if values}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], inputs: int, outputs: int) -> Encoding:
        """What `to_dict` gave, for a network of so many inputs and outputs. Raises ValueError, which says why not."""
        if not isinstance(data, Mapping) or not set(data) <= {"low", "high", "columns", "classes"}:
            raise ValueError("is no mapping of low, high, columns, classes")
        for name, kind in (("low", float), ("high", float), ("columns", str), ("classes", str)):
            own = data.get(name, [])
            if not isinstance(own, list) or not all(type(value) is kind for value in own):
                raise ValueError(f"{name} is no list of {'numbers' if kind is float else 'names'}")
        parts = {name: tuple(values) for name, values in data.items()}
        found = cls(**parts)
        found._check(inputs, outputs)
        return found

    def _check(self, inputs: int, outputs: int) -> None:
        if len(self.low) != len(self.high) or len(self.low) not in (0, inputs):
            raise ValueError(f"low and high are not of {inputs} features")
        if not all(-LARGEST <= low <= high <= LARGEST for low, high in zip(self.low, self.high, strict=True)):
            raise ValueError("low and high are no bounds")
        if len(self.columns) not in (0, len(self.low)) or len(set(self.columns)) != len(self.columns):
            raise ValueError("columns are not those of the features")
        if len(self.classes) > min(outputs, MOST) or len(set(self.classes)) != len(self.classes):
            raise ValueError("classes are not those of the outputs")
        if not all(name and len(name) <= LONGEST and name.isprintable() for name in self.classes):
            raise ValueError("a class has no name that can be shown")

    def ordered(self, values: np.ndarray, columns: tuple[str, ...], where: str) -> np.ndarray:
        """Features of another table in the order of this one's. Raises `DataError` where a column is missing."""
        if self.columns and columns:
            if missing := [name for name in self.columns if name not in columns]:
                raise DataError(
                    f"{where}: no column {shown(missing[0])}, which the weights were trained on; it has "
                    f"{cut(', '.join(columns), 200)}"
                )
            return values[:, [columns.index(name) for name in self.columns]]
        if self.low and values.shape[1] != len(self.low):
            raise DataError(f"{where}: {values.shape[1]} features, but the weights were trained on {len(self.low)}")
        return values

    def scaled(self, values: np.ndarray, peak: int) -> np.ndarray:
        """Features as integers: a column's low is 0, its high `peak`, to the nearest; a constant column is 0."""
        low, width = np.array(self.low), np.array(self.high) - np.array(self.low)
        part = np.zeros(values.shape)
        with np.errstate(over="ignore"):  # far outside of a narrow column
            np.divide(values - low, width, out=part, where=width > 0)
        return np.floor(np.clip(part, 0, 1) * peak + 0.5).astype(np.int64)


def fitted(values: np.ndarray, columns: tuple[str, ...], classes: tuple[str, ...], where: str) -> Encoding:
    """The encoding of features of which `values`, shape (examples, columns), are the training part. Raises
    `DataError`."""
    if not len(values):
        raise DataError(f"{where}: no example for training, by which its features could be scaled")
    low, high = values.min(axis=0), values.max(axis=0)
    if len(bad := np.flatnonzero(~(np.maximum(abs(low), abs(high)) <= LARGEST))):
        name = shown(columns[bad[0]]) if columns else str(bad[0])
        raise DataError(f"{where}: column {name}: numbers beyond {LARGEST:g} cannot be scaled")
    named = columns if sum(map(len, columns)) <= MOST_NAMED else ()
    return Encoding(low=tuple(low.tolist()), high=tuple(high.tolist()), columns=named, classes=classes)


def constant_text(encoding: Encoding, where: str) -> str | None:
    """One line on the features that tell nothing; None where there is none."""
    if not (names := encoding.constant):
        return None
    few = cut(", ".join(map(shown, names[:5])), 200) + (", ..." if len(names) > 5 else "")
    one = len(names) == 1
    return (
        f"{where}: {'column' if one else f'{len(names)} columns,'} {few}{'' if one else ','} "
        f"{'is' if one else 'are'} constant in the training part and {'becomes' if one else 'become'} 0"
    )
