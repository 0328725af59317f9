"""What the page asks, done by a chip: the engine of lab/page/messages.md, as lab/page/engine.js is for a page alone.

One thread hears, works and waits. Between two images messages are heard.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from eqspike.base.errors import CommandError
from eqspike.golden.config import Config
from eqspike.golden.modes import INFER, LEARN
from eqspike.golden.network import Network
from eqspike.lab.live.asked import Asked, WrongMessage
from eqspike.lab.live.check import Check
from eqspike.lab.live.chip import Chip, Neuron, Presented
from eqspike.lab.live.images import Images
from eqspike.lab.live.player import Player
from eqspike.lab.live.tape import Tape
from eqspike.lab.page import description
from eqspike.lab.page.material import digest

SEEN = 200
"""Training images that the curve's share is of, as in lab/page/engine.js."""
SHOWN = 0.25
"""Seconds between two sendings of all weights while it learns."""
FRAME = 1 / 60
"""Seconds between two training images that are shown, where it learns faster than anyone can look."""
MOST_TAUGHT = 1000
"""Drawings that wait to be learned; none is dropped, so more are refused."""
AFTER_CHECK = ("start", "write", "stick", "key", "weights", "digest")
"""Messages that are done when they are heard, and change or tell what the chip holds."""

Message = dict[str, Any]
T = TypeVar("T")


class Stopped(Exception):
    """The session is to end, while it waits for a lost chip."""


@dataclass(frozen=True)
class Weights:
    """Weights (and what accumulators hold) to start from, and the key of the stream of random draws."""

    contents: tuple[np.ndarray, ...]
    key: int
    images: int = 0
    """That they have learned."""


def initial_weights(config: Config) -> Weights:
    """Those before the first image."""
    network = Network(config)
    return Weights(tuple(layer.copy() for layer in network.contents), network.key)


class Session:
    """A chip and its page. `send` takes answers; their packed fields are bytes."""

    def __init__(
        self, config: Config, chip: Chip, images: Images, trained: Weights | None, send: Callable[[Message], None]
    ) -> None:
        self.config, self.chip, self.images, self.send = config, chip, images, send
        count = len(images.split.test_labels)
        self.tests = np.random.default_rng([config.training.seed, 7]).permutation(count)
        """Places in the test part: a data set may have its classes one behind the other."""
        self.starts = {"initial": initial_weights(config), "trained": trained}
        self.asked = Asked(config, chip.sticks)
        self.tape: Tape | None = None
        """What is done is recorded here."""
        self.player: Player | None = None
        """A recorded session that is done again, in place of what the page asks."""
        self.stopping = False
        self.showing: Message | None = None
        self.teaching: deque[Message] = deque()
        self.judging: dict[str, Any] | None = None
        self.checking: Check | None = None
        self.deferred: list[Message] = []
        """Those that came during a check, which gives the chip back what it held before."""
        self.training, self.once, self.wait, self.due = False, 0, 0.0, 0.0
        self.inspected: Neuron | None = None
        self.commands = 0
        self.sent_weights = self.sent_image = 0.0
        self._start("trained" if trained else "initial")

    def ready(self) -> Message:
        """What it is."""
        trained = self.starts["trained"]
        split = self.images.split
        counts = {"train": len(split.train_labels), "test": len(split.test_labels)}
        return description.ready(self.config, self.chip.title, self.chip.notes) | {
            "classes": list(self.images.classes),
            "dataset": {"name": self.config.dataset.name, **counts},
            "digest": "",
            "sticks": self.chip.sticks,
            "trained": trained is not None,
            "images": trained.images if trained else 0,
        }

    def hear(self, message: object) -> None:
        """Do what is small at once, and remember the rest. A message that is wrong is answered with an error."""
        try:
            asked = self.asked(message)
        except WrongMessage as error:
            self.send({"type": "error", "text": str(error)})
            return
        if self.checking is not None and asked["type"] in AFTER_CHECK:
            self.deferred.append(asked)
        else:
            self.do(asked)

    def do(self, asked: Message) -> None:
        """What a checked message says."""
        fields = dict(asked)
        getattr(self, f"_hear_{fields.pop('type')}")(**fields)

    def digest(self) -> str:
        """Of what the chip holds."""
        return digest(self._surely(self.chip.read)[: len(self.config.synapses)], self.chip.key)

    def present(self, asked: Message) -> None:
        """Show or teach what a checked message says, or learn the next training image, at once."""
        if asked["type"] == "train":
            self._train()
        else:
            self._answer(asked, asked.get("label"), asked["type"])

    def _hear_show(self, **asked: Any) -> None:
        self.showing = asked

    def _hear_teach(self, **asked: Any) -> None:
        if len(self.teaching) >= MOST_TAUGHT:
            self.send({"type": "error", "text": f"{MOST_TAUGHT} drawings wait to be learned: this one is not"})
        else:
            self.teaching.append(asked)

    def _hear_train(self, on: bool) -> None:
        if on != self.training:
            self.training = on
            self.say("")

    def _hear_next(self) -> None:
        self._hear_train(False)
        self.once = min(self.once + 1, MOST_TAUGHT)

    def _hear_wait(self, milliseconds: float) -> None:
        self.wait, self.due = milliseconds / 1000, 0.0

    def _hear_start(self, weights: str) -> None:
        self.commands += 1
        self._start(weights if self.starts[weights] else "initial")
        self._tell_weights()

    def _hear_weights(self) -> None:
        self._tell_weights()

    def _hear_write(self, synapses: list[tuple[int, int, int]], value: int) -> None:
        self.commands += 1
        self._record("write", synapses=synapses, value=value)
        self._surely(lambda: self.chip.write(synapses, value))
        self._tell_weights()

    def _hear_stick(self, synapses: list[tuple[int, int, int]], at: str) -> None:
        self.commands += 1
        self._record("stick", synapses=synapses, at=at)
        self._surely(lambda: self.chip.stick(synapses, at))
        self._tell_weights()

    def _hear_key(self, value: int) -> None:
        self.commands += 1
        self._record("key", value=value)
        self._surely(lambda: setattr(self.chip, "key", value))
        self.send({"type": "key", "value": value})

    def _hear_inspect(self, neuron: Neuron | None) -> None:
        self._record("inspect", neuron=neuron)
        self.inspected = neuron

    def _hear_judge(self, images: int) -> None:
        self._record("judge", images=images)
        classes = [[0, 0] for _ in self.images.classes]
        self.judging = {"images": min(images, len(self.images.split.test_labels)), "done": 0, "classes": classes}

    def _hear_digest(self) -> None:
        self.send({"type": "digest", "value": self.digest()})

    def _hear_check(self) -> None:
        if self.checking is None:
            self.checking = Check(self.config, self.chip, self.images)

    # -----------------------------------------------------------------------------------------------------------------

    def work(self) -> bool:
        """One piece of work; False when there is none now."""
        if self.checking is not None:
            self._check_more()
        elif self.player is not None:
            return self.player.work(self)
        elif self.showing is not None:
            asked, self.showing = self.showing, None
            self._answer(asked, None, "show")
        elif self.teaching:
            asked = self.teaching.popleft()
            self._answer(asked, asked["label"], "teach")
            self._tell_weights()
        elif self.judging is not None:
            self._judge_more()
        elif (self.training or self.once) and time.monotonic() >= self.due and len(self.images.split.train_labels):
            self.once = max(0, self.once - 1)
            self.due = time.monotonic() + self.wait
            self._train()
        else:
            return False
        return True

    def idle(self) -> float | None:
        """Seconds until there may be work, None: until a message comes. Called when there is none now."""
        waits = [self._surely(self.chip.idle)]
        if self.player is not None:
            waits.append(self.player.wait())
        if self.training or self.once:
            waits.append(max(self.due - time.monotonic(), 0.0))
        return min((wait for wait in waits if wait is not None), default=None)

    def _start(self, which: str) -> None:
        """Weights, key and curve as before the first image, or as the training left them."""
        found = self.starts[which]
        self._record("start", weights=which)
        self._surely(lambda: self.chip.load(found.contents, found.key))
        self.count = self.epoch = self.at = 0
        self.order, self.moves = self.images.epoch(0)
        self.last: deque[tuple[bool, bool]] = deque(maxlen=SEEN)

    def _train(self) -> None:
        if self.at == len(self.order):
            self.epoch, self.at = self.epoch + 1, 0
            self.order, self.moves = self.images.epoch(self.epoch)
        image, label = self.images.train(self.order[self.at], self.moves)
        self.at += 1
        self._answer({"pixels": image.tolist(), "id": None}, label, "train")
        if time.monotonic() - self.sent_weights > SHOWN:
            self._tell_weights()

    def _present(self, pixels: Any, label: int | None, mode: int) -> Presented:
        image = np.asarray(pixels, np.int64)
        return self._surely(lambda: self.chip.present(image, label or 0, mode, self.epoch, self.inspected))

    def _answer(self, asked: Message, label: int | None, source: str) -> None:
        if source == "train":
            self._record("train")
        else:
            kept = {name: asked[name] for name in ("pixels", "label", "strokes") if asked.get(name) is not None}
            self._record(source, **kept)
        shown = self._present(asked["pixels"], label, INFER if source == "show" else LEARN)
        if source == "train":
            self.count += 1
            self.last.append((shown.prediction == label, shown.nudged))
            # Of hundreds a second nobody sees each; the curve tells of all.
            if (
                time.monotonic() - self.sent_image < FRAME
                and not self.once
                and (shown.match is None or shown.match.right)
            ):
                return
            self.sent_image = time.monotonic()
        right, nudged = (sum(each[which] for each in self.last) for which in (0, 1))
        curve = {"images": self.count, "right": right, "nudged": nudged, "seen": len(self.last)}
        said = {"source": source, "id": asked["id"], "pixels": asked["pixels"], "label": label, "after": self.commands}
        if asked.get("strokes") is not None:
            said["strokes"] = asked["strokes"]
        self.send(image_message(self.config, shown) | said | {"curve": curve})

    def _judge_more(self) -> None:
        judging, split = self.judging, self.images.split
        number, classes = judging["done"], judging["classes"]
        place = self.tests[number]
        label = int(split.test_labels[place])
        found = self._present(split.test_images[place], None, INFER)
        classes[label][1] += 1
        classes[label][0] += found.prediction == label
        judging["done"] = number + 1
        if number + 1 < judging["images"]:
            return
        self.judging = None
        right = sum(each[0] for each in classes)
        told = {"images": number + 1, "right": right, "classes": classes, "images_learned": self.count}
        self.send({"type": "judged", **told})

    def _check_more(self) -> None:
        said = self._surely(self.checking.more)
        if said is not None:
            self.send({"type": "check", **said})
            if said["state"] != "running":
                self.checking, deferred, self.deferred = None, self.deferred, []
                for asked in deferred:
                    self.do(asked)

    def _tell_weights(self) -> None:
        self.sent_weights = time.monotonic()
        contents = self._surely(self.chip.contents)
        layers = [layer.ravel().tolist() for layer in contents[: len(self.config.synapses)]]
        self.send({"type": "weights", "layers": layers, "stuck": [list(place) for place in self.chip.stuck()]})

    def say(self, text: str) -> None:
        """What the engine waits for, or came to."""
        self.send({"type": "state", "training": self.training, "text": text})

    def _record(self, done: str, **what: Any) -> None:
        if self.tape is not None:
            self.tape.record(done, **what)

    def _surely(self, ask: Callable[[], T]) -> T:
        """What the chip answers; where it is lost, it is waited for, and asked again."""
        while True:
            try:
                return ask()
            except self.chip.lost as error:
                self._recover(error)

    def _recover(self, error: Exception) -> None:
        self.say(f"lost: {error}")
        said = ""

        def waiting(seconds: float) -> None:
            nonlocal said
            if self.stopping:
                raise Stopped
            if (text := f"lost: {error}; waiting for it, {seconds:.0f} s left") != said:
                said = text
                self.say(said)

        while True:
            try:
                self.chip.reconnect(waiting)
                break
            except self.chip.lost as gone:  # it may come later
                error = gone
            except CommandError as other:  # another board came, for one
                error = other
                waiting(0)
                time.sleep(1)
        self.say("it is there again, and was given what its twin holds")


def image_message(config: Config, shown: Presented) -> Message:
    """`image` of lab/page/messages.md, but for what is known of why it was presented."""
    steps = len(shown.spikes)
    return {
        "type": "image",
        "prediction": shown.prediction,
        "counts": list(shown.counts),
        "nudged": shown.nudged,
        "steps": steps,
        "free": min(steps, config.learning.free_steps),
        "spikes": np.packbits(shown.spikes, axis=1, bitorder="little").tobytes(),
        "inner": shown.inner,
        "counters": shown.counters,
        "stages": shown.stages,
        "key": shown.key,
        "match": None if shown.match is None else {"right": shown.match.right, "text": shown.match.text},
    }


__all__ = ["Session", "Stopped", "Weights", "image_message", "initial_weights"]
