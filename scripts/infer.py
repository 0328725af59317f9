"""`eqspike infer`: classify images with trained weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scripts.options import config_options, read_config

if TYPE_CHECKING:
    import numpy as np

    from golden.config import Config


def confusion_matrix(labels: np.ndarray, predictions: np.ndarray, classes: int) -> np.ndarray:
    """Shape (classes, classes + 1): images of each label (row) by prediction; the last column counts no answer (-1)."""
    import numpy as np

    matrix = np.zeros((classes, classes + 1), np.int64)
    np.add.at(matrix, (labels, np.where(predictions < 0, classes, predictions)), 1)
    return matrix


def infer(
    config: Config, weights: Path, first_spike: bool = False, part: str = "test", limit: int | None = None
) -> dict[str, Any]:
    """Classify the test (or training) part; returns what infer.json holds. The split is that of the config's seed."""
    from golden.data import load_split
    from golden.network import INFER, INFER_FIRST_SPIKE, Network
    from scripts.weights import load_weights

    network = Network(config)
    network.load_weights(load_weights(weights, config).weights)
    split = load_split(config)
    images, labels = (
        (split.test_images, split.test_labels) if part == "test" else (split.train_images, split.train_labels)
    )
    images, labels = images[:limit], labels[:limit]
    results = network.present_all(images, labels, INFER_FIRST_SPIKE if first_spike else INFER)
    predictions = results[:, 1 if first_spike else 0]
    counters = network.counter_values()
    spiked = results[results[:, 2] >= 0, 2]
    count = max(len(labels), 1)
    return {
        "config": config.name,
        "weights": str(weights),
        "seed": config.training.seed,
        "part": part,
        "mode": "first spike" if first_spike else "rate",
        "images": len(labels),
        "accuracy": float((predictions == labels).mean()) if len(labels) else None,
        "confusion": confusion_matrix(labels, predictions, config.network.layers[-1]),
        "first_spike_mean_step": float(spiked.mean()) if len(spiked) else None,
        "steps_per_image": counters["steps"] / count,
        "synops_per_image": counters["synops"] / count,
        "spikes_per_image": [spikes / count for spikes in counters["spikes"]],
        "counters": counters,
    }


def print_confusion(matrix: np.ndarray) -> None:
    """The matrix as a table, rows labels, columns predictions; the column of no answer only when there are some."""
    classes = len(matrix)
    width = max(4, len(str(matrix.max())) + 1, len(str(classes - 1)) + 1)
    silent = matrix[:, -1].any()
    click.echo("label".ljust(7) + "".join(f"{k:>{width}}" for k in range(classes)) + ("   none" if silent else ""))
    for label, row in enumerate(matrix):
        cells = "".join(f"{count or '.':>{width}}" for count in row[:-1])
        click.echo(f"{label:<7}{cells}" + (f"{row[-1]:>7}" if silent else ""))


@click.command(
    "infer",
    epilog="""\b
Examples:
  eqspike infer digits --weights runs/digits-seed0/weights.npz
  eqspike infer digits --weights runs/digits-seed0/weights.npz --first-spike
""",
)
@click.argument("config", metavar="CONFIG")
@click.option("--weights", type=click.Path(path_type=Path), required=True, help="weights.npz of a run.")
@click.option("--first-spike", is_flag=True, help="The first output to spike decides, and ends the image.")
@click.option("--part", type=click.Choice(["test", "train"]), default="test", show_default=True, help="Which images.")
@click.option("--limit", type=click.IntRange(1), help="Only the first N images.")
@config_options
@click.option("--out", type=click.Path(path_type=Path), help="The JSON file [default: beside the weights].")
def command(
    config: str,
    weights: Path,
    first_spike: bool,
    part: str,
    limit: int | None,
    seed: int | None,
    dataset: str | None,
    overrides: tuple[str, ...],
    out: Path | None,
) -> None:
    """Classify the test images of CONFIG: accuracy and confusion matrix.

    The split of the data is the one that the weights were trained with (their seed), unless --seed says otherwise.
    """
    from scripts.files import write_json
    from scripts.weights import load_weights

    resolved = read_config(config, overrides, seed, None, dataset)
    if seed is None and not any(text.startswith("training.seed=") for text in overrides):
        own = load_weights(weights, resolved).about.get("seed")
        resolved = read_config(config, overrides, own, None, dataset)
    result = infer(resolved, weights, first_spike, part, limit)
    if result["accuracy"] is None:
        click.echo(f"no images in the {part} part")
    else:
        print_confusion(result["confusion"])
        click.echo(
            f"{part} accuracy {100 * result['accuracy']:.2f} % of {result['images']} images "
            f"(seed {result['seed']}, by {result['mode']}); per image: {result['steps_per_image']:.1f} steps, "
            f"{result['synops_per_image']:.0f} SynOps"
        )
    path = out or weights.with_name("infer-first-spike.json" if first_spike else "infer.json")
    write_json(path, result)
    click.echo(f"wrote {path}")
