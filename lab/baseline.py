"""Networks without spikes on the same sizes and images, for comparison (golden.baselines): a run in a folder.

OUT/ holds metrics.json and state.npz (weights and the optimiser's moments), written after each epoch in this order: the
epochs that state.npz counts are in metrics.json. A run goes on from there.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eqspike.base.errors import UsageProblem
from eqspike.base.files import npz_bytes, write_bytes, write_json
from eqspike.base.locks import locked
from eqspike.base.npz import Archive, NpzError, open_npz
from eqspike.base.reading import read_json
from eqspike.golden.baselines import Settings, make_baseline
from eqspike.golden.baselines.settings import settings_to_dict
from eqspike.golden.config import Config
from eqspike.golden.configfile import config_to_dict
from eqspike.golden.data import Split, epoch_moves, epoch_order, move
from eqspike.lab.checkpoint import Run, limited_parts, new_run
from eqspike.lab.progress import SILENT, Progress

CHUNK = 100
"""Images between two moves of the progress bar, which are also the moments when Ctrl-C is heard."""

FREE_KEYS = ("name", "hardware", "boards", "number")
"""Parts of a config that a baseline does not depend on."""


@dataclass(frozen=True, kw_only=True)
class BaselineEpoch:
    """What one epoch did: an entry of metrics.json, with the same names."""

    epoch: int
    """From 1."""
    train_accuracy: float | None
    test_accuracy: float | None
    train_seconds: float
    images_per_second: float | None
    seconds: float
    programming_pulses: int | None = None
    """Of networks whose weights are memristors; None for the others."""

    def to_dict(self) -> dict[str, Any]:
        """The entry of metrics.json; pulses only where they are counted."""
        entry = dataclasses.asdict(self)
        if self.programming_pulses is None:
            del entry["programming_pulses"]
        return entry

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> BaselineEpoch:
        """The epoch of an entry of metrics.json."""
        return cls(**{field.name: entry.get(field.name) for field in dataclasses.fields(cls)})


def run_key(config: Config, settings: Settings, limit: int | None) -> str:
    """A hash of all that a run's epochs depend on, but their number."""
    data = config_to_dict(config)
    for name in FREE_KEYS:
        data.pop(name)
    data["training"].pop("epochs")
    text = json.dumps([data, settings_to_dict(settings), limit], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def run_baseline(
    config: Config, settings: Settings, out: Path, limit: int | None = None, progress: Progress = SILENT
) -> Run:
    """Train one seed in folder `out`, which is locked meanwhile, or go on with it. Raises `UsageProblem` where another
    run is in the way."""
    with locked(out):
        return _run_baseline(config, settings, out, limit, progress)


def _run_baseline(config: Config, settings: Settings, out: Path, limit: int | None, progress: Progress) -> Run:
    (data, _, _), limit = limited_parts(config, limit, progress)
    network, key = make_baseline(config, settings), run_key(config, settings, limit)
    run = dataclasses.replace(
        new_run(config, settings.algorithm, limit, data), settings=settings_to_dict(settings), number_format="real"
    )
    if saved := _saved(out, key, network.state()):
        state, epochs = saved
        run = dataclasses.replace(run, epochs=epochs)
        try:
            network.load_state(state)
        except (KeyError, ValueError) as error:
            raise UsageProblem(f"{out}/state.npz: {error}; --force begins anew") from None
    done, planned = len(run.epochs), config.training.epochs
    if done > planned:
        raise UsageProblem(f"{out}: has {done} epochs already; --epochs cannot be {planned}")

    def checkpoint() -> None:
        write_json(out / "metrics.json", run.to_dict())
        about = json.dumps({"epoch": len(run.epochs), "key": key})
        write_bytes(out / "state.npz", npz_bytes(network.state() | {"about": np.array(about)}))

    network.learn(data.train_images[:0], data.train_labels[:0], 0)  # compiles: no measurement of time contains it
    checkpoint()
    progress.seed(config.training.seed)
    for epoch in range(done, planned):
        entry = _learn(network, config, data, epoch, progress)
        run = dataclasses.replace(run, epochs=(*run.epochs, entry))
        checkpoint()
    return run


def _learn(network: Any, config: Config, data: Split, epoch: int, progress: Progress) -> BaselineEpoch:
    """Learn one epoch and judge it."""
    images, labels = data.train_images, data.train_labels
    began, order, right, seconds = time.perf_counter(), epoch_order(config, epoch, len(labels)), 0, 0.0
    moves = epoch_moves(config, epoch, len(labels))
    pulses = int(getattr(network, "pulses", 0))
    with progress.epoch(epoch + 1, config.training.epochs, len(order)) as advance:
        for at in range(0, len(order), CHUNK):
            chunk = order[at : at + CHUNK]
            shown = move(images[chunk], moves[chunk])
            start = time.perf_counter()
            right += int(np.sum(network.learn(shown, labels[chunk], epoch, at) == labels[chunk]))
            seconds += time.perf_counter() - start
            advance(len(chunk), right / (at + len(chunk)))
    return BaselineEpoch(
        epoch=epoch + 1,
        train_accuracy=right / len(order) if len(order) else None,
        test_accuracy=network.accuracy(data.test_images, data.test_labels),
        train_seconds=seconds,
        images_per_second=len(order) / seconds if seconds > 0 else None,
        seconds=time.perf_counter() - began,
        programming_pulses=int(network.pulses) - pulses if hasattr(network, "pulses") else None,
    )


def _saved(
    out: Path, key: str, like: Mapping[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], tuple[BaselineEpoch, ...]] | None:
    """(state, epochs) of a run that stopped, or None where there is none; `like` is the state of such a network. Raises
    `UsageProblem` for another run."""
    if (out / "weights.npz").exists():
        raise UsageProblem(f"{out}: holds a run of 'eqspike train'; choose another --out")
    if not (out / "state.npz").exists():
        return None
    try:
        with open_npz(out / "state.npz") as archive:
            about = json.loads(archive.text("about"))
            others = about["key"] != key
            state = {} if others else {name: _array(archive, name, array) for name, array in like.items()}
        entries = read_json(out / "metrics.json")["epochs"][: about["epoch"]]
        if len(entries) != about["epoch"]:
            raise ValueError("epochs are missing")
        epochs = tuple(BaselineEpoch.from_dict(entry) for entry in entries)
    except Exception:  # a broken archive raises whatever its parser trips over: zip, zlib, header, JSON
        raise UsageProblem(f"{out}: state.npz and metrics.json are not those of a run; --force begins anew") from None
    if others:
        raise UsageProblem(f"{out}: holds a run with other settings; choose another --out, or --force to begin anew")
    return state, epochs


def _array(archive: Archive, name: str, like: np.ndarray) -> np.ndarray:
    """An array of the file, which announces the shape of `like`, and holds numbers. Raises `NpzError`."""
    header = archive.headers[name]
    if (header.shape, header.dtype) != (like.shape, like.dtype):
        raise NpzError(f"{name}: {header.dtype} of shape {header.shape}; expected {like.dtype} of {like.shape}")
    array = archive.array(name)
    if not np.all(np.isfinite(array)):
        raise NpzError(f"{name}: not all of it are numbers")
    return array


def remove_run(out: Path) -> None:
    """Remove the files of a run, or of several seeds' runs, that is begun anew."""
    for folder in (out, *out.glob("seed-*")):
        for name in ("summary.json", "metrics.json", "state.npz"):
            (folder / name).unlink(missing_ok=True)
