"""What stands in for a board, and where a session's messages go."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from eqspike.fpga.line import BoardLost
from eqspike.golden.config import Config
from eqspike.golden.derived import first_key
from eqspike.golden.network import Network
from eqspike.lab.live.chip import Chip, GoldenChip
from eqspike.lab.live.images import load_images
from eqspike.lab.live.session import Session, Weights
from eqspike.rtl.layout import Layout

LANES = 4


class GoldenBoard:
    """Computes as golden does, and speaks as `fpga.host.Board`. `lost`: images until it is lost, with all it held."""

    def __init__(self, config: Config, lost: int | None = None) -> None:
        self.config, self.lost = config, lost
        layout = Layout(config, LANES)
        self.places, self.sizes = np.array(layout.places()), SimpleNamespace(words=layout.words)
        self.network = Network(config)
        self.epochs: list[int] = []

    def set_epoch(self, epoch: int) -> None:
        self.network.set_epoch(epoch)
        self.epochs.append(epoch)

    def write_register(self, name: str, value: int) -> None:
        assert name == "key"
        self.network.key = value

    def read_registers(self, names: list[str]) -> dict[str, int]:
        assert names == ["key"]
        return {"key": self.network.key}

    def present(self, images: np.ndarray, labels: list[int], modes: list[int]) -> Any:
        for image, label, mode in zip(images, labels, modes, strict=True):
            if self.lost == 0:
                raise BoardLost("no answer")
            self.lost = None if self.lost is None else self.lost - 1
            found = self.network.present(image, label, mode)
            yield {"prediction": found.prediction, "counts": list(found.counts), "nudged": int(found.nudged)}

    def write_weights(self, contents: Any, words: list[int] | None = None) -> None:
        for layer, row, column, word, _ in self.places.tolist():
            if words is None or word in words:
                self.network.weights[layer][row, column] = contents[layer][row, column]

    def read_weights(self, words: list[int] | None = None) -> tuple[np.ndarray, ...]:
        found = tuple(np.zeros_like(layer) for layer in self.network.weights)
        for layer, row, column, word, _ in self.places.tolist():
            if words is None or word in words:
                found[layer][row, column] = self.network.weights[layer][row, column]
        return found


class GoldenEngine:
    """A `fpga.engine.BoardEngine` whose board comes back empty, after some seconds of waiting."""

    port = None

    def __init__(self, config: Config, lost: int | None = None) -> None:
        self.config, self.board, self.held, self.waited = config, GoldenBoard(config, lost), None, 0
        self.closed = False

    def reconnect(self, waiting: Any) -> None:
        self.waited += 1
        waiting(12.3)
        self.board = GoldenBoard(self.config)
        self.board.write_weights([0 * layer for layer in self.board.network.weights])

    def close(self) -> None:
        self.closed = True


class Heard(list):
    """Messages that a session sent."""

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self if message["type"] == kind]


def session(config: Config, chip: Chip | None = None, trained: Weights | None = None) -> tuple[Session, Heard]:
    """A session, and where its messages go."""
    heard = Heard()
    return Session(config, chip or GoldenChip(config), load_images(config), trained, heard.append), heard


def work(own: Session, most: int = 10_000) -> int:
    """Work until there is nothing; how many pieces there were."""
    for done in range(most):
        if not own.work():
            return done
    raise AssertionError("it never ends")


def weights_of(config: Config, seed: int = 0) -> Weights:
    """Some weights that fit."""
    generator = np.random.default_rng(seed)
    network = Network(config)
    return Weights(tuple(generator.permuted(layer) for layer in network.weights), first_key(config), 5)
