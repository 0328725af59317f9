"""`eqspike build`: a bitstream of the self-test or the host link for a board, what it uses and how fast it runs.

The build is imported when there is something to build: `--help` needs no Amaranth.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from eqspike.base.errors import Interrupted, UsageProblem
from eqspike.lab.configs import read_config
from eqspike.scripts.options import board_option, config_options
from eqspike.scripts.stages import stages


def print_result(result: dict[str, Any]) -> None:
    """The table a person reads."""
    click.echo(f"{result['config']} ({'-'.join(map(str, result['layers']))}, {result['lanes']} lanes) on "
               f"{result['device']}")  # fmt: skip
    for name, entry in result["resources"].items():
        share = 100 * entry["used"] / entry["total"]
        click.echo(f"  {name:5} {entry['used']:>7,} of {entry['total']:>7,}  {share:5.1f} %")
    for name, clock in result["clocks"].items():
        click.echo(f"  clock {name}: {clock['achieved_mhz']:.1f} MHz, runs at {clock['required_mhz']:g}")
    click.echo(f"  {result['seconds']:.0f} s, seed {result['seed']}")


def print_synthesis(result: dict[str, Any]) -> None:
    """Cells by kind."""
    sizes = "-".join(map(str, result["layers"]))
    click.echo(f"{result['config']} ({sizes}, {result['lanes']} lanes) for {result['device']}, synthesised")
    for name, count in sorted(result["cells"].items()):
        click.echo(f"  {name:10} {count:>7,}")
    click.echo(f"  {result['seconds']:.0f} s")


@click.command(
    "build",
    epilog="""\b
Examples:
  eqspike build digits --board icebreaker
  eqspike build digits64 --board ulx3s-85f --seeds 4 --workers 2
  eqspike build digits --board icebreaker --set boards.icebreaker.lanes=4
  eqspike build digits-rram --board ulx3s-85f --synthesis
  eqspike build digits --board ulx3s-85f --top link
""",
)
@click.argument("config", metavar="CONFIG")
@board_option
@click.option(
    "--top",
    type=click.Choice(["selftest", "link"]),
    default="selftest",
    show_default=True,
    help="A test that runs by itself, or the host link on the UART.",
)
@click.option("--baud", type=click.IntRange(1), help="Of the host link [default: 2,000,000; tang-nano-9k: 1,000,000].")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the results [default: runs/<config>-<board>].")
@click.option("--seeds", type=click.IntRange(1), default=1, show_default=True, help="Placements to try; the best wins.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Placements at the same time.")
@click.option("--images", type=click.IntRange(1), default=8, show_default=True, help="Images of the self-test.")
@click.option("--passes", type=click.IntRange(1), default=256, show_default=True, help="Times that it learns them.")
@click.option("--synthesis", is_flag=True, help="Stop after synthesis: cells only, no bitstream, no clock.")
@click.option("--anyway", is_flag=True, help="Also what cannot fit the board's memory, to learn what it needs besides.")
@config_options
def command(
    config: str,
    board: str,
    top: str,
    baud: int | None,
    out: Path | None,
    seeds: int,
    workers: int,
    images: int,
    passes: int,
    synthesis: bool,
    anyway: bool,
    overrides: Sequence[str],
    dataset: str | None,
    seed: int | None,
) -> int:
    """Build a bitstream of CONFIG for a board.

    The bitstream tests itself: it learns stored images on chip and compares a signature of results and weights with
    the golden model's. Green (or LED 0): blinks while it learns, shines when it is right; red (or LED 1): wrong.
    With --top link the core learns what a host sends it ('eqspike board'); the first LED shines while it works.
    Exit status 0 only when it fits and meets its clock.
    """
    from eqspike.fpga.build import Around, run_build, run_synthesis

    resolved = read_config(config, overrides, seed, None, dataset)
    if baud is not None and top != "link":
        raise UsageProblem("--baud belongs to --top link")
    out = out or Path("runs") / (f"{resolved.name}-{board}" + ("" if top == "selftest" else f"-{top}"))
    around = Around(kind=top, images=images, passes=passes, baud=baud, anyway=anyway)
    try:
        with stages("build") as say:
            if synthesis:
                result = run_synthesis(resolved, board, out, around, say=say)
            else:
                result = run_build(resolved, board, out, around, seeds=seeds, workers=workers, say=say)
    except KeyboardInterrupt:
        raise Interrupted("interrupted: nothing was written") from None
    if synthesis:
        print_synthesis(result)
        click.echo(f"wrote {out}/synthesis.json")
        return 0
    print_result(result)
    click.echo(f"wrote {out}/build.json, {out}/{result['bitstream']}, {out}/nextpnr.json")
    return 0
