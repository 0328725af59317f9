"""`eqspike reproduce`: every table and figure of the thesis again, on real numbers and on the chip's own arithmetic.

OUT/runs/ holds the runs, each stored once it is done (`scripts.experiments.jobs`); OUT/NAME/ what came of an
experiment: result.json (the number to reach, ours, the verdict), data.csv (every point) and plot.png. A run that is
stored is not run again, nor is an experiment whose file, runs and code are those that its result was made from.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from scripts.errors import CommandError, Interrupted, UsageProblem
from scripts.experiments.jobs import Job, Store, run_jobs
from scripts.experiments.spec import FOLDER, Experiment, choose, digest, read_all

FILES = ("result.json", "data.csv", "plot.png")


def plan(experiments: Sequence[Experiment], quick: bool) -> dict[str, dict[str, Job]]:
    """Experiment -> its jobs by the names that its kind gives them. Raises `UsageProblem` for an impossible config."""
    from golden.config import ConfigError

    jobs = {}
    for experiment in experiments:
        try:
            jobs[experiment.name] = experiment.kind.jobs(experiment.parameters(quick), experiment.seeds(quick))
        except ConfigError as error:
            raise UsageProblem(f"experiments/{experiment.name}.yaml: {error}") from None
    return jobs


def code_state() -> str:
    """Hash of the laboratory's sources: what an outcome is made with."""
    folder = Path(__file__).parent / "experiments"
    return digest(*(path.read_bytes().hex() for path in sorted(folder.rglob("*.py"))))


def content_hash(experiment: Experiment, jobs: dict[str, Job], quick: bool, code: str) -> str:
    """What an experiment's result depends on."""
    keys = {name: job.key for name, job in jobs.items()}
    return digest(experiment.told, experiment.parameters(quick), experiment.seeds(quick), quick, keys, code)


def stored_result(folder: Path, wanted: str) -> dict[str, Any] | None:
    """The result in that folder when it is whole and was made from the same."""
    import json

    try:
        data = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = all((folder / name).exists() for name in FILES)
    return data if whole and isinstance(data, dict) and data.get("hash") == wanted else None


def finish(
    experiment: Experiment, jobs: dict[str, Job], store: Store, folder: Path, quick: bool, code: str
) -> dict[str, Any]:
    """Make an experiment's outcome from its stored records, and write it; returns what result.json holds."""
    import dataclasses

    from scripts.experiments.jobs import WEIGHTS
    from scripts.experiments.outcome import csv_text, judge
    from scripts.experiments.plot import draw
    from scripts.files import write_json, write_text
    from scripts.plots import save_png
    from scripts.train import software_versions

    start = time.perf_counter()
    parameters, seeds = experiment.parameters(quick), experiment.seeds(quick)
    records: dict[str, Any] = {name: store.load(job) for name, job in jobs.items()}
    each = {job.key: records[name] for name, job in jobs.items()}
    if files := {name: store.weights(job) for name, job in jobs.items() if job.needs == WEIGHTS}:
        records["weights"] = files
    outcome = experiment.kind.outcome(experiment, parameters, seeds, records)
    told = experiment.told
    judged = judge(experiment, outcome)
    out = folder / experiment.name
    write_text(out / "data.csv", csv_text(outcome))
    save_png(draw(experiment, outcome, quick), out / "plot.png", dpi=75)
    seconds = sum(r.get("job_seconds", r.get("seconds", 0.0)) for r in each.values())
    busy = [r.get("job_processor_seconds") for r in each.values()]
    result = {
        "kind": "experiment",
        "name": experiment.name,
        "title": told.title,
        "reference": told.reference,
        "about": told.about,
        "note": told.note,
        "mode": "quick" if quick else "full",
        "verdict": judged["verdict"],
        "why": told.why,
        "goals": judged["goals"],
        "quantities": outcome.quantities,
        "seeds": list(seeds),
        "parameters": dataclasses.asdict(parameters),
        "runs": len(each),
        "seconds": round(seconds + time.perf_counter() - start, 1),
        # What a busy machine does not lengthen; runs of a sweep do not have it.
        "processor_seconds": None if None in busy else round(sum(busy), 1),
        "command": experiment.command(quick),
        "golden": sorted({r["golden"] for r in each.values()}),
        "versions": software_versions(),
        "hash": content_hash(experiment, jobs, quick, code),
    }
    write_json(out / "result.json", result)
    return result


def run_experiments(
    experiments: Sequence[Experiment],
    folder: Path,
    quick: bool,
    workers: int,
    others: Sequence[Path],
    force: bool,
    dask: str | None = None,
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Run what is missing of all experiments: (name -> result, name -> why it failed)."""
    from scripts.cli import explain
    from scripts.sweep import golden_state

    store, code = Store(folder, tuple(others)), code_state()
    planned = plan(experiments, quick)
    results: dict[str, dict[str, Any]] = {}
    problems: dict[str, str] = {}
    waiting: dict[str, set[str]] = {}
    missing: dict[str, Job] = {}
    old: set[str] = set()
    for experiment in experiments:
        jobs = planned[experiment.name]
        if not force and (
            found := stored_result(folder / experiment.name, content_hash(experiment, jobs, quick, code))
        ):
            results[experiment.name] = found
            continue
        waiting[experiment.name] = set()
        for job in jobs.values():
            record = None if force else store.load(job)
            if record is None:
                waiting[experiment.name].add(job.key)
                if job.key not in missing or missing[job.key].needs < job.needs:
                    missing[job.key] = job
            elif record["golden"] != golden_state():
                old.add(job.key)
    total = len({job.key for jobs in planned.values() for job in jobs.values()})
    click.echo(
        f"{len(experiments)} experiments ({'reduced' if quick else 'full'} size), {len(results)} of them stored in "
        f"{folder}; {len(missing)} of {total} runs to do"
    )
    if old:
        click.echo(f"{len(old)} runs were made with other sources of golden/; --force makes them anew")
    by_name = {experiment.name: experiment for experiment in experiments}
    failed: dict[str, str] = {}

    def end(name: str, say: Callable[[str], None]) -> None:
        """All runs of an experiment have ended: its outcome, or why there is none."""
        waiting.pop(name)
        jobs = planned[name]
        if wrong := next((job for job in jobs.values() if job.key in failed), None):
            problems[name] = f"{wrong.label}: {failed[wrong.key]}"
            say(f"{name} failed: {problems[name]}")
            return
        try:
            results[name] = finish(by_name[name], jobs, store, folder, quick, code)
        except Exception as error:  # the other experiments go on
            known = explain(error)
            problems[name] = known[0] if known else f"{type(error).__name__}: {error}"
            say(f"{name} failed: {problems[name]}")
            return
        say(f"{name}: {results[name]['verdict']}")

    with _progress(len(missing)) as (move, say):
        for name in [name for name, keys in waiting.items() if not keys]:
            end(name, say)

        def heard(key: str, problem: str | None) -> None:
            move(f"{missing[key].label}{'' if problem is None else f' failed: {problem}'}")
            if problem is not None:
                failed[key] = problem
            for keys in waiting.values():
                keys.discard(key)
            for name in [name for name, keys in waiting.items() if not keys]:
                end(name, say)

        run_jobs(missing, folder, workers, heard, dask)
    return results, problems


@contextmanager
def _progress(total: int) -> Iterator[tuple[Callable[[str], None], Callable[[str], None]]]:
    """A bar with the time left on a terminal, else a line for each run; and how to say a line beside it."""
    from tqdm import tqdm

    with tqdm(total=total, unit="run", disable=None, dynamic_ncols=True, smoothing=0.05) as bar:
        at = 0

        def move(text: str) -> None:
            nonlocal at
            at += 1
            if bar.disable:
                click.echo(f"[{at}/{total}] {text}")
            else:
                bar.set_postfix_str(text[:60])
                bar.update()

        yield move, click.echo if bar.disable else bar.write


def list_experiments(experiments: Sequence[Experiment]) -> None:
    """Name, what it is, the thesis's numbers and the expected minutes."""
    click.echo(f"{'name':<20} {'reference':<18} {'quick':>6} {'full':>7}  title: the numbers to reach")
    for experiment in experiments:
        told = experiment.told
        goals = "; ".join(f"{goal.quantity} {goal.shown}" for goal in told.goals) or "none"
        click.echo(
            f"{experiment.name:<20} {told.reference:<18} {told.minutes.quick:>6g} {told.minutes.full:>7g}  "
            f"{told.title}: {goals}"
        )
    for name in ("quick", "full"):
        minutes = sum(getattr(experiment.told.minutes, name) for experiment in experiments)
        click.echo(f"{name}: about {minutes:,.0f} minutes of one core; runs that experiments share are counted in each")


def print_results(results: dict[str, dict[str, Any]]) -> None:
    """A line for each goal."""
    from scripts.experiments.outcome import quantity_text

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
  eqspike reproduce --write                       also docs/gallery.md and results/experiments/
\b
The same command goes on where it was stopped.
""",
)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--quick", is_flag=True, help="Reduced size: few seeds, epochs and images.")
@click.option("--workers", type=click.IntRange(1), help="Runs at the same time by this machine [default: 1].")
@click.option("--dask", metavar="ADDRESS", help="Run on the Dask cluster whose scheduler is there.")
@click.option("--list", "show", is_flag=True, help="List names, the thesis's numbers and the expected minutes.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder [default: runs/experiments, or runs/experiments-quick]."
)
@click.option("--force", is_flag=True, help="Run all anew, whatever is stored.")
@click.option(
    "--reuse", multiple=True, type=click.Path(path_type=Path), metavar="DIR",
    help="Take runs from the folder of a sweep, or of another --out, too; repeatable.",
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
    write: bool,
) -> int:
    """Reproduce tables and figures of the thesis: all, or those NAMEd (* matches any text).

    Each is a file in experiments/, run in real numbers and in the chip's fixed point. Writes a folder each with
    result.json, data.csv and plot.png, and report.html. An experiment that fails is named with its reason, the others
    go on, and the status is 1.
    """
    from scripts.experiments.pages import write_gallery, write_report
    from scripts.files import remove_leftovers
    from scripts.sweep import locked

    if workers is not None and dask is not None:
        raise UsageProblem("--workers and --dask: one of them; a cluster has as many workers as were started")
    every = read_all(FOLDER)
    chosen = choose(every, [name.replace(".", "-") if name.startswith(("fig-", "table-")) else name for name in names])
    if show:
        list_experiments(chosen)
        return 0
    folder = out or Path("runs") / ("experiments-quick" if quick else "experiments")
    with locked(folder):
        for part in (folder, folder / "runs"):
            remove_leftovers(part)
        try:
            results, problems = run_experiments(chosen, folder, quick, workers or 1, reuse, force, dask)
        except KeyboardInterrupt:
            raise Interrupted("interrupted; what is done is stored, and the same command goes on") from None
        results = {e.name: results[e.name] for e in chosen if e.name in results}
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
