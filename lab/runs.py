"""The laboratory's runs: what one is, what it is known by, and where it is stored.

FOLDER/runs/KEY.json is one run, written whole once it is done, whoever asked for it: a sweep, an experiment, a healing.
A training's weights stand beside it as KEY.npz; while it trains, its checkpoints stand in FOLDER/partial/KEY.

A run is known by two hashes. KEY is of what was asked for: the resolved config without what results do not depend on,
and the parameters. The record holds the second one, `golden`: the state of the sources that made it. A run that was
made with other sources is still found, and whoever uses it says so.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import hashlib
import importlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eqspike.base.reading import read_json, sha256

if TYPE_CHECKING:
    from eqspike.golden.baselines.settings import Settings
    from eqspike.golden.config import Config

FREE_KEYS = ("hardware", "boards", "name")
"""Parts of a config that results do not depend on."""

RECORD, CURVES, WEIGHTS = range(3)
"""What is needed of a training: its record, what each epoch counted too, the weights as well."""


def digest(*parts: object) -> str:
    """A hash of plain data."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


# ---------------------------------------------------------------------------------------------------------------------
# Sources


def sources_state(paths: Iterable[Path]) -> str:
    """Hash of what these files compute.

    Of Python it takes the statements of all files without regard to which file they stand in, and without imports,
    comments, docstrings and layout: a function that moves to another module, or a module that is renamed, makes no
    result old. (What it does not see: an import that gives a name another meaning.) Other files count byte by byte.
    """
    parts: list[str] = []
    for path in paths:
        if path.suffix == ".py":
            parts += _statements(path.read_text(encoding="utf-8"))
        else:
            parts.append(hashlib.sha256(path.read_bytes()).hexdigest())
    return hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()[:16]


class _Bare(ast.NodeTransformer):
    """Takes imports and texts that stand by themselves out of a module."""

    def visit_Import(self, node: ast.AST) -> None:
        return None

    visit_ImportFrom = visit_Import

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if text else self.generic_visit(node)


def _statements(source: str) -> list[str]:
    return [ast.unparse(statement) for statement in _Bare().visit(ast.parse(source)).body]


@functools.cache
def golden_state() -> str:
    """State of the golden model, its baselines included, as this process has it.

    The fast engine is left out: tests hold it equal to the model's own kernels (`tests/golden/fast/`), so that a change
    of it makes no result old.
    """
    from eqspike import golden

    folder = Path(golden.__file__).parent
    return sources_state(path for path in folder.rglob("*.py") if folder / "fast" not in path.parents)


# ---------------------------------------------------------------------------------------------------------------------
# Keys


def config_key(config: Config) -> str:
    """Hash of all of a config that a result depends on, the measured devices' file and a data set's one file included.

    What is as by default is left out, so that a key which the project gains later changes no hash; `Store.load` sees it
    when a default has changed.
    """

    from eqspike.golden.sources import file_of

    def changed(value: object) -> object:
        if dataclasses.is_dataclass(value):
            default = type(value)()
            pairs = ((f.name, getattr(value, f.name), getattr(default, f.name)) for f in dataclasses.fields(value))
            return {name: changed(own) for name, own, usual in pairs if own != usual}
        return [changed(item) for item in value] if isinstance(value, list | tuple) else value

    parts = dataclasses.fields(config)
    data = {part.name: changed(getattr(config, part.name)) for part in parts if part.name not in FREE_KEYS}
    if config.device.file:
        with suppress(OSError):  # the run will say so
            data["device"]["file"] = sha256(config.device.file)
    if (file := file_of(config.dataset.name)) is not None:
        with suppress(OSError):
            data["dataset"]["file"] = sha256(file)
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Job:
    """One run to do."""

    key: str
    call: str
    """module:function; called with key, folder and `arguments`, it returns the record."""
    arguments: tuple[Any, ...]
    config: Config | None = None
    """Of a training."""
    needs: int = RECORD
    label: str = ""
    """For the progress line."""


def train_job(config: Config, needs: int = RECORD) -> Job:
    """A training of the golden model."""
    label = f"{config.name} {config.number.format}, seed {config.training.seed}"
    return Job(config_key(config), "eqspike.lab.trainings:train_one", (config,), config, needs, label)


def baseline_job(config: Config, settings: Settings) -> Job:
    """A training of a network without spikes."""
    from eqspike.lab.baseline import run_key as baseline_key

    key = f"{settings.algorithm}-{digest(baseline_key(config, settings, None), config.training.epochs)}"
    label = f"{config.name} {settings.algorithm}, seed {config.training.seed}"
    return Job(key, "eqspike.lab.trainings:baseline_one", (config, settings), label=label)


def function_job(call: str, config: Config, parameters: object, sources: Iterable[str] = ()) -> Job:
    """A run of `call` (module:function); its key knows that module, and the other modules of `sources`.

    These stand above the golden model, so that `golden_state` does not know them.
    """
    name = call.partition(":")[0]
    state = sources_state(Path(importlib.import_module(module).__file__) for module in (name, *sources))
    kind = name.rpartition(".")[2]
    key = f"{kind}-{digest(config_key(config), config.name, dataclasses.asdict(parameters), state)}"
    label = f"{kind} {config.name} {config.number.format}, seed {config.training.seed}"
    return Job(key, call, (config, parameters), label=label)


# ---------------------------------------------------------------------------------------------------------------------
# The store


@dataclass(frozen=True)
class Store:
    """Where records are: the folder that is written to, and others that are only read."""

    folder: Path
    others: tuple[Path, ...] = ()

    def load(self, job: Job) -> dict[str, Any] | None:
        """The stored record, or None where it is missing, broken, or lacks what the job needs of it."""
        for folder in (self.folder, *self.others):
            record = Store(folder).read(job.key)
            if record is None or "golden" not in record or not _serves(record, job):
                continue
            if job.needs < WEIGHTS or self._weights(folder, job).exists():
                return record
        return None

    def read(self, key: str) -> dict[str, Any] | None:
        """What stands under the key; None where it is missing or broken."""
        try:
            data = read_json(self.folder / "runs" / f"{key}.json")
        except (OSError, ValueError):
            return None
        return data if isinstance(data, dict) else None

    def weights(self, job: Job) -> Path:
        """The file of a training's weights."""
        return next(p for f in (self.folder, *self.others) if (p := self._weights(f, job)).exists())

    @staticmethod
    def _weights(folder: Path, job: Job) -> Path:
        return folder / "runs" / f"{job.key}.npz"

    def save(self, key: str, record: dict[str, Any], beside: dict[str, bytes] | None = None) -> None:
        """The record last: what stands beside it is there when it is."""
        from eqspike.base.files import write_bytes, write_json

        for name, data in (beside or {}).items():
            write_bytes(self.folder / "runs" / name, data)
        write_json(self.folder / "runs" / f"{key}.json", record)

    def partial(self, key: str) -> Path:
        """Folder of a run's checkpoints, while it is not done."""
        return self.folder / "partial" / key

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep others out of the folder, and remove what a killed process left. Raises `FolderBusy`."""
        from eqspike.base.files import remove_leftovers
        from eqspike.base.locks import locked

        with locked(self.folder):
            remove_leftovers(self.folder / "runs")
            yield


def _serves(record: dict[str, Any], job: Job) -> bool:
    """Was the record made with the job's config, and does it hold what is needed?"""
    from eqspike.golden.configfile import config_to_dict

    if job.config is None:
        return True
    try:
        made = {name: part for name, part in record["config"].items() if name not in FREE_KEYS}
        made["device"]["file"] = job.config.device.file  # the key knows what is in it
    except (KeyError, TypeError, AttributeError):
        return False
    return _covers(config_to_dict(job.config), made) and (job.needs < CURVES or "curves" in record)


def _covers(now: Any, then: Any) -> bool:
    """Is `then` equal to `now`, but for keys that are new since?"""
    if isinstance(then, dict) and isinstance(now, dict):
        return all(key in now and _covers(now[key], value) for key, value in then.items())
    if isinstance(then, list) and isinstance(now, list):
        return len(then) == len(now) and all(map(_covers, now, then))
    return now == then
