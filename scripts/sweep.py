"""`eqspike sweep`: rows of changes to one preset, each trained with several seeds, and what each costs in accuracy.

A run is stored whole in OUT/runs/<hash of its config>.json once it is done, whichever row asked for it; while it
trains, its checkpoints stand in OUT/partial/. So a sweep that was stopped anywhere goes on where it was, and rows that
are the same run share it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import platform
import shlex
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scripts.errors import CommandError, Interrupted, UsageProblem
from scripts.options import read_config
from scripts.parallel import Heard, Told, all_of, in_parallel, on_cluster, reason

if TYPE_CHECKING:
    from golden.config import Config

AGREES = 3.0
"""Points of accuracy within which a row agrees with the thesis: what is read from its figures is no finer."""

THESIS_KINDS = {
    "accuracy": "{:g} %",
    "loss": "{:g} lost",
    "loss_below": "less than {:g} lost",
    "loss_above": "more than {:g} lost",
}
"""What a row may say of the thesis in points, and how that is shown."""

FREE_KEYS = ("hardware", "boards", "name")
"""Parts of a config that results do not depend on."""


@dataclass(frozen=True)
class Row:
    """One line of the sweep's table."""

    name: str
    overrides: tuple[str, ...]
    group: str
    """Panel of the plot, and heading in the table."""
    series: str
    """Line of the plot within the panel."""
    x: float | None
    """Place in the plot; None: by order, under the row's name."""
    thesis: dict[str, Any] | None
    """One of `THESIS_KINDS`, or `text`."""
    source: str
    reference: str | None
    """The row that losses are counted from."""


@dataclass(frozen=True)
class Spec:
    """A sweep as its YAML file says it."""

    name: str
    title: str
    base: str
    seeds: tuple[int, ...]
    epochs: int | None
    overrides: tuple[str, ...]
    rows: tuple[Row, ...]
    xlabels: dict[str, str]
    """Group -> what its x is."""


# ---------------------------------------------------------------------------------------------------------------------
# The sweep's file


def read_spec(path: Path) -> Spec:
    """Read a sweep's YAML file. Raises `UsageProblem`, which names the file, the row and the key."""
    from scripts.files import read_yaml

    data = read_yaml(path)
    known = ("name", "title", "base", "seeds", "epochs", "set", "reference", "xlabels", "rows")
    data = _section(path, "the file", data, known)
    name = _text(path, "name", data.get("name", path.stem))
    rows = data.get("rows")
    if not isinstance(rows, list) or not rows:
        raise UsageProblem(f"{path}: rows: give a list with at least one row")
    common = _text(path, "reference", data["reference"]) if data.get("reference") is not None else None
    made = tuple(_row(path, number, row, common) for number, row in enumerate(rows))
    names = [row.name for row in made]
    if doubled := next((n for n in names if names.count(n) > 1), None):
        raise UsageProblem(f"{path}: rows: the name {doubled!r} is there twice")
    for row in made:
        if row.reference is not None and row.reference not in names:
            raise UsageProblem(f"{path}: {row.name}: reference {row.reference!r} is no row")
    epochs = data.get("epochs")
    if epochs is not None and (not _whole(epochs) or epochs < 1):
        raise UsageProblem(f"{path}: epochs: {epochs!r} is not valid; a whole number from 1")
    seeds = data.get("seeds", [0, 1, 2, 3, 4])
    if not isinstance(seeds, list) or not seeds or not all(_whole(s) and s >= 0 for s in seeds):
        raise UsageProblem(f"{path}: seeds: {seeds!r} is not valid; a list such as [0, 1, 2]")
    xlabels = data.get("xlabels", {})
    if not isinstance(xlabels, dict):
        raise UsageProblem(f"{path}: xlabels: a mapping of groups to texts")
    return Spec(
        name=name,
        title=_text(path, "title", data.get("title", name)),
        base=_text(path, "base", data.get("base")),
        seeds=tuple(dict.fromkeys(seeds)),
        epochs=epochs,
        overrides=_overrides(path, "set", data.get("set", [])),
        rows=made,
        xlabels={str(k): str(v) for k, v in xlabels.items()},
    )


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _section(path: Path, where: str, data: object, known: Sequence[str]) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise UsageProblem(f"{path}: {where}: a mapping of keys to values")
    for key in data:
        if key not in known:
            raise UsageProblem(f"{path}: {where}: unknown key {key!r}; known here: {', '.join(known)}")
    return data


def _text(path: Path, where: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise UsageProblem(f"{path}: {where}: {value!r} is not valid; a text")
    return value


def _overrides(path: Path, where: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(v, str) and "=" in v for v in value):
        raise UsageProblem(f"{path}: {where}: {value!r} is not valid; a list of key=value")
    return tuple(value)


def _row(path: Path, number: int, data: object, common: str | None) -> Row:
    where = f"rows[{number}]"
    known = ("name", "set", "group", "series", "x", "thesis", "source", "reference")
    data = _section(path, where, data, known)
    name = _text(path, f"{where}.name", data.get("name"))
    try:
        x = None if data.get("x") is None else float(data["x"])  # YAML reads 1e-4 as a text
    except (TypeError, ValueError):
        raise UsageProblem(f"{path}: {name}: x: {data['x']!r} is not valid; a number") from None
    return Row(
        name=name,
        overrides=_overrides(path, f"{name}: set", data.get("set", [])),
        group=str(data.get("group", "")),
        series=str(data.get("series", "")),
        x=x,
        thesis=_thesis(path, name, data.get("thesis")),
        source=str(data.get("source", "")),
        reference=str(data["reference"]) if data.get("reference") is not None else common,
    )


def _thesis(path: Path, name: str, value: object) -> dict[str, Any] | None:
    """A number is a loss in points; a mapping has one of `THESIS_KINDS`, and `text` to show in its place; a text is
    only shown."""
    if value is None:
        return None
    if isinstance(value, str):
        return {"text": value}
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = {"loss": value}
    if isinstance(value, dict):
        given = dict(value)
        text = given.pop("text", None)
        if len(given) == 1:
            ((kind, number),) = given.items()
            if kind in THESIS_KINDS and isinstance(number, int | float) and not isinstance(number, bool):
                shown = THESIS_KINDS[kind].format(number) if text is None else str(text)
                return {"kind": kind, "value": number, "text": shown}
    raise UsageProblem(
        f"{path}: {name}: thesis: {value!r} is not valid; a text, a loss in points, or one of "
        f"{', '.join(THESIS_KINDS)} with a number"
    )


def choose_rows(spec: Spec, patterns: Sequence[str]) -> tuple[Row, ...]:
    """The rows whose name one of the patterns matches (all when there are none), and those they are compared with."""
    if not patterns:
        return spec.rows
    chosen = set()
    for pattern in patterns:
        found = {row.name for row in spec.rows if row.name == pattern or fnmatchcase(row.name, pattern)}
        if not found:
            raise UsageProblem(f"--rows {pattern}: no such row; --list shows them")
        chosen |= found
    chosen |= {row.reference for row in spec.rows if row.name in chosen and row.reference}
    return tuple(row for row in spec.rows if row.name in chosen)


def parse_seeds(text: str) -> tuple[int, ...]:
    """Seeds from 0-4 or 0,2,7 (or both: 0-2,7). Raises `UsageProblem`."""
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        try:
            low, high = int(first), int(last if dash else first)
        except ValueError:
            raise UsageProblem(f"--seeds {text}: write 0-4 or 0,2,7") from None
        if high < low or high - low > 10000:
            raise UsageProblem(f"--seeds {text}: {part.strip()} is no range of seeds")
        seeds += range(low, high + 1)
    return tuple(dict.fromkeys(seeds))


# ---------------------------------------------------------------------------------------------------------------------
# Runs


@dataclass(frozen=True)
class Run:
    """One training: what it is stored under, and its config."""

    key: str
    config: Config


def run_key(config: Config) -> str:
    """Hash of all of a config that a result depends on, the measured devices' file included.

    What is as by default is left out, so that a key which the project gains later changes no hash; `load_run` sees it
    when a default has changed.
    """

    def told(value: object) -> object:
        if dataclasses.is_dataclass(value):
            default = type(value)()
            pairs = ((f.name, getattr(value, f.name), getattr(default, f.name)) for f in dataclasses.fields(value))
            return {name: told(own) for name, own, usual in pairs if own != usual}
        return [told(item) for item in value] if isinstance(value, list | tuple) else value

    parts = dataclasses.fields(config)
    data = {part.name: told(getattr(config, part.name)) for part in parts if part.name not in FREE_KEYS}
    if config.device.file:
        with suppress(OSError):  # the run will say so
            data["device"]["file"] = hashlib.sha256(Path(config.device.file).read_bytes()).hexdigest()
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]


def golden_state() -> str:
    """Hash of the golden model's sources, by which a stored run says what made it."""
    import golden

    digest = hashlib.sha256()
    for path in sorted(Path(golden.__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def plan(spec: Spec, rows: Sequence[Row], seeds: Sequence[int], epochs: int | None) -> dict[str, list[Run]]:
    """Row name -> its runs, one a seed. Raises `UsageProblem` that names the row whose config cannot be."""
    from golden.config import ConfigError

    runs = {}
    for row in rows:
        try:
            configs = [read_config(spec.base, (*spec.overrides, *row.overrides), seed, epochs) for seed in seeds]
        except ConfigError as error:
            raise UsageProblem(f"{row.name}: {error}") from None
        runs[row.name] = [Run(run_key(config), config) for config in configs]
    return runs


def load_run(folder: Path, run: Run) -> dict[str, Any] | None:
    """The stored run, or None when it is not there or was made with another config."""
    from golden.config import config_to_dict

    try:
        stored = json.loads((folder / "runs" / f"{run.key}.json").read_text(encoding="utf-8"))
        made = {name: part for name, part in stored["config"].items() if name not in FREE_KEYS}
        made["device"]["file"] = run.config.device.file  # the key knows what is in it
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return stored if _covers(config_to_dict(run.config), made) else None


def _covers(now: Any, then: Any) -> bool:
    """Is `then` equal to `now`, but for keys that are new since?"""
    if isinstance(then, dict) and isinstance(now, dict):
        return all(key in now and _covers(now[key], value) for key, value in then.items())
    if isinstance(then, list) and isinstance(now, list):
        return len(then) == len(now) and all(map(_covers, now, then))
    return now == then


def one_run(key: str, config: Config, folder: Path, golden: str) -> tuple[str, str | None]:
    """Train and store one run; (key, None), or (key, why it failed)."""
    scratch = folder / "partial" / key
    try:
        try:
            record = _record(config, scratch, golden, resume=True)
        except UsageProblem:  # a checkpoint that cannot be used
            shutil.rmtree(scratch, ignore_errors=True)
            record = _record(config, scratch, golden)
        _store(folder, key, record)
    except Exception as error:
        return key, reason(error)
    shutil.rmtree(scratch, ignore_errors=True)
    return key, None


def far_run(
    key: str, config: Config, golden: str, device_file: bytes | None
) -> tuple[str, dict[str, Any] | None, str | None]:
    """Train one run on another machine, from what is given and in a folder of its own: (key, what is to be stored,
    None) or (key, None, why it failed)."""
    import tempfile

    from golden.config import config_to_dict

    if golden_state() != golden:
        return key, None, f"{platform.node()} has other sources of golden/: install the same eqspike there"
    try:
        with tempfile.TemporaryDirectory(prefix="eqspike-") as scratch:
            here = config
            if device_file is not None:
                # The suffix says how it is read.
                table = Path(scratch, "devices").with_suffix(Path(config.device.file).suffix)
                table.write_bytes(device_file)
                here = config.replace(device=dataclasses.replace(config.device, file=str(table)))
            record = _record(here, Path(scratch, "run"), golden)
    except Exception as error:
        return key, None, reason(error)
    return key, record | {"config": config_to_dict(config)}, None


def _record(config: Config, scratch: Path, golden: str, resume: bool = False) -> dict[str, Any]:
    """Train in `scratch`: what is stored of the run."""
    from golden.config import config_to_dict
    from scripts.train import train

    metrics = train(config, scratch, resume=resume, quiet=True)
    return run_record(metrics) | {"golden": golden, "config": config_to_dict(config)}


def _store(folder: Path, key: str, record: dict[str, Any]) -> None:
    from scripts.files import write_json

    write_json(folder / "runs" / f"{key}.json", record)


def run_record(metrics: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a run's metrics."""
    entries = metrics["epochs"]
    images = sum(entry["counters"]["images"] for entry in entries)
    pulses = sum(entry["counters"]["programming_pulses"] for entry in entries)
    return {
        "seed": metrics["seed"],
        "epochs": len(entries),
        "test_part": metrics["test_part"],
        "number_format": metrics["number_format"],
        "mean_last_5_test_accuracy": metrics["mean_last_5_test_accuracy"],
        "last_test_accuracy": metrics["last_test_accuracy"],
        "last_train_accuracy": entries[-1]["train_accuracy"],
        "test_accuracies": [entry["test_accuracy"] for entry in entries],
        "programming_pulses": pulses,
        "programming_pulses_per_image": pulses / images if images else None,
        "nudged_share": sum(entry["counters"]["nudged"] for entry in entries) / images if images else None,
        "weight_saturations": sum(entry["counters"]["weight_saturations"] for entry in entries),
        "seconds": sum(entry["seconds"] for entry in entries),
        "versions": metrics["versions"],
    }


def run_all(missing: dict[str, Config], folder: Path, workers: int, heard: Heard, dask: str | None = None) -> None:
    """Train all of `missing` (key -> config), by `workers` processes or by the Dask cluster at that address, and tell
    `heard` of each. A run that kills its worker is lost alone (`scripts.parallel.all_of`)."""
    golden = golden_state()
    if workers == 1 and dask is None:
        for key, config in missing.items():
            heard(*one_run(key, config, folder, golden))
        return

    def begin(keys: list[str], begun: list[str]) -> Told:
        chosen = {key: missing[key] for key in keys}
        return _far(chosen, folder, golden, dask, begun) if dask else _near(chosen, folder, golden, workers, begun)

    all_of(missing, begin, lambda key: load_run(folder, Run(key, missing[key])) is not None, heard)


def _near(runs: dict[str, Config], folder: Path, golden: str, workers: int, begun: list[str]) -> Told:
    """(key, None or why it failed) as processes of this machine are done; `begun` gets what they were given."""

    def jobs() -> Iterator[tuple[Any, ...]]:
        for key, config in runs.items():
            begun.append(key)
            yield key, config, folder, golden

    yield from in_parallel(one_run, jobs(), workers)


def _far(runs: dict[str, Config], folder: Path, golden: str, address: str, begun: list[str]) -> Told:
    """(key, None or why it failed) as the cluster's workers are done and the run is stored here."""

    def jobs() -> Iterator[tuple[Any, ...]]:
        for key, config in runs.items():
            device_file = None
            if config.device.file:
                with suppress(OSError):  # the run will say so
                    device_file = Path(config.device.file).read_bytes()
            begun.append(key)
            yield key, config, golden, device_file

    for key, record, problem in on_cluster(far_run, jobs(), address):
        if record is not None:
            try:
                _store(folder, key, record)
            except OSError as error:
                problem = reason(error)
        yield key, problem


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep a second sweep out of the folder. Raises `UsageProblem`."""
    import fcntl

    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageProblem(f"{folder}: another sweep is at work there") from None
        yield


# ---------------------------------------------------------------------------------------------------------------------
# What comes of it


def summarise(
    spec: Spec,
    rows: Sequence[Row],
    runs: dict[str, list[Run]],
    stored: dict[str, dict[str, Any]],
    problems: dict[str, str],
) -> dict[str, Any]:
    """What summary.json holds: the rows with their statistics over the seeds that are `stored`."""
    from scripts.train import spread

    kept = {row.name: [stored[run.key] for run in runs[row.name] if run.key in stored] for row in rows}
    means = {
        name: statistics.fmean(100 * run["mean_last_5_test_accuracy"] for run in found) if found else None
        for name, found in kept.items()
    }
    shown = []
    for row in rows:
        found = kept[row.name]
        first = runs[row.name][0].config
        base = means.get(row.reference) if row.reference else None
        own = means[row.name]
        loss = base - own if base is not None and own is not None and row.reference != row.name else None
        pulses = [run["programming_pulses_per_image"] for run in found]
        shown.append(
            {
                "name": row.name,
                "group": row.group,
                "series": row.series,
                "x": row.x,
                "set": list(row.overrides),
                "number_format": first.number.format,
                "seeds": [run["seed"] for run in found],
                "finished": len(found) == len(runs[row.name]),
                "accuracy": spread([run["mean_last_5_test_accuracy"] for run in found]),
                "last_accuracy": spread([run["last_test_accuracy"] for run in found]),
                "train_accuracy": spread([run["last_train_accuracy"] for run in found]),
                "programming_pulses_per_image": statistics.fmean(pulses) if pulses else None,
                "nudged_share": statistics.fmean(run["nudged_share"] for run in found) if found else None,
                "seconds": sum(run["seconds"] for run in found),
                "reference": row.reference,
                "loss": loss,
                "thesis": row.thesis,
                "source": row.source,
                **verdict(row.thesis, own, loss),
            }
        )
    return {
        "kind": "sweep",
        "name": spec.name,
        "title": spec.title,
        "base": spec.base,
        "set": list(spec.overrides),
        "seeds": [run.config.training.seed for run in next(iter(runs.values()))],
        "epochs": next(iter(runs.values()))[0].config.training.epochs,
        "test_part": "validation"
        if any(r.config.dataset.validation_fraction > 0 for r in runs[rows[0].name])
        else "test",
        "command": shlex.join(["eqspike", *sys.argv[1:]]),
        "finished": all(row["finished"] for row in shown),
        "agrees_within": AGREES,
        "seconds_of_runs": sum(run["seconds"] for run in stored.values()),
        "golden": sorted({run["golden"] for run in stored.values()}),
        "xlabels": spec.xlabels,
        "errors": [
            {"row": row.name, "seed": run.config.training.seed, "reason": problems[run.key]}
            for row in rows
            for run in runs[row.name]
            if run.key in problems
        ],
        "rows": shown,
    }


def verdict(thesis: dict[str, Any] | None, accuracy: float | None, loss: float | None) -> dict[str, Any]:
    """How many points better (+) or worse (-) than the thesis, and whether that is within `AGREES`."""
    kind = (thesis or {}).get("kind")
    if kind is None or accuracy is None or (kind != "accuracy" and loss is None):
        return {"better_by": None, "verdict": None}
    value = thesis["value"]
    if kind == "accuracy":
        better = accuracy - value
    else:
        better = value - loss
        if (kind == "loss_below" and better > 0) or (kind == "loss_above" and better < 0):
            better = 0.0
    return {"better_by": better, "verdict": "agrees" if abs(better) <= AGREES else "differs"}


def row_cells(row: dict[str, Any]) -> list[str]:
    """A row of the table as texts, for the terminal and for the pages."""
    accuracy = row["accuracy"]
    deviation = accuracy["standard_deviation"]
    text = "-" if accuracy["mean"] is None else f"{100 * accuracy['mean']:.2f}"
    if deviation is not None:
        text += f" ± {100 * deviation:.2f}"
    found = row["verdict"] or "-"
    if row["verdict"] == "differs":
        found += f", {abs(row['better_by']):.1f} {'better' if row['better_by'] > 0 else 'worse'}"
    pulses, nudged = row["programming_pulses_per_image"], row["nudged_share"]
    return [
        row["name"],
        str(len(row["seeds"])),
        text,
        "-" if row["loss"] is None else f"{row['loss']:.2f}".replace("-0.00", "0.00"),
        (row["thesis"] or {}).get("text", "-"),
        row["source"] or "-",
        found,
        "-" if pulses is None else f"{pulses:,.0f}",
        "-" if nudged is None else f"{100 * nudged:.1f}",
    ]


HEAD = ("row", "seeds", "accuracy %", "points lost", "thesis", "source", "verdict", "pulses/image", "nudged %")


def print_table(summary: dict[str, Any]) -> None:
    """The rows, under their groups."""
    cells = [row_cells(row) for row in summary["rows"]]
    widths = [max(len(line[i]) for line in (HEAD, *cells)) for i in range(len(HEAD))]
    left = (0, 4, 5, 6)

    def line(texts: Sequence[str]) -> str:
        parts = [t.ljust(w) if i in left else t.rjust(w) for i, (t, w) in enumerate(zip(texts, widths, strict=True))]
        return "  " + "  ".join(parts).rstrip()

    click.echo(line(HEAD))
    group = None
    for row, texts in zip(summary["rows"], cells, strict=True):
        if row["group"] != group:
            group = row["group"]
            click.echo(f"{group}:")
        click.echo(line(texts))


# ---------------------------------------------------------------------------------------------------------------------
# The command


@click.command(
    "sweep",
    epilog="""\b
Examples:
  eqspike sweep configs/sweeps/nonidealities.yaml --list          its rows, and which are done
  eqspike sweep configs/sweeps/nonidealities.yaml --workers 2     all of it, in runs/nonidealities
  eqspike sweep configs/sweeps/nonidealities.yaml --rows 'write noise*' --seeds 0-1 --epochs 5
  eqspike sweep configs/sweeps/nonidealities.yaml --dask tcp://HOST:8786        on the workers of a Dask cluster
\b
The same command goes on where it was stopped.
""",
)
@click.argument("spec", metavar="SPEC.yaml", type=click.Path(path_type=Path))
@click.option("--workers", type=click.IntRange(1), help="Runs trained at the same time by this machine [default: 1].")
@click.option("--dask", metavar="ADDRESS", help="Train on the Dask cluster whose scheduler is there.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the results [default: runs/<name>].")
@click.option("--epochs", type=click.IntRange(1), help="In place of the sweep's number of epochs.")
@click.option("--seeds", metavar="A-B", help="In place of the sweep's seeds: 0-4, or a list such as 0,2,7.")
@click.option(
    "--rows", multiple=True, metavar="NAME", help="Only this row (* matches any text) and its reference; repeatable."
)
@click.option("--list", "show", is_flag=True, help="List the rows and what is done of them; train nothing.")
def command(
    spec: Path,
    workers: int | None,
    dask: str | None,
    out: Path | None,
    epochs: int | None,
    seeds: str | None,
    rows: tuple[str, ...],
    show: bool,
) -> int:
    """Train every row of SPEC.yaml with every seed, and say what each row costs in accuracy.

    A row is a list of key=value changes to the sweep's preset; docs/devices.md explains the file. Each run is stored
    once it is done, so the sweep can be stopped at any time. Writes summary.json, sweep.png and runs/ to the folder,
    and a table to the terminal. A run that fails is named with its reason, the others go on, and the status is 1.
    """
    from scripts.files import remove_leftovers, write_json

    if workers is not None and dask is not None:
        raise UsageProblem("--workers and --dask: one of them; a cluster has as many workers as were started")
    sweep = read_spec(spec)
    chosen = choose_rows(sweep, rows)
    numbers = parse_seeds(seeds) if seeds is not None else sweep.seeds
    runs = plan(sweep, chosen, numbers, epochs if epochs is not None else sweep.epochs)
    folder = out or Path("runs") / sweep.name
    every = {run.key: run for row in chosen for run in runs[row.name]}
    if show:
        for row in chosen:
            done = sum(load_run(folder, run) is not None for run in runs[row.name])
            click.echo(f"{row.name:<36} {done}/{len(runs[row.name])}  {' '.join(row.overrides)}")
        return 0
    if _is_training(folder):
        raise UsageProblem(f"{folder}: holds a run of 'eqspike train'; choose another --out")
    with locked(folder):
        for part in (folder, folder / "runs"):
            remove_leftovers(part)
        stored = {key: found for key, run in every.items() if (found := load_run(folder, run)) is not None}
        problems: dict[str, str] = {}
        missing = {key: run.config for key, run in every.items() if key not in stored}
        owners = {run.key: (row.name, run.config.training.seed) for row in chosen for run in runs[row.name]}
        old = sum(run.get("golden") != golden_state() for run in stored.values())
        click.echo(f"{sweep.title}: {len(chosen)} rows, {len(every)} runs, {len(stored)} of them stored in {folder}")
        if old:
            click.echo(f"{old} of these were made with other sources of golden/; to make them anew, remove {folder}")

        def write() -> dict[str, Any]:
            result = summarise(sweep, chosen, runs, stored, problems)
            write_json(folder / "summary.json", result)
            return result

        try:
            with _progress(len(every), len(stored)) as move:

                def heard(key: str, problem: str | None) -> None:
                    name, seed = owners[key]
                    if problem is None:
                        stored[key] = load_run(folder, every[key])
                        move(f"{name}, seed {seed}: {100 * stored[key]['mean_last_5_test_accuracy']:.2f} %")
                    else:
                        problems[key] = problem
                        move(f"{name}, seed {seed} failed: {problem}")
                    write()

                run_all(missing, folder, workers or 1, heard, dask)
            result = write()
        except KeyboardInterrupt:
            # A worker may have stored a run that nobody has heard of yet.
            stored |= {key: found for key, run in every.items() if (found := load_run(folder, run)) is not None}
            write()
            raise Interrupted(
                f"interrupted; {len(stored)} of {len(every)} runs are stored in {folder}; the same command goes on"
            ) from None
        print_table(result)
        _write_plot(result, folder / "sweep.png")
    click.echo(f"wrote {folder}/summary.json, sweep.png")
    for error in result["errors"]:
        click.echo(f"{error['row']}, seed {error['seed']} failed: {error['reason']}")
    if result["errors"]:
        first = result["errors"][0]
        raise CommandError(
            f"{len(result['errors'])} of {len(every)} runs failed, the first {first['row']}, seed {first['seed']}: "
            f"{first['reason']}"
        )
    return 0


def _is_training(folder: Path) -> bool:
    if (folder / "metrics.json").exists():
        return True
    try:
        return json.loads((folder / "summary.json").read_text(encoding="utf-8")).get("kind") != "sweep"
    except (OSError, ValueError, AttributeError):
        return False


@contextmanager
def _progress(total: int, done: int) -> Iterator[Callable[[str], None]]:
    """A bar on a terminal, else a line for each run; both with an estimate of the time left."""
    from tqdm import tqdm

    with tqdm(total=total, initial=done, unit="run", disable=None, dynamic_ncols=True, smoothing=0.1) as bar:
        at, began = done, time.monotonic()

        def move(text: str) -> None:
            nonlocal at
            at += 1
            if bar.disable:
                left = (total - at) * (time.monotonic() - began) / (at - done)
                click.echo(f"[{at}/{total}] {text}" + (f"; {tqdm.format_interval(left)} left" if at < total else ""))
            else:
                bar.set_postfix_str(text)
                bar.update()

        yield move


def _write_plot(summary: dict[str, Any], path: Path) -> None:
    from scripts.figures import sweep_panels
    from scripts.plots import save_png

    save_png(sweep_panels(summary), path)
