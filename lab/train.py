"""The training loop: epochs of images through an engine, each judged by the golden model. It writes no files.

    from eqspike.golden.data import load_split
    from eqspike.golden.engine import GoldenEngine
    from eqspike.lab.train import train

    history = train(config, GoldenEngine(config), load_split(config))
    print(history.epochs[-1].test_accuracy)

`lab.checkpoint` keeps a run in a folder, `lab.seeds` trains several seeds.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eqspike.base.errors import CommandError
from eqspike.golden.config import Config
from eqspike.golden.data import Split, epoch_moves, epoch_order, move
from eqspike.golden.engine import Engine
from eqspike.golden.modes import INFER, INFER_FIRST_SPIKE
from eqspike.golden.network import Network
from eqspike.lab.progress import SILENT, Progress

CHUNK = {"golden": 200, "golden-plain": 200, "rtl": 100, "board": 100}
"""Images between two moves of the progress bar, which are also the moments when Ctrl-C is heard."""

Counters = dict[str, Any]
"""Events by name: integers, but `spikes`, a list with one integer a layer."""


class EngineGone(CommandError):
    """The engine was lost and did not come back: the run can go on from its last checkpoint."""


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """What one epoch did: an entry of metrics.json, with the same names. A part without images has no accuracy."""

    epoch: int
    """From 1."""
    engine: str
    train_accuracy: float | None
    """Share of the training images predicted right while they were learned, by rate."""
    test_accuracy: float | None
    """After the epoch, at the end of the free phase."""
    first_spike_test_accuracy: float | None
    first_spike_mean_step: float | None
    """Mean step of the first output spike over the test images that have one."""
    test_counters: Counters
    first_spike_test_counters: Counters
    nudged_fraction: float | None
    """Share of the training images that had a nudge phase."""
    counters: Counters
    """Those of training."""
    train_seconds: float
    images_per_second: float | None
    seconds: float
    """Of training and evaluation."""
    cycles: int | None = None
    """Clock cycles of the hardware, for engines that have a clock."""
    cycles_per_image: float | None = None
    cycles_per_second: float | None = None
    layer_writes: Sequence[int] | None = None
    """Programming pulses of training by layer of synapses; None for engines that do not count them apart."""

    def to_dict(self) -> dict[str, Any]:
        """The entry of metrics.json; cycles and writes by layer only where there are some."""
        entry = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        if self.layer_writes is None:
            del entry["layer_writes"]
        if self.cycles is None:
            del entry["cycles"], entry["cycles_per_image"], entry["cycles_per_second"]
        return entry

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> Epoch:
        """The epoch of an entry of metrics.json."""
        return cls(**{field.name: entry.get(field.name) for field in dataclasses.fields(cls)})


@dataclass(frozen=True)
class History:
    """How far a training has come: all that an exact continuation needs."""

    epochs: tuple[Epoch, ...]
    weights: Sequence[np.ndarray]
    """One array a synapse layer, shape (presynaptic + 1, postsynaptic), bias last: weight LSBs, or real numbers."""
    key: int
    """The place in the stream of random draws."""


def beginning(config: Config) -> History:
    """The network of `config` before its first epoch."""
    network = Network(config)
    return History((), network.initial_weights(), network.key)


def train(
    config: Config,
    engine: Engine,
    data: Split,
    *,
    name: str = "golden",
    start: History | None = None,
    on_epoch: Callable[[History], bool | None] | None = None,
    progress: Progress = SILENT,
) -> History:
    """Train until `config.training.epochs` epochs are done, from the beginning or from `start`.

    `name` says what kind of engine it is ("golden", "golden-plain", "rtl", "board"), for the entries. `on_epoch` is
    called after each epoch with all that was reached; when it returns True, the training ends there. A training that is
    continued gives what one without a break gives, to the bit. When a board is lost and comes back, its epoch begins
    anew.
    """
    judge = Network(config)
    history = start or beginning(config)
    planned = config.training.epochs
    progress.begin(planned, history.epochs)
    weights, key = history.weights, history.key
    for epoch in range(len(history.epochs), planned):
        began = time.perf_counter()
        learned = _learn_until_whole(engine, name, config, data, (weights, key), epoch, progress)
        weights, key = learned.weights, learned.key
        judged = _judge(judge, weights, data.test_images, data.test_labels)
        entry = _entry(epoch + 1, name, learned, judged, began)
        # A copy: engines work in their arrays.
        history = History((*history.epochs, entry), tuple(np.array(layer) for layer in weights), key)
        stop = on_epoch(history) if on_epoch else None
        progress.learned(entry, planned)
        if stop:
            break
    return history


@dataclass
class _Stretch:
    """What was learned of an epoch."""

    weights: Sequence[np.ndarray]
    key: int
    images: int
    counters: Counters
    right: int = 0
    cycles: int = 0
    seconds: float = 0.0
    layer_writes: list[int] | None = None


def _learn_until_whole(
    engine: Engine,
    name: str,
    config: Config,
    data: Split,
    state: tuple[Sequence[np.ndarray], int],
    epoch: int,
    progress: Progress,
) -> _Stretch:
    """An epoch from `state`, weights and key; again from there when the board was lost, once it is back."""
    while True:
        try:
            learned = _learn(engine, CHUNK[name], config, data, state, epoch, progress)
            if name == "board":
                # Read them while the board can still be asked for the epoch again.
                len(learned.weights) and learned.weights[0]
            return learned
        except engine.lost as error:
            progress.lost(error, epoch + 1)
            try:
                engine.reconnect(progress.waiting)
            except CommandError as gone:
                raise EngineGone(str(gone)) from None
            finally:
                progress.waiting(None)


def _learn(
    engine: Engine,
    chunk: int,
    config: Config,
    data: Split,
    state: tuple[Sequence[np.ndarray], int],
    epoch: int,
    progress: Progress,
) -> _Stretch:
    labels = data.train_labels
    order = epoch_order(config, epoch, len(labels))
    moves = epoch_moves(config, epoch, len(labels))
    learned = _Stretch(*state, images=len(order), counters={})
    with progress.epoch(epoch + 1, config.training.epochs, len(order)) as advance:
        for at in range(0, len(order), chunk):
            chosen = order[at : at + chunk]
            images = move(data.train_images[chosen], moves[chosen])
            step = engine.learn(images, labels[chosen], learned.weights, learned.key, epoch)
            learned.weights, learned.key = step.weights, step.key
            learned.counters = add_counters(learned.counters, step.counters)
            learned.seconds += step.seconds
            learned.cycles += step.cycles
            if step.layer_writes is not None:
                before = learned.layer_writes or [0] * len(step.layer_writes)
                learned.layer_writes = [a + b for a, b in zip(before, step.layer_writes, strict=True)]
            learned.right += int(np.sum(step.results[:, 0] == labels[chosen]))
            advance(len(chosen), learned.right / (at + len(chosen)))
    return learned


def _entry(number: int, name: str, learned: _Stretch, judged: dict[str, Any], began: float) -> Epoch:
    images, seconds, cycles = learned.images, learned.seconds, learned.cycles
    clocked: dict[str, Any] = {}
    if cycles:
        clocked = {
            "cycles": cycles,
            "cycles_per_image": cycles / images,
            "cycles_per_second": cycles / seconds if seconds > 0 else None,
        }
    return Epoch(
        epoch=number,
        engine=name,
        train_accuracy=learned.right / images if images else None,
        **judged,
        nudged_fraction=learned.counters["nudged"] / images if images else None,
        counters=learned.counters,
        train_seconds=seconds,
        images_per_second=images / seconds if seconds > 0 else None,
        seconds=time.perf_counter() - began,
        layer_writes=learned.layer_writes,
        **clocked,
    )


def _judge(judge: Network, weights: Sequence[np.ndarray], images: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Test accuracy of `weights`, at the end of the free phase and by the first output spike (golden model)."""
    judge.load_weights(weights)
    judge.clear_counters()
    full = judge.present_all(images, labels, INFER)
    full_counters = judge.counter_values()
    judge.clear_counters()
    first = judge.present_all(images, labels, INFER_FIRST_SPIKE)
    spiked = first[first[:, 2] >= 0, 2]
    return {
        "test_accuracy": float((full[:, 0] == labels).mean()) if len(labels) else None,
        "first_spike_test_accuracy": float((first[:, 1] == labels).mean()) if len(labels) else None,
        "first_spike_mean_step": float(spiked.mean()) if len(spiked) else None,
        "test_counters": full_counters,
        "first_spike_test_counters": judge.counter_values(),
    }


def add_counters(total: Counters, more: Counters) -> Counters:
    """Counters of two stretches together; `spikes` by layer."""
    if not total:
        return dict(more)
    return {
        name: [a + b for a, b in zip(total[name], value, strict=True)]
        if isinstance(value, list)
        else total[name] + value
        for name, value in more.items()
    }


__all__ = ["CHUNK", "Counters", "EngineGone", "Epoch", "History", "add_counters", "beginning", "train"]
