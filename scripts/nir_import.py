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
@click.option("--as-given", is_flag=True, help="Fit no gains of layers to the graph's answers.")
@click.option("--force", is_flag=True, help="Overwrite config.yaml and weights.npz that are there.")
def command(
    file: Path,
    out: Path,
    config: str | None,
    dt: float | None,
    approximate: bool,
    real: bool,
    as_given: bool,
    force: bool,
) -> None:
    """Read a NIR graph of LIF or IF neurons and Linear nodes as a network of the chip, for inference.

    What the chip cannot represent is refused, in one line that names the node. What it does otherwise (--approximate)
    is made up for where gains of whole layers can, and the answers of both are compared.
    """
    from eqspike.base.locks import locked
    from eqspike.lab.nir.agreement import agreement
    from eqspike.lab.nir.fit import fitted
    from eqspike.lab.nir.read import from_graph, imported_network, in_the_way, read_graph, rounding, save_imported

    base = read_config(config) if config is not None else None
    with locked(out):
        if (present := in_the_way(out)) and not force:
            raise UsageProblem(f"{out}: holds {present}; --force overwrites it")
        plain = from_graph(read_graph(file), base, dt, approximate, real)
        imported_network(plain)  # refuses what rounds to nothing
        found, fit = fitted(plain, gains=not as_given)
        network = save_imported(found, out)
    for text in found.approximations:
        click.echo(f"approximate: {text}")
    if fit is not None:
        click.echo(f"fitted: {fit}")
    error, sizes = rounding(found, network), "-".join(map(str, found.config.network.layers))
    whose = "the graph's" if fit is None else "the fitted ones"
    click.echo(
        f"{sizes}, {found.config.number.format}; weights differ from {whose} by at "
        f"most {error.most:.3g}: relative, {100 * error.rms:.2g} % (rms), {100 * error.largest:.2g} % (largest)"
    )
    for line in agreement(found, plain, network, fit).lines():
        click.echo(line)
    click.echo(f"wrote {out}/config.yaml, weights.npz")
