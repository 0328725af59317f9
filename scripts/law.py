"""`eqspike law`: is the weight change linear in the rate and in its derivative? (thesis, figs 2.6 and 2.7)

The laboratory is imported when there is something to check: `--help` needs neither NumPy nor Matplotlib.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from eqspike.lab.configs import read_config
from eqspike.scripts.options import config_options


@click.command(
    "law",
    epilog="""\b
Examples:
  eqspike law digits
  eqspike law digits --set synapses.1.rounding=nearest --out runs/law-nearest
  eqspike law digits --engine golden,rtl      the RTL too, compared step by step
""",
)
@click.argument("config", metavar="CONFIG")
@click.option("--engine", default="golden", show_default=True, help="golden, or golden,rtl.")
@click.option("--points", type=click.IntRange(3), default=100, show_default=True, help="Values a sweep.")
@config_options
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the result [default: runs/<config>-law].")
def command(
    config: str,
    engine: str,
    points: int,
    seed: int | None,
    dataset: str | None,
    overrides: tuple[str, ...],
    out: Path | None,
) -> int:
    """Check the learning law: two neurons, one synapse, 600 steps a run.

    Sweeps the postsynaptic rate, then the derivative of the presynaptic rate, and fits a line to the weight change, in
    real numbers with the thesis's constants and in fixed point with CONFIG's formats. With A-EqSpike (learning.signal:
    pulse) each sweep runs with pulses of 100 and of 40 steps. Writes law.json and law.png.
    """
    from eqspike.base.locks import locked
    from eqspike.lab.law import run_law

    engines = [part.strip() for part in engine.split(",")]
    if unknown := [name for name in engines if name not in ("golden", "rtl")]:
        raise click.UsageError(f"--engine {unknown[0]}: allowed are golden and rtl")
    resolved = read_config(config, overrides, seed, None, dataset)
    out = out or Path("runs") / f"{resolved.name}-law"
    with locked(out):
        print_and_write(run_law(resolved, engines, points), out)
    return 0


def print_and_write(result: dict[str, Any], out: Path) -> None:
    """Say what the check found, and write law.json and law.png."""
    from eqspike.lab.law import write_law

    click.echo(f"learning law of {result['config']}, seed {result['seed']}, {result['points']} points a sweep")
    click.echo("  sweep            numbers        slope    intercept       R²     noise")
    for name, entry in result["sweeps"].items():
        for number, run in entry["runs"].items():
            line = f"  {name:<16} {number:<7} {run['slope']:>12.5g} {run['intercept']:>12.5g}   {run['r2']:.5f}"
            line += f"   {run['noise']:.4f}"
            if "mismatches" in run:
                line += f"   {run['mismatches']} mismatches in {run['states_compared']} states"
            click.echo(line)
    write_law(result, out)
    click.echo(f"wrote {out}/law.json, law.png")
