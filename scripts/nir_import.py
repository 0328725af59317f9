"""`eqspike import`: a NIR graph as a network of the chip, for inference (docs/exchange.md)."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from scripts.errors import UsageProblem
from scripts.options import read_config


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
    import numpy as np
    import yaml

    from golden.config import config_to_dict
    from golden.network import Network
    from scripts.files import write_text
    from scripts.nir_graph import from_graph, read_graph
    from scripts.weights import save_weights

    present = [name for name in ("config.yaml", "weights.npz") if (out / name).exists()]
    if present and not force:
        raise UsageProblem(f"{out}: holds {present[0]}; --force overwrites it")
    base = read_config(config) if config is not None else None
    found = from_graph(read_graph(file), base, dt, approximate)
    resolved = found.config
    if real:
        resolved = resolved.replace(number=dataclasses.replace(resolved.number, format="real"))
    network = Network(resolved)
    weights = found.weights
    if not network.real:
        weights = [n.weight.quantise(w) for n, w in zip(network.numbers.synapses, weights, strict=True)]
    network.load_weights(weights)
    write_text(out / "config.yaml", yaml.safe_dump(config_to_dict(resolved), sort_keys=False))
    save_weights(out / "weights.npz", resolved, network.weights)
    for text in found.approximations:
        click.echo(f"approximate: {text}")
    worst = max(float(np.abs(a - b).max()) for a, b in zip(network.real_weights(), found.weights, strict=True))
    sizes = "-".join(map(str, resolved.network.layers))
    click.echo(f"{sizes}, {resolved.number.format}; weights differ from the graph's by at most {worst:.3g}")
    click.echo(f"wrote {out}/config.yaml, weights.npz")
