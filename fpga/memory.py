"""How many block RAMs a network's memories take on a board, before anything is synthesised."""

from __future__ import annotations

import numpy as np

from eqspike.fpga.boards import BOARDS, Board
from eqspike.fpga.settings import settings_for, settings_key
from eqspike.golden.config import Config
from eqspike.golden.number import bits_for_signed
from eqspike.rtl.core import Core

SHAPES = {
    "ice40": ((256, 16), (512, 8), (1024, 4), (2048, 2)),
    "ecp5": ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1)),
    "gowin": ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1)),
}
"""Family -> what one block RAM may be: (words, bits)."""


BITS = {"ice40": 4096, "ecp5": 18432, "gowin": 18432}
"""Bits of one block RAM."""
DEEP = 256
"""Yosys makes longer memories of an ECP5's or a Gowin's block RAMs; of lookup tables it may make those of fewer words.
An iCE40 has nothing but block RAMs."""


def blocks(family: str, words: int, bits: int) -> int:
    """Block RAMs for a memory of `words` times `bits`."""
    return min(-(-words // deep) * -(-bits // wide) for deep, wide in SHAPES[family])


def crossbar_memories(config: Config, board: Board) -> dict[str, tuple[int, int]]:
    """Name -> (words, bits) of the memories of the crossbar: weights, and what measured devices add, which is one word
    for each word of weights."""
    core = Core(config, settings_for(config, board.name))
    lanes, words = core.layout.lanes, core.layout.words
    memories = {"weights": (words, lanes * core.crossbar.cell_bits)}
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


def certain_memories(core: Core, family: str) -> dict[str, tuple[int, int]]:
    """Name -> (words, bits) of those memories of the core that are made of block RAMs in any case."""
    layout, bits = core.layout, core.lanes * core.crossbar.cell_bits
    found = {f"weights {bank}": (words, bits) for bank, words in enumerate(layout.bank_words)}
    if family != "ice40":
        return {name: size for name, size in found.items() if size[0] > DEEP}
    chunks = max(2, len(layout.chunks))
    found["neurons"] = (chunks, core.state_layout.size)
    if core.image_end:
        found["spikes of inputs"] = (max(2, layout.layers[0]), core.numbers.spike_count.bits)
    found["spikes of the past"] = (chunks << core.chunk_state.depth_bits, core.lanes)
    return found


def memory_problem(config: Config, board: Board) -> str | None:
    """Why a network cannot be on the board, in one line: what its memories need, and what is there; None where they may
    fit. Cheap: the core is described, not made."""

    def needs(other: Board) -> tuple[int, int, int]:
        core = Core(config, settings_for(config, other.name))
        memories = certain_memories(core, other.family).values()
        return (
            sum(words * bits for words, bits in memories),
            sum(blocks(other.family, *m) for m in memories),
            core.lanes,
        )

    bits, least, lanes = needs(board)
    total = board.totals["bram"]
    if least <= total:
        return None
    enough = [other.name for other in BOARDS.values() if needs(other)[1] <= other.totals["bram"]]
    return (
        f"{config.name} does not fit {board.name}: on {lanes} lanes its memories need at least {bits:,} bits, in "
        f"{least:,} block RAMs; it has {total} block RAMs with {total * BITS[board.family]:,} bits. Other lanes need "
        f"others ({settings_key(config, board.name)}.lanes); with their own settings enough is there on: "
        f"{', '.join(enough) or 'no board'}"
    )


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


__all__ = ["blocks", "certain_memories", "crossbar_memories", "measured_devices_problem", "memory_problem"]
