"""Which of a config's hardware settings hold for a board."""

from __future__ import annotations

from eqspike.base.errors import UsageProblem
from eqspike.base.suggest import did_you_mean
from eqspike.fpga.boards import BOARDS
from eqspike.golden.config import Config, hardware_for
from eqspike.golden.sections import HardwareConfig


def entry_for(config: Config, board: str) -> str | None:
    """The entry of the config's `boards` that holds for the board: its own, else that of the board that it is like;
    None where neither is there, and `hardware` holds."""
    like = BOARDS[board].like if board in BOARDS else None
    return next((name for name in (board, like) if name in config.boards), None)


def settings_for(config: Config, board: str | None) -> HardwareConfig:
    """The config's hardware settings for the board; without a board, `hardware`."""
    return hardware_for(config, entry_for(config, board) if board else None)


def settings_key(config: Config, board: str) -> str:
    """Where in the config they stand, e.g. boards.icebreaker."""
    entry = entry_for(config, board)
    return f"boards.{entry}" if entry else "hardware"


def require_entry(config: Config, board: str, key: str) -> None:
    """Raise `UsageProblem`, in the name of `key`, where no entry of the config's `boards` holds for the board."""
    if entry_for(config, board) is None:
        names = [*config.boards, *(name for name, b in BOARDS.items() if b.like in config.boards)]
        allowed = ", ".join(dict.fromkeys(names))
        raise UsageProblem(f"{key}: {config.name} has no such board; allowed: {allowed}{did_you_mean(board, names)}")


__all__ = ["entry_for", "require_entry", "settings_for", "settings_key"]
