"""Frames on the host's side of the link: COBS and CRC by libraries, garbage survived."""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from dataclasses import dataclass

from cobs import cobs

from rtl.link.protocol import CRC_INIT, OVERHEAD

DELIMITER = b"\0"


def encode(number: int, code: int, payload: bytes = b"") -> bytes:
    """A frame as it goes over the line: `number` is its sequence number, `code` its command (or status)."""
    frame = bytes([number & 0xFF, code]) + payload
    return cobs.encode(frame + binascii.crc_hqx(frame, CRC_INIT).to_bytes(2, "big")) + DELIMITER


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
    if len(frame) < OVERHEAD or binascii.crc_hqx(frame, CRC_INIT) != 0:
        return None
    return Frame(frame[0], frame[1], frame[2:-2])


class Splitter:
    """Finds frames in bytes that come in pieces of any size; `damaged` counts what was none."""

    def __init__(self, longest: int) -> None:
        self.longest = longest
        """Encoded bytes above which what has come can be no frame."""
        self.pending = bytearray()
        self.damaged = 0

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
            else:
                yield frame


__all__ = ["Frame", "Splitter", "decode", "encode"]
