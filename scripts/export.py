"""`eqspike export`: a trained network for other programs, as a NIR graph, npz or hex (docs/exchange.md)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scripts.errors import UsageProblem
from scripts.options import config_options, read_config

if TYPE_CHECKING:
    import numpy as np

    from golden.config import Config

IMAGES = 100
"""Test images on which an exported graph is compared with the chip."""


def hex_text(config: Config, weights: Sequence[np.ndarray], board: str | None = None) -> str:
    """The weight memory of the chip for $readmemh: one word a line, lane 0 in the lowest bits (rtl.layout)."""
    from fpga.selftest import weight_words
    from golden.config import hardware_for
    from rtl.layout import Layout

    layout = Layout(config, hardware_for(config, board).lanes)
    bits = max(s.bits for s in config.synapses)
    digits = -(-bits * layout.lanes // 4)
    lines = [f"// {config.name}: {layout.words} words of {layout.lanes} lanes of {bits} bits, lane 0 lowest"]
    for word in weight_words(config, layout, tuple(weights)):
        lines.append(f"{sum(weight << (bits * lane) for lane, weight in enumerate(word)):0{digits}x}")
    return "\n".join(lines) + "\n"


def agreement(config: Config, network: Any) -> dict[str, int | None]:
    """Test images, how many of them the graph's arithmetic and the config's answer alike, and the saturations of
    membranes that the graph does not have."""
    import numpy as np

    from golden.data import load_split
    from golden.network import INFER, Network
    from scripts.nir_graph import unlimited

    part = load_split(config)
    images, labels = part.test_images[:IMAGES], part.test_labels[:IMAGES]
    graph = Network(unlimited(config))
    graph.load_weights(network.real_weights())
    network.clear_counters()
    own = network.present_all(images, labels, INFER)[:, 0]
    other = graph.present_all(images, labels, INFER)[:, 0]
    return {
        "images": len(labels),
        "alike": int(np.sum(own == other)),
        "right": int(np.sum(own == labels)),
        "right_of_graph": int(np.sum(other == labels)),
        "saturations": network.counter_values()["membrane_saturations"],
    }


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
    from golden.network import Network
    from scripts.files import write_bytes, write_text
    from scripts.weights import load_weights, save_weights

    resolved = read_config(config, overrides, seed, None, dataset)
    if board is not None and board not in resolved.boards:
        raise UsageProblem(f"--board {board}: {resolved.name} has no such board; allowed: {', '.join(resolved.boards)}")
    network = Network(resolved)
    network.load_weights(load_weights(weights, resolved).weights)
    if kind == "nir":
        from scripts.nir_graph import graph_bytes, to_graph

        write_bytes(out, graph_bytes(to_graph(resolved, network.real_weights())))
        found = agreement(resolved, network)
        click.echo(
            f"of {found['images']} test images, {found['alike']} have the same answer in the graph's arithmetic "
            f"({found['right_of_graph']} right) and the config's ({found['right']} right); the graph's membranes have "
            f"no bounds, the config's met theirs {found['saturations']:,} times"
        )
    elif kind == "npz":
        real = resolved.replace(number=dataclasses.replace(resolved.number, format="real"))
        save_weights(out, real, network.real_weights())
    else:
        if resolved.number.format != "fixed":
            raise UsageProblem("--format hex: the chip's memory holds fixed point; number.format is real")
        write_text(out, hex_text(resolved, network.weights, board))
    click.echo(f"wrote {out}")
