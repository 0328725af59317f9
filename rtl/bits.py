"""Between values and the bits of a port, stream or memory, by its layout: the one place where a layout is packed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from amaranth.hdl import Shape
from amaranth.lib import data

from eqspike.golden.config import Config
from eqspike.rtl.streams import result_layout


class Codec:
    """Between the bits of a shape and integers, lists (arrays) or dicts (structs)."""

    def __init__(self, shape: object) -> None:
        self.width = Shape.cast(shape).width
        self.mask = (1 << self.width) - 1
        self.sign = 1 << (self.width - 1) if Shape.cast(shape).signed and self.width else 0
        self.parts: list[tuple[str | int, int, Codec]] | None = None
        """(key, offset, codec) of the parts of an array or struct."""
        self.array = isinstance(shape, data.ArrayLayout)
        if isinstance(shape, data.ArrayLayout | data.StructLayout):
            self.parts = [(key, field.offset, Codec(field.shape)) for key, field in shape]

    def pack(self, value: int | Sequence | Mapping) -> int:
        """The bits. Fields of a struct that are left out are 0; an integer for an array or struct stands for its bits.

        Raises `ValueError` for a list of another length, a dict with other fields, and a number that does not fit:
        what is cut to the width of a circuit cannot show that the width is wrong.
        """
        if self.parts is None or isinstance(value, int):
            low, high = (-self.sign, self.sign - 1) if self.sign and self.parts is None else (0, self.mask)
            if not low <= value <= high:
                raise ValueError(f"{value} does not fit into {self.width} bits: {low} to {high}")
            return int(value) & self.mask
        if self.array:
            if len(value) != len(self.parts):
                raise ValueError(f"{len(value)} values for an array of {len(self.parts)}")
            return sum(codec.pack(value[key]) << offset for key, offset, codec in self.parts)
        if unknown := value.keys() - {key for key, _, _ in self.parts}:
            raise ValueError(f"no such fields: {', '.join(sorted(map(str, unknown)))}")
        return sum(codec.pack(value[key]) << offset for key, offset, codec in self.parts if key in value)

    def unpack(self, word: int) -> int | list | dict:
        """The value; `word` may have bits above it."""
        if self.parts is None:
            word &= self.mask
            return word - 2 * self.sign if word & self.sign else word
        if self.array:
            return [codec.unpack(word >> offset) for _, offset, codec in self.parts]
        return {key: codec.unpack(word >> offset) for key, offset, codec in self.parts}

    def unpack_words(self, words: Sequence[int]) -> np.ndarray | dict[str, np.ndarray]:
        """The values of many words (int64): of an integer, shape (words,); of an array, (words, length, ...); of a
        struct a dict of such arrays, also where the struct is part of an array. Integers have at most 63 bits."""
        size = -(-self.width // 8)
        raw = b"".join((int(word) & self.mask).to_bytes(size, "little") for word in words)
        return self.unpack_rows(np.frombuffer(raw, np.uint8).reshape(len(words), size))

    def unpack_rows(self, rows: np.ndarray) -> np.ndarray | dict[str, np.ndarray]:
        """As `unpack_words`, of words as their bytes, lowest first: `rows` (uint8) has shape (words, bytes)."""
        count, size = rows.shape
        held = np.zeros(count * size + 8, np.uint8)
        held[: count * size] = rows.ravel()
        # A number of 64 bits from every byte on: a value lies in one of them, or its low bits do.
        view = np.ndarray((count, size), "<u8", buffer=held, strides=(size, 1))
        return self._values(view, np.zeros((), np.intp))

    def _values(self, view: np.ndarray, offsets: np.ndarray) -> np.ndarray | dict[str, np.ndarray]:
        """The values that begin at these bits."""
        if self.parts is None:
            bits = _bits(view, offsets, self.width).view(np.int64)
            return (bits ^ self.sign) - self.sign if self.sign else bits
        if self.array:
            step = self.width // max(1, len(self.parts))
            return self.parts[0][2]._values(view, offsets[..., None] + step * np.arange(len(self.parts)))
        return {key: codec._values(view, offsets + offset) for key, offset, codec in self.parts}


def _bits(view: np.ndarray, offsets: np.ndarray, width: int) -> np.ndarray:
    """`width` bits from each offset on (uint64)."""
    if not width:
        return np.zeros((len(view), *offsets.shape), np.uint64)
    if width > 32:
        return _bits(view, offsets, 32) | _bits(view, offsets + 32, width - 32) << np.uint64(32)
    return view[:, offsets >> 3] >> (offsets & 7).astype(np.uint64) & np.uint64((1 << width) - 1)


class ResultCodec:
    """Between the core's results (`rtl.streams.result_layout`) and their fields: `prediction`, `first_spike` and
    `first_step` (-1: no output spiked), `nudged`, and `counts`, a list."""

    def __init__(self, config: Config) -> None:
        self.codec = Codec(result_layout(config))
        self.width = self.codec.width

    def pack(self, fields: Mapping[str, int | Sequence[int]]) -> int:
        """The bits; those of the first spike are 0 when there was none."""
        spiked = fields["first_spike"] >= 0
        first = ("first_spike", "first_step")
        return self.codec.pack({**fields, **({} if spiked else dict.fromkeys(first, 0)), "first_valid": int(spiked)})

    def unpack(self, word: int) -> dict[str, int | list[int]]:
        """The fields."""
        found = self.codec.unpack(word)
        if not found.pop("first_valid"):
            found["first_spike"] = found["first_step"] = -1
        return found


__all__ = ["Codec", "ResultCodec"]
