"""`eqspike import`: a NIR graph as a network of the chip, for inference (docs/exchange.md).

The laboratory is imported when there is something to read: `--help` needs neither NumPy nor NIR.
"""

from __future__ import annotations

from pathlib import Path

import click

from eqspike.base.errors import UsageProblem
from eqspike.lab.configs import read_config


@click.command(
    "import",
    epilog="""\b
Examples:
  eqspike import digits.nir -o imported
  eqspike infer imported/config.yaml --weights imported/weights.npz
  eqspike import other.nir --config digits --approximate -o imported
""",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="Folder for config and weights.")
@click.option("--config", help="A preset for what a graph does not say: data, formats, phases.")
@click.option("--dt", type=click.FloatRange(min=0, min_open=True), help="The chip's step in the graph's unit of time.")
@click.option("--approximate", is_flag=True, help="Take what the chip does nearly so, and say what.")
@click.option("--real", is_flag=True, help="Keep real numbers; without it the config's format.")
@click.option("--force", is_flag=True, help="Overwrite config.yaml and weights.npz that are there.")
def command(
    file: Path, out: Path, config: str | None, dt: float | None, approximate: bool, real: bool, force: bool
) -> None:
    """Read a NIR graph of LIF or IF neurons and Linear nodes as a network of the chip, for inference.

    What the chip cannot represent is refused, in one line that names the node.
    """
    from eqspike.base.locks import locked
    from eqspike.lab.nir.read import from_graph, in_the_way, read_graph, save_imported

    base = read_config(config) if config is not None else None
    with locked(out):
        if (present := in_the_way(out)) and not force:
            raise UsageProblem(f"{out}: holds {present}; --force overwrites it")
        found = from_graph(read_graph(file), base, dt, approximate, real)
        resolved, worst = found.config, save_imported(found, out)
    for text in found.approximations:
        click.echo(f"approximate: {text}")
    sizes = "-".join(map(str, resolved.network.layers))
    click.echo(f"{sizes}, {resolved.number.format}; weights differ from the graph's by at most {worst:.3g}")
    click.echo(f"wrote {out}/config.yaml, weights.npz")
