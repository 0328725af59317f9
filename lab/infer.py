"""Images classified with trained weights: accuracy and confusion matrix, on the golden model or on a board."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eqspike.golden.config import Config
from eqspike.golden.data import load_all, load_source, load_split, split_members
from eqspike.golden.features import Encoding
from eqspike.golden.modes import INFER, INFER_FIRST_SPIKE
from eqspike.golden.network import Network
from eqspike.lab.configs import Changes, read_config, with_seed
from eqspike.lab.weights import Checkpoint, load_weights

if TYPE_CHECKING:
    from eqspike.fpga.engine import BoardEngine


@dataclass(frozen=True, kw_only=True)
class Question:
    """Which images are classified, and how."""

    first_spike: bool = False
    """The first output to spike decides, and ends the image; else the rates at the end of the free phase."""
    part: str = "test"
    """"test", "train", or "all": every image of the data set, of whichever part."""
    limit: int | None = None
    """Only the first images of the part."""

    def images(self, config: Config, encoding: Encoding | None = None) -> tuple[np.ndarray, np.ndarray]:
        """(images, labels) of the config's split, or all; as those that weights were trained on were encoded."""
        if self.part == "all":
            images, labels = load_all(config, encoding)
            return images[: self.limit], labels[: self.limit]
        split = load_split(config, encoding)
        images, labels = (
            (split.test_images, split.test_labels) if self.part == "test" else (split.train_images, split.train_labels)
        )
        return images[: self.limit], labels[: self.limit]

    @property
    def mode(self) -> int:
        """The mode in which the network is shown the images."""
        return INFER_FIRST_SPIKE if self.first_spike else INFER

    def predictions(self, results: np.ndarray) -> np.ndarray:
        """The answers among results of shape (images, 4)."""
        return results[:, 1 if self.first_spike else 0]

    @property
    def decides(self) -> str:
        """What decides, in words."""
        return "first spike" if self.first_spike else "rate"


TEST = Question()


def trained_config(changes: Changes, name: str, weights: Path | None) -> Config:
    """The config of that name with the seed that `weights` were trained with, which splits the data, unless the
    command line says another."""
    config = changes.read(name)
    if (
        weights is None
        or changes.seed is not None
        or any(text.startswith("training.seed=") for text in changes.overrides)
    ):
        return config
    return dataclasses.replace(changes, seed=load_weights(weights, config).about.get("seed")).read(name)


def images_learned(config: Config, weights: Path, question: Question) -> int:
    """How many of the images that `question` asks about were among those that `weights` were trained on.

    Their split is that of the config beside the weights, else `config`'s with their seed; 0 where neither is known, or
    the data set is another.
    """
    saved = load_weights(weights, config)
    about = saved.about
    if (beside := weights.with_name("config.yaml")).exists():
        trained = read_config(str(beside))
    elif isinstance(about.get("seed"), int):
        trained = with_seed(config, about["seed"])
    else:
        return 0
    if trained.dataset.name != config.dataset.name:
        return 0
    source = load_source(config, saved.encoding)
    if question.part == "all":
        asked = np.arange(len(source.labels))[: question.limit]
        return int(np.isin(asked, split_members(trained, source).train[: about.get("limit")]).sum())
    mine, theirs = split_members(config, source), split_members(trained, source)
    if question.part == "test" and mine.own_test:
        return 0
    asked = (mine.test if question.part == "test" else mine.train)[: question.limit]
    return int(np.isin(asked, theirs.train[: about.get("limit")]).sum())


def confusion_matrix(labels: np.ndarray, predictions: np.ndarray, classes: int) -> np.ndarray:
    """Shape (classes, classes + 1): images of each label (row) by prediction; the last column counts no answer (-1)."""
    matrix = np.zeros((classes, classes + 1), np.int64)
    np.add.at(matrix, (labels, np.where(predictions < 0, classes, predictions)), 1)
    return matrix


def infer(config: Config, weights: Path, question: Question = TEST) -> dict[str, Any]:
    """Classify on the golden model; what infer.json holds. The split is that of the config's seed."""
    network = Network(config)
    saved = load_weights(weights, config)
    network.load_weights(saved.weights)
    images, labels = question.images(config, saved.encoding)
    results = network.present_all(images, labels, question.mode)
    predictions = question.predictions(results)
    counters = network.counter_values()
    spiked = results[results[:, 2] >= 0, 2]
    count = max(len(labels), 1)
    return {
        "config": config.name,
        "weights": str(weights),
        "seed": config.training.seed,
        "part": question.part,
        "images_learned": images_learned(config, weights, question),
        "mode": question.decides,
        "images": len(labels),
        "accuracy": float((predictions == labels).mean()) if len(labels) else None,
        "confusion": confusion_matrix(labels, predictions, config.network.layers[-1]),
        "classes": list(saved.encoding.classes),
        "first_spike_mean_step": float(spiked.mean()) if len(spiked) else None,
        "steps_per_image": counters["steps"] / count,
        "synops_per_image": counters["synops"] / count,
        "spikes_per_image": [spikes / count for spikes in counters["spikes"]],
        "counters": counters,
    }


def infer_on_board(
    config: Config,
    engine: BoardEngine,
    saved: Checkpoint | None,
    question: Question,
    moved: Callable[[], None],
) -> dict[str, Any]:
    """Classify on a board, with the weights that are `saved` or (None) those that it holds; `moved` is called after
    each image."""
    encoding = saved.encoding if saved is not None else None
    if saved is not None:
        engine.load(saved.weights)
    images, labels = question.images(config, encoding)
    engine.board.clear_counters()
    began = time.perf_counter()
    told = engine.results(images, labels, [question.mode] * len(labels), moved)
    results = np.array(list(told), np.int64).reshape(-1, 4)
    seconds = time.perf_counter() - began
    predictions = question.predictions(results)
    return {
        "config": config.name,
        "part": question.part,
        "mode": question.decides,
        "images": len(labels),
        "accuracy": int((predictions == labels).sum()) / len(labels) if len(labels) else None,
        "confusion": confusion_matrix(labels, predictions, config.network.layers[-1]),
        "classes": list(encoding.classes) if encoding is not None else [],
        "counters": engine.board.counters(),
        "seconds": seconds,
    }
