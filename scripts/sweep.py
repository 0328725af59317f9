"""`eqspike sweep`: rows of changes to one preset, each trained with several seeds, and what each costs in accuracy.

A run is stored whole in OUT/runs/ once it is done, whichever row asked for it (`lab.runs`); while it trains, its
checkpoints stand in OUT/partial/. So a sweep that was stopped anywhere goes on where it was, and rows that are the same
run share it.
"""

from __future__ import annotations

import dataclasses
import shlex
import sys
from pathlib import Path
from typing import Any

import click

from eqspike.base.errors import CommandError, Interrupted, UsageProblem
from eqspike.base.reading import read_json
from eqspike.base.suggest import did_you_mean
from eqspike.lab.experiments.kinds.sweep import row_jobs, summarise, table
from eqspike.lab.experiments.spec import SWEEPS, Experiment, read_experiment
from eqspike.lab.runner import Batch
from eqspike.lab.runs import Job, Store
from eqspike.lab.text import averaged_over, columns
from eqspike.scripts.batches import run_batch
from eqspike.scripts.options import dask_option, one_of_both, workers_option


def read_sweep(name: str) -> Experiment:
    """The sweep in a file, or of that name in experiments/sweeps. Raises `UsageProblem`."""
    path = Path(name)
    if not path.suffix:
        path = SWEEPS / f"{name}.yaml"
        if not path.exists():
            known = sorted(sweep.stem for sweep in SWEEPS.glob("*.yaml"))
            raise UsageProblem(f"sweep {name!r} is not known; there are {', '.join(known)}{did_you_mean(name, known)}")
    sweep = read_experiment(path)
    if sweep.header.kind != "sweep":
        raise UsageProblem(f"{path}: kind: {sweep.header.kind!r} is not valid; allowed: sweep")
    return dataclasses.replace(sweep, full=sweep.full.expanded())


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


def print_table(summary: dict[str, Any]) -> None:
    """The rows, under their groups."""
    head, *lines = columns(*table(summary["rows"]))
    click.echo(head)
    group = None
    for row, line in zip(summary["rows"], lines, strict=True):
        if row["group"] != group:
            group = row["group"]
            click.echo(f"{group}:")
        click.echo(line)
    click.echo(f"accuracy: {averaged_over(summary['epochs'])}, ± standard deviation over the seeds")


def train_rows(
    sweep: Experiment, runs: dict[str, list[Job]], batch: Batch, workers: int | None, dask: str | None
) -> dict[str, Any]:
    """Train what is missing; returns what summary.json holds, which is written after each run."""
    from eqspike.base.files import write_json

    def write() -> dict[str, Any]:
        command_line = {"command": shlex.join(["eqspike", *sys.argv[1:]])}
        result = summarise(sweep, sweep.full, runs, batch.stored, batch.problems) | command_line
        write_json(batch.store.folder / "summary.json", result)
        return result

    try:
        return run_batch(
            batch, workers, dask, write, lambda record: f"{100 * record['mean_last_5_test_accuracy']:.2f} %"
        )
    except KeyboardInterrupt:
        raise Interrupted(
            f"interrupted; {len(batch.stored)} of {len(batch.jobs)} runs are stored in {batch.store.folder}; the same "
            "command goes on"
        ) from None


@click.command(
    "sweep",
    epilog="""\b
Examples:
  eqspike sweep nonidealities --list                  its rows, and which are done
  eqspike sweep nonidealities --workers 2             all of it, in runs/nonidealities
  eqspike sweep mine.yaml                             a file of your own
  eqspike sweep nonidealities --rows 'write noise*' --seeds 0-1 --epochs 5
  eqspike sweep nonidealities --dask tcp://127.0.0.1:8786  on the workers of a Dask cluster
\b
The same command goes on where it was stopped.
""",
)
@click.argument("spec", metavar="SPEC")
@workers_option
@dask_option
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the results [default: runs/<name>].")
@click.option("--epochs", type=click.IntRange(1), help="In place of the sweep's number of epochs.")
@click.option("--seeds", metavar="A-B", help="In place of the sweep's seeds: 0-4, or a list such as 0,2,7.")
@click.option(
    "--rows", multiple=True, metavar="NAME", help="Only this row (* matches any text) and its reference; repeatable."
)
@click.option("--list", "show", is_flag=True, help="List the rows and what is done of them; train nothing.")
def command(
    spec: str,
    workers: int | None,
    dask: str | None,
    out: Path | None,
    epochs: int | None,
    seeds: str | None,
    rows: tuple[str, ...],
    show: bool,
) -> int:
    """Train every row of SPEC with every seed, and say what each row costs in accuracy.

    SPEC is a file, or the name of one in experiments/sweeps. A row is a list of changes to the sweep's preset;
    docs/devices.md explains the file. Each run is stored once it is done, so the sweep can be stopped at any time.
    Writes summary.json, sweep.png and runs/ to the folder, and a table to the terminal. A run that fails is named with
    its reason, the others go on, and the status is 1.
    """
    one_of_both(workers, dask)
    sweep = read_sweep(spec)
    parameters = sweep.full.chosen(rows)
    if epochs is not None:
        parameters = dataclasses.replace(parameters, epochs=epochs)
    sweep = dataclasses.replace(sweep, full=parameters)
    runs = row_jobs(parameters, parse_seeds(seeds) if seeds is not None else sweep.header.seeds)
    folder = out or Path("runs") / sweep.name
    batch = Batch(Store(folder), {job.key: job for own in runs.values() for job in own})
    batch.look()
    if show:
        for row in parameters.rows:
            done = sum(job.key in batch.stored for job in runs[row.name])
            click.echo(f"{row.name:<36} {done}/{len(runs[row.name])}  {' '.join(row.set)}")
        return 0
    with batch.store.locked():
        if _is_training(folder):
            raise UsageProblem(f"{folder}: holds a run of 'eqspike train'; choose another --out")
        batch.look()
        click.echo(
            f"{sweep.header.title}: {len(runs)} rows, {len(batch.jobs)} runs, {len(batch.stored)} of them stored in "
            f"{folder}"
        )
        if old := batch.old():
            click.echo(f"{old} of these were made with other sources of golden/; to make them anew, remove {folder}")
        result = train_rows(sweep, runs, batch, workers, dask)
        print_table(result)
        _write_plot(result, folder / "sweep.png")
    click.echo(f"wrote {folder}/summary.json, sweep.png")
    for error in result["errors"]:
        click.echo(f"{error['row']}, seed {error['seed']} failed: {error['reason']}")
    if result["errors"]:
        first = result["errors"][0]
        raise CommandError(
            f"{len(result['errors'])} of {len(batch.jobs)} runs failed, the first {first['row']}, seed "
            f"{first['seed']}: {first['reason']}"
        )
    return 0


def _is_training(folder: Path) -> bool:
    if (folder / "metrics.json").exists():
        return True
    try:
        return read_json(folder / "summary.json").get("kind") != "sweep"
    except (OSError, ValueError, AttributeError):
        return False


def _write_plot(summary: dict[str, Any], path: Path) -> None:
    from eqspike.lab.figures.sweep import sweep_panels
    from eqspike.lab.plots import save_png

    save_png(sweep_panels(summary), path)
