"""`eqspike export`: a trained network for other programs, as a NIR graph, npz or hex (docs/exchange.md).

The laboratory is imported when there is something to export: `--help` needs neither NumPy nor NIR.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eqspike.base.errors import UsageProblem
from eqspike.scripts.options import config_options, validation_option

if TYPE_CHECKING:
    from eqspike.golden.config import Config
    from eqspike.golden.features import Encoding
    from eqspike.golden.network import Network


def _plain(config: Config, network: Network, out: Path, sinabs: bool, encoding: Encoding) -> None:
    """Write the plain graph, and say how it differs from the chip."""
    from eqspike.lab.nir.export import export_plain
    from eqspike.lab.nir.plain import differences

    found = export_plain(config, network, out, sinabs, encoding)
    for text in differences(config):
        click.echo(f"plain: {text}")
    click.echo(
        f"plain graph: of {found.images} test images, {found.alike} have the same answer in it "
        f"({found.right_of_graph} right) and on the chip ({found.right} right)"
    )


@click.command(
    "export",
    epilog="""\b
Examples:
  eqspike export digits --weights runs/digits-seed0/weights.npz -o digits.nir
  eqspike export digits --weights runs/digits-seed0/weights.npz --plain -o plain.nir
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
@click.option("--plain", is_flag=True, help="NIR of Affine and LIF nodes alone, which other programs load.")
@click.option("--sinabs", is_flag=True, help="With --plain: tau and weights as Sinabs takes them.")
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="The file to write.")
@click.option("--board", help="hex: the lanes of this board [default: the config's own].")
@config_options
@validation_option
def command(
    config: str,
    weights: Path,
    kind: str,
    plain: bool,
    sinabs: bool,
    out: Path,
    board: str | None,
    seed: int | None,
    dataset: str | None,
    overrides: Sequence[str],
    validation: bool,
) -> None:
    """Write the network of CONFIG with trained weights for another program.

    NIR: real arithmetic, with refractory periods, resets and two-way synapses in NIR's own nodes; docs/exchange.md.
    With --plain only what snnTorch, Norse and nirtorch load (Sinabs: --plain --sinabs), and how that differs.
    """
    from eqspike.fpga.settings import require_entry
    from eqspike.lab.configs import Changes
    from eqspike.lab.infer import trained_config
    from eqspike.lab.nir import export

    if (plain and kind != "nir") or (sinabs and not plain):
        raise UsageProblem("--plain is for --format nir" if plain else "--sinabs is for --plain")
    changes = Changes(overrides=overrides, seed=seed, dataset=dataset, validation=validation)
    resolved = trained_config(changes, config, weights)
    if board is not None:
        require_entry(resolved, board, f"--board {board}")
    network, encoding = export.trained_network(resolved, weights)
    if kind == "nir":
        if plain:
            _plain(resolved, network, out, sinabs, encoding)
            found = export.agreement(resolved, network, encoding)
        else:
            found = export.export_nir(resolved, network, out, encoding)
        click.echo(
            f"{'full graph: ' if plain else ''}of {found.images} test images, {found.alike} have the same answer in "
            "the graph's arithmetic "
            f"({found.right_of_graph} right) and the config's ({found.right} right); the graph's membranes have "
            f"no bounds, the config's met theirs {found.saturations:,} times"
        )
    elif kind == "npz":
        export.export_npz(resolved, network, out, encoding)
    else:
        export.export_hex(resolved, network, out, board)
    click.echo(f"wrote {out}")
