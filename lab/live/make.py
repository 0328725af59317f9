"""A live session from a config: its images, weights to begin with, and a chip."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from eqspike.golden.config import Config
from eqspike.golden.derived import first_key
from eqspike.golden.engine import GoldenEngine
from eqspike.lab.configs import for_simulator, in_fixed_point
from eqspike.lab.engines import Connection, board_engine
from eqspike.lab.live.chip import Chip, GoldenChip
from eqspike.lab.live.images import Images, load_images
from eqspike.lab.live.session import Message, Session, Weights, initial_weights
from eqspike.lab.train import train
from eqspike.lab.weights import load_weights

Say = Callable[[str], None]
KINDS = ("golden", "circuit", "board")


class Plan:
    """All that is known before the chip is made. Raises `ConfigError` for real numbers, `WeightsError`, `DataError`."""

    def __init__(self, config: Config, weights: Path | None, untrained: bool, limit: int | None, say: Say) -> None:
        self.config = for_simulator(in_fixed_point(config))
        saved = load_weights(weights, self.config) if weights else None
        self.images: Images = load_images(self.config, limit, (saved.encoding or None) if saved else None)
        self.trained: Weights | None = None
        if saved:
            key, epochs = saved.about.get("key"), saved.about.get("epoch") or 0
            images = epochs * (saved.about.get("limit") or len(self.images.split.train_labels))
            self.trained = Weights(saved.contents, first_key(self.config) if key is None else key, images)
        elif not untrained:
            say(f"training the golden model, {self.config.training.epochs} epochs")
            self.trained = _trained(self.config, self.images)

    def chip(self, kind: str, connection: Connection, say: Say) -> Chip:
        """The chip, one of `KINDS`. Raises `BoardError` without a board, `SimulationError` where it does not
        compile."""
        if kind == "golden":
            return GoldenChip(self.config)
        if kind == "circuit":
            from eqspike.lab.live.circuit import CircuitChip

            say("the circuit (the first one of a config is compiled, about a minute)")
            begin = self.trained or initial_weights(self.config)
            return CircuitChip(self.config, begin.contents, begin.key)
        from eqspike.lab.live.board import BoardChip

        if connection.port is None:
            say("simulated board (the first one of a config is compiled, about a minute)")
        engine = board_engine(self.config, connection)
        engine.connect()
        try:
            return BoardChip(engine, self.config)
        except BaseException:
            engine.close()
            raise

    def session(self, kind: str, connection: Connection, say: Say, send: Callable[[Message], None]) -> Session:
        """The session of a chip that is made now, by the thread that will own it."""
        chip = self.chip(kind, connection, say)
        try:
            return Session(self.config, chip, self.images, self.trained, send)
        except BaseException:
            chip.close()
            raise


def _trained(config: Config, images: Images) -> Weights:
    found = train(config, GoldenEngine(config), images.split)
    learned = len(found.epochs) * len(images.split.train_labels)
    return Weights(tuple(np.array(layer) for layer in found.weights), found.key, learned)


__all__ = ["KINDS", "Plan"]
