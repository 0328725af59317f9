"""What comes with the package, for lists: presets, and the boards that they are set up for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from eqspike.base.places import package_folder
from eqspike.fpga.boards import BOARDS
from eqspike.fpga.settings import entry_for
from eqspike.golden.config import Config
from eqspike.golden.configfile import load_config


@dataclass(frozen=True)
class Preset:
    """A preset, and what its file says of it."""

    name: str
    config: Config
    says: str
    """First sentence of the comment that its file begins with."""


def read_presets() -> list[Preset]:
    """All presets, by name."""
    return [
        Preset(path.stem, load_config(path), _first_sentence(path.read_text(encoding="utf-8")))
        for path in sorted(package_folder("configs").glob("*.yaml"))
    ]


def _first_sentence(text: str) -> str:
    """Of the comment at the top, without what stands in brackets; a colon ends it too, for what follows is detail."""
    words = " ".join(line.lstrip("# ") for line in re.match(r"(?:#.*\n)*", text)[0].splitlines())
    return re.split(r"[.:;](?: |$)", re.sub(r"\s*\([^)]*\)", "", words))[0]


@dataclass(frozen=True)
class BoardLine:
    """A board, what it has, and which presets say how they are built for it."""

    name: str
    title: str
    totals: dict[str, int]
    clock: float
    presets: list[str]


def read_boards() -> list[BoardLine]:
    """All boards, in the order of the table of boards."""
    presets = read_presets()

    def set_up_for(board: str) -> list[str]:
        return [preset.name for preset in presets if entry_for(preset.config, board)]

    return [BoardLine(b.name, b.title, b.totals, b.clock, set_up_for(b.name)) for b in BOARDS.values()]
