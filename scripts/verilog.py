"""`eqspike verilog`: the core as one Verilog file for other flows, and what its ports mean.

The core is imported when it is asked for: `--help` needs no Amaranth.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import click

from eqspike.base.errors import UsageProblem
from eqspike.lab.configs import read_config
from eqspike.scripts.options import config_options


@click.command(
    "verilog",
    epilog="""\b
Examples:
  eqspike verilog digits
  eqspike verilog digits -o core.v --board icebreaker
  eqspike verilog digits -o core.v --json > ports.json
""",
)
@click.argument("config", metavar="CONFIG")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="The file to write [default: <config>.v].")
@click.option("--board", help="Use the config's hardware settings for this board.")
@click.option("--module", "name", default="eqspike", show_default=True, help="Name of the Verilog module.")
@click.option("--json", "as_json", is_flag=True, help="Print the ports as JSON.")
@config_options
def command(
    config: str,
    out: Path | None,
    board: str | None,
    name: str,
    as_json: bool,
    overrides: Sequence[str],
    dataset: str | None,
    seed: int | None,
) -> int:
    """Write the core of CONFIG as one Verilog file and print a table of its ports.

    All streams are valid/ready: a transfer happens at a rising edge where both are high. The memories are plain
    Verilog arrays that synthesisers turn into block RAM; none is read where it is written in the same cycle.
    """
    from eqspike.base import files
    from eqspike.fpga.settings import require_entry
    from eqspike.lab.verilog import run_verilog

    if not name.isidentifier():
        raise UsageProblem(f"--module {name}: not a Verilog identifier")
    resolved = read_config(config, overrides, seed, None, dataset)
    if board is not None:
        require_entry(resolved, board, f"--board {board}")
    text, table = run_verilog(resolved, board, name)
    out = out or Path(f"{resolved.name}.v")
    files.write_text(out, text)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(port) for port in table], indent=1))
        return 0
    wide = max(len(port.name) for port in table)
    for port in table:
        click.echo(f"{port.name:{wide}}  {port.direction:6}  {port.width:>5}  {port.meaning}")
        for field in port.fields:
            high = field.low + field.width - 1
            click.echo(f"{'':{wide}}  {'':6}  {'':5}    [{high}:{field.low}] {field.name}")
    click.echo(f"wrote {out}")
    return 0
