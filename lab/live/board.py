"""A board beside a golden twin, which is given the same: the link carries no spikes, so those shown are the twin's."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from eqspike.fpga.engine import BoardEngine
from eqspike.fpga.line import BoardLost
from eqspike.golden.config import Config
from eqspike.lab.live.chip import Chip, GoldenChip, Match, Neuron, Presented, Synapse

COMPARED = ("prediction", "counts", "nudged")
PAUSE = 0.1
"""Seconds between two looks at a word of the weight memory while nothing else is done."""


class BoardChip(Chip):
    """A board. Each image's counts, nudge and key are compared with the twin's, and a word of the weight memory after
    each, so that all weights are compared in a round of as many images as there are words."""

    notes = (
        "The link carries no spikes and no membranes: those shown are its golden twin's, which is given the same.",
    )
    lost = (BoardLost,)
    check_images = 20

    def __init__(self, engine: BoardEngine, config: Config) -> None:
        self.engine, self.config = engine, config
        self.twin = GoldenChip(config)
        self.title = f"a board at {engine.port}" if engine.port else "a simulated board, through its UART"
        self.images = self.wrong = self.rounds = 0
        """Images compared since the weights were written, those that did not match, and whole rounds."""
        self.word = 0
        """To be compared next."""
        self.bad: dict[Synapse, str] = {}
        """Weights that were other than the twin's when they were looked at last, and what they were."""
        self._fill()

    @property
    def key(self) -> int:
        return self.twin.key

    @key.setter
    def key(self, value: int) -> None:
        self.engine.board.write_register("key", value)
        self.twin.key = value

    def present(self, image: np.ndarray, label: int, mode: int, epoch: int, inspected: Neuron | None) -> Presented:
        """As `Chip.present`; where the board is lost, the twin still stands before this image."""
        board = self.engine.board
        self.engine.held = None
        if epoch != self.epoch:
            board.set_epoch(epoch)
            self.epoch = epoch
        found = next(iter(board.present(image[None], [label], [mode])))
        key = board.read_registers(["key"])["key"]
        shown = self.twin.present(image, label, mode, epoch, inspected)
        own = (found["prediction"], tuple(found["counts"]), bool(found["nudged"]), key)
        same = own == (*(getattr(shown, name) for name in COMPARED), shown.key)
        self.images += 1
        self.wrong += not same
        self.compare_word()
        return dataclasses.replace(
            shown, prediction=own[0], counts=own[1], nudged=own[2], key=key, match=self.match(same)
        )

    def match(self, same: bool = True) -> Match:
        """What the twin says; `same`: of the last image."""
        images = f"counts, nudge and key {'as' if same else 'other than'} the twin's"
        if self.wrong:
            images += f"; {self.wrong} of {self.images} images differed"
        if self.bad:
            (layer, row, column), what = next(iter(self.bad.items()))
            count = "1 weight differs" if len(self.bad) == 1 else f"{len(self.bad)} weights differ, the first"
            weights = f"{count} in layer {layer}, row {row}, column {column}: {what}"
        elif self.rounds:
            weights = f"all weights as the twin's ({self.rounds} rounds)"
        else:
            weights = f"weights: {self.word} of {self.engine.board.sizes.words} words compared, as the twin's"
        return Match(same and not self.wrong and not self.bad, f"{images}; {weights}")

    def compare_word(self) -> None:
        """Compare the weights of one word of the memory."""
        board = self.engine.board
        places = board.places[board.places[:, 3] == self.word]
        found, twin, layers = board.read_weights([self.word]), self.twin.network.contents, len(self.config.synapses)
        for layer, row, column in places[:, :3].tolist():
            own, other = ([int(part[row, column]) for part in each[layer::layers]] for each in (found, twin))
            if own == other:
                self.bad.pop((layer, row, column), None)
            else:
                self.bad[layer, row, column] = f"{own[0]}, of the twin {other[0]}"
        self.word += 1
        if self.word == board.sizes.words:
            self.word, self.rounds = 0, self.rounds + 1

    def contents(self) -> tuple[np.ndarray, ...]:
        """The twin's, which are the board's where they match: to read them all takes seconds."""
        return self.twin.contents()

    def read(self) -> tuple[np.ndarray, ...]:
        return self.engine.board.read_weights()

    def load(self, contents: Sequence[np.ndarray], key: int) -> None:
        self.twin.load(contents, key)
        self._fill()

    def _fill(self) -> None:
        """Let the board hold what the twin holds."""
        self.engine.board.write_weights(self.twin.network.contents)
        self.engine.board.write_register("key", self.twin.key)
        self.images = self.wrong = self.rounds = self.word = 0
        self.epoch: int | None = None  # a board that was restarted has forgotten it
        self.bad = {}

    def write(self, synapses: Sequence[Synapse], value: int) -> None:
        self.twin.write(synapses, value)
        board = self.engine.board
        wanted = set(map(tuple, synapses))
        words = {word for *place, word, _ in board.places.tolist() if tuple(place) in wanted}
        board.write_weights(self.twin.network.contents, sorted(words))

    def stick(self, synapses: Sequence[Synapse], at: str) -> None:
        raise NotImplementedError("which devices of a board are stuck is built in")

    def stuck(self) -> list[Synapse]:
        return self.twin.stuck()

    def idle(self) -> float | None:
        self.compare_word()
        return PAUSE

    def reconnect(self, waiting: Callable[[float], None]) -> None:
        """Wait for the board, and let it hold what the twin holds; again where it is lost meanwhile."""
        while True:
            self.engine.reconnect(waiting)
            try:
                return self._fill()
            except BoardLost:
                continue

    def close(self) -> None:
        self.engine.close()


__all__ = ["BoardChip"]
