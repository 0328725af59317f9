"""The small parts of the page's JavaScript against what Python says of the same."""

from __future__ import annotations

import hashlib

import numpy as np

from eqspike.golden import pad
from eqspike.rtl.bits import Codec
from tests.golden.test_pad import drawings, moved
from tests.lab.page.node import evaluated


def test_sha256() -> None:
    """Around the ends of blocks, and long."""
    generator = np.random.default_rng(1)
    texts = [generator.bytes(size) for size in (0, 1, 54, 55, 56, 63, 64, 65, 119, 120, 5000)]
    found = evaluated(
        {"sha256": "sha256.js"}, "return given.map((b) => sha256(Uint8Array.from(b)))", [[*t] for t in texts]
    )
    assert found == [hashlib.sha256(text).hexdigest() for text in texts]


def test_bits() -> None:
    """Fields of every width at every offset, with and without a sign, written and read."""
    generator = np.random.default_rng(2)
    rows = []
    for width in range(33):
        for offset in (0, 1, 7, 31, 32, 40, 63):
            raw = int.from_bytes(generator.bytes(16), "little")
            for sign in (False, True):
                value = (raw >> offset) & ((1 << width) - 1)
                if sign and width and value >> (width - 1):
                    value -= 1 << width
                words = [raw >> 32 * i & 0xFFFFFFFF for i in range(4)]
                rows.append({"words": words, "field": [offset, width, sign], "value": value})
    body = """return given.map(({ words, field, value }) => {
      const put = new Uint32Array(4);
      bits.put(put, 0, field, value);
      return [bits.get(Uint32Array.from(words), 0, field), bits.get(put, 0, field), [...put]];
    })"""
    for row, (read, back, words) in zip(rows, evaluated({"bits": "bits.js"}, body, rows), strict=True):
        offset, width, _ = row["field"]
        assert read == back == row["value"], row
        packed = sum(word << 32 * i for i, word in enumerate(words))
        assert packed == (row["value"] & ((1 << width) - 1)) << offset, row  # and nothing beside the field


def test_drawings_for_larger_chips() -> None:
    """28 x 28 as MNIST has them: the longer side 20 pixels, the mass in the middle, wherever it was drawn."""
    strokes = drawings(6, low=40, high=80)
    body = """return given.map((strokes) => [...centred.image(pad.picture(strokes), pad.WIDTH, 28, 256)])"""
    files = {"pad": "pad.js", "centred": "centred.js"}
    found = np.array(evaluated(files, body, [*strokes, *(moved(each, 17, -23) for each in strokes)]))
    assert (found[:6] == found[6:]).all()
    assert found.min() == 0
    assert found.max() == 256
    row, column = np.indices((28, 28)) + 0.5
    for image in found[:6].reshape(-1, 28, 28):
        assert abs((row * image).sum() / image.sum() - 14) < 0.3
        assert abs((column * image).sum() / image.sum() - 14) < 0.3
        ends = [np.flatnonzero(image.any(axis)) for axis in (0, 1)]
        assert 20 <= max(int(e[-1] - e[0]) + 1 for e in ends) <= 21
    assert evaluated(files, "return [...centred.image(pad.empty(), pad.WIDTH, 28, 256)].every((v) => v === 0)")


def test_the_pad_is_the_pad_of_the_data_set() -> None:
    """The page's numbers are the golden pad's: side and full ink."""
    found = evaluated({"pad": "pad.js"}, "return [pad.CELLS, pad.FULL, pad.SIDE]")
    assert found == [pad.CELLS, pad.FULL, pad.SIDE]


def test_codec_and_description_agree() -> None:
    """A field as the description has it is what the codec unpacks."""
    from amaranth.lib import data

    from eqspike.lab.page.description import fields

    codec = Codec(data.StructLayout({"one": 3, "two": 17, "three": 30}))
    raw = 0x2_5A5A_A5A5_1234 & codec.mask
    found = evaluated(
        {"bits": "bits.js"},
        "return Object.entries(given.fields).map(([k, f]) => [k, bits.get(Uint32Array.from(given.words), 0, f)])",
        {"fields": fields(codec), "words": [raw & 0xFFFFFFFF, raw >> 32]},
    )
    assert dict(found) == codec.unpack(raw)
