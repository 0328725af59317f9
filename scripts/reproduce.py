"""`eqspike reproduce`: every table and figure of the thesis again, on real numbers and on the chip's own arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from eqspike.base.errors import CommandError, Interrupted, UsageProblem
from eqspike.base.places import require_checkout
from eqspike.lab.experiments.outcome import quantity_text
from eqspike.lab.experiments.run import Work, plan
from eqspike.lab.experiments.spec import FOLDER, Experiment, choose, read_all
from eqspike.lab.runs import Job, Store
from eqspike.scripts.batches import progress
from eqspike.scripts.options import dask_option, one_of_both, workers_option


def run_experiments(
    experiments: Sequence[Experiment], store: Store, quick: bool, workers: int, force: bool, dask: str | None = None
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Run what is missing of all experiments: (name -> result, name -> why it failed), in the experiments' order."""
    planned = plan(experiments, quick)
    work = Work({e.name: e for e in experiments}, store, quick, planned)
    batch = work.begin(force)
    total = len({job.key for jobs in planned.values() for job in jobs.values()})
    missing = batch.missing()
    click.echo(
        f"{len(experiments)} experiments ({'reduced' if quick else 'full'} size), {len(work.results)} of them stored "
        f"in {store.folder}; {len(missing)} of {total} runs to do"
    )
    if old := batch.old():
        click.echo(f"{old} runs were made with other sources of golden/; --force makes them anew")
    with progress(len(missing)) as (move, say):
        work.end(batch, say)

        def on_done(job: Job, problem: str | None) -> None:
            move(f"{job.label}{'' if problem is None else f' failed: {problem}'}")
            for keys in work.waiting.values():
                keys.discard(job.key)
            work.end(batch, say)

        batch.run(on_done, workers, dask)
    return {e.name: work.results[e.name] for e in experiments if e.name in work.results}, work.problems


def list_experiments(experiments: Sequence[Experiment]) -> None:
    """Name, what it is, the thesis's numbers and the expected minutes."""
    click.echo(f"{'name':<20} {'reference':<18} {'quick':>6} {'full':>7}  title: the numbers to reach")
    for experiment in experiments:
        header = experiment.header
        goals = "; ".join(f"{goal.quantity} {goal.shown}" for goal in header.goals) or "none"
        click.echo(
            f"{experiment.name:<20} {header.reference:<18} {header.minutes.quick:>6g} {header.minutes.full:>7g}  "
            f"{header.title}: {goals}"
        )
    for name in ("quick", "full"):
        minutes = sum(getattr(experiment.header.minutes, name) for experiment in experiments)
        click.echo(f"{name}: about {minutes:,.0f} minutes of one core; runs that experiments share are counted in each")


def print_results(results: dict[str, dict[str, Any]]) -> None:
    """A line for each goal."""
    for result in results.values():
        click.echo(f"{result['name']}: {result['verdict']} ({result['title']})")
        for goal in result["goals"]:
            ours = ", ".join(
                f"{number or 'measured'} {quantity_text(entry, goal['unit'])}" for number, entry in goal["ours"].items()
            )
            wrong = [number for number, right in goal["holds"].items() if right is False]
            click.echo(f"    {goal['quantity']}: {goal['text']}; {ours}{'  <- differs' if wrong else ''}")


@click.command(
    "reproduce",
    epilog="""\b
Examples:
  eqspike reproduce --list
  eqspike reproduce --quick --workers 2           everything at reduced size, under 20 minutes on two cores
  eqspike reproduce fig-2.7 'fig-4*' --quick      some of it
  eqspike reproduce fig-3-10 --reuse runs/nonidealities
  eqspike reproduce table-2-3 --dataset idx:mnist on all of MNIST, whose files are in the folder mnist
  eqspike reproduce --write                       also docs/gallery.md and results/experiments/
\b
The same command goes on where it was stopped.
""",
)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--quick", is_flag=True, help="Reduced size: few seeds, epochs and images.")
@workers_option
@dask_option
@click.option("--list", "show", is_flag=True, help="List names, the thesis's numbers and the expected minutes.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder [default: runs/experiments[-quick][-dataset]].")
@click.option("--force", is_flag=True, help="Run all anew, whatever is stored.")
@click.option(
    "--reuse", multiple=True, type=click.Path(path_type=Path), metavar="DIR",
    help="Take runs from the folder of a sweep, or of another --out, too; repeatable.",
)  # fmt: skip
@click.option(
    "--dataset", metavar="NAME",
    help="In place of the experiments' own data sets, e.g. idx:DIR with the files of all of MNIST; not with --write.",
)  # fmt: skip
@click.option("--write", is_flag=True, help="Copy results to results/experiments/ and write docs/gallery.md.")
def command(
    names: tuple[str, ...],
    quick: bool,
    workers: int | None,
    dask: str | None,
    show: bool,
    out: Path | None,
    force: bool,
    reuse: tuple[Path, ...],
    dataset: str | None,
    write: bool,
) -> int:
    """Reproduce tables and figures of the thesis: all, or those NAMEd (* matches any text).

    Each is a file in experiments/, run in real numbers and in the chip's fixed point. Writes a folder each with
    result.json, data.csv and plot.png, and report.html. An experiment that fails is named with its reason, the others
    go on, and the status is 1.
    """
    from eqspike.lab.experiments.pages import write_gallery, write_report

    one_of_both(workers, dask)
    if write and dataset is not None:
        raise UsageProblem("--write keeps results of the experiments' own data sets: leave out --dataset")
    if write:
        require_checkout("eqspike reproduce --write")
    every = read_all(FOLDER)
    chosen = choose(every, [name.replace(".", "-") if name.startswith(("fig-", "table-")) else name for name in names])
    if show:
        list_experiments(chosen)
        return 0
    if dataset is not None:
        chosen = [experiment.on(dataset) for experiment in chosen]
    folder = out or Path("runs") / "-".join(["experiments", *["quick"] * quick, *["dataset"] * (dataset is not None)])
    store = Store(folder, reuse)
    with store.locked():
        try:
            results, problems = run_experiments(chosen, store, quick, workers or 1, force, dask)
        except KeyboardInterrupt:
            raise Interrupted("interrupted; what is done is stored, and the same command goes on") from None
        print_results(results)
        write_report(results, problems, folder)
        click.echo(f"wrote {folder}/report.html")
        if write:
            kept = write_gallery(every, results, folder)
            click.echo(f"wrote docs/gallery.md and results/experiments/ ({kept} results taken over)")
    for name, reason in problems.items():
        click.echo(f"{name} failed: {reason}")
    if problems:
        name, reason = next(iter(problems.items()))
        raise CommandError(f"{len(problems)} of {len(chosen)} experiments failed, the first {name}: {reason}")
    return 0
