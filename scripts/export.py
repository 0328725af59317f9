"""`eqspike export`: a trained network for other programs, as a NIR graph, npz or hex (docs/exchange.md).

The laboratory is imported when there is something to export: `--help` needs neither NumPy nor NIR.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from eqspike.scripts.options import config_options


@click.command(
    "export",
    epilog="""\b
Examples:
  eqspike export digits --weights runs/digits-seed0/weights.npz -o digits.nir
  eqspike export digits --weights runs/digits-seed0/weights.npz --format npz -o real.npz
  eqspike export digits --weights runs/digits-seed0/weights.npz --format hex --board icebreaker -o weights.hex
""",
)
@click.argument("config", metavar="CONFIG")
@click.option("--weights", type=click.Path(path_type=Path), required=True, help="weights.npz of a run.")
@click.option(
    "--format", "kind", type=click.Choice(["nir", "npz", "hex"]), default="nir", show_default=True,
    help="A NIR graph; weights as real numbers; the chip's weight memory for $readmemh.",
)  # fmt: skip
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="The file to write.")
@click.option("--board", help="hex: the lanes of this board [default: the config's own].")
@config_options
def command(
    config: str,
    weights: Path,
    kind: str,
    out: Path,
    board: str | None,
    seed: int | None,
    dataset: str | None,
    overrides: Sequence[str],
) -> None:
    """Write the network of CONFIG with trained weights for another program.

    NIR: real arithmetic, with refractory periods, resets and two-way synapses in NIR's own nodes; docs/exchange.md.
    """
    from eqspike.fpga.settings import require_entry
    from eqspike.lab.infer import trained_config
    from eqspike.lab.nir import export

    resolved = trained_config(config, overrides, seed, dataset, weights)
    if board is not None:
        require_entry(resolved, board, f"--board {board}")
    network = export.trained_network(resolved, weights)
    if kind == "nir":
        found = export.export_nir(resolved, network, out)
        click.echo(
            f"of {found.images} test images, {found.alike} have the same answer in the graph's arithmetic "
            f"({found.right_of_graph} right) and the config's ({found.right} right); the graph's membranes have "
            f"no bounds, the config's met theirs {found.saturations:,} times"
        )
    elif kind == "npz":
        export.export_npz(resolved, network, out)
    else:
        export.export_hex(resolved, network, out, board)
    click.echo(f"wrote {out}")
