"""A board as an engine for the command line, real or simulated, that may be unplugged and plugged in again."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType

import numpy as np

from eqspike.fpga.boards import BAUD
from eqspike.fpga.host import Board
from eqspike.fpga.line import TIMEOUT, BoardLost, Line, open_port
from eqspike.fpga.simulated import SimulatedBoard
from eqspike.golden.config import Config
from eqspike.golden.engine import Engine, Learned
from eqspike.golden.modes import LEARN

PATIENCE = 60.0
"""Seconds that a lost board may take to come back."""
SIMULATED_TIMEOUT = 5.0
"""As TIMEOUT, for a board whose every cycle is computed."""


class BoardWeights(Sequence):
    """The weights on the board, read when they are looked at, which must be before the board learns on."""

    def __init__(self, engine: BoardEngine) -> None:
        self.engine = engine
        self.matrices: tuple[np.ndarray, ...] | None = None

    def __len__(self) -> int:
        config = self.engine.config
        return len(config.synapses) * (2 if config.programming.gathers else 1)

    def __getitem__(self, index: int) -> np.ndarray:
        if self.matrices is None:
            if self.engine.held is not self:
                raise RuntimeError("the board has learned on since")
            self.matrices = self.engine.board.read_weights()
        return self.matrices[index]


class BoardEngine(Engine):
    """Learns images on a board.

    `port`: a serial port, or None for the simulated board, which this starts. Once a call has raised `BoardLost`,
    `reconnect` waits for the board; what it knew is then gone, so `learn` is to be called with weights and key of a
    checkpoint.
    """

    lost = (BoardLost,)

    def __init__(self, config: Config, port: str | None = None, baud: int = BAUD) -> None:
        self.config, self.port, self.baud = config, port, baud
        self.simulated: SimulatedBoard | None = None
        self.line: Line | None = None
        self.held: object = None
        """The weights that the board holds: the very object that `learn` took or gave."""

    def __enter__(self) -> BoardEngine:
        self.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def connect(self) -> None:
        """Open the port and find the board. Raises `BoardLost`, or `BoardError` for the wrong board."""
        self.held = None
        if self.port is None and self.simulated is None:
            self.simulated = SimulatedBoard(self.config)
        name = self.simulated.port if self.simulated else self.port
        timeout = SIMULATED_TIMEOUT if self.simulated else TIMEOUT
        self.line = Line(open_port(name, self.baud), timeout)
        try:
            self.board = Board(self.config, self.line)
        except BaseException:
            self._close_port()
            raise

    def _close_port(self) -> None:
        line, self.line = self.line, None
        if line is not None:
            with contextlib.suppress(OSError):  # it is gone already
                line.port.close()

    def close(self) -> None:
        """Close the port; end the simulated board."""
        self._close_port()
        if self.simulated:
            self.simulated.close()
            self.simulated = None

    def reconnect(self, waiting: Callable[[float], None], patience: float = PATIENCE) -> None:
        """Wait until the board is there again; `waiting` is told before each try how many more seconds it may take.
        Raises `BoardLost` when it does not come back in time, `BoardError` when another board comes."""
        self._close_port()
        until = time.monotonic() + patience
        while True:
            waiting(max(until - time.monotonic(), 0))
            if self.simulated and self.simulated.process.poll() is not None:
                self.simulated.close()
                self.simulated = None
            try:
                return self.connect()
            except BoardLost:
                if time.monotonic() > until:
                    raise BoardLost(f"the board did not come back within {patience:.0f} s") from None
            time.sleep(0.5)

    def load(self, weights: Sequence[np.ndarray]) -> None:
        """Let the board have these weights; nothing to do when it has them."""
        if weights is not self.held or self.held is None:
            self.board.write_weights(weights)
            self.held = weights

    def results(
        self, images: np.ndarray, labels: np.ndarray, modes: Sequence[int], moved: Callable[[], None] | None = None
    ) -> Iterator[list[int]]:
        """Results of images: prediction, first spike, its step, nudged; `moved` is called after each."""
        for result in self.board.present(images, labels, modes):
            if moved is not None:
                moved()
            yield [result[name] for name in ("prediction", "first_spike", "first_step", "nudged")]

    def learn(
        self, images: np.ndarray, labels: np.ndarray, weights: Sequence[np.ndarray], key: int, epoch: int
    ) -> Learned:
        """Learn images in order; the weights are `BoardWeights`, read from the board when they are looked at."""
        board = self.board
        self.load(weights)
        self.held = None
        board.write_register("key", key)
        board.set_epoch(epoch)
        board.clear_counters()
        began = time.perf_counter()
        results = np.array(list(self.results(images, labels, [LEARN] * len(labels))), np.int64).reshape(-1, 4)
        seconds = time.perf_counter() - began
        counters = board.counters()
        key = board.read_registers(["key"])["key"]
        self.held = BoardWeights(self)
        cycles = counters.pop("cycles")
        return Learned(results=results, weights=self.held, key=key, counters=counters, seconds=seconds, cycles=cycles)


__all__ = ["BAUD", "BoardEngine", "BoardWeights"]
