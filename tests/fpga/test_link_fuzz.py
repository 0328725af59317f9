"""Whatever comes over the line, the host's framing and link neither hang nor fail in a way that they do not declare:
every whole frame is found, every request gets its answer, and nothing piles up."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from eqspike.fpga import line
from eqspike.fpga.framing import Frame, Splitter, encode
from eqspike.fpga.host import Board
from eqspike.fpga.line import LONGEST_REPLY, BoardError, Line
from eqspike.golden.modes import INFER, LEARN
from eqspike.golden.network import Network
from eqspike.rtl.link import protocol
from eqspike.rtl.link.protocol import STATUSES, WINDOW
from tests.fpga.test_host import CONFIG, Port

FEW, MILLION = 30_000, 1_000_000
SIZES = [FEW, pytest.param(MILLION, marks=pytest.mark.soak)]
"""Bytes that come."""


def noise(source: random.Random, mean: float = 60, zeros: bool = True) -> bytes:
    """Random bytes; without `zeros` they end no frame."""
    return bytes(source.randint(0 if zeros else 1, 255) for _ in range(int(source.expovariate(1 / mean)) + 1))


def flip(source: random.Random, encoded: bytes) -> bytes:
    """1 to 3 bits are wrong."""
    hurt = bytearray(encoded)
    for _ in range(source.randint(1, 3)):
        hurt[source.randrange(len(hurt))] ^= 1 << source.randrange(8)
    return bytes(hurt)


def cut(source: random.Random, encoded: bytes) -> bytes:
    """A part from its middle is missing, its delimiter perhaps."""
    first = source.randrange(len(encoded))
    last = source.randint(first + 1, len(encoded))
    return encoded[:first] + encoded[last:]


def interleave(source: random.Random, *encoded: bytes) -> bytes:
    """The bytes of several frames, each in its order."""
    queues = [list(reversed(one)) for one in encoded]
    out = bytearray()
    while queues := [queue for queue in queues if queue]:
        out.append(source.choice(queues).pop())
    return bytes(out)


# ---------------------------------------------------------------------------------------------------------------------
# Framing


def oracle(piece: bytes) -> Frame | None:
    """What stands between two delimiters, by the letter of docs/host-link.md and no library."""
    frame, at = bytearray(), 0
    while at < len(piece):
        run = piece[at]
        block = piece[at + 1 : at + run]
        if len(block) != run - 1:
            return None
        frame += block
        at += run
        if run < 255 and at < len(piece):
            frame.append(0)
    if len(frame) < 6 or len(piece) > LONGEST_REPLY:
        return None
    crc = 0xFFFFFFFF
    for byte in frame[:-4]:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xEDB88320 if crc & 1 else 0)
    right = crc ^ 0xFFFFFFFF == int.from_bytes(frame[-4:], "little")
    return Frame(frame[0], frame[1], bytes(frame[2:-4])) if right else None


@pytest.mark.parametrize("size", SIZES)
def test_the_splitter_finds_every_whole_frame_and_no_other(size: int) -> None:
    source = random.Random(960)
    out, sent, kinds = bytearray(), [], Counter()

    def frame() -> Frame:
        payload = bytes(source.choice([0, source.randrange(256)]) for _ in range(source.choice([0, 4, 27, 123])))
        return Frame(source.randrange(256), source.randrange(256), payload)

    def encoded() -> bytes:
        made = frame()
        return encode(made.number, made.code, made.payload)

    makers: dict[str, Callable[[], bytes]] = {
        "noise": lambda: noise(source),
        "endless": lambda: noise(source, 600, zeros=False),
        "cut": lambda: cut(source, encoded()),
        "flipped": lambda: flip(source, encoded()),
        "interleaved": lambda: interleave(source, encoded(), encoded()),
        "empty": lambda: bytes(source.randint(1, 5)),
    }
    while len(out) < size:
        kind = source.choice(["whole"] * 5 + list(makers))
        kinds[kind] += 1
        if kind == "whole":
            whole = frame()
            out += b"\0" if out and out[-1] else b""
            out += encode(whole.number, whole.code, whole.payload)
            sent.append(whole)
        else:
            out += makers[kind]()
    out.append(0)
    pieces = [piece for piece in bytes(out).split(b"\0") if piece]
    expected = [oracle(piece) for piece in pieces]

    splitter, found, at = Splitter(LONGEST_REPLY), [], 0
    while at < len(out):
        step = source.choice([1, 7, source.randint(1, 900)])
        found += splitter.feed(bytes(out[at : at + step]))
        assert len(splitter.pending) <= LONGEST_REPLY + 1
        at += step
    assert found == [one for one in expected if one is not None]
    assert splitter.damaged == expected.count(None) > 0.1 * len(sent)
    left = iter(found)
    assert all(one in left for one in sent)  # all of them, in order
    assert min(kinds.values()) > size / 5000


# ---------------------------------------------------------------------------------------------------------------------
# The link


class BadLine(Port):
    """A chip whose answers come over a bad line: hurt, doubled, late, run into each other and into noise."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.source = random.Random(seed)
        self.held: list[tuple[int, bytes]] = []
        """Answers that are late: after how many others they come."""
        self.came = 0
        """Bytes."""
        self.kinds: Counter[str] = Counter()
        self.most = 0
        self.now = 0.0

    def write(self, sent: bytes) -> None:
        """The requests arrive whole; what is done to them is tested with the gateware's model."""
        before = len(self.out)
        super().write(sent)
        whole = bytes(self.out[before:])
        del self.out[before:]
        for piece in whole.split(b"\0")[:-1]:
            self._bring(piece + b"\0")
        self.came += len(self.out) - before
        self.most = max(self.most, len(self.out))

    def _bring(self, answer: bytes) -> None:
        source = self.source
        kind = source.choice(["whole"] * 4 + ["flipped", "cut", "doubled", "late", "interleaved", "noise", "swallowed"])
        self.kinds[kind] += 1
        self.held = [(left - 1, late) for left, late in self.held]
        if kind == "flipped":
            answer = flip(source, answer)
        elif kind == "cut":
            answer = cut(source, answer)
        elif kind == "doubled":
            answer += answer
        elif kind == "late":
            self.held.append((source.randint(1, 60), answer))
            answer = b""
        elif kind == "interleaved":
            answer = interleave(source, answer, noise(source, 10))
        elif kind == "noise":
            answer = noise(source, 200) + b"\0" + answer
        elif kind == "swallowed":  # the noise has no delimiter
            answer = noise(source, 150, zeros=False) + answer
        self.out += answer + b"".join(late for left, late in self.held if left <= 0)
        self.held = [(left, late) for left, late in self.held if left > 0]

    def read(self, size: int) -> bytes:
        """In pieces of any size; waiting for what does not come takes a millisecond."""
        self.now += 0 if self.out else 0.001
        return super().read(self.source.randint(1, max(1, size)))

    def monotonic(self) -> float:
        return self.now


@pytest.mark.parametrize("size", SIZES)
def test_every_request_is_answered_rightly(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers, weights, results and counters of a network that learns are those of the golden model."""
    monkeypatch.setattr(line, "TRIES", 200)  # what does not come never comes: no reason to wait
    port = BadLine(961)
    monkeypatch.setattr(line, "time", port)  # the same damage in each run, on a slow machine too
    board = Board(CONFIG, Line(port, timeout=0.002))
    golden = Network(CONFIG)
    board.write_weights(golden.weights)
    board.write_register("key", golden.key)
    board.clear_counters()
    source = random.Random(962)
    images = np.random.default_rng(963).integers(0, CONFIG.input.full_scale + 1, (20, CONFIG.network.layers[0]))
    asked = len(port.executed)
    while port.came < size:
        payloads = [noise(source, 10)[: board.sizes.reply] for _ in range(200)]
        assert list(board.line.stream([("echo", payload) for payload in payloads])) == payloads
        labels = [source.randrange(CONFIG.network.layers[-1]) for _ in images]
        modes = [source.choice([LEARN, LEARN, INFER]) for _ in images]
        for image, label, mode, result in zip(images, labels, modes, board.present(images, labels, modes), strict=True):
            expected = golden.present(image, label, mode)
            assert (result["prediction"], result["counts"]) == (expected.prediction, list(expected.counts))
        asked += len(payloads) + len(images)
        assert len(port.executed) == asked  # each of them once
        assert len(board.line.splitter.pending) <= LONGEST_REPLY + 1
    for mine, theirs in zip(board.read_weights(), golden.weights, strict=True):
        assert (mine == theirs).all()
    counters = golden.counter_values()
    names = [name for name in board.registers if name in counters]
    assert board.read_registers(names) == {name: counters[name] for name in names}
    assert min(port.kinds.values()) > size / 10_000
    assert asked > size / 200
    assert set(board.line.statistics.refused) <= set(protocol.REFUSED)
    # No storm of repetitions: what lies in the port stays a handful of answers and a stretch of noise.
    assert port.most < 20_000


class Liar(Port):
    """A chip that is none: frames with a right CRC, of which nothing else needs to be right."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.source = random.Random(seed)
        self.true = True
        self.writes = 0

    def write(self, sent: bytes) -> None:
        self.writes += 1
        if self.true:
            super().write(sent)
            return
        source = self.source
        number = sent.lstrip(b"\0")[1] if len(sent) > 2 else 0
        for _ in range(source.choice([0, 1, 1, 1, 2, 3])):
            near = source.choice([number, number, number, (number + source.randint(-WINDOW, WINDOW)) & 0xFF])
            code = source.choice([0] * 20 + [source.randrange(len(STATUSES)), source.randrange(256)])
            size = source.choice([4, 4, 4, 0, 1, source.randint(0, 130), 2000])
            payload = bytes(source.randrange(256) for _ in range(size))
            self.out += encode(source.randrange(256) if source.random() < 0.02 else near, code, payload)
            self.out += noise(source, 5) if source.random() < 0.1 else b""


@pytest.mark.parametrize("trials", [150, pytest.param(5000, marks=pytest.mark.soak)])
def test_whole_frames_that_lie(trials: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are believed or refused with a `BoardError`; afterwards a chip at the same line is found again."""
    monkeypatch.setattr(line, "TRIES", 3)
    port = Liar(964)
    monkeypatch.setattr(line.secrets, "randbelow", port.source.randrange)
    images = np.zeros((9, CONFIG.network.layers[0]), np.int64)
    outcomes: Counter[str] = Counter()

    def attempts(board: Board) -> Iterator[Callable[[], object]]:
        while True:
            yield board.counters
            yield board.read_weights
            yield lambda: list(board.present(images, [0] * 9, [INFER] * 9))
            yield lambda: board.echo(b"abc")
            yield lambda: board.write_register("key", 7)
            yield board.line.identify
            yield lambda: Board(CONFIG, board.line)

    board = Board(CONFIG, Line(port, timeout=0.002))
    tried = attempts(board)
    for _ in range(trials):
        port.true, port.writes = False, 0
        start = time.monotonic()
        try:
            next(tried)()
            outcomes["believed"] += 1
        except BoardError as error:  # and nothing else
            outcomes[type(error).__name__] += 1
        # read_weights asks for a few dozen blocks, each at most TRIES times in silence.
        assert time.monotonic() - start < 5
        assert port.writes < 5000
        port.true = True
        port.line.clear()
        board.line.identify()
        assert board.echo(b"\0true")
    assert min(outcomes[kind] for kind in ("believed", "BoardError", "BoardLost")) > trials / 50


@pytest.mark.parametrize(
    ("status", "payload", "words"),
    [
        (len(STATUSES), b"", "answers with status 7, which this host does not know"),
        (255, b"abcd", "answers with status 255"),
        (0, b"ab", "gives 2 bytes"),
        (0, b"abcde", "gives 5 bytes"),
        (0, b"", "gives 0 bytes"),
    ],
)
def test_an_answer_that_cannot_be(status: int, payload: bytes, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    port = Port()
    board = Board(CONFIG, Line(port, timeout=0.01))
    image = np.zeros((1, CONFIG.network.layers[0]), np.int64)
    for call in (lambda: board.read_registers(["key"]), lambda: list(board.present(image, [0], [INFER]))):
        # The request's number is moved on after it has been written.
        monkeypatch.setattr(port, "write", lambda sent: port.out.extend(encode(board.line.next, status, payload)))
        with pytest.raises(BoardError, match=words):
            call()


def test_an_identity_that_contradicts_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also with the right hash: what weights and images are cut by must be as the config says."""
    port = Port()
    true = protocol.unpack_fields(protocol.IDENTITY, port.chip._identify(b""))
    forgeries = [(name, true[name] + 1) for name in ("inputs", "outputs", "words", "weight_bits", "frame")]
    for name, value in (*forgeries, ("lanes", 0), ("banks", 0), ("banks", true["inputs"] + 1), ("weight_bits", 0)):
        forged = protocol.pack_fields(protocol.IDENTITY, true | {name: value})
        monkeypatch.setattr(port.chip, "_identify", lambda rest, forged=forged: forged)
        with pytest.raises(BoardError, match="does not fit"):
            Board(CONFIG, Line(port, timeout=0.01))
