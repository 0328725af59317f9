"""Where a design is built: a scratch folder in which the tools of a board's family run, each failure in one line."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from eqspike.base.errors import CommandError
from eqspike.fpga.boards import Board

POLL = 0.5
"""Seconds between looks at a running tool."""


class BuildFailed(CommandError):
    """A design that does not fit, is too slow, or that a tool refuses."""


class Stuck(BuildFailed):
    """A tool that would go on for ever."""


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """A board, its tools, and the folder in which they work."""

    board: Board
    """With the clock that the config asks for."""
    environment: dict[str, str]
    """Path of each tool by its variable (base.tools.amaranth_environment)."""
    folder: Path
    """Scratch: what the tools read and write."""
    out: Path
    """Where results go, and the log of a tool that failed."""
    say: Callable[[str], None]
    """Is told of each stage, in a few words."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Once it is set, tools that run are ended."""

    @property
    def netlist(self) -> str:
        """The file that Yosys writes by the scripts of the family's platform."""
        return "top.syn.json" if self.board.family == "gowin" else "top.json"

    def run(self, arguments: Sequence[str], log: str | None, stuck: Callable[[], str | None] = lambda: None) -> None:
        """Run a tool in the folder; when it fails, keep its log and raise `BuildFailed` with its first error.

        `stuck` is asked every now and then whether it will never end; what it says is the error, `Stuck`.
        """
        name = Path(arguments[0]).name
        try:
            tool = subprocess.Popen(
                arguments, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                text=True,
            )  # fmt: skip
        except OSError as error:
            raise BuildFailed(f"{arguments[0]}: {error.strerror}") from None
        with tool:
            try:
                said = self._wait(tool, name, stuck)
            except BaseException:
                tool.kill()
                raise
        if tool.returncode == 0:
            return
        if log is not None and (self.folder / log).exists():
            said = (self.folder / log).read_text(errors="replace") + said
        kept = self.out / f"{name}.log"
        kept.write_text(said, encoding="utf-8")
        errors = [line for line in said.splitlines() if line.startswith("ERROR")]
        raise BuildFailed(f"{name}: {errors[0] if errors else 'failed'} (see {kept})")

    def _wait(self, tool: subprocess.Popen[str], name: str, stuck: Callable[[], str | None]) -> str:
        """All that the tool says, once it has ended."""
        while True:
            try:
                return tool.communicate(timeout=POLL)[0]
            except subprocess.TimeoutExpired:
                if self.stop.is_set():
                    raise BuildFailed(f"{name}: stopped") from None
                if why := stuck():
                    raise Stuck(f"{name}: {why}") from None
