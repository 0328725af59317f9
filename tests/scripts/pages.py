"""Commands of a page of docs/, as a reader would give them, with few epochs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


class Page:
    """A page's blocks of text between fences, by their kind, and its commands in order."""

    def __init__(self, name: str) -> None:
        self.text = (DOCS / name).read_text(encoding="utf-8")
        self.blocks = re.findall(r"^```(\w*)\n(.*?)^```$", self.text, re.MULTILINE | re.DOTALL)
        self.commands = [line for _, text in self.blocks for line in text.splitlines() if line.startswith("eqspike ")]

    def block_of(self, kind: str) -> str:
        """The first block of that kind."""
        return next(text for own, text in self.blocks if own == kind)


def quickly(command: str, epochs: int = 2) -> list[str]:
    """The words of a command after `eqspike`; of trainings with few epochs and seeds."""
    _, *words = shlex.split(command)
    if "--seeds" in words:
        words[words.index("--seeds") + 1] = "2"
    return words + (["--epochs", str(epochs), "--force"] if words[0] in ("train", "baseline") else [])
