"""The host's side of the link against a model of the chip behind a bad line: what is lost or damaged is asked again,
nothing is done twice, garbage is survived."""

from __future__ import annotations

import binascii
import random

import numpy as np
import pytest
from cobs import cobs

from cocotb_tests import networks
from cocotb_tests.sim_link import Chip
from eqspike.fpga import line
from eqspike.fpga.framing import Splitter, decode, encode
from eqspike.fpga.host import Board
from eqspike.fpga.line import BoardError, BoardLost, Line
from eqspike.golden.config import Config
from eqspike.golden.configfile import load_config, resolve_preset
from eqspike.golden.data import load_split
from eqspike.golden.modes import INFER, LEARN
from eqspike.golden.network import Network
from eqspike.rtl.link import protocol
from eqspike.rtl.link.link import Link
from eqspike.rtl.link.protocol import STATUS

CONFIG = networks.odd("7-5-3")


HURTS = ("dropped", "flipped", "inserted", "swapped", "doubled")
"""What happens to a byte on a bad line."""


class Port:
    """A serial port to a chip, which is `cocotb_tests.sim_link.Chip`; `noise`: how often a byte is hurt, each way, in
    one of the ways of `HURTS`."""

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
        random, line, out = self.random, bytearray(sent), bytearray()
        for at in range(len(line)):
            kind = random.choice(HURTS) if random.random() < self.noise else None
            if kind == "dropped":
                continue
            if kind == "flipped":
                line[at] ^= 1 << random.randrange(8)
            elif kind == "inserted":
                out += random.randbytes(random.randint(1, 40))
            elif kind == "swapped":
                line[at : at + 2] = line[at : at + 2][::-1]
            out += line[at : at + 1] * (2 if kind == "doubled" else 1)
        return bytes(out)


def make(monkeypatch: pytest.MonkeyPatch, port: Port) -> Board:
    # An answer that does not come never comes: no reason to wait.
    monkeypatch.setattr(line, "TRIES", 200)
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


@pytest.mark.parametrize("runs", [6, pytest.param(300, marks=pytest.mark.soak)])
def test_short_runs_over_a_bad_line(runs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each kind of damage to 0.2 % of the bytes, each run with other damage: what was asked again has hurt nothing, and
    nothing is fatal."""
    repeated = 0
    for seed in range(runs):
        port = Port(0.01, seed=1000 + seed)
        board, golden, part = make(monkeypatch, port), Network(CONFIG), load_split(CONFIG)
        board.write_weights(golden.weights)
        board.write_register("key", golden.key)
        images, labels = part.train_images[:20], part.train_labels[:20]
        results = list(board.present(images, labels, [LEARN] * 20))
        expected = golden.present_all(images, labels, LEARN)
        assert [r["prediction"] for r in results] == expected[:, 0].tolist()
        for mine, theirs in zip(board.read_weights(), golden.weights, strict=True):
            assert (mine == theirs).all()
        repeated += board.line.statistics.repeated
    assert repeated > runs


def test_damage_does_not_multiply(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of frames as long as these every second is hurt. Each is asked again, but not all others with it: they are hurt
    in their turn, and a line on which each refusal repeats several frames carries repetitions and nothing else."""
    config = load_config(resolve_preset("digits"))
    board, golden, part = make(monkeypatch, Port(0.01, seed=5, config=config)), Network(config), load_split(config)
    board.write_weights(golden.weights)
    results = list(board.present(part.train_images[:20], part.train_labels[:20], [INFER] * 20))
    expected = golden.present_all(part.train_images[:20], part.train_labels[:20], INFER)
    assert [r["prediction"] for r in results] == expected[:, 0].tolist()
    assert 0 < board.line.statistics.repeated < 20 * board.line.statistics.requests


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


def test_an_older_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """A board of version 2, whose frames ended with a CRC of 16 bits, refuses what it does not understand."""
    port = Port()

    def refuse(sent: bytes) -> None:
        frame = bytes([0, STATUS["damaged"]])
        port.out += cobs.encode(frame + binascii.crc_hqx(frame, 0xFFFF).to_bytes(2, "big")) + b"\0"

    monkeypatch.setattr(port, "write", refuse)
    with pytest.raises(BoardError, match=f"speaks version 2 or older .* this host version {protocol.VERSION}"):
        Line(port, timeout=0.01).identify()


def test_numbers_out_of_range_are_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    board = make(monkeypatch, Port())
    golden, sent = Network(CONFIG), len(board.line.port.executed)
    for layer, synapse in enumerate(CONFIG.synapses):
        half = 1 << (synapse.bits - 1)
        for value in (half, -half - 1, 1 << 20):
            weights = [w.copy() for w in golden.weights]
            weights[layer][1, 0] = value
            with pytest.raises(ValueError, match=f"weights of layer {layer} lie outside -{half}..{half - 1}"):
                board.write_weights(weights)
    image = np.full((1, CONFIG.network.layers[0]), CONFIG.input.full_scale + 1)
    with pytest.raises(ValueError, match=r"pixels are 0\.\."):
        list(board.present(image, [0], [INFER]))
    assert len(board.line.port.executed) == sent


def test_numbers_that_cannot_be_are_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame with a right CRC from something that is no such chip."""
    port = Port()
    board = make(monkeypatch, port)
    synapse = max(CONFIG.synapses, key=lambda s: s.bits)
    high = (1 << synapse.bits).to_bytes(board.sizes.weight_bytes, "little")
    read = port.chip._read_weights
    monkeypatch.setattr(port.chip, "_read_weights", lambda *a, **k: high + read(*a, **k)[len(high) :])
    with pytest.raises(BoardError, match=r"gives what it cannot hold: weights of layer \d lie outside"):
        board.read_weights()
    result = {"prediction": 0, "first_valid": 1, "first_spike": 0, "first_step": 0, "nudged": 0}
    learning, outputs = CONFIG.learning, CONFIG.network.layers[-1]
    for name, value in (
        ("prediction", outputs), ("first_spike", outputs), ("first_step", learning.free_steps + learning.nudge_steps)
    ):  # fmt: skip
        answer = port.chip.result(result | {name: value})
        monkeypatch.setattr(port.chip, "_present", lambda *a, answer=answer, **k: answer)
        with pytest.raises(BoardError, match=f"cannot be: {name} {value}, of {value}"):
            list(board.present(np.zeros((1, CONFIG.network.layers[0]), np.int64), [0], [INFER]))


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

    monkeypatch.setattr(line, "TRIES", 3)
    with pytest.raises(BoardLost, match="no answer from the board"):
        Line(Mute(), timeout=0.002).identify()
    with pytest.raises(BoardLost, match="nowhere"):
        line.open_port("/dev/nowhere", 1_000_000)


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
