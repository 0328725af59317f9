"""The link to a board, tested with echoes."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from eqspike.fpga.host import Board


@dataclass(frozen=True)
class Echoes:
    """What came of sending random bytes to a board."""

    count: int
    wrong: int
    """Answers that were not what was sent."""
    seconds: float
    repeated: int
    """Requests that were sent again."""
    timeouts: int


def send_echoes(board: Board, count: int) -> Echoes:
    """Send `count` requests of random bytes, of every length that an answer holds, and compare."""
    sent = [secrets.token_bytes(secrets.randbelow(board.sizes.reply + 1)) for _ in range(count)]
    began = time.perf_counter()
    answers = board.line.stream([("echo", payload) for payload in sent])
    wrong = sum(reply != payload for reply, payload in zip(answers, sent, strict=True))
    seconds = time.perf_counter() - began
    statistics = board.line.statistics
    return Echoes(count, wrong, seconds, statistics.repeated, statistics.timeouts)
