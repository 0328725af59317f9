"""The flow's external tools: where they are, and how they run in a scratch folder."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eqspike.base import tools as base
from eqspike.base.errors import CommandError

POLL = 0.5


class FlowFailed(CommandError):
    """A step of the flow that a tool refuses; one line."""


@dataclass(frozen=True, kw_only=True)
class Tools:
    """A folder to work in, and one for the log of a tool that failed."""

    folder: Path
    out: Path

    def yosys(self, script: str, name: str) -> None:
        """Run Yosys on a script."""
        (self.folder / f"{name}.ys").write_text(script, encoding="utf-8")
        self.run([str(base.yosys()), "-q", "-l", f"{name}.log", f"{name}.ys"], name)

    def run(self, arguments: Sequence[str], name: str, **environment: str) -> str:
        """What a tool says. Raises `FlowFailed` with its first error, and keeps its log, when it fails."""
        with base.environment(**environment):
            done = subprocess.run(
                list(arguments), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, errors="replace",
            )  # fmt: skip
        if done.returncode:
            raise self.failed(name, done.stdout)
        return done.stdout

    def failed(self, name: str, said: str, what: str = "failed") -> FlowFailed:
        """The error for what a tool said; its log is kept."""
        kept = self.out / f"{name}.log"
        kept.write_text(said, encoding="utf-8")
        errors = [line for line in said.splitlines() if line.lstrip().upper().startswith("ERROR")]
        return FlowFailed(f"asic: {name}: {errors[0] if errors else what} (see {kept})")


__all__ = ["FlowFailed", "Tools"]
