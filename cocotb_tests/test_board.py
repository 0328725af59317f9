"""The simulated board: host, pseudo-terminal, UART, link and core together, against the golden model."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
import pytest

from cocotb_tests import networks
from eqspike.fpga.engine import BoardEngine
from eqspike.fpga.host import Board
from eqspike.fpga.line import BoardLost, Line, open_port
from eqspike.fpga.simulated import SimulatedBoard
from eqspike.golden.config import Config
from eqspike.golden.data import epoch_order, load_split
from eqspike.golden.modes import INFER_FIRST_SPIKE, LEARN
from eqspike.golden.network import Network
from eqspike.golden.upset import cells, draw, flipped, strike_between

CONFIG = networks.odd("7-5-3")


@contextlib.contextmanager
def connected(baud_error: float = 0.0, config: Config = CONFIG) -> Iterator[Board]:
    """A board whose host has a clock of its own."""
    with SimulatedBoard(config, baud_error=baud_error) as simulated:
        port = open_port(simulated.port, 1_000_000)
        try:
            yield Board(config, Line(port, timeout=5))
        finally:
            port.close()


@pytest.mark.parametrize("baud_error", [0.0, 0.02, -0.02])
def test_learns_as_the_golden_model(baud_error: float) -> None:
    golden, part = Network(CONFIG), load_split(CONFIG)
    images, labels = part.train_images, part.train_labels
    with connected(baud_error) as board:
        assert board.line.ask("echo", bytes(range(20))) == bytes(range(20))
        board.write_weights(golden.weights)
        board.write_register("key", golden.key)
        board.set_epoch(1)
        golden.set_epoch(1)
        board.clear_counters()
        results = list(board.present(images, labels, [LEARN] * len(labels)))
        expected = golden.present_all(images, labels, LEARN)
        got = [[r[name] for name in ("prediction", "first_spike", "first_step", "nudged")] for r in results]
        assert (np.array(got) == expected).all()
        for mine, theirs in zip(board.read_weights(), golden.weights, strict=True):
            assert (mine == theirs).all()
        counters = board.counters()
        assert counters.pop("cycles") > 0
        assert counters == golden.counter_values()
        assert board.read_registers(["key", "halvings"]) == {"key": golden.key, "halvings": 0x11}
        first = list(board.present(images[:9], labels[:9], [INFER_FIRST_SPIKE] * 9))
        assert [r["first_spike"] for r in first] == golden.present_all(images[:9], labels[:9], INFER_FIRST_SPIKE)[
            :, 1
        ].tolist()
        # At 2 % no bit was misread.
        assert board.line.statistics.repeated == 0
        board.reset()
        assert board.read_registers(["key", "halvings", "images"]) == {
            "key": Network(CONFIG).key, "halvings": 0, "images": 0,
        }  # fmt: skip
        for mine, theirs in zip(board.read_weights(), golden.weights, strict=True):
            assert (mine == theirs).all()


def test_flipped_weights() -> None:
    """Bits of weights that flip on the board, through its link: it goes wrong as golden does, in each layer and bit."""
    golden, part = Network(CONFIG), load_split(CONFIG)
    images, labels = part.train_images[:30], part.train_labels[:30]
    flips = [cell for cell in cells(CONFIG) if cell.place == "weights"]
    generator = np.random.default_rng(4)
    with connected() as board:
        board.write_weights(golden.weights)
        board.write_register("key", golden.key)
        board.set_epoch(0)
        for at, cell in enumerate(flips):
            upset = draw(CONFIG, generator, cell)
            weights = board.read_weights()
            place = np.unravel_index(upset.index, weights[cell.layer].shape)
            weights[cell.layer][place] = flipped(weights[cell.layer][place], cell.bit, CONFIG.synapses[cell.layer].bits)
            board.write_weights(weights)
            strike_between(golden, upset)
            here = slice(at, at + 1)
            (result,) = board.present(images[here], labels[here], [LEARN])
            expected = golden.present(images[at], int(labels[at]), LEARN)
            assert result["prediction"] == expected.prediction
            for mine, theirs in zip(board.read_weights(), golden.weights, strict=True):
                assert (mine == theirs).all()


@pytest.mark.soak
def test_several_banks() -> None:
    """The host knows where weights stand that are spread over three memories."""
    config = networks.odd("banks-41-7-7-3")
    golden, part = Network(config), load_split(config)
    images, labels = part.train_images[:6], part.train_labels[:6]
    with connected(config=config) as board:
        board.write_weights(golden.weights)
        board.write_register("key", golden.key)
        board.set_epoch(0)
        results = list(board.present(images, labels, [LEARN] * len(labels)))
        expected = golden.present_all(images, labels, LEARN)
        got = [[r[name] for name in ("prediction", "first_spike", "first_step", "nudged")] for r in results]
        assert (np.array(got) == expected).all()
        for mine, theirs in zip(board.read_weights(), golden.weights, strict=True):
            assert (mine == theirs).all()


def test_garbage_between_requests_and_another_host() -> None:
    with SimulatedBoard(CONFIG) as simulated:
        port = open_port(simulated.port, 1_000_000)
        line = Line(port, timeout=5)
        board = Board(CONFIG, line)
        for seed in range(20):
            port.write(np.random.default_rng(seed).integers(0, 256, 50).astype(np.uint8).tobytes())
            assert board.echo(bytes([seed]) * 9)
        assert sum(line.statistics.refused.values()) > 5
        # A host that dies in the middle of a frame, and another that comes after it.
        port.write(b"\x10unfinished")
        port.close()
        port = open_port(simulated.port, 1_000_000)
        assert Board(CONFIG, Line(port, timeout=5)).echo(b"again")
        port.close()


def test_engine_goes_on_after_the_board_was_unplugged() -> None:
    golden, part = Network(CONFIG), load_split(CONFIG)
    images, labels = part.train_images[:40], part.train_labels[:40]
    order = epoch_order(CONFIG, 0, len(labels))
    weights, key = golden.initial_weights(), golden.key
    with BoardEngine(CONFIG) as engine:
        step = engine.learn(images[order[:20]], labels[order[:20]], weights, key, 0)
        stale = step.weights
        step = engine.learn(images[order[20:]], labels[order[20:]], stale, step.key, 0)
        with pytest.raises(RuntimeError, match="learned on"):
            stale[0]
        checkpoint = [w.copy() for w in step.weights], step.key
        golden.present_all(images[order], labels[order], LEARN)
        for mine, theirs in zip(checkpoint[0], golden.weights, strict=True):
            assert (mine == theirs).all()
        assert checkpoint[1] == golden.key

        engine.simulated.process.kill()
        engine.simulated.process.wait()
        with pytest.raises(engine.lost):
            engine.learn(images, labels, step.weights, step.key, 1)
        left: list[float] = []
        engine.reconnect(left.append)
        assert left[0] > 0
        step = engine.learn(images, labels, *checkpoint, 1)
        golden.set_epoch(1)
        golden.present_all(images, labels, LEARN)
        for mine, theirs in zip(step.weights, golden.weights, strict=True):
            assert (mine == theirs).all()


def test_a_board_that_stays_away() -> None:
    engine = BoardEngine(CONFIG, port="/dev/nowhere")
    left: list[float] = []
    with pytest.raises(BoardLost, match="did not come back within 0 s"):
        engine.reconnect(left.append, patience=0.1)
    assert len(left) >= 1
