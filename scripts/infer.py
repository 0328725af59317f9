"""`eqspike infer`: classify images with trained weights.

The laboratory is imported when there is something to classify: `--help` needs neither NumPy nor Numba.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eqspike.base.printable import cut
from eqspike.scripts.options import config_options, part_option, validation_option

if TYPE_CHECKING:
    import numpy as np

    from eqspike.golden.config import Config


LONGEST_NAME = 16
"""Characters of a class's name in a table."""


def print_confusion(matrix: np.ndarray, classes: Sequence[str] = ()) -> None:
    """The matrix as a table, rows labels, columns predictions; the column of no answer only when there are some.
    Outputs without a name among `classes` have their number."""
    names = [cut(classes[k], LONGEST_NAME) if k < len(classes) else str(k) for k in range(len(matrix))]
    longest = max(map(len, names))
    width, first = max(4, len(str(matrix.max())) + 1, longest + 1), max(7, longest + 2)
    silent = matrix[:, -1].any()
    click.echo("label".ljust(first) + "".join(f"{name:>{width}}" for name in names) + ("   none" if silent else ""))
    for name, row in zip(names, matrix, strict=True):
        cells = "".join(f"{count or '.':>{width}}" for count in row[:-1])
        click.echo(f"{name:<{first}}{cells}" + (f"{row[-1]:>7}" if silent else ""))


def shown_part(part: str, config: Config) -> str:
    """What a part is called: a config with a validation part has it in the place of the test part."""
    return config.dataset.scored_part if part == "test" else part


def warn_of_learned(part: str, learned: int, images: int) -> None:
    """Say so where test images are among those that the weights were trained on."""
    if part != "train" and learned:
        click.echo(
            f"this is no test: the weights were trained on {learned:,} of these {images:,} images; their own split is "
            "that of the seed and the dataset settings they were trained with"
        )


@click.command(
    "infer",
    epilog="""\b
Examples:
  eqspike infer digits --weights runs/digits-seed0/weights.npz
  eqspike infer digits --weights runs/digits-seed0/weights.npz --first-spike
  eqspike infer table --weights runs/table-seed0/weights.npz --dataset csv:others.csv --part all
""",
)
@click.argument("config", metavar="CONFIG")
@click.option("--weights", type=click.Path(path_type=Path), required=True, help="weights.npz of a run.")
@click.option("--first-spike", is_flag=True, help="The first output to spike decides, and ends the image.")
@part_option
@click.option("--limit", type=click.IntRange(1), help="Only the first N images.")
@config_options
@validation_option
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
    validation: bool,
    out: Path | None,
) -> None:
    """Classify the test images of CONFIG: accuracy and confusion matrix.

    The split of the data is the one that the weights were trained with (their seed), unless --seed says otherwise.
    """
    from eqspike.base.files import write_json
    from eqspike.lab.configs import Changes
    from eqspike.lab.infer import Question, infer, trained_config

    changes = Changes(overrides=overrides, seed=seed, dataset=dataset, validation=validation)
    resolved = trained_config(changes, config, weights)
    result = infer(resolved, weights, Question(first_spike=first_spike, part=part, limit=limit))
    if result["accuracy"] is None:
        click.echo(f"no images in the {part} part")
    else:
        print_confusion(result["confusion"], result["classes"])
        click.echo(
            f"{shown_part(part, resolved)} accuracy {100 * result['accuracy']:.2f} % of {result['images']} images "
            f"(seed {result['seed']}, by {result['mode']}); per image: {result['steps_per_image']:.1f} steps, "
            f"{result['synops_per_image']:.0f} SynOps"
        )
        warn_of_learned(part, result["images_learned"], result["images"])
    path = out or weights.with_name("infer-first-spike.json" if first_spike else "infer.json")
    write_json(path, result)
    click.echo(f"wrote {path}")
