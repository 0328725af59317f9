"""The accuracies that the project publishes of its presets, and how a run stands beside them.

`published.yaml` is written by `eqspike results` from results/*.json: a wheel has no results/, but knows them, too.
"""

from __future__ import annotations

import functools
import shlex
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eqspike.base.places import package_folder
from eqspike.base.strict_yaml import read_yaml
from eqspike.lab.configs import preset
from eqspike.lab.text import LAST_MEAN, averaged_over, epochs_text

if TYPE_CHECKING:
    from eqspike.golden.config import Config
    from eqspike.lab.experiments.spec import Experiment

FILE = "lab/published.yaml"
"""From the project's folder."""
HEAD = "# Written by 'eqspike results' from results/*.json: accuracies of presets, shown beside those of runs.\n"
FREE = ("name", "hardware", "boards", "number.format", "training.seed")
"""What of a config may differ: the numbers' format has entries of its own, seeds are what the spread is over."""


@dataclass(frozen=True, kw_only=True)
class Published:
    """One preset in one number format, over its seeds; accuracies are shares of the test part."""

    metric: str
    """The key of summary.json that is published."""
    epochs: int
    mean: float
    standard_error: float | None
    standard_deviation: float | None
    seeds: tuple[int, ...]
    accuracies: tuple[float, ...]
    """By seed."""

    @property
    def line(self) -> str:
        """The number with all that it means."""
        spread = ""
        if self.standard_error is not None:
            spread = (
                f" +- {100 * self.standard_error:.2f} % standard error (standard deviation of one seed "
                f"{100 * self.standard_deviation:.2f})"
            )
        count = len(self.seeds)
        over = averaged_over(self.epochs) if self.metric == LAST_MEAN else "last epoch"
        seeds = f"{count} seed{'' if count == 1 else 's'}"
        return f"{100 * self.mean:.2f}{spread or ' %'}, {seeds}, {epochs_text(self.epochs)}, {over}"


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What is known of a run, or of several seeds', that is held beside what is published."""

    config: Config
    limit: int | None
    epochs: int
    """That are done."""
    accuracies: Mapping[int, Mapping[str, float | None]]
    """Seed -> accuracy by the keys of summary.json."""
    other_images: bool = False
    """Were they not those of the config's data set? A network that was trained from Python has any."""


# ---------------------------------------------------------------------------------------------------------------------
# The file


def collect(tables: Sequence[Experiment], found: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Preset -> number format -> what `Published` holds, of the measurements that the tables of accuracies show.

    Only those of a preset without any change count.
    """
    every: dict[str, dict[str, Any]] = {}
    for name, metric in _shown(tables):
        if name not in found or not _unchanged(found[name]["command"]):
            continue
        result = found[name]["result"]
        own = result[metric]
        entry = Published(
            metric=metric,
            epochs=result["epochs_planned"],
            mean=own["mean"],
            standard_error=own["standard_error"],
            standard_deviation=own["standard_deviation"],
            seeds=tuple(row["seed"] for row in result["runs"]),
            accuracies=tuple(row[metric] for row in result["runs"]),
        )
        plain = asdict(entry) | {"seeds": list(entry.seeds), "accuracies": list(entry.accuracies)}
        every.setdefault(result["config"], {}).setdefault(result["number_format"], plain)
    return every


def _shown(tables: Sequence[Experiment]) -> Iterator[tuple[str, str]]:
    """(measurement, metric) of the tables' lines, in order."""
    for table in (table for table in tables if table.header.kind == "accuracies"):
        for line in table.full.lines:
            yield line.measurement, table.full.metric
            if line.real:
                yield line.real, table.full.metric


def _unchanged(command: str) -> bool:
    """Does the command train seeds of a preset, with no change but the numbers' format?"""
    words = shlex.split(command)
    if words[:2] != ["eqspike", "train"] or "--seeds" not in words or "/" in words[2]:
        return False
    changes = [after for word, after in pairwise(words) if word == "--set"]
    others = {"--dataset", "--limit", "--epochs", "--engine"} & set(words)
    return not others and all(change.startswith("number.format=") for change in changes)


def published_text(tables: Sequence[Experiment], found: Mapping[str, Mapping[str, Any]]) -> str:
    """What published.yaml holds."""
    import yaml

    every = collect(tables, found)
    return HEAD + yaml.safe_dump(every, sort_keys=True, default_flow_style=None, width=120)


@functools.cache
def _file() -> dict[str, Any]:
    return read_yaml(package_folder("lab") / Path(FILE).name)


def published(name: str, number_format: str) -> Published | None:
    """What is published of the preset of that name; None where nothing is."""
    entry = _file().get(name, {}).get(number_format)
    if entry is None:
        return None
    return Published(**entry | {"seeds": tuple(entry["seeds"]), "accuracies": tuple(entry["accuracies"])})


# ---------------------------------------------------------------------------------------------------------------------
# A run beside it


def differences(config: Config, limit: int | None) -> list[str]:
    """What a run has other than the preset of its name: in words, the ones that matter most first."""
    from eqspike.golden.configfile import config_to_dict

    own = preset(config.name)
    if own is None:
        return []
    before, now = (dict(_leaves(config_to_dict(each))) for each in (own, config))
    changed = {key: value for key, value in now.items() if key not in before or before[key] != value}
    changed |= {key: None for key in before if key not in now}
    found = []
    if "training.epochs" in changed:
        found.append(epochs_text(changed.pop("training.epochs")))
    if "dataset.name" in changed:
        found.append(f"data set {changed.pop('dataset.name')}")
    if limit is not None:
        found.append(f"the first {limit:,} training images")
    return found + [f"{key}={'none' if value is None else value}" for key, value in changed.items()]


def _leaves(data: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, value) of all that results depend on."""
    if any(prefix == free or prefix.startswith(f"{free}.") for free in FREE):
        return
    pairs = data.items() if isinstance(data, dict) else enumerate(data) if _of_parts(data) else None
    if pairs is None:
        yield prefix, data
        return
    for key, value in pairs:
        yield from _leaves(value, f"{prefix}.{key}" if prefix else str(key))


def _of_parts(data: Any) -> bool:
    return isinstance(data, list) and any(isinstance(item, dict) for item in data)


def beside(trained: Trained, most: int = 4) -> str | None:
    """What is published of a run's preset, and how the run stands to it: in points where both had the same settings,
    else what it had other than that. None where nothing is published. At most so many settings are named."""
    entry = published(trained.config.name, trained.config.number.format)
    if entry is None:
        return None
    other = differences(trained.config, trained.limit)
    planned = trained.config.training.epochs
    if trained.epochs < planned:
        other = [f"stopped after {epochs_text(trained.epochs)}", *other]
    if trained.other_images:
        other = ["other images", *other]
    if other:
        more = [f"and {len(other) - most} more"] if len(other) > most else []
        return f"{entry.line}; this run: {', '.join(other[:most] + more)}"
    own = {seed: values[entry.metric] for seed, values in trained.accuracies.items()}
    if not own or None in own.values():
        return entry.line
    points = 100 * (statistics.fmean(own.values()) - entry.mean)
    return f"{entry.line}; this run: {_whose(own, entry)}, {points:+.2f} points"


def _whose(own: Mapping[int, float], entry: Published) -> str:
    """The seeds of a run; of a single one, what was published of it."""
    if len(own) > 1:
        return f"{len(own)} seeds"
    seed = next(iter(own))
    known = dict(zip(entry.seeds, entry.accuracies, strict=True)).get(seed)
    return f"seed {seed}" + ("" if known is None else f" (published of this seed: {100 * known:.2f} %)")
