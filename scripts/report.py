"""`eqspike report`: one self-contained HTML page from the results in some folders, and the same as JSON.

The laboratory is imported when there is something to report: `--help` needs neither NumPy nor Matplotlib.
"""

from __future__ import annotations

from pathlib import Path

import click


@click.command(
    "report",
    epilog="""\b
Examples:
  eqspike report runs/demo
  eqspike report runs/digits-seeds0-9 runs/digits-law --out report.html
""",
)
@click.argument("folders", metavar="DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="The page [default: report.html in the first DIR].")
def command(folders: tuple[Path, ...], out: Path | None) -> None:
    """Make one HTML page, with no outside resources, from all results in the DIRs and below.

    Shows runs (metrics.json, weights.npz), seeds and sweeps (summary.json), devices (device.json), comparisons
    (compare.json), bitstreams (build.json) and law checks (law.json), and says how to make what is not there. Writes
    the same data to a JSON file beside it.
    """
    from eqspike.lab.report import make_report

    out = out or folders[0] / "report.html"
    make_report(folders, out)
    click.echo(f"wrote {out} and {out.with_suffix('.json').name}")
