"""Constants that depend on the chunk being served."""

from __future__ import annotations

from amaranth.hdl import Array, Const, Value


def chunk_constant(values: list[int], chunk: Value) -> Value:
    """Entry `chunk` of `values` (unsigned, one for each chunk); a constant where all entries are the same."""
    if len(set(values)) == 1:
        return Const(values[0])
    return Array(Const(v, max(1, max(values).bit_length())) for v in values)[chunk]


__all__ = ["chunk_constant"]
