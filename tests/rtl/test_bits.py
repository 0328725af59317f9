"""rtl.bits against Amaranth's own constants of a layout."""

from __future__ import annotations

import numpy as np
import pytest
from amaranth.hdl import Const, signed, unsigned
from amaranth.lib import data

from eqspike.golden.configfile import load_config, resolve_preset
from eqspike.rtl.bits import Codec, ResultCodec
from eqspike.rtl.operation import Kind
from eqspike.rtl.streams import result_layout

INNER = data.StructLayout({"low": 3, "none": 0, "high": signed(5)})
SHAPES = {
    "unsigned": (unsigned(7), [0, 1, 127]),
    "signed": (signed(7), [-64, -1, 0, 63]),
    "one signed bit": (signed(1), [-1, 0]),
    "range": (range(10), [0, 9]),
    "enum": (Kind, [Kind.NOP.value, Kind.POKE.value]),
    "array": (data.ArrayLayout(signed(5), 3), [[-16, 15, 0], [0, -1, 7]]),
    "struct": (INNER, [{"low": 7, "none": 0, "high": -16}, {"low": 0, "none": 0, "high": 15}]),
    "array of structs": (
        data.ArrayLayout(INNER, 2),
        [[{"low": 1, "none": 0, "high": -2}, {"low": 6, "none": 0, "high": 5}]],
    ),
    "struct of arrays": (
        data.StructLayout({"flag": 1, "values": data.ArrayLayout(signed(4), 3), "last": 6}),
        [{"flag": 1, "values": [-8, 7, 0], "last": 33}],
    ),
}


def bits_of(shape: object, value: object) -> int:
    """What Amaranth makes of a value."""
    if isinstance(shape, data.Layout):
        constant = Const.cast(shape.const(value))
        return constant.value & ((1 << len(constant)) - 1)
    width = Codec(shape).width
    return value & ((1 << width) - 1)


@pytest.mark.parametrize("name", SHAPES)
def test_as_amaranth_packs(name: str) -> None:
    shape, values = SHAPES[name]
    codec = Codec(shape)
    for value in values:
        word = bits_of(shape, value)
        assert codec.pack(value) == word
        assert codec.unpack(word) == value
        # Bits above the shape's own do not matter: it may be a part of a wider word.
        assert codec.unpack(word | 0b101 << codec.width) == value
        if codec.parts is not None:
            assert codec.pack(word) == word


def test_fields_left_out_are_zero() -> None:
    assert Codec(INNER).pack({"high": -1}) == 0b11111000


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="2 values for an array of 3"):
        Codec(data.ArrayLayout(4, 3)).pack([1, 2])
    with pytest.raises(ValueError, match="no such fields: middle"):
        Codec(INNER).pack({"low": 1, "middle": 2})


@pytest.mark.parametrize(
    ("shape", "value", "allowed"),
    [
        (unsigned(4), 16, "0 to 15"),
        (unsigned(4), -1, "0 to 15"),
        (range(8), 34, "0 to 7"),
        (signed(4), 8, "-8 to 7"),
        (signed(4), -9, "-8 to 7"),
        (unsigned(0), 1, "0 to 0"),
        (data.ArrayLayout(signed(4), 2), [0, 8], "-8 to 7"),
        (data.ArrayLayout(signed(4), 2), 1 << 8, "0 to 255"),
        (INNER, {"low": 8}, "0 to 7"),
    ],
)
def test_a_number_that_does_not_fit_is_refused(shape: object, value: object, allowed: str) -> None:
    """A reference that was cut to the circuit's width would agree with a circuit that is too narrow."""
    with pytest.raises(ValueError, match=f"does not fit into . bits: {allowed}$"):
        Codec(shape).pack(value)


@pytest.mark.parametrize("bits", [1, 3, 8, 33, 63])
@pytest.mark.parametrize("shape", [signed, unsigned])
def test_many_words_at_once(bits: int, shape: object) -> None:
    """As one by one: of an array of structs, of more bits than a machine's word."""
    layout = data.ArrayLayout(data.StructLayout({"value": shape(bits), "rest": 5, "pair": data.ArrayLayout(2, 2)}), 4)
    codec, draw = Codec(layout), np.random.default_rng(bits)
    words = [int.from_bytes(draw.bytes(-(-codec.width // 8)), "little") & codec.mask for _ in range(20)]
    found, single = codec.unpack_words(words), [codec.unpack(word) for word in words]
    assert found["value"].dtype == np.int64
    assert found["value"].shape == found["rest"].shape == (20, 4)
    assert found["pair"].shape == (20, 4, 2)
    for name in ("value", "rest", "pair"):
        np.testing.assert_array_equal(found[name], [[item[name] for item in one] for one in single])


def test_no_words_at_all() -> None:
    assert Codec(data.ArrayLayout(3, 4)).unpack_words([]).shape == (0, 4)


def test_results() -> None:
    """A result without a spike has -1 where its first would be, and zeros in its bits."""
    config = load_config(resolve_preset("toy"))
    codec, layout = ResultCodec(config), result_layout(config)
    outputs = config.network.layers[-1]
    counts = [k % 3 for k in range(outputs)]
    spiked = {"prediction": 1, "first_spike": outputs - 1, "first_step": 9, "nudged": 1, "counts": counts}
    silent = {"prediction": 0, "first_spike": -1, "first_step": -1, "nudged": 0, "counts": [0] * outputs}
    assert codec.pack(spiked) == bits_of(layout, {**spiked, "first_valid": 1})
    assert codec.pack(silent) == 0
    assert codec.unpack(codec.pack(spiked)) == spiked
    assert codec.unpack(codec.pack(silent)) == silent
    # What the fields hold when there was no spike means nothing.
    assert codec.unpack(bits_of(layout, {**spiked, "first_valid": 0})) == {
        **spiked,
        "first_spike": -1,
        "first_step": -1,
    }
