"""Bitstreams onto boards, with the program that each board takes."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from eqspike.base.errors import CommandError
from eqspike.fpga.boards import Board

WAYS = {
    "openFPGALoader": "apt-get install openfpgaloader",
    "icesprog": "it is in github.com/wuxx/icesugar, folder tools; or copy {file} to the USB drive iCELink",
}
"""Program -> what to do where it is not there."""


def load_bitstream(board: Board, file: Path) -> None:
    """Load the bitstream onto the board that is plugged in. Raises `CommandError`."""
    program, *options = board.loader
    tool = shutil.which(program)
    if tool is None:
        raise CommandError(f"{program} not found: {WAYS[program].format(file=file)}")
    done = subprocess.run([tool, *options, str(file)], stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise CommandError(f"{program} failed with status {done.returncode}")
