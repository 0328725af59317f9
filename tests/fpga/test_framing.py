"""Frames: every one comes back as it was, and none with damage at its end is taken for another."""

from __future__ import annotations

import random

import numpy as np
import pytest
from cobs import cobs

from eqspike.fpga.framing import Frame, Splitter, decode, encode, is_older

TRIALS = 2000


def frames(seed: int, count: int) -> list[bytes]:
    """Encoded frames without their delimiter, of any length."""
    source = random.Random(seed)
    return [
        encode(source.randrange(256), source.randrange(256), source.randbytes(source.choice([0, 1, 9, 70, 300])))[:-1]
        for _ in range(count)
    ]


def test_a_zero_behind_a_frame_is_seen() -> None:
    """01 before the delimiter is, in COBS, a zero more. Version 2 of the protocol took the echo of "abc" with it."""
    older = bytes.fromhex("084502616263538d")
    assert is_older(older)
    assert is_older(older + b"\1")
    assert decode(older) is None
    assert decode(older + b"\1") is None
    whole = encode(0x45, 2, b"abc")[:-1]
    assert decode(whole) == Frame(0x45, 2, b"abc")
    for zeros in range(1, 300):
        assert decode(whole + b"\1" * zeros) is None


def test_up_to_three_bytes_at_the_end_are_always_seen() -> None:
    """Of a frame with a right CRC the register has one value, whatever the frame. Bytes that lead from it to it could
    be lost or added unseen: there are none of up to three."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = (table >> 1) ^ np.where(table & 1, np.uint32(0xEDB88320), np.uint32(0))
    right, any_byte = np.uint32(0xDEBB20E3), np.arange(256, dtype=np.uint32)
    register = np.array([right])
    for _ in range(3):
        register = ((register[:, None] >> 8) ^ table[(register[:, None] ^ any_byte) & 0xFF]).ravel()
        assert not (register == right).any()
    # The table is that of the frames: what it makes of one is that value.
    register = np.uint32(0xFFFFFFFF)
    for byte in cobs.decode(encode(1, 2, b"abc")[:-1]):
        register = (register >> 8) ^ table[(register ^ byte) & 0xFF]
    assert register == right


@pytest.mark.parametrize("count", [1, 2, 3])
def test_bytes_lost_added_or_changed_at_the_end(count: int) -> None:
    source = random.Random(count)
    for encoded in frames(970 + count, TRIALS):
        frame = cobs.decode(encoded)
        assert decode(cobs.encode(frame)) is not None
        assert decode(cobs.encode(frame[:-count])) is None
        assert decode(cobs.encode(frame + bytes(count))) is None
        assert decode(cobs.encode(frame + source.randbytes(count))) is None
        changed = int.from_bytes(frame[-count:], "big") ^ source.randrange(1, 256**count)
        assert decode(cobs.encode(frame[:-count] + changed.to_bytes(count, "big"))) is None
        # The same on the line, where COBS may object first.
        assert decode(encoded[:-count]) is None
        assert decode(encoded + b"\1" * count) is None


def test_swapped_bytes_are_seen() -> None:
    """Two neighbours on the line: 16 bits at most, of which a CRC sees all that is wrong."""
    source = random.Random(974)
    for encoded in frames(974, TRIALS):
        at = source.randrange(len(encoded) - 1)
        swapped = encoded[:at] + encoded[at : at + 2][::-1] + encoded[at + 2 :]
        assert swapped == encoded or decode(swapped) is None


def test_frames_of_older_versions_are_told_apart() -> None:
    splitter = Splitter(300)
    piece = bytes.fromhex("084502616263538d")
    assert list(splitter.feed(encode(1, 2) + piece + b"\0" + b"\3\3\0")) == [Frame(1, 2, b"")]
    assert (splitter.damaged, splitter.older) == (2, 1)
