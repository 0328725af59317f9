"""How many block RAMs the crossbar's memories take on a board, before anything is synthesised."""

from __future__ import annotations

import numpy as np

from fpga.boards import BOARDS, Board
from golden.config import Config, hardware_for
from golden.number import bits_for_signed
from rtl.core import Core

SHAPES = {
    "ice40": ((256, 16), (512, 8), (1024, 4), (2048, 2)),
    "ecp5": ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1)),
}
"""Family -> what one block RAM may be: (words, bits)."""


def blocks(family: str, words: int, bits: int) -> int:
    """Block RAMs for a memory of `words` times `bits`."""
    return min(-(-words // deep) * -(-bits // wide) for deep, wide in SHAPES[family])


def crossbar_memories(config: Config, board: Board) -> dict[str, tuple[int, int]]:
    """Name -> (words, bits) of the memories of the crossbar: weights, and what measured devices add, which is one word
    for each word of weights."""
    core = Core(config, hardware_for(config, board.name))
    lanes, words = core.layout.lanes, core.layout.words
    memories = {"weights": (words, lanes * core.crossbar.weight_bits)}
    devices = core.crossbar.devices
    if devices is not None and devices.measured:
        fields = ("slope_up", "slope_down", "offset_up", "offset_down")
        words_of = {name: np.zeros((words, lanes), np.int64) for name in (*fields, "stuck")}
        for layer, row, column, word, lane in core.layout.places():
            for name, values in words_of.items():
                values[word, lane] = getattr(devices.measured[layer], name)[row, column]
        offsets = np.stack([words_of["offset_up"], words_of["offset_down"]])
        wide = (1 << bits_for_signed(int(min(offsets.min(), 0)), int(max(offsets.max(), 0)))) - 1
        # Yosys leaves out the bits that are the same in all words.
        bits = {
            name: sum(
                int(b).bit_count()
                for b in np.bitwise_or.reduce(values ^ values[:1]) & (wide if name.startswith("offset") else -1)
            )
            for name, values in words_of.items()
        }
        memories |= {"measured": (words, sum(bits[n] for n in fields)), "measured_stuck": (words, bits["stuck"])}
    return memories


def measured_devices_problem(config: Config, board: Board) -> str | None:
    """Why measured devices cannot be on the board, in one line; None where they can."""
    need = {name: blocks(board.family, *size) for name, size in crossbar_memories(config, board).items()}
    weights, total = need.pop("weights"), board.totals["bram"]
    if weights + sum(need.values()) <= total:
        return None
    others = [
        other.name
        for other in BOARDS.values()
        if sum(blocks(other.family, *size) for size in crossbar_memories(config, other).values())
        <= other.totals["bram"]
    ]
    return (
        f"measured devices need {sum(need.values())} block RAMs of {board.name} beside {weights} of the weights, and "
        f"it has {total}; enough is there on: {', '.join(others) or 'no board'}"
    )


__all__ = ["blocks", "crossbar_memories", "measured_devices_problem"]
