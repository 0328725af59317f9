"""`eqspike bench`: the golden model's speed on one core."""

from __future__ import annotations

import dataclasses
import os
import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scripts.options import config_options, read_config

if TYPE_CHECKING:
    from golden.config import Config


def _schedule(config: Config, epochs: int) -> dict[str, Any]:
    """Training speed over `epochs` epochs, the evaluation left out."""
    from tqdm import trange

    from golden.data import epoch_order, load_split
    from golden.network import LEARN, Network

    split = load_split(config)
    network = Network(config)
    seconds = []
    for epoch in trange(epochs, unit="epoch", leave=False, disable=None):
        network.set_epoch(epoch)
        order = epoch_order(config, epoch, len(split.train_labels))
        images, labels = split.train_images[order], split.train_labels[order]
        start = time.perf_counter()
        network.present_all(images, labels, LEARN)
        seconds.append(time.perf_counter() - start)
    counters = network.counter_values()
    total = sum(seconds)
    return {
        "epochs": epochs,
        "images": counters["images"],
        "seconds": total,
        "images_per_second": counters["images"] / total,
        "fastest_epoch_images_per_second": len(split.train_labels) / min(seconds),
        "steps_per_second": counters["steps"] / total,
        "synops_per_second": counters["synops"] / total,
        "nudged_fraction": counters["nudged"] / counters["images"],
    }


def _inference(config: Config) -> dict[str, Any]:
    from golden.data import load_split
    from golden.network import INFER, Network

    split = load_split(config)
    network = Network(config)
    start = time.perf_counter()
    network.present_all(split.train_images, split.train_labels, INFER)
    seconds = time.perf_counter() - start
    return {
        "images": len(split.train_labels),
        "seconds": seconds,
        "images_per_second": len(split.train_labels) / seconds,
    }


def run_bench(config: Config, epochs: int | None = None) -> dict[str, Any]:
    """Speed with the skip rule, with the nudge phase forced, and of inference with initial weights."""
    from golden.network import Network
    from scripts.train import compile_kernels, software_versions

    epochs = max(1, config.training.epochs if epochs is None else epochs)
    forced = config.replace(learning=dataclasses.replace(config.learning, skip_tolerance=None))
    compile_kernels(Network(config))
    return {
        "config": config.name,
        "number_format": config.number.format,
        "layers": list(config.network.layers),
        "seed": config.training.seed,
        "machine": {"processor": _processor(), "cores": os.cpu_count(), "system": platform.platform()},
        "versions": software_versions(),
        "training": _schedule(config, epochs),
        "training_forced_nudge": _schedule(forced, min(epochs, 3)),
        "inference": _inference(config),
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


@click.command(
    "bench",
    epilog="""\b
Examples:
  eqspike bench
  eqspike bench digits --epochs 3 --set number.format=real
""",
)
@click.argument("config", metavar="[CONFIG]", default="digits")
@click.option("--epochs", type=click.IntRange(1), help="In place of the config's number of epochs.")
@config_options
@click.option("--out", type=click.Path(path_type=Path), help="The JSON file [default: runs/<config>-bench.json].")
def command(
    config: str, epochs: int | None, seed: int | None, dataset: str | None, overrides: tuple[str, ...], out: Path | None
) -> None:
    """Measure how many images a second the golden model trains, on one core (CONFIG: digits).

    Over the whole schedule with the skip rule as the config has it, and with the nudge phase forced for every image.
    """
    from scripts.files import write_json

    resolved = read_config(config, overrides, seed, None, dataset)
    result = run_bench(resolved, epochs)
    shown = (
        (
            "training",
            f"{result['training']['epochs']} epochs, {100 * result['training']['nudged_fraction']:.1f} % nudged",
        ),
        ("training_forced_nudge", "every image nudged"),
        ("inference", "free phase only, initial weights"),
    )
    click.echo(f"{resolved.name} {list(resolved.network.layers)}, {resolved.number.format}, seed {result['seed']}")
    for name, remark in shown:
        click.echo(f"  {name.replace('_', ' '):<22} {result[name]['images_per_second']:>9.0f} images/s   {remark}")
    path = out or Path("runs") / f"{resolved.name}-bench.json"
    write_json(path, result)
    click.echo(f"wrote {path}")
