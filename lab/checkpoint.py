"""A run in a folder: a checkpoint after each epoch, from which it continues exactly.

The folder holds config.yaml (resolved), metrics.json (a header and one entry an epoch) and weights.npz (weights, epoch
and the key of the random draws). After each epoch metrics.json is written first and weights.npz last: whatever happens
in between, the epochs that weights.npz counts are in metrics.json, and a resumed run drops the others.
"""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from eqspike.base.errors import UsageProblem
from eqspike.base.files import write_json, write_text
from eqspike.base.locks import locked
from eqspike.base.reading import read_json
from eqspike.base.versions import command_line, software_versions
from eqspike.golden.config import Config
from eqspike.golden.configfile import config_text
from eqspike.golden.data import Parts, Split, load_parts
from eqspike.golden.engine import Engine
from eqspike.golden.features import Encoding
from eqspike.lab.activity import CURE, LayerActivity, of_network
from eqspike.lab.engines import Connection, open_engine
from eqspike.lab.progress import SILENT, Progress
from eqspike.lab.text import LAST, LAST_MEAN, judged_after
from eqspike.lab.train import Epoch, History, beginning, train
from eqspike.lab.weights import Checkpoint, load_weights, save_weights

Watch = Callable[[Engine, str, Config, Split], Engine]


class Entry(Protocol):
    """An epoch of a run, with spikes or without."""

    train_accuracy: float | None
    test_accuracy: float | None

    def to_dict(self) -> dict[str, Any]:
        """The entry of metrics.json."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """What metrics.json holds: about a run, and its epochs."""

    config: str
    seed: int
    engine: str
    settings: dict[str, Any] | None = None
    """Of a baseline; None for the chip's own learning."""
    epochs_planned: int
    limit: int | None
    """Only so many images of the training part; None for all."""
    train_images: int
    test_images: int
    test_part: str
    """"validation" when a part of the training images was kept for it, else "test"."""
    number_format: str
    command: str = field(default_factory=command_line)
    versions: dict[str, str] = field(default_factory=software_versions)
    resumed_after: tuple[int, ...] = ()
    """How many epochs were done when the run went on, each time that it did."""
    epochs: tuple[Entry, ...] = ()
    layers: tuple[LayerActivity, ...] = ()
    """What the layers of neurons did after the last epoch; empty before it, and of a baseline."""

    @property
    def finished(self) -> bool:
        """Were all epochs done?"""
        return len(self.epochs) >= self.epochs_planned

    @property
    def last_test_accuracy(self) -> float | None:
        """Test accuracy after the last epoch."""
        return self.epochs[-1].test_accuracy if self.epochs else None

    @property
    def mean_last_test_accuracy(self) -> float | None:
        """Test accuracy, mean of the last `LAST` epochs."""
        last = [entry.test_accuracy for entry in self.epochs[-LAST:] if entry.test_accuracy is not None]
        return statistics.fmean(last) if last else None

    @property
    def judged_test_accuracy(self) -> float | None:
        """The accuracy by which the run is judged, which `judged` says in words."""
        return self.mean_last_test_accuracy if len(self.epochs) >= LAST else self.last_test_accuracy

    @property
    def judged(self) -> str:
        """What `judged_test_accuracy` is."""
        return judged_after(len(self.epochs))

    def to_dict(self) -> dict[str, Any]:
        """What is written; `epochs` last, for the reader's eye."""
        return {
            "config": self.config,
            "seed": self.seed,
            "engine": self.engine,
            **({} if self.settings is None else {"settings": self.settings}),
            "epochs_planned": self.epochs_planned,
            "limit": self.limit,
            "images": {"train": self.train_images, "test": self.test_images},
            "test_part": self.test_part,
            "number_format": self.number_format,
            "command": self.command,
            "versions": self.versions,
            "finished": self.finished,
            "last_test_accuracy": self.last_test_accuracy,
            LAST_MEAN: self.mean_last_test_accuracy,
            **({"resumed_after": list(self.resumed_after)} if self.resumed_after else {}),
            **({"layers": [layer.to_dict() for layer in self.layers]} if self.layers else {}),
            "epochs": [entry.to_dict() for entry in self.epochs],
        }


def new_run(config: Config, engine: str, limit: int | None, data: Split) -> Run:
    """A run of which no epoch is done."""
    return Run(
        config=config.name,
        seed=config.training.seed,
        engine=engine,
        epochs_planned=config.training.epochs,
        limit=limit,
        train_images=len(data.train_labels),
        test_images=len(data.test_labels),
        test_part=config.dataset.scored_part,
        number_format=config.number.format,
    )


def limited_parts(config: Config, limit: int | None, progress: Progress = SILENT) -> tuple[Parts, int | None]:
    """The config's images, only the first `limit` of the training part; and the limit, at most what there is.
    `progress` is told what the user should know of them."""
    parts = load_parts(config, limit)
    for note in parts.notes:
        progress.note(note)
    return parts, min(limit, len(parts.split.train_labels)) if limit is not None else None


def train_run(
    config: Config,
    out: Path,
    engine: str = "golden",
    limit: int | None = None,
    resume: bool = False,
    connection: Connection | None = None,
    progress: Progress = SILENT,
    watch: Watch | None = None,
) -> Run:
    """Train `config` in folder `out`, with a checkpoint after each epoch.

    `limit` takes only the first images of the training part. With `resume`, continue from the checkpoint in `out` (or
    begin when there is none); the result is that of a run without a break, to the bit. The folder is locked meanwhile
    (`base.locks`). `watch` is given the engine, its name, config and images, and gives back what trains in its place.
    """
    (data, encoding, _), limit = limited_parts(config, limit, progress)
    with locked(out), ExitStack() as opened:
        with progress.preparing(engine):
            trainer = opened.enter_context(open_engine(engine, config, connection))
        if watch is not None:
            trainer = watch(trainer, engine, config, data)
        run, history = new_run(config, engine, limit, data), beginning(config)
        if resume and (out / "weights.npz").exists():
            saved = load_weights(out / "weights.npz", config)
            _check_same_data(out, saved, encoding)
            run, history = _continue(out, saved, run)
        write_text(out / "config.yaml", config_text(config))

        def checkpoint(reached: History) -> None:
            write_json(out / "metrics.json", dataclasses.replace(run, epochs=reached.epochs).to_dict())
            done = len(reached.epochs)
            progress_so_far = {"epoch": done, "key": reached.key, "limit": limit}
            save_weights(out / "weights.npz", config, reached.weights, encoding, **progress_so_far)

        checkpoint(history)
        history = train(
            config, trainer, data, name=engine, start=history, on_epoch=checkpoint, progress=progress
        )  # fmt: skip
        run = dataclasses.replace(run, epochs=history.epochs)
        if history.epochs:
            counters = history.epochs[-1].test_counters
            run = dataclasses.replace(run, layers=of_network(config, history.weights, counters, data))
            write_json(out / "metrics.json", run.to_dict())
    for layer in run.layers:
        if layer.warning is not None:
            progress.note(f"{layer.warning}; {CURE}")
    return run


def _anew(out: Path) -> str:
    return f"begin anew with: eqspike train CONFIG --force --out {out}"


def _check_same_data(out: Path, saved: Checkpoint, encoding: Encoding) -> None:
    """Raise `UsageProblem` where features or classes are not those that the run in `out` was begun with."""
    if saved.encoding and saved.encoding != encoding:
        raise UsageProblem(f"{out}: its data set has changed since the run was begun; {_anew(out)}")


def _continue(out: Path, saved: Checkpoint, run: Run) -> tuple[Run, History]:
    """`run` as the continuation of that in `out`, and how far that had come. Raises `UsageProblem` where it is
    none."""
    path, about = out / "metrics.json", saved.about
    try:
        before = read_json(path)
        entries = before["epochs"][: about["epoch"]]
        if len(entries) != about["epoch"]:
            raise ValueError
        epochs = tuple(Epoch.from_dict(entry) for entry in entries)
        key, breaks = int(about["key"]), {int(epoch) for epoch in before.get("resumed_after", ())}
    except OSError as error:
        raise UsageProblem(f"{path}: cannot be read: {error.strerror}; {_anew(out)}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageProblem(f"{path}: does not belong to weights.npz beside it; {_anew(out)}") from None
    if about.get("limit") != run.limit:
        raise UsageProblem(f"{out}: was begun with --limit {about.get('limit')}; resume with the same")
    if len(epochs) > run.epochs_planned:
        raise UsageProblem(f"{out}: has {len(epochs)} epochs already; --epochs cannot be {run.epochs_planned}")
    if 0 < len(epochs) < run.epochs_planned:
        breaks.add(len(epochs))
    run = dataclasses.replace(run, resumed_after=tuple(sorted(at for at in breaks if 0 < at <= len(epochs))))
    return run, History(epochs, saved.contents, key)
