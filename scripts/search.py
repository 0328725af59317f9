"""`eqspike search`: settings that learn better, on the validation part.

The laboratory is imported when there is something to search: `--help` needs neither NumPy nor Optuna.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from eqspike.base.errors import Interrupted
from eqspike.scripts.options import dataset_option, seed_option, set_option


def print_result(found: dict[str, Any], config: str) -> None:
    """The best trials, and what is left of the best with fresh seeds."""
    for trial in found["trials"][:5]:
        click.echo(f"  {100 * trial['accuracy']:.2f} %  {' '.join(trial['set'])}")
    for name, key in (("the best", "confirmed"), ("as it was", "as_it_was")):
        own = found[key]
        error = "" if own["standard_error"] is None else f" +- {100 * own['standard_error']:.2f} (standard error)"
        click.echo(f"{name}, {own['count']} fresh seeds: {100 * own['mean']:.2f} %{error}")
    changes = " ".join(f"--set {text}" for text in (*found["set"], *found["best"]))
    click.echo(f"all on the validation part; the test part: eqspike train {config} {changes} --seeds 10")


@click.command(
    "search",
    epilog="""\b
Examples:
  eqspike search digits --over learning.beta=2^-2..2^1 --over synapses.0.learning_rate=2^-15..2^-10
  eqspike search toy --over learning.window=16,32,64 --trials 6 --epochs 3
\b
The same command goes on where it was stopped; a greater --trials adds to it.
""",
)
@click.argument("config", metavar="CONFIG")
@click.option(
    "--over", multiple=True, required=True, metavar="KEY=VALUES",
    help="LOW..HIGH (2^-15..2^-10: powers of two) or A,B,C; repeatable.",
)  # fmt: skip
@click.option("--trials", type=click.IntRange(1), default=30, show_default=True, help="Settings that are tried.")
@click.option("--seeds", type=click.IntRange(1), default=2, show_default=True, help="Seeds of each trial.")
@click.option("--confirm", type=click.IntRange(1), default=5, show_default=True, help="Fresh seeds of the best.")
@click.option("--epochs", type=click.IntRange(1), help="In place of the config's number of epochs.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Seeds trained at the same time.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder [default: runs/<config>-search].")
@set_option
@dataset_option
@seed_option
def command(
    config: str,
    over: tuple[str, ...],
    trials: int,
    seeds: int,
    confirm: int,
    epochs: int | None,
    workers: int,
    out: Path | None,
    overrides: tuple[str, ...],
    dataset: str | None,
    seed: int | None,
) -> None:
    """Search settings of CONFIG that learn better, with Optuna (pip install 'eqspike[search]').

    Trials are judged on a part of the training images, never on the test images. The best one, and CONFIG as it was,
    are trained again with fresh seeds at the end, for the best of many is in part the luckiest. --seed is that of the
    proposals. Writes search.json, search.png and runs/ to the folder.
    """
    from eqspike.base.files import write_json
    from eqspike.base.locks import locked
    from eqspike.lab.configs import read_config
    from eqspike.lab.figures.search import search_panels
    from eqspike.lab.plots import save_png
    from eqspike.lab.search import Plan, Space, run_search

    spaces = tuple(map(Space.parse, over))
    folder = out or Path("runs") / f"{read_config(config, overrides).name}-search"
    plan = Plan(config, spaces, overrides, dataset, epochs, trials, seeds, confirm, seed or 0, workers, folder)
    with locked(folder):
        try:
            found = run_search(plan, click.echo)
        except KeyboardInterrupt:
            raise Interrupted(f"interrupted; what was tried is kept in {folder}; the same command goes on") from None
        write_json(folder / "search.json", found)
        save_png(search_panels(found), folder / "search.png")
    print_result(found, config)
    click.echo(f"wrote {folder}/search.json, search.png")
