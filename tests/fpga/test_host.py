"""The host's side of the link against a model of the chip behind a bad line: what is lost or damaged is asked again,
nothing is done twice, garbage is survived."""

from __future__ import annotations

import random

import numpy as np
import pytest
from cobs import cobs

from cocotb_tests import networks
from cocotb_tests.sim_link import Chip
from fpga import host
from fpga.framing import Splitter, decode, encode
from fpga.host import Board, BoardError, BoardLost, Line
from golden.config import Config
from golden.data import load_split
from golden.network import INFER, LEARN, Network
from rtl.link import protocol
from rtl.link.link import Link

CONFIG = networks.odd("7-5-3")


class Port:
    """A serial port to a chip, which is `cocotb_tests.sim_link.Chip`; `noise`: how often a byte is hurt, each way."""

    def __init__(self, noise: float = 0.0, seed: int = 0, config: Config = CONFIG) -> None:
        self.chip = Chip(config, Link(config))
        self.random = random.Random(seed)
        self.noise = noise
        self.line, self.out = bytearray(), bytearray()
        self.dead = False
        self.executed: list[int] = []

    @property
    def in_waiting(self) -> int:
        if self.dead:
            raise OSError(5, "Input/output error")
        return len(self.out)

    def read(self, size: int) -> bytes:
        found = bytes(self.out[:size])
        del self.out[:size]
        return found

    def reset_input_buffer(self) -> None:
        self.out.clear()

    def write(self, sent: bytes) -> None:
        if self.dead:
            raise OSError(5, "Input/output error")
        self.line += self._hurt(sent)
        *pieces, self.line = self.line.split(b"\0")
        for piece in pieces:
            before = self.chip.expected
            answer = self.chip.answer(bytes(piece))
            if answer is not None:
                self.executed += [before] * (self.chip.expected != before)
                self.out += self._hurt(encode(answer[0], answer[1], answer[2:]))

    def _hurt(self, sent: bytes) -> bytes:
        out = bytearray()
        for byte in sent:
            kind = self.random.random()
            if kind < self.noise / 3:
                continue
            if kind < 2 * self.noise / 3:
                byte ^= 1 << self.random.randrange(8)
            elif kind < self.noise:
                out += bytes(self.random.randrange(256) for _ in range(self.random.randint(1, 40)))
            out.append(byte)
        return bytes(out)


def make(monkeypatch: pytest.MonkeyPatch, port: Port) -> Board:
    # An answer that does not come never comes: no reason to wait.
    monkeypatch.setattr(host, "TRIES", 200)
    return Board(port.chip.config, Line(port, timeout=0.002))


@pytest.mark.parametrize(
    ("config", "noise"),
    [
        (CONFIG, 0.0),
        (CONFIG, 0.002),
        (CONFIG, 0.01),
        # The rows of its inputs stand in three memories.
        (networks.odd("banks-41-7-7-3"), 0.0),
    ],
    ids=["whole", "0.2 %", "1 %", "banks"],
)
def test_a_bad_line_changes_nothing(config: Config, noise: float, monkeypatch: pytest.MonkeyPatch) -> None:
    port = Port(noise, seed=3, config=config)
    board = make(monkeypatch, port)
    golden, part = Network(config), load_split(config)
    board.write_weights(golden.weights)
    board.write_register("key", golden.key)
    board.set_epoch(0)
    board.clear_counters()
    images, labels = part.train_images[:30], part.train_labels[:30]
    modes = [LEARN] * 25 + [INFER] * 5
    results = list(board.present(images, labels, modes))
    expected = np.concatenate(
        [golden.present_all(images[:25], labels[:25], LEARN), golden.present_all(images[25:], labels[25:], INFER)]
    )
    got = [[r[name] for name in ("prediction", "first_spike", "first_step", "nudged")] for r in results]
    assert (np.array(got) == expected).all()
    for mine, theirs in zip(board.read_weights(), golden.weights, strict=True):
        assert (mine == theirs).all()
    counters = golden.counter_values()
    names = [name for name in board.registers if name in counters]
    assert board.read_registers(names) == {name: counters[name] for name in names}
    assert board.read_registers(["key"])["key"] == golden.key
    assert (board.line.statistics.repeated > 0) == (noise > 0)


def test_lost_and_doubled_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    port = Port()
    board = make(monkeypatch, port)
    write = port.write
    count = 0

    def fickle(sent: bytes) -> None:
        # Of the answers every third is lost, every fourth comes twice.
        nonlocal count
        before = len(port.out)
        write(sent)
        count += len(port.out) > before
        if count % 3 == 0:
            del port.out[before:]
        elif count % 4 == 0:
            port.out += port.out[before:]

    monkeypatch.setattr(port, "write", fickle)
    payloads = [bytes([n]) * (n % 20) for n in range(100)]
    assert list(board.line.stream([("echo", p) for p in payloads])) == payloads
    # Each request was executed once.
    assert len(port.executed) == len(payloads) + 1


def test_refused_requests_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    board = make(monkeypatch, Port())
    with pytest.raises(BoardError, match="the board refuses a request"):
        board.line.ask("read_register", b"\xff")
    assert board.echo(b"\0\1\0")


def test_another_config(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BoardError, match="another config than odd-16-9-9-4: 7 inputs, 3 outputs"):
        Board(networks.odd("16-9-9-4"), Line(Port(), timeout=0.01))


def test_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    port = Port()
    monkeypatch.setattr(port.chip, "_identify", lambda rest: bytes([protocol.VERSION + 1]) + b"new")
    with pytest.raises(BoardError, match=f"speaks version {protocol.VERSION + 1}"):
        Board(CONFIG, Line(port, timeout=0.01))


def test_the_hash_knows_what_the_circuit_is_made_of() -> None:
    own = protocol.config_hash(CONFIG)
    assert protocol.config_hash(networks.odd("7-5-3", lanes=3)) == own
    assert protocol.config_hash(CONFIG.replace(name="other")) == own
    assert protocol.config_hash(networks.odd("16-9-9-4")) != own
    changed = CONFIG.replace(neuron=type(CONFIG.neuron)(leak=2**-6))
    assert protocol.config_hash(changed) != own


def test_no_board(monkeypatch: pytest.MonkeyPatch) -> None:
    class Mute(Port):
        def write(self, sent: bytes) -> None:
            pass

    monkeypatch.setattr(host, "TRIES", 3)
    with pytest.raises(BoardLost, match="no answer from the board"):
        Line(Mute(), timeout=0.002).identify()
    with pytest.raises(BoardLost, match="nowhere"):
        host.open_port("/dev/nowhere", 1_000_000)


def test_an_unplugged_and_a_restarted_board_are_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    port = Port()
    board = make(monkeypatch, port)
    port.dead = True
    with pytest.raises(BoardLost, match="Input/output error"):
        board.echo(b"x")
    port.dead = False
    port.chip = Chip(CONFIG, Link(CONFIG))
    board.line.next = 77
    with pytest.raises(BoardLost, match="restarted"):
        board.echo(b"x")


def test_splitter_survives_garbage() -> None:
    source = random.Random(5)
    splitter, frames, out = Splitter(300), [], bytearray()
    for n in range(500):
        out += bytes(source.randrange(256) for _ in range(source.choice([0, 3, 700]))) + b"\0"
        frames.append((n & 0xFF, n % 7, bytes(source.randrange(256) for _ in range(n % 30))))
        out += encode(*frames[-1])
    found, at = [], 0
    while at < len(out):
        step = source.randint(1, 900)
        found += splitter.feed(bytes(out[at : at + step]))
        at += step
        assert len(splitter.pending) <= 301
    assert [(f.number, f.code, f.payload) for f in found] == frames
    assert splitter.damaged > 300


def test_decode_refuses_what_is_no_frame() -> None:
    whole = encode(1, 2, b"abc")[:-1]
    assert decode(whole).payload == b"abc"
    assert decode(whole[:-1]) is None
    assert decode(cobs.encode(b"\1\2")) is None
    assert decode(cobs.encode(cobs.decode(whole)[:-1] + b"\0")) is None
