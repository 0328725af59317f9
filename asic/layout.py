"""What a routed DEF file draws: cells in rows, wires on layers. Lengths in um."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple


class Placed(NamedTuple):
    """A cell: its kind, and where its lower left corner is."""

    kind: str
    x: float
    y: float


class Wire(NamedTuple):
    """A straight piece of a wire on a layer of metal."""

    layer: str
    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True)
class Layout:
    """Width and height are those of the die; its lower left corner is 0, 0."""

    width: float
    height: float
    cells: tuple[Placed, ...]
    wires: tuple[Wire, ...]

    @property
    def length(self) -> float:
        """Of all wires."""
        return sum(abs(wire.x1 - wire.x0) + abs(wire.y1 - wire.y0) for wire in self.wires)


POINT = re.compile(r"\(\s*(\S+)\s+(\S+)[^)]*\)")
ROUTED = re.compile(r"(?:\+ ROUTED|NEW)\s+(\S+)((?:\s+\d+)?(?:\s*\([^)]*\))+)")


def read_layout(text: str) -> Layout:
    """Read a DEF file. Raises `ValueError` where it has no die, no cells or no wires."""
    unit = re.search(r"^UNITS DISTANCE MICRONS (\d+)", text, re.MULTILINE)
    die = re.search(r"^DIEAREA \( (\S+) (\S+) \) \( (\S+) (\S+) \)", text, re.MULTILINE)
    if unit is None or die is None:
        raise ValueError("no UNITS or no DIEAREA")
    scale = 1 / int(unit[1])
    x0, y0, x1, y1 = (float(value) * scale for value in die.groups())
    cells = tuple(
        Placed(kind, float(x) * scale - x0, float(y) * scale - y0)
        for kind, x, y in re.findall(r"^- \S+ (\S+) .*?\+ PLACED \( (\S+) (\S+) \)", text, re.MULTILINE)
        if kind != "+"
    )
    wires = tuple(
        Wire(w.layer, w.x0 * scale - x0, w.y0 * scale - y0, w.x1 * scale - x0, w.y1 * scale - y0)
        for w in _wires(text.partition("\nNETS ")[2])
    )
    if not cells or not wires:
        raise ValueError(f"{len(cells)} cells and {len(wires)} wires")
    return Layout(x1 - x0, y1 - y0, cells, wires)


def _wires(text: str) -> Iterator[Wire]:
    """Pieces, in the file's units; a star stands for the value before it."""
    for layer, path in ROUTED.findall(text):
        before: tuple[float, float] | None = None
        for x, y in POINT.findall(path):
            if before is None:
                before = (float(x), float(y))
                continue
            point = (before[0] if x == "*" else float(x), before[1] if y == "*" else float(y))
            yield Wire(layer, *before, *point)
            before = point


def cell_sizes(lef: str) -> dict[str, tuple[float, float]]:
    """Width and height of each cell of a LEF file."""
    found = re.findall(r"^MACRO (\S+).*?^\s*SIZE\s+(\S+)\s+BY\s+(\S+)", lef, re.MULTILINE | re.DOTALL)
    return {name: (float(width), float(height)) for name, width, height in found}


__all__ = ["Layout", "Placed", "Wire", "cell_sizes", "read_layout"]
