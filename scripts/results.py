"""`eqspike results`: measure what the README and docs/results.md claim, and write both from the measurements.

Every measurement is a command line of this project, written in a file of experiments/results beside the table that
shows it. `--run` runs it; without `--run`, only the pages are written anew.
"""

from __future__ import annotations

import sys
from contextlib import nullcontext
from fnmatch import fnmatchcase

import click

from eqspike.base.errors import Interrupted, UsageProblem
from eqspike.base.locks import locked
from eqspike.base.places import require_checkout
from eqspike.base.suggest import did_you_mean
from eqspike.lab.experiments.spec import measurements, read_tables
from eqspike.lab.measurements import OUT, Measurement, Project
from eqspike.lab.pages import write_pictures, write_results, write_upset_map


def check(known: dict[str, Measurement], names: tuple[str, ...], only: str) -> None:
    """Raise `UsageProblem` for a name that is no measurement, or a pattern that no row of the one named matches."""
    if unknown := [name for name in names if name != "all" and name not in known]:
        raise UsageProblem(
            f"--run {unknown[0]}: no such measurement{did_you_mean(unknown[0], known)}; --list shows them"
        )
    if only != "*":
        rows = [row.name for row in known[names[0]].rows] if len(names) == 1 and names[0] in known else []
        if not any(fnmatchcase(name, only) for name in rows):
            raise UsageProblem(
                f"--row {only}: needs one --run NAME with such a row; it has {', '.join(rows) or 'none'}"
            )


@click.command(
    "results",
    epilog="""\b
Examples:
  eqspike results                          write the pages from results/*.json
  eqspike results --list
  eqspike results --run bench --run law
  eqspike results --run boards --row '*ulx3s-12f'
  eqspike results --run all                everything, about two hours on two cores
""",
)
@click.option("--run", "names", multiple=True, metavar="NAME", help="Measure NAME anew, or all; may be repeated.")
@click.option(
    "--row",
    "only",
    metavar="PATTERN",
    default="*",
    help="Of one NAME, measure only the rows whose names match, as '*icebreaker'; the others stay.",
)
@click.option("--list", "show", is_flag=True, help="List the measurements and their commands.")
def command(names: tuple[str, ...], only: str, show: bool) -> None:
    """Measure what the README claims, and write docs/results.md and the README's table from it."""
    tables = read_tables()
    known = measurements(tables)
    if show:
        for own in known.values():
            click.echo(f"{own.name:<24} eqspike {own.command.format(out='OUT')}")
            for row in own.rows:
                click.echo(f"{'':24}   {row.name}: {row.command}")
        return
    root = require_checkout("eqspike results")
    check(known, names, only)
    project = Project(root, click.echo, (sys.executable, "-m", "eqspike.scripts.cli"))
    with locked(root / OUT) if names else nullcontext():
        try:
            for name in known if "all" in names else names:
                click.echo(f"== {name}")
                project.measure(known[name], only)
        except KeyboardInterrupt:
            raise Interrupted("interrupted; what was measured so far is in results/") from None
    found = project.load()
    write_results(tables, found, root)
    write_upset_map(found, root)
    if not write_pictures(root):
        click.echo("no pictures: run train-digits-fixed first")
    click.echo("wrote docs/results.md and the table of README.md")
