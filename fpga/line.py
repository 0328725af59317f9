"""The host's end of the link: requests and answers over a serial port.

Several requests are on their way at a time, so that neither line nor chip waits for the other. What is lost or damaged
is asked again; the chip does nothing twice (rtl/link/protocol.py).
"""

from __future__ import annotations

import errno
import os
import secrets
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import serial
from serial.tools.list_ports import comports

from eqspike.base.errors import CommandError
from eqspike.fpga.framing import Frame, Splitter, encode
from eqspike.rtl.link import protocol
from eqspike.rtl.link.protocol import COMMAND, STATUS, WINDOW

TIMEOUT = 1.0
"""Seconds without an answer after which a request is sent again."""
TRIES = 8
"""Times in a row that nothing came before the board is given up."""
PAUSE = 0.02
"""Seconds that a read of the port waits for more."""
LONGEST_REPLY = 300
"""Encoded bytes; no answer is longer."""


class BoardError(CommandError):
    """The board refuses, or is not the one that is needed; the message is one line."""


class BoardLost(BoardError):
    """The board does not answer, was restarted, or its port is gone: connect again, and begin from a checkpoint."""


@dataclass
class _Request:
    number: int
    encoded: bytes
    size: int
    answer: Frame | None = None
    due: int = 0
    """By how many responses the one to its latest copy must have come."""


@dataclass
class Statistics:
    """What happened on the line."""

    requests: int = 0
    repeated: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    """Refusals by name of the status."""
    timeouts: int = 0


class Line:
    """Requests and answers over an open port (a `serial.Serial`, or anything with its read, write and in_waiting)."""

    def __init__(self, port: serial.SerialBase, timeout: float = TIMEOUT) -> None:
        self.port, self.timeout = port, timeout
        self.splitter = Splitter(LONGEST_REPLY)
        self.statistics = Statistics()
        self.next = 0
        self.buffer = 0
        """Bytes of the chip's buffer, from its identity."""
        self.sent = self.came = 0
        """Frames sent, and responses that came: the chip gives one to each, in order."""

    def identify(self) -> dict[str, int]:
        """Begin: agree on the sequence number and return the chip's identity. Raises `BoardLost`."""
        number = secrets.randbelow(256)
        self._guard(self.port.reset_input_buffer)
        for _ in range(TRIES):
            # A delimiter before it ends whatever an earlier host left unfinished.
            self._write(b"\0" + encode(number, COMMAND["identify"].code))
            until, older = time.monotonic() + self.timeout, self.splitter.older
            while time.monotonic() < until:
                for frame in self.splitter.feed(self._read()):
                    if frame.number != number or frame.code != STATUS["ok"]:
                        continue
                    try:
                        found = protocol.unpack_fields(protocol.IDENTITY, frame.payload)
                    except ValueError:
                        if frame.payload[:1] not in (b"", bytes([protocol.VERSION])):
                            raise other_version(frame.payload[0]) from None
                        continue
                    self.next = (number + 1) & 0xFF
                    self.sent = self.came = 0
                    self.buffer = found["buffer"] or 1 << 16
                    return found
            self.statistics.timeouts += 1
            if self.splitter.older > older:
                raise other_version("2 or older")
        raise BoardLost(
            "no answer from the board: is it the right port, programmed with --top link, at this baud rate?"
        )

    def ask(self, command: str, payload: bytes = b"") -> bytes:
        """One request: the payload of its answer."""
        return next(iter(self.stream([(command, payload)])))

    def stream(self, requests: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
        """Requests, each a command's name and payload, in order; the payloads of their answers, in order.

        Raises `BoardError` when one is refused for what it asks, `BoardLost` when no answer comes.
        """
        waiting: deque[_Request] = deque()
        source = iter(requests)
        ready: _Request | None = None
        exhausted = False
        idle, silence = time.monotonic(), 0
        while True:
            # As many as window and buffer hold.
            while not exhausted and len(waiting) < WINDOW:
                if ready is None:
                    following = next(source, None)
                    if following is None:
                        exhausted = True
                        break
                    name, payload = following
                    ready = _Request(
                        self.next, encode(self.next, COMMAND[name].code, payload),
                        len(payload) + protocol.OVERHEAD + protocol.HEADER,
                    )  # fmt: skip
                if waiting and sum(r.size for r in waiting) + ready.size >= self.buffer:
                    break
                self._send(ready)
                self.statistics.requests += 1
                self.next = (self.next + 1) & 0xFF
                if not waiting:
                    idle = time.monotonic()
                waiting.append(ready)
                ready = None
            if not waiting:
                return
            received, damaged = self._read(), self.splitter.damaged
            for frame in self.splitter.feed(received):
                self.came += 1
                place = (frame.number - waiting[0].number) & 0xFF
                status = protocol.STATUSES[frame.code].name if frame.code < len(protocol.STATUSES) else "unknown"
                if status in protocol.REFUSED:
                    self.statistics.refused[status] = self.statistics.refused.get(status, 0) + 1
                    if place > len(waiting):
                        raise BoardLost("the board was restarted, or another host speaks to it")
                    self._repeat(waiting)
                elif place < len(waiting) and waiting[place].answer is None:
                    waiting[place].answer = frame
                    idle, silence = time.monotonic(), 0
                    # A byte that became a delimiter makes two responses of one: here they can be counted again.
                    self.came = min(self.came, waiting[place].due)
                    # Answers come in order, so those before it were lost.
                    self._repeat(list(waiting)[:place])
            self.came = min(self.came + self.splitter.damaged - damaged, self.sent)
            while waiting and waiting[0].answer is not None:
                frame = waiting.popleft().answer
                if frame.code >= len(protocol.STATUSES):
                    raise BoardError(f"the board answers with status {frame.code}, which this host does not know")
                if frame.code != STATUS["ok"]:
                    raise BoardError(f"the board refuses a request: {protocol.STATUSES[frame.code].meaning}")
                yield frame.payload
            if waiting and time.monotonic() - idle > self.timeout:
                idle, silence = time.monotonic(), silence + 1
                self.statistics.timeouts += 1
                if silence >= TRIES:
                    raise BoardLost(f"no answer from the board for {silence * self.timeout:.0f} s")
                self.came = self.sent  # there is nothing on the way
                self._repeat(waiting)

    def _send(self, request: _Request) -> None:
        self._write(request.encoded)
        self.sent += 1
        request.due = self.sent

    def _repeat(self, requests: Iterable[_Request]) -> None:
        """Send again what has no answer, but for requests whose last copy may still get one: a line on which every
        refusal repeated all of them would carry nothing else."""
        late = [request for request in requests if request.answer is None and request.due <= self.came]
        if late:
            self._write(b"\0")  # ends what may have lost its own delimiter
        for request in late:
            self.statistics.repeated += 1
            self._send(request)

    def _guard(self, call: object, *arguments: object) -> object:
        try:
            return call(*arguments)
        except (OSError, serial.SerialException, TypeError) as error:
            # pyserial trips over its own closed descriptor with a TypeError.
            raise BoardLost(f"{getattr(self.port, 'port', 'port')}: {error}") from None

    def _write(self, encoded: bytes) -> None:
        self._guard(self.port.write, encoded)

    def _read(self) -> bytes:
        def read() -> bytes:
            return self.port.read(max(1, self.port.in_waiting))

        return self._guard(read)


def other_version(version: object) -> BoardError:
    """What is wrong with a board that speaks another version of the protocol."""
    return BoardError(
        f"the board speaks version {version} of the protocol, this host version {protocol.VERSION}: build it again"
    )


def open_port(name: str, baud: int) -> serial.SerialBase:
    """The serial port of that name or URL, for this host alone. Raises `BoardLost`, also where another host has it."""
    try:
        return serial.serial_for_url(name, baudrate=baud, timeout=PAUSE, write_timeout=10, exclusive=True)
    except serial.SerialException as error:
        if error.errno == errno.EWOULDBLOCK:
            raise BoardLost(f"{name}: another program has this port open") from None
        raise BoardLost(f"{name}: {_plain(error)}{_others(name)}") from None
    except (OSError, ValueError) as error:
        raise BoardLost(f"{name}: {error}") from None


def _others(name: str) -> str:
    """The ports that there are, where the one of that name is not there."""
    if "://" in name or Path(name).exists():
        return ""
    return f"; serial ports here: {', '.join(port.device for port in comports()) or 'none'}"


def _plain(error: serial.SerialException) -> str:
    """What went wrong: pyserial says the port's name and the number of the error too."""
    return os.strerror(error.errno) if error.errno else str(error)


__all__ = ["LONGEST_REPLY", "TIMEOUT", "BoardError", "BoardLost", "Line", "Statistics", "open_port", "other_version"]
