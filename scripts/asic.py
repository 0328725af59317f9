"""`eqspike asic`: a network's core as standard cells.

The flow is imported when there is something to do: `--help` needs no Amaranth.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eqspike.base.errors import Interrupted, UsageProblem
from eqspike.lab.configs import read_config
from eqspike.scripts.options import config_options
from eqspike.scripts.stages import stages

if TYPE_CHECKING:
    from eqspike.golden.config import Config


def print_result(result: dict[str, Any]) -> None:
    """The table a person reads."""
    area = result["area_um2"]
    sizes = "-".join(map(str, result["layers"]))
    click.echo(f"{result['config']} ({sizes}, {result['lanes']} lanes) in {result['library']['name']}")
    click.echo(f"  {'cells':<24}{result['cell_count']:>12,}")
    click.echo(f"  {'flip-flops':<24}{result['flip_flops']:>12,}")
    for name, value in area.items():
        click.echo(f"  {'mm2, ' + name:<24}{value / 1e6:>12.3f}")
    for memory in result["memories"]:
        click.echo(f"  {memory['bits']:>10,} bits  {memory['depth']} x {memory['width']}  {memory['name']}")
    low, high = (value / 1e6 for value in result["memory_um2"])
    click.echo(f"  {'memory bits':<24}{result['memory_bits']:>12,}  not counted: {low:.2f} to {high:.2f} mm2")
    if result["gated_clocks"]:
        click.echo(f"  {result['gated_flip_flops']:,} flip-flops on {result['gated_clocks']:,} gated clocks")
    for entry in result["timing"]:
        click.echo(f"  {entry['wire_ff']:>3} fF a sink: {entry['ns']:.2f} ns, {entry['mhz']:.0f} MHz")
    for name, part in (result["neurons"] or {}).items():
        click.echo(f"  {name}: {part['cell_count']:,} cells, {part['area_um2']['all']:,.0f} um2")
    if check := result["check"]:
        click.echo(
            f"  {check['images']} images, {check['words_compared']:,} words, {check['mismatches']:,} mismatches on "
            f"{check['simulator']}"
        )
        if first := check["first_mismatch"]:
            where = f"image {first['image']}, step {first['step']}, {first['name']}{first['index']}"
            click.echo(f"  first mismatch: {where}: gates {first['rtl']}, golden {first['golden']}")
    if swapped := result["swapped"]:
        what = swapped["stopped"] or f"{swapped['mismatches']:,} mismatches"
        click.echo(f"  {swapped['gate']}: {what if swapped['found'] else 'NOT FOUND'}")
    if energy := result["energy"]:
        for wire in energy["wires"]:
            shares = ", ".join(f"{part} {100 * share:.1f} %" for part, share in wire["shares"].items())
            click.echo(
                f"  {wire['wire_ff']:>3} fF a sink: {wire['nj_an_image'] / 1e3:.2f} uJ an image, "
                f"{wire['pj_a_synop']:.0f} pJ a SynOp ({shares}); memories not counted"
            )


def draw(config: Config, name: str, out: Path) -> int:
    """Place, route and draw a part."""
    from eqspike.lab.asic_picture import COMPONENTS, run_picture

    if name not in COMPONENTS:
        raise UsageProblem(f"--picture {name}: is no part; allowed: {', '.join(COMPONENTS)}")
    try:
        with stages("asic") as say:
            result = run_picture(config, name, out, say)
    except KeyboardInterrupt:
        raise Interrupted("interrupted: nothing was written") from None
    click.echo(
        f"{name} of {config.name}: {result['cells']} cells on {result['width_um']:.0f} x {result['height_um']:.0f} um, "
        f"{result['wire_um'] / 1e3:.1f} mm of wire, all nets routed"
    )
    click.echo(f"wrote {out}/{name}.png, {name}.def, {name}.json")
    return 0


@click.command(
    "asic",
    epilog="""\b
Examples:
  eqspike asic toy --check 4
  eqspike asic digits --gate 4 --check 2
  eqspike asic digits --liberty cells.lib
  eqspike asic toy --check 1 --swap
  eqspike asic toy --picture lif
""",
)
@click.argument("config", metavar="CONFIG")
@click.option(
    "--liberty",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The standard cells [default: 0.18 um, of Debian's qflow-tech-osu018].",
)
@click.option(
    "--gate",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    metavar="N",
    help="Gate the clock of N or more flip-flops that are written under the same condition; 0: of none.",
)
@click.option(
    "--self-gate",
    "own",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    metavar="N",
    help="Stop the clock of N or more flip-flops that have no such condition, while their word does not change.",
)
@click.option(
    "--check",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Training images that the gates learn beside the golden model, every state compared; their energy is counted.",
)
@click.option("--simulator", type=click.Choice(["verilator", "icarus"]), default="verilator", show_default=True)
@click.option("--swap", is_flag=True, help="After the check, swap a gate that mattered, and check again.")
@click.option(
    "--neuron/--no-neuron", default=True, show_default=True, help="Map a LIF neuron and a lane by themselves, too."
)
@click.option(
    "--picture",
    metavar="PART",
    help="Instead of all this, place, route and draw one part: lif, signal (rho-bar or pulses) or lane.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the results [default: runs/<config>-asic].")
@config_options
def command(
    config: str,
    liberty: Path | None,
    gate: int,
    own: int,
    check: int,
    simulator: str,
    swap: bool,
    neuron: bool,
    picture: str | None,
    out: Path | None,
    overrides: Sequence[str],
    dataset: str | None,
    seed: int | None,
) -> int:
    """Map the core of CONFIG to standard cells, time it, and let the gates learn.

    The core is mapped without its memories, which are macros, and without the trace, which only simulators have. Prints
    cells, area and the clock at three loads of wire; with --check the gates of this very netlist learn training images,
    compared with the golden model as `eqspike compare` does it, beginning with random bits in every flip-flop and
    memory. Writes asic.json and the netlist core.v. With --swap the same
    check runs a second time with a NAND for a NOR, or the other way round. Exit status 0 only when nothing differs, and
    when it differs with the swapped gate.
    """
    from eqspike.lab.asic import Asked, run_asic

    if swap and not check:
        raise UsageProblem("--swap: needs --check N, which is to find it")
    resolved = read_config(config, overrides, seed, None, dataset)
    out = out or Path("runs") / f"{resolved.name}-asic"
    if picture is not None:
        return draw(resolved, picture, out)
    asked = Asked(
        liberty=liberty, gate=gate, own=own, check=check, simulator=simulator, swap=swap, neuron=neuron
    )  # fmt: skip
    try:
        with stages("asic") as say:
            result = run_asic(resolved, out, asked, say=say)
    except KeyboardInterrupt:
        raise Interrupted("interrupted: nothing was written") from None
    print_result(result)
    click.echo(f"wrote {out}/asic.json, {out}/core.v")
    found = result["swapped"] is None or result["swapped"]["found"]
    return 0 if found and (result["check"] is None or result["check"]["passed"]) else 1
