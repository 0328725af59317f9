"""A training that a page watches: an engine that trains, and a golden twin that learns the same and shows how."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from eqspike.base.errors import UsageProblem
from eqspike.golden.config import Config
from eqspike.golden.data import Split
from eqspike.golden.engine import Engine, Learned
from eqspike.golden.modes import INFER, LEARN
from eqspike.lab.live.chip import GoldenChip, Neuron, Presented
from eqspike.lab.live.server import Server
from eqspike.lab.live.session import FRAME, SEEN, SHOWN, Message, image_message
from eqspike.lab.page import description
from eqspike.lab.page.assembly import page

TITLES = {
    "golden": "the golden model", "golden-plain": "the golden model's kernels", "rtl": "the circuit in a simulator",
    "board": "a board",
}  # fmt: skip
NOTES = (
    "This page only watches: the training runs in a terminal. Of many images that are learned in a row it shows the "
    "last, as a golden twin has it, which learns the same.",
)


class Watched(Engine):
    """`engine`, unchanged to the bit. After each stretch of images a twin learns them too: results and key must be the
    same, the last image is shown step by step, and the twin's weights are those that are seen."""

    def __init__(self, engine: Engine, name: str, config: Config, data: Split, send: Callable[[Message], None]) -> None:
        self.engine, self.name, self.config, self.data, self.send = engine, name, config, data, send
        self.lost = engine.lost
        self.twin = GoldenChip(config)
        self.gave: object = None
        """The weights that the engine gave back last, which the twin's are."""
        self.inspected: Neuron | None = None
        self.epoch: int | None = None
        self.count = self.wrong = 0
        self.last: deque[np.ndarray] = deque(maxlen=SEEN)
        self.sent_image = self.sent_weights = 0.0
        self.unseen: tuple[np.ndarray, int, Presented] | None = None
        """The last image, where another was shown just before."""
        self.send(self.ready())

    def ready(self) -> Message:
        """What it is."""
        counts = {"train": len(self.data.train_labels), "test": len(self.data.test_labels)}
        return description.ready(self.config, TITLES[self.name], NOTES) | {
            "dataset": {"name": self.config.dataset.name, **counts},
            "digest": "",
            "sticks": False,
            "trained": False,
            "images": 0,
            "watches": True,
        }

    def learn(
        self, images: np.ndarray, labels: np.ndarray, weights: Sequence[np.ndarray], key: int, epoch: int
    ) -> Learned:
        """As the engine."""
        if weights is not self.gave or key != self.twin.key:
            self.twin.load([np.array(layer) for layer in weights], key)
        self.gave = None  # should the engine be lost now, the twin stands where it stood
        if epoch != self.epoch:
            self.epoch = epoch
            self._judge()
        learned = self.engine.learn(images, labels, weights, key, epoch)
        if len(images):
            self._follow(images, np.asarray(labels), learned)
        self.gave = learned.weights
        return learned

    def reconnect(self, waiting: Callable[[float | None], None]) -> None:
        """As the engine, and the page is told."""

        def told(seconds: float | None) -> None:
            waiting(seconds)
            if seconds is not None:
                self._say(f"the board is lost; waiting for it, {seconds:.0f} s left")

        self._say("the board is lost")
        self.engine.reconnect(told)
        self._say("the board is there again; its epoch begins anew")

    def end(self, text: str) -> None:
        """The training is over."""
        if self.unseen is not None:
            self._show()
        self._judge()
        self.send({"type": "state", "training": False, "text": text})

    def hear(self, message: object) -> str | None:
        """From a page: a neuron to look into. What is wrong with the message, if anything."""
        neuron = message.get("neuron") if isinstance(message, dict) and message.get("type") == "inspect" else 0
        layers = self.config.network.layers
        if neuron is not None:
            if not (isinstance(neuron, list) and len(neuron) == 2 and all(type(part) is int for part in neuron)):
                return "this page only watches"
            if not (0 < neuron[0] < len(layers) and 0 <= neuron[1] < layers[neuron[0]]):
                return "neuron: there is no such neuron"
        self.inspected = neuron and (neuron[0], neuron[1])
        return None

    def _follow(self, images: np.ndarray, labels: np.ndarray, learned: Learned) -> None:
        """Let the twin learn the images, and show the last."""
        results = self.twin.learn_all(images[:-1], labels[:-1], self.epoch)
        shown = self.twin.present(images[-1], int(labels[-1]), LEARN, self.epoch, self.inspected)
        last = learned.results[-1]
        same = (
            np.array_equal(results, learned.results[:-1])
            and (int(last[0]), bool(last[3])) == (shown.prediction, shown.nudged)
            and learned.key == self.twin.key
        )
        self.wrong += not same
        self.count += len(images)
        self.last.extend(np.stack([learned.results[:, 0] == labels, learned.results[:, 3] != 0], axis=1)[-SEEN:])
        now = time.monotonic()
        self.unseen = images[-1], int(labels[-1]), shown
        if now - self.sent_image >= FRAME or not same:
            self.sent_image = now
            self._show()
        if now - self.sent_weights >= SHOWN:
            self.sent_weights = now
            self._tell_weights()

    def _show(self) -> None:
        """The image that was learned last."""
        image, label, shown = self.unseen
        self.unseen = None
        right, nudged = (int(n) for n in np.sum(self.last, axis=0))
        differ = f"; {self.wrong} stretches of images differed" if self.wrong else ""
        are = "are NOT" if self.wrong else "are"
        text = f"results and key of {self.count} images {are} the golden twin's{differ}"
        said = {
            "source": "train", "id": None, "pixels": image.tolist(), "label": label, "after": 0,
            "curve": {"images": self.count, "right": right, "nudged": nudged, "seen": len(self.last)},
        }  # fmt: skip
        self.send(image_message(self.config, shown) | said | {"match": {"right": not self.wrong, "text": text}})
        state = "failed" if self.wrong else "passed"
        self.send({"type": "check", "state": state, "done": self.count, "of": self.count, "text": text})

    def _judge(self) -> None:
        """How the twin reads the test part, which is what the training is scored by."""
        images, labels = self.data.test_images, self.data.test_labels
        if not len(labels):
            return
        right = self.twin.network.present_all(images, labels, INFER)[:, 0] == labels
        classes = [[int(right[labels == k].sum()), int((labels == k).sum())] for k in range(self.twin.network.outputs)]
        told = {"images": len(labels), "right": int(right.sum()), "classes": classes, "images_learned": self.count}
        self.send({"type": "judged", **told})
        self._tell_weights()

    def _tell_weights(self) -> None:
        layers = [layer.ravel().tolist() for layer in self.twin.network.weights]
        self.send({"type": "weights", "layers": layers, "stuck": [list(place) for place in self.twin.stuck()]})

    def _say(self, text: str) -> None:
        self.send({"type": "state", "training": True, "text": text})


class Page:
    """The page of a training: a local server, and what `lab.checkpoint.train_run` takes as `watch`."""

    def __init__(self, config: Config, port: int = 0) -> None:
        """Raises `UsageProblem` for real numbers, which no twin in fixed point can follow."""
        if config.number.format != "fixed":
            raise UsageProblem("--watch shows the chip, in fixed point; number.format is real")
        self.server = Server(page(config.name), self._hear)
        self.port = port
        self.watched: Watched | None = None

    @contextmanager
    def served(self) -> Iterator[Page]:
        """Serve it, meanwhile."""
        with self.server.background(self.port):
            try:
                yield self
            finally:
                if self.watched is not None:
                    self.watched.end("the training is over, or was stopped")

    def watch(self, engine: Engine, name: str, config: Config, data: Split) -> Watched:
        """An engine in the place of this one."""
        self.watched = Watched(engine, name, config, data, self.server.publish)
        return self.watched

    def _hear(self, message: Any) -> str | None:
        return self.watched.hear(message) if self.watched is not None else None


__all__ = ["Page", "Watched"]
