"""The host's side of the link: `Line` asks and gets answers over a serial port, `Board` knows what a core is.

Several requests are on their way at a time, so that neither line nor chip waits for the other. What is lost or damaged
is asked again; the chip does nothing twice (rtl/link/protocol.py).
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import serial
from amaranth.hdl import Shape

from fpga.framing import Frame, Splitter, encode
from golden.config import Config, ConfigError
from rtl.core import result_layout
from rtl.layout import Layout
from rtl.link import protocol
from rtl.link.protocol import COMMAND, STATUS, WINDOW

TIMEOUT = 1.0
"""Seconds without an answer after which a request is sent again."""
TRIES = 8
"""Times in a row that nothing came before the board is given up."""
PAUSE = 0.02
"""Seconds that a read of the port waits for more."""
LONGEST_REPLY = 300
"""Encoded bytes; no answer is longer."""


class BoardError(Exception):
    """The board refuses, or is not the one that is needed; the message is one line."""


class BoardLost(BoardError):
    """The board does not answer, was restarted, or its port is gone: connect again, and begin from a checkpoint."""


@dataclass
class _Request:
    number: int
    encoded: bytes
    size: int
    answer: Frame | None = None


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

    def identify(self) -> dict[str, int]:
        """Begin: agree on the sequence number and return the chip's identity. Raises `BoardLost`."""
        number = secrets.randbelow(256)
        self._guard(self.port.reset_input_buffer)
        for _ in range(TRIES):
            # A delimiter before it ends whatever an earlier host left unfinished.
            self._write(b"\0" + encode(number, COMMAND["identify"].code))
            until = time.monotonic() + self.timeout
            while time.monotonic() < until:
                for frame in self.splitter.feed(self._read()):
                    if frame.number != number or frame.code != STATUS["ok"]:
                        continue
                    try:
                        found = protocol.unpack_fields(protocol.IDENTITY, frame.payload)
                    except ValueError:
                        if frame.payload[:1] not in (b"", bytes([protocol.VERSION])):
                            raise BoardError(
                                f"the board speaks version {frame.payload[0]} of the protocol, this host version "
                                f"{protocol.VERSION}: build it again"
                            ) from None
                        continue
                    self.next = (number + 1) & 0xFF
                    self.buffer = found["buffer"] or 1 << 16
                    return found
            self.statistics.timeouts += 1
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
        gone_back: int | None = None
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
                self._write(ready.encoded)
                self.statistics.requests += 1
                self.next = (self.next + 1) & 0xFF
                if not waiting:
                    idle = time.monotonic()
                waiting.append(ready)
                ready = None
            if not waiting:
                return
            received = self._read()
            for frame in self.splitter.feed(received):
                place = (frame.number - waiting[0].number) & 0xFF
                status = protocol.STATUSES[frame.code].name if frame.code < len(protocol.STATUSES) else "unknown"
                if status in protocol.REFUSED:
                    self.statistics.refused[status] = self.statistics.refused.get(status, 0) + 1
                    if place > len(waiting):
                        raise BoardLost("the board was restarted, or another host speaks to it")
                    # Frames behind a damaged one are refused for their number, each: once is enough to go back.
                    if status != "sequence" or gone_back != frame.number:
                        gone_back = frame.number
                        self._repeat(waiting)
                elif place < len(waiting) and waiting[place].answer is None:
                    waiting[place].answer = frame
                    idle, silence = time.monotonic(), 0
                    # Answers come in order, so those before it were lost.
                    self._repeat([r for r in list(waiting)[:place] if r.answer is None])
            while waiting and waiting[0].answer is not None:
                frame = waiting.popleft().answer
                gone_back = None
                if frame.code >= len(protocol.STATUSES):
                    raise BoardError(f"the board answers with status {frame.code}, which this host does not know")
                if frame.code != STATUS["ok"]:
                    raise BoardError(f"the board refuses a request: {protocol.STATUSES[frame.code].meaning}")
                yield frame.payload
            if waiting and time.monotonic() - idle > self.timeout:
                idle, silence, gone_back = time.monotonic(), silence + 1, None
                self.statistics.timeouts += 1
                if silence >= TRIES:
                    raise BoardLost(f"no answer from the board for {silence * self.timeout:.0f} s")
                # The delimiter ends what may have lost its own.
                self._write(b"\0")
                self._repeat([next(r for r in waiting if r.answer is None)])

    def _repeat(self, requests: Iterable[_Request]) -> None:
        for request in requests:
            if request.answer is None:
                self.statistics.repeated += 1
                self._write(request.encoded)

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


def _sized(payload: bytes, size: int) -> bytes:
    """The payload of an answer, which must have that size."""
    if len(payload) != size:
        raise BoardError(f"the board gives {len(payload)} bytes in an answer of {size}")
    return payload


def open_port(name: str, baud: int) -> serial.SerialBase:
    """The serial port of that name or URL. Raises `BoardLost`."""
    try:
        return serial.serial_for_url(name, baudrate=baud, timeout=PAUSE, write_timeout=10)
    except (OSError, serial.SerialException, ValueError) as error:
        raise BoardLost(f"{name}: {error}") from None


class Board:
    """A core of `config` at the other end of a line. Raises `BoardError` when the board holds another."""

    def __init__(self, config: Config, line: Line) -> None:
        self.config, self.line = config, line
        self.identity = line.identify()
        own = int.from_bytes(protocol.config_hash(config), "little")
        if self.identity["version"] != protocol.VERSION:
            raise BoardError(
                f"the board speaks version {self.identity['version']} of the protocol, this host version "
                f"{protocol.VERSION}: build it again"
            )
        if self.identity["config"] != own:
            raise BoardError(
                f"the board was built for another config than {config.name}: {self.identity['inputs']} inputs, "
                f"{self.identity['outputs']} outputs; build and program it with 'eqspike build --top link'"
            )
        self.result_layout = result_layout(config)
        self.sizes, layout = self._sizes()
        self.places = np.array(layout.places(), np.int64)
        """Columns: synapse layer, row, column, word, lane."""
        self.registers = {r.name: r for r in protocol.registers(len(config.network.layers))}

    def _sizes(self) -> tuple[protocol.Sizes, Layout]:
        """Sizes and places of the core, whose identity must be that of one of this config."""
        config, told = self.config, self.identity
        wide = max(synapse.bits for synapse in config.synapses)
        if told["lanes"] >= 1 and 1 <= told["banks"] <= config.network.layers[0] and told["weight_bits"] == wide:
            layout = Layout(config, told["lanes"], told["banks"])
            with contextlib.suppress(ConfigError):  # there can be no such board
                sizes = protocol.sizes_of(config, layout, wide, Shape.cast(self.result_layout).width)
                if all(told[name] == getattr(sizes, name) for name in ("inputs", "outputs", "words", "frame")):
                    return sizes, layout
        raise BoardError(f"the board's identity does not fit {config.name}: {told}")

    def echo(self, payload: bytes) -> bool:
        """Does the board give back what it was sent?"""
        return self.line.ask("echo", payload) == payload

    def read_registers(self, names: Sequence[str]) -> dict[str, int]:
        """Registers by name."""
        asked = (("read_register", bytes([self.registers[name].number])) for name in names)
        values = (int.from_bytes(_sized(payload, 4), "little") for payload in self.line.stream(asked))
        return dict(zip(names, values, strict=True))

    def write_register(self, name: str, value: int) -> None:
        """Write a register."""
        fields = COMMAND["write_register"].request
        self.line.ask(
            "write_register", protocol.pack_fields(fields, {"number": self.registers[name].number, "value": value})
        )

    def reset(self) -> None:
        """Reset core and registers; weights stay."""
        self.write_register("control", protocol.RESET)

    def clear_counters(self) -> None:
        """Zero the counters."""
        self.write_register("control", protocol.CLEAR_COUNTERS)

    def counters(self) -> dict[str, int | list[int]]:
        """All counters; `spikes` by layer."""
        names = [name for name, r in self.registers.items() if r.number >= protocol.FIRST_COUNTER]
        values: dict[str, int | list[int]] = dict(self.read_registers(names))
        values["spikes"] = [values.pop(f"spikes_{layer}") for layer in range(len(self.config.network.layers))]
        return values

    def set_epoch(self, epoch: int) -> None:
        """Apply the learning-rate schedule."""
        halvings = [sum(at <= epoch for at in synapse.halve_at) for synapse in self.config.synapses]
        self.write_register("halvings", sum(h << (protocol.HALVING_BITS * s) for s, h in enumerate(halvings)))

    # -----------------------------------------------------------------------------------------------------------------

    def _blocks(self, size: int) -> list[tuple[int, int, int]]:
        """(word, first lane, count) of all weights, at most `size` at a time."""
        lanes = self.sizes.lanes
        return [
            (word, lane, min(size, lanes - lane)) for word in range(self.sizes.words) for lane in range(0, lanes, size)
        ]

    def write_weights(self, weights: Sequence[np.ndarray]) -> None:
        """Write all weights: one matrix a synapse layer, bias last, in LSBs."""
        words = np.zeros((self.sizes.words, self.sizes.lanes), np.int64)
        synapses, rows, columns, word, lane = self.places.T
        for s, matrix in enumerate(weights):
            mine = synapses == s
            words[word[mine], lane[mine]] = np.asarray(matrix)[rows[mine], columns[mine]]
        raw = words.astype("<i8").view(np.uint8).reshape(*words.shape, 8)[..., : self.sizes.weight_bytes]

        def requests() -> Iterator[tuple[str, bytes]]:
            for at, first, count in self._blocks(self.sizes.write_block):
                block = raw[at, first : first + count].tobytes()
                values = {"word": at, "lane": first, "count": count, "weights": block}
                yield "write_weights", protocol.pack_fields(COMMAND["write_weights"].request, values)

        for _ in self.line.stream(requests()):
            pass

    def read_weights(self) -> tuple[np.ndarray, ...]:
        """All weights, as `write_weights` takes them."""
        size, fields = self.sizes.weight_bytes, COMMAND["read_weights"].request
        blocks = self._blocks(self.sizes.read_block)
        words = np.zeros((self.sizes.words, self.sizes.lanes), np.int64)
        asked = (
            ("read_weights", protocol.pack_fields(fields, {"word": word, "lane": lane, "count": count}))
            for word, lane, count in blocks
        )
        for (word, lane, count), payload in zip(blocks, self.line.stream(asked), strict=True):
            _sized(payload, size * count)
            words[word, lane : lane + count] = [
                int.from_bytes(payload[i : i + size], "little", signed=True) for i in range(0, len(payload), size)
            ]
        layers = self.config.network.layers
        synapses, rows, columns, word, lane = self.places.T
        matrices = tuple(np.zeros((layers[s] + 1, layers[s + 1]), np.int64) for s in range(len(layers) - 1))
        for s, matrix in enumerate(matrices):
            mine = synapses == s
            matrix[rows[mine], columns[mine]] = words[word[mine], lane[mine]]
        return matrices

    # -----------------------------------------------------------------------------------------------------------------

    def present(
        self, images: np.ndarray, labels: Sequence[int], modes: Sequence[int]
    ) -> Iterator[dict[str, int | list[int]]]:
        """Present images in order; one result each: prediction, first_spike and first_step (-1: none), nudged,
        counts."""
        kind = f"<u{self.sizes.pixel_bytes}"
        fields = COMMAND["present"].request
        full = self.config.input.full_scale
        images = np.asarray(images)
        if images.size and not 0 <= images.min() <= images.max() <= full:
            raise ValueError(f"pixels are 0..{full}")

        def requests() -> Iterator[tuple[str, bytes]]:
            for image, label, mode in zip(images, labels, modes, strict=True):
                values = {"mode": int(mode), "label": int(label), "pixels": image.astype(kind).tobytes()}
                yield "present", protocol.pack_fields(fields, values)

        for payload in self.line.stream(requests()):
            yield self._result(payload)

    def _result(self, payload: bytes) -> dict[str, int | list[int]]:
        """Fields of a result."""
        word = int.from_bytes(_sized(payload, self.sizes.result_bytes), "little")
        found: dict[str, int | list[int]] = {}
        for name, entry in self.result_layout:
            if name == "counts":
                width = Shape.cast(entry.shape.elem_shape).width
                found[name] = [
                    (word >> (entry.offset + width * k)) & ((1 << width) - 1) for k in range(entry.shape.length)
                ]
            else:
                found[name] = (word >> entry.offset) & ((1 << Shape.cast(entry.shape).width) - 1)
        if not found.pop("first_valid"):
            found["first_spike"] = found["first_step"] = -1
        return found


__all__ = ["Board", "BoardError", "BoardLost", "Line", "Statistics", "open_port"]
