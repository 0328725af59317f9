"""`eqspike throughput`: images a second on a board, from cycles measured in Verilator on real images.

The measurement is imported when there is something to measure: `--help` needs neither Amaranth nor cocotb.
"""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from eqspike.lab.configs import read_config
from eqspike.scripts.options import config_options


def print_result(result: dict[str, Any]) -> None:
    """The result as a table."""
    sizes = "-".join(map(str, result["layers"]))
    click.echo(
        f"{result['config']} ({sizes}, {result['lanes']} lanes, {result['banks']} banks), after "
        f"{result['trained_epochs']} epochs"
    )
    for name in ("training", "inference"):
        what = result[name]
        click.echo(f"  {name}: {what['cycles_per_image']:,.0f} cycles an image, {what['steps_per_image']:.0f} steps, "
                   f"{100 * what['nudged_fraction']:.0f} % nudged")  # fmt: skip
        click.echo(f"    rows an image {what['rows_per_image']:,.0f}, a cycle {what['rows_per_cycle']:.2f}; "
                   f"{100 * what['row_cycle_share']:.1f} % of cycles move a row")  # fmt: skip
        shares = ", ".join(f"{stage} {100 * share:.1f}" for stage, share in what["stage_shares"].items())
        click.echo(f"    % of cycles: {shares}")
        for clock in ("required", "achieved"):
            if f"images_per_second_at_{clock}" in what:
                click.echo(
                    f"    {what[f'images_per_second_at_{clock}']:,.0f} images/s at {result[f'{clock}_mhz']:g} MHz "
                    f"({'the clock it runs at' if clock == 'required' else 'achieved'})"
                )
    for clock in ("required", "achieved"):
        if f"seconds_of_training_at_{clock}" in result:
            epochs, seconds = len(result["nudged_fraction_of_epochs"]), result[f"seconds_of_training_at_{clock}"]
            click.echo(f"  {epochs} epochs of training: {seconds:.1f} s at {result[f'{clock}_mhz']:g} MHz")


@click.command(
    "throughput",
    epilog="""\b
Examples:
  eqspike throughput mnist --board ulx3s-85f --build runs/mnist-ulx3s-85f/build.json
  eqspike throughput digits --epochs 30 --images 100 --build runs/digits-icebreaker/build.json
""",
)
@click.argument("config", metavar="CONFIG")
@click.option("--board", help="Take that board's hardware settings of the config.")
@click.option("--epochs", type=click.IntRange(0), default=5, show_default=True, help="Epochs trained before.")
@click.option("--images", type=click.IntRange(1), default=40, show_default=True, help="Images of each measurement.")
@click.option("--build", "built", type=click.Path(path_type=Path), help="A build.json, for images a second.")
@config_options
@click.option("--out", type=click.Path(path_type=Path), help="The JSON file [default: runs/<config>-throughput.json].")
def command(
    config: str,
    board: str | None,
    epochs: int,
    images: int,
    built: Path | None,
    seed: int | None,
    dataset: str | None,
    overrides: tuple[str, ...],
    out: Path | None,
) -> None:
    """Measure cycles an image and where they go, in Verilator, on a network that has learned for some epochs.

    With --build, also images a second at that build's clock, which goes into its build.json as well.
    """
    from eqspike.base.files import write_json
    from eqspike.base.locks import locked
    from eqspike.lab.throughput import check_build, read_build, run_throughput

    resolved = read_config(config, overrides, seed, None, dataset)
    found = None
    with locked(built.parent) if built is not None and built.exists() else nullcontext():
        if built is not None:
            found = read_build(built)
            board = board or found["board"]
            check_build(resolved, board, built, found)
        result = run_throughput(resolved, board, epochs, images, found)
        print_result(result)
        path = out or Path("runs") / f"{resolved.name}-throughput.json"
        write_json(path, result)
        if found is not None:
            write_json(built, {**found, "throughput": result})
    click.echo(f"wrote {path}")
