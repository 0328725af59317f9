"""Proofs of `rtl/chunks.py`."""

from __future__ import annotations

from amaranth.hdl import Mux

from eqspike.rtl.chunks import chunk_constant
from formal.bench import Bench
from formal.registry import proof


@proof(
    "The entry of the chunk that is served.",
    depth=1,
    bug=("max(1, max(values).bit_length())", "max(1, values[0].bit_length())"),
)
def constants(b: Bench) -> None:
    chunk = b.free(range(5), "chunk")
    b.assume(chunk < 5)
    for values in ([0, 9, 3, 16, 1], [4] * 5):
        wanted = values[-1]
        for index, value in enumerate(values[:-1]):
            wanted = Mux(chunk == index, value, wanted)
        b.prove(chunk_constant(values, chunk) == wanted)
    b.reach(chunk == 4)
