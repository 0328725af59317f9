"""Frames on the host's side of the link: COBS and CRC by libraries, garbage survived."""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from dataclasses import dataclass

from cobs import cobs

from eqspike.rtl.link.protocol import CRC_BYTES, OVERHEAD

DELIMITER = b"\0"


def encode(number: int, code: int, payload: bytes = b"") -> bytes:
    """A frame as it goes over the line: `number` is its sequence number, `code` its command (or status)."""
    frame = bytes([number & 0xFF, code]) + payload
    return cobs.encode(frame + check_sum(frame)) + DELIMITER


def check_sum(frame: bytes) -> bytes:
    """What stands behind these bytes in a frame: their CRC-32."""
    return binascii.crc32(frame).to_bytes(CRC_BYTES, "little")


@dataclass(frozen=True)
class Frame:
    """A frame whose CRC was right."""

    number: int
    code: int
    """Command or status."""
    payload: bytes


def decode(encoded: bytes) -> Frame | None:
    """What stood between two delimiters; None when it is no whole frame."""
    try:
        frame = cobs.decode(encoded)
    except cobs.DecodeError:
        return None
    if len(frame) < OVERHEAD or check_sum(frame[:-CRC_BYTES]) != frame[-CRC_BYTES:]:
        return None
    return Frame(frame[0], frame[1], frame[2:-CRC_BYTES])


def is_older(encoded: bytes) -> bool:
    """Is it a frame as versions 1 and 2 of the protocol had them, with a CRC of 16 bits?"""
    try:
        frame = cobs.decode(encoded)
    except cobs.DecodeError:
        return False
    return len(frame) >= 4 and binascii.crc_hqx(frame, 0xFFFF) == 0


class Splitter:
    """Finds frames in bytes that come in pieces of any size; `damaged` counts what was none, `older` those of it that
    were frames in an older version of the protocol (or look so: one piece of noise in 65,536 does)."""

    def __init__(self, longest: int) -> None:
        self.longest = longest
        """Encoded bytes above which what has come can be no frame."""
        self.pending = bytearray()
        self.damaged = self.older = 0

    def feed(self, received: bytes) -> Iterator[Frame]:
        """The frames that end in these bytes."""
        *ended, rest = (bytes(self.pending) + received).split(DELIMITER)
        # Of a frame that is too long enough is kept to know that it is.
        self.pending = bytearray(rest[: self.longest + 1])
        for encoded in ended:
            if not encoded:
                continue
            frame = decode(encoded) if len(encoded) <= self.longest else None
            if frame is None:
                self.damaged += 1
                self.older += is_older(encoded)
            else:
                yield frame


__all__ = ["Frame", "Splitter", "check_sum", "decode", "encode", "is_older"]
