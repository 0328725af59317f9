"""`eqspike train`: a run, or several seeds of it, with a checkpoint after each epoch from which it continues exactly.

The laboratory is imported when there is something to train: `--help` needs neither NumPy nor Numba.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eqspike.base.errors import CommandError, Interrupted, UsageProblem
from eqspike.scripts.options import config_options, validation_option, watch_option
from eqspike.scripts.progress import Printed, percent, print_mean

if TYPE_CHECKING:
    from eqspike.golden.config import Config
    from eqspike.lab.engines import Connection
    from eqspike.lab.seeds import Summary


WRITES = "writes a synapse, all epochs"


def _print_summary(summary: Summary) -> None:
    from eqspike.lab.seeds import writes_text

    long = summary.has_last_mean
    click.echo(f"   seed   {'mean of last 5 %   ' if long else ''}last %   first spike %   train %")
    for run in summary.runs:
        mean = f"         {percent(run.mean_last_5_test_accuracy)}  " if long else ""
        last = [run.last_test_accuracy, run.last_first_spike_test_accuracy, run.last_train_accuracy]
        columns = [percent(value) for value in last]
        click.echo(f"{run.seed:>7}   {mean}{columns[0]}         {columns[1]}   {columns[2]}")
    for name, title in summary.titles.items():
        print_mean(title, summary.spread(name), with_deviation=True)
    if (line := summary.beside_published) is not None:
        click.echo(f"published: {line}")
    if summary.writes is not None:
        click.echo(f"{WRITES}: {writes_text(*summary.writes)}")


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
  eqspike train digits --engine board --port /dev/ttyUSB1 on a board
  eqspike train mnist --watch                             and a page that shows it
""",
)
@click.argument("config", metavar="[CONFIG]", required=False)
@click.option(
    "--engine",
    type=click.Choice(["golden", "golden-plain", "rtl", "board"]),
    default="golden",
    show_default=True,
    help="What trains; golden-plain is the model without its fast engine, to the same bits.",
)
@click.option("--port", help="With --engine board: its serial port [default: a simulated board].")
@click.option("--baud", type=click.IntRange(1), help="With --port: the link's baud rate [default: 2,000,000].")
@click.option("--epochs", type=click.IntRange(0), help="In place of the config's number of epochs.")
@click.option("--limit", type=click.IntRange(1), help="Only the first N images of the training part.")
@config_options
@validation_option
@click.option("--seeds", type=click.IntRange(1), help="Train K seeds, from --seed on, each in OUT/seed-<s>.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Seeds trained at the same time.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder of the run [default: runs/<config>[-<data set>]-seed<S>]."
)
@click.option("--resume", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Continue the run there.")
@click.option("--force", is_flag=True, help="Overwrite a run that is in the way.")
@watch_option
def command(
    config: str | None,
    engine: str,
    port: str | None,
    baud: int | None,
    epochs: int | None,
    limit: int | None,
    seed: int | None,
    dataset: str | None,
    overrides: tuple[str, ...],
    validation: bool,
    seeds: int | None,
    workers: int,
    out: Path | None,
    resume: Path | None,
    force: bool,
    watch: bool,
) -> None:
    """Train CONFIG (a preset's name or a YAML file) and write the run to a folder.

    The folder gets config.yaml, metrics.json (one entry an epoch) and weights.npz, written whole after every epoch.
    Ctrl-C loses at most the epoch in progress. With --resume, CONFIG may be left out.
    """
    from eqspike.base.locks import locked
    from eqspike.lab.configs import Changes, run_name
    from eqspike.lab.engines import Connection
    from eqspike.lab.resume import clear_folder, resumed

    if engine != "board" and (port is not None or baud is not None):
        raise UsageProblem("--port and --baud belong to --engine board")
    if engine == "board" and workers > 1:
        raise UsageProblem("--engine board trains one seed after the other: leave out --workers")
    if watch and seeds is not None:
        raise UsageProblem("--watch shows one training: leave out --seeds")
    changes = Changes(overrides=overrides, seed=seed, epochs=epochs, dataset=dataset, validation=validation)
    connection = Connection(port, baud)
    if resume is not None:
        if out is not None or force:
            raise UsageProblem("--resume takes the folder that it names: leave out --out and --force")
        with locked(resume):
            found = resumed(resume, config, changes, seeds, limit)
            _train(Order(found.config, found.seeds, found.limit, resume, True, engine, connection, workers, watch))
        return
    if config is None:
        raise click.UsageError("Missing argument 'CONFIG'")
    resolved = changes.read(config)
    first = resolved.training.seed
    tail = f"seed{first}" if seeds is None else f"seeds{first}-{first + seeds - 1}"
    out = out or Path("runs") / f"{run_name(resolved, config)}-{tail}"
    with locked(out):
        clear_folder(out, force)
        _train(Order(resolved, seeds, limit, out, False, engine, connection, workers, watch))


@dataclass(frozen=True)
class Order:
    """What is to be trained, where, and by what."""

    config: Config
    seeds: int | None
    """How many, each in a folder of its own; None: one, in the folder itself."""
    limit: int | None
    out: Path
    resume: bool
    engine: str
    connection: Connection
    workers: int
    watch: bool = False


@contextmanager
def watching(config: Config, wanted: bool) -> Iterator[Callable | None]:
    """What `train_run` takes as `watch`, while a page shows it; None where nobody wants to watch."""
    if not wanted:
        yield None
        return
    from eqspike.lab.live.watch import Page

    with Page(config).served() as page:
        click.echo(f"watch: {page.server.url}")
        if sys.stdout.isatty():
            click.launch(page.server.url)
        yield page.watch


def _train(order: Order) -> None:
    """Train, tell of it, and say how to go on when it is stopped."""
    from eqspike.lab.checkpoint import train_run
    from eqspike.lab.device_advice import device_advice
    from eqspike.lab.resume import resume_command
    from eqspike.lab.seeds import (
        Seeds,
        beside_published,
        layer_writes_a_synapse,
        train_seeds,
        writes_a_synapse,
        writes_text,
    )  # fmt: skip
    from eqspike.lab.train import EngineGone

    printed = Printed(order.config.dataset.validation_fraction > 0)
    config, out, how = order.config, order.out, (order.resume, order.connection, printed)
    first = config.training.seed
    chosen = range(first, first + (order.seeds or 1))
    shown = f"seed {first}" if order.seeds is None else f"seeds {chosen[0]} to {chosen[-1]}"
    click.echo(f"training {config.name} ({config.number.format}, {order.engine}), {shown}, in {out}")
    for advice in device_advice(config):
        click.echo(f"warning: {advice.line}")
    again = resume_command(out, order.engine, order.connection.port, order.connection.baud)
    try:
        if order.seeds is not None:
            plan = Seeds(config, chosen, order.engine, order.limit)
            _print_summary(train_seeds(plan, out, order.workers, *how))
            click.echo(f"wrote {out}/summary.json")
            return
        with watching(config, order.watch) as watch:
            run = train_run(config, out, order.engine, order.limit, *how, watch)
    except KeyboardInterrupt:
        begun = (out / "config.yaml").exists() or (out / "summary.json").exists()
        raise Interrupted("interrupted" + (f"; resume with: {again}" if begun else "")) from None
    except EngineGone as error:
        raise CommandError(f"{error}; resume with: {again}") from None
    if (accuracy := run.judged_test_accuracy) is not None:
        click.echo(f"{run.test_part} accuracy, {run.judged}: {100 * accuracy:.2f} %")
    if (line := beside_published(run, config)) is not None:
        click.echo(f"published: {line}")
    if (writes := writes_a_synapse(run, config)) is not None:
        click.echo(f"{WRITES}: {writes_text(writes, layer_writes_a_synapse(run, config))}")
    click.echo(f"wrote {out}/metrics.json, weights.npz, config.yaml")
