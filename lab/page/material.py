"""What a page's engine works with, packed: the circuit as WebAssembly, images, weights, and what the golden model says
of the first images, by which the page checks itself."""

from __future__ import annotations

import base64
import gzip
import hashlib
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eqspike.golden.config import Config
from eqspike.golden.data import choose, epoch_moves, epoch_order, load_parts, move
from eqspike.golden.derived import first_key
from eqspike.golden.engine import GoldenEngine
from eqspike.lab.page import description
from eqspike.rtl.core import Core
from eqspike.sim.wasm import Module

TRAIN, TEST = 2000, 500
"""Most images that a page carries: Digits whole, of larger sets a part."""
CHECK, WORK = 200, 2_000_000
"""Images that a page learns to check itself, at most, and by how many synapses it is fewer: it takes seconds."""
FEWEST = 20


@dataclass(frozen=True)
class Trained:
    """Weights that a page begins with."""

    weights: Sequence[np.ndarray]
    key: int
    epochs: int
    """Of the training images, that they have learned."""


@dataclass(frozen=True)
class Material:
    """A page's images, in the order and place in which the first epoch has them."""

    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray
    classes: tuple[str, ...]


def material(config: Config) -> Material:
    """The config's data set, or as much of it as a page carries. Raises `DataError`."""
    parts = load_parts(config)
    split, count = parts.split, len(parts.split.train_labels)
    first = epoch_order(config, 0, count)[:TRAIN]
    train = move(split.train_images[first], epoch_moves(config, 0, count)[first])
    test = np.arange(len(split.test_labels))
    if len(test) > TEST:
        test = choose(split.test_labels, TEST, [config.training.seed, 7])
    # A data set may have its classes one behind the other, and only the first of these are asked.
    test = np.random.default_rng([config.training.seed, 8]).permutation(test)
    names = parts.encoding.classes or tuple(str(k) for k in range(config.network.layers[-1]))
    return Material(
        train, split.train_labels[first], split.test_images[test], split.test_labels[test], tuple(map(str, names))
    )


def check_images(config: Config) -> int:
    """How many images a page learns to check itself."""
    layers = config.network.layers
    synapses = sum((below + 1) * above for below, above in itertools.pairwise(layers))
    return max(FEWEST, min(CHECK, WORK // synapses))


def digest(weights: Sequence[np.ndarray], key: int) -> str:
    """SHA-256 of weights, 32 bits each, and the key of the stream of random draws."""
    data = description.flat(weights).astype("<i4").tobytes() + int(key).to_bytes(4, "little")
    return hashlib.sha256(data).hexdigest()


def expected(config: Config, found: Material) -> dict[str, Any]:
    """What the golden model makes of the first images, from the weights that it begins with."""
    images = min(check_images(config), len(found.train_labels))
    engine = GoldenEngine(config)
    learned = engine.learn(
        found.train[:images], found.train_labels[:images], engine.network.initial_weights(), first_key(config), 0
    )
    return {"images": images, "digest": digest(learned.weights[: len(config.synapses)], learned.key)}


def packed(config: Config, module: Module, trained: Trained | None) -> dict[str, str]:
    """The page's material by name: base64 of gzip."""
    found, core, wasm = material(config), Core(config), module.path.read_bytes()
    ready = description.ready(config, "the circuit itself, compiled to WebAssembly")
    ready |= {
        "classes": list(found.classes),
        "dataset": {"name": config.dataset.name, "train": len(found.train_labels), "test": len(found.test_labels)},
        "digest": module.verilog,
        "sticks": False,
        "trained": trained is not None,
        "epochs": trained.epochs if trained else 0,
    }
    about = {
        "ready": ready,
        "chip": description.chip(config, core),
        "check": expected(config, found) | {"wasm": hashlib.sha256(wasm).hexdigest()},
        "key": first_key(config),
        "trained": {"key": trained.key} if trained else None,
        "train": found.train_labels.tolist(),
        "test": found.test_labels.tolist(),
    }
    images = np.concatenate([found.train, found.test]).astype("<u2")
    initial = GoldenEngine(config).network.initial_weights()
    parts = {
        "about": json.dumps(about, separators=(",", ":")).encode(),
        "wasm": wasm,
        "images": images.tobytes(),
        "places": description.places(core).astype("<u4").tobytes(),
        "initial": description.flat(initial).astype("<i4").tobytes(),
    }
    if trained:
        parts["trained"] = description.flat(trained.weights[: len(config.synapses)]).astype("<i4").tobytes()
    # With a time in it, the same page would be other bytes each time.
    return {name: base64.b64encode(gzip.compress(data, 9, mtime=0)).decode() for name, data in parts.items()}


__all__ = ["CHECK", "Material", "Trained", "check_images", "digest", "expected", "material", "packed"]
