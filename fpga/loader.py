"""Bitstreams onto boards, with openFPGALoader."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from eqspike.base.errors import CommandError
from eqspike.fpga.boards import Board


def load_bitstream(board: Board, file: Path) -> None:
    """Load the bitstream onto the board that is plugged in. Raises `CommandError`."""
    tool = shutil.which("openFPGALoader")
    if tool is None:
        raise CommandError("openFPGALoader not found: apt-get install openfpgaloader")
    done = subprocess.run([tool, "-b", board.loader, str(file)], stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise CommandError(f"openFPGALoader failed with status {done.returncode}")
