"""`eqspike baseline`: networks without spikes on the same sizes and images, for comparison (golden.baselines).

OUT/seed-<s>/ holds metrics.json and state.npz (weights and the optimiser's moments), written after each epoch in this
order: the epochs that state.npz counts are in metrics.json. The same command goes on from there.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shlex
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scripts.errors import Interrupted, UsageProblem
from scripts.options import config_options, read_config

if TYPE_CHECKING:
    import numpy as np

    from golden.baselines import Settings
    from golden.config import Config

CHUNK = 100
"""Images between two moves of the progress bar, which are also the moments when Ctrl-C is heard."""

FREE_KEYS = ("name", "hardware", "boards", "number")
"""Parts of a config that a baseline does not depend on."""


def run_key(config: Config, settings: Settings, limit: int | None) -> str:
    """A hash of all that a run's epochs depend on, but their number."""
    from golden.baselines.settings import settings_to_dict
    from golden.config import config_to_dict

    data = config_to_dict(config)
    for name in FREE_KEYS:
        data.pop(name)
    data["training"].pop("epochs")
    text = json.dumps([data, settings_to_dict(settings), limit], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _saved(out: Path, key: str) -> tuple[dict[str, np.ndarray], list[dict[str, Any]]] | None:
    """(state, entries) of a run that stopped, or None where there is none. Raises `UsageProblem` for another run."""
    import numpy as np

    if not (out / "state.npz").exists():
        return None
    try:
        with (out / "state.npz").open("rb") as file, np.load(file, allow_pickle=False) as archive:
            state = {name: archive[name] for name in archive.files}
        about = json.loads(str(state.pop("about")))
        entries = json.loads((out / "metrics.json").read_text(encoding="utf-8"))["epochs"][: about["epoch"]]
        if len(entries) != about["epoch"]:
            raise ValueError("epochs are missing")
    except Exception:  # a broken archive raises whatever its parser trips over: zip, zlib, header, JSON
        raise UsageProblem(f"{out}: state.npz and metrics.json are not those of a run; --force begins anew") from None
    if about.get("key") != key:
        raise UsageProblem(f"{out}: holds a run with other settings; choose another --out, or --force to begin anew")
    return state, entries


def run_baseline(
    config: Config, settings: Settings, out: Path, limit: int | None = None, quiet: bool = False
) -> dict[str, Any]:
    """Train one seed in folder `out`, or go on with it, and return what metrics.json holds."""
    import numpy as np
    from tqdm import tqdm

    from golden.baselines import make_baseline
    from golden.baselines.settings import settings_to_dict
    from golden.data import epoch_moves, epoch_order, load_split, move
    from scripts.files import npz_bytes, remove_leftovers, write_bytes, write_json
    from scripts.train import LAST, software_versions

    part = load_split(config)
    limit = min(limit, len(part.train_labels)) if limit is not None else None
    images, labels = part.train_images[:limit], part.train_labels[:limit]
    network, key, entries = make_baseline(config, settings), run_key(config, settings, limit), []
    if saved := _saved(out, key):
        state, entries = saved
        try:
            network.load_state(state)
        except (KeyError, ValueError) as error:
            raise UsageProblem(f"{out}/state.npz: {error}; --force begins anew") from None
    if len(entries) > config.training.epochs:
        raise UsageProblem(f"{out}: has {len(entries)} epochs already; --epochs cannot be {config.training.epochs}")
    out.mkdir(parents=True, exist_ok=True)
    remove_leftovers(out)

    def write() -> dict[str, Any]:
        accuracies = [entry["test_accuracy"] for entry in entries]
        metrics = {
            "config": config.name,
            "seed": config.training.seed,
            "engine": settings.algorithm,
            "settings": settings_to_dict(settings),
            "epochs_planned": config.training.epochs,
            "limit": limit,
            "images": {"train": len(labels), "test": len(part.test_labels)},
            "test_part": "validation" if config.dataset.validation_fraction > 0 else "test",
            "number_format": "real",
            "command": shlex.join(["eqspike", *sys.argv[1:]]),
            "versions": software_versions(),
            "finished": len(entries) >= config.training.epochs,
            "last_test_accuracy": accuracies[-1] if accuracies else None,
            "mean_last_5_test_accuracy": statistics.fmean(accuracies[-LAST:]) if accuracies else None,
            "epochs": entries,
        }
        write_json(out / "metrics.json", metrics)
        about = json.dumps({"epoch": len(entries), "key": key})
        write_bytes(out / "state.npz", npz_bytes(network.state() | {"about": np.array(about)}))
        return metrics

    network.learn(images[:0], labels[:0], 0)  # compiles, so that no measurement of time contains it
    metrics = write()
    for epoch in range(len(entries), config.training.epochs):
        began, order, right, seconds = time.perf_counter(), epoch_order(config, epoch, len(labels)), 0, 0.0
        moves = epoch_moves(config, epoch, len(labels))
        pulses = int(getattr(network, "pulses", 0))
        with tqdm(
            total=len(order), unit="img", leave=False, disable=True if quiet else None, dynamic_ncols=True,
            desc=f"seed {config.training.seed}, epoch {epoch + 1}/{config.training.epochs}",
        ) as bar:  # fmt: skip
            for at in range(0, len(order), CHUNK):
                chunk = order[at : at + CHUNK]
                shown = move(images[chunk], moves[chunk])
                start = time.perf_counter()
                right += int(np.sum(network.learn(shown, labels[chunk], epoch, at) == labels[chunk]))
                seconds += time.perf_counter() - start
                bar.update(len(chunk))
        entry = {
            "epoch": epoch + 1,
            "train_accuracy": right / len(order) if len(order) else None,
            "test_accuracy": network.accuracy(part.test_images, part.test_labels),
            "train_seconds": seconds,
            "images_per_second": len(order) / seconds if seconds > 0 else None,
            "seconds": time.perf_counter() - began,
        }
        if hasattr(network, "pulses"):
            entry["programming_pulses"] = int(network.pulses) - pulses
        entries.append(entry)
        metrics = write()
    return metrics


def _remove(out: Path) -> None:
    """Remove the files of a run that `--force` begins anew."""
    for folder in (out, *out.glob("seed-*")):
        for name in ("summary.json", "metrics.json", "state.npz"):
            (folder / name).unlink(missing_ok=True)


@click.command(
    "baseline",
    epilog="""\b
Examples:
  eqspike baseline bptt digits --seeds 5
  eqspike baseline continual-eqprop digits --set baseline.beta=0.2
  eqspike baseline bp-adam digits --set baseline.devices=false     without memristors
  eqspike baseline bp-sgd digits-memristor --set device.write_noise=1e-4
""",
)
@click.argument("name", metavar="NAME")
@click.argument("config", metavar="CONFIG")
@click.option("--seeds", type=click.IntRange(1), default=1, show_default=True, help="Train K seeds, from --seed on.")
@click.option("--epochs", type=click.IntRange(0), help="In place of the config's number of epochs.")
@click.option("--limit", type=click.IntRange(1), help="Only the first N images of the training part.")
@config_options
@click.option("--out", type=click.Path(path_type=Path), help="Folder [default: runs/<config>-<name>-seed<S>].")
@click.option("--force", is_flag=True, help="Begin anew where a run is in the way.")
def command(
    name: str,
    config: str,
    seeds: int,
    epochs: int | None,
    limit: int | None,
    seed: int | None,
    dataset: str | None,
    overrides: Sequence[str],
    out: Path | None,
    force: bool,
) -> None:
    """Train baseline NAME (bptt, continual-eqprop, bp-sgd, bp-adam) on the sizes, images and memristors of CONFIG.

    Keys of the baseline itself are set as baseline.KEY; docs/baselines.md lists them. The same command goes on with a
    run that was interrupted. summary.json is as that of 'eqspike train --seeds'.
    """
    from golden.baselines.settings import PREFIX, read_settings, settings_to_dict
    from scripts.files import write_json
    from scripts.train import SUMMARISED, summary

    settings = read_settings(name, [text for text in overrides if text.startswith(PREFIX)])
    resolved = read_config(config, [text for text in overrides if not text.startswith(PREFIX)], seed, epochs, dataset)
    resolved = resolved.replace(number=dataclasses.replace(resolved.number, format="real"))
    settings.rates(resolved, 0)
    first = resolved.training.seed
    chosen = list(range(first, first + seeds))
    if out is None:
        tail = f"seed{first}" if seeds == 1 else f"seeds{first}-{chosen[-1]}"
        out = Path("runs") / f"{resolved.name}-{name}-{tail}"
    if out.exists() and not out.is_dir():
        raise UsageProblem(f"{out}: is not a folder")
    if force:
        _remove(out)
    done: dict[int, dict[str, Any]] = {}

    def write() -> dict[str, Any]:
        data = summary(resolved, chosen, name, limit, done) | {"settings": settings_to_dict(settings)}
        write_json(out / "summary.json", data)
        return data

    click.echo(f"training {name} on {resolved.name}, seeds {chosen[0]} to {chosen[-1]}, in {out}")
    try:
        for number in chosen:
            own = resolved.replace(training=dataclasses.replace(resolved.training, seed=number))
            done[number] = run_baseline(own, settings, out / f"seed-{number}", limit)
            data = write()
            mean = done[number]["mean_last_5_test_accuracy"]
            shown = "no epochs" if mean is None else f"{100 * mean:.2f} %"
            click.echo(f"seed {number}: {done[number]['test_part']} accuracy, mean of the last 5 epochs: {shown}")
    except KeyboardInterrupt:
        raise Interrupted("interrupted; the same command goes on") from None
    for key, title in SUMMARISED.items():
        values = data[key]
        if values["mean"] is not None:
            error = values["standard_error"]
            tail = "" if error is None else f" +- {100 * error:.2f} (standard error)"
            click.echo(f"{title}: {100 * values['mean']:.2f} %{tail}, {values['count']} seeds")
    click.echo(f"wrote {out}/summary.json")


__all__ = ["command", "run_baseline", "run_key"]
