"""`eqspike verilog`: the core as one Verilog file for other flows, and what its ports mean."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scripts.errors import UsageProblem
from scripts.options import config_options, read_config

if TYPE_CHECKING:
    from golden.config import Config
    from rtl.core import Core

MEANINGS = {
    "clk": "clock of everything, rising edge",
    "rst": "synchronous reset; weights keep their values",
    "images.payload": "one pixel a transfer, in order; label and mode are taken with an image's first pixel",
    "images.valid": "a pixel is offered",
    "images.ready": "the pixel is taken at the next edge",
    "results.payload": "one result an image, in order; counts are those at the end of the free phase",
    "results.valid": "a result is offered",
    "results.ready": "the result is taken at the next edge",
    "weights.payload": "write or read one weight, between images; word and lane as rtl.layout places them",
    "weights.valid": "a command is offered",
    "weights.ready": "the command is taken at the next edge",
    "weight_data.payload": "the weight that was read, one for each read command, in order",
    "weight_data.valid": "a weight is offered",
    "weight_data.ready": "the weight is taken at the next edge",
    "halvings": "how often each synapse layer's learning rate has been halved, input side first",
    "key_load": "take key_data as the place in the stream of random draws",
    "key_data": "the place to take",
    "key": "the place in the stream of random draws; moves on with every image learned",
    "clear_counters": "zero the counters",
    "counters": "what happened since they were cleared; each wraps at 2^32",
    "trace.step": "for simulation: number of the step",
    "trace.step_done": "for simulation: the step has ended",
    "trace.word": "for simulation: the generator's word of the step",
    "trace.counts": "for simulation: spikes of each output in the window",
    "trace.inputs": "for simulation: input neurons that fired in the step",
    "trace.neurons_valid": "for simulation: a chunk of neurons takes its new state",
    "trace.neurons_chunk": "for simulation: which chunk",
    "trace.neurons": "for simulation: its lanes' new states",
    "trace.neurons_spikes": "for simulation: its lanes' spikes",
    "trace.write_toggle": "for simulation: changes with every word of weights written",
    "trace.write_valid": "for simulation: which banks wrote a word then",
    "trace.write_step": "for simulation: step of the pass that wrote it",
    "trace.write_address": "for simulation: where each bank wrote",
    "trace.write_data": "for simulation: the banks' words",
    "trace.stages": "for simulation: cycles that the sequencer spent at each stage of rtl.core.Stage",
    "trace.rows": "for simulation: words of weights that each bank moved",
    "trace.row_cycles": "for simulation: cycles in which a word of weights moved",
}
"""What each port of the core is for; the one description of them."""


def _fields(shape: object) -> list[dict[str, Any]]:
    """Fields of a structured port, lowest bit first."""
    from amaranth.hdl import Shape
    from amaranth.lib import data

    if not isinstance(shape, data.StructLayout):
        return []
    return [
        {"name": name, "low": field.offset, "width": Shape.cast(field.shape).width} for name, field in shape
    ]  # fmt: skip


def ports(core: Core) -> list[dict[str, Any]]:
    """The ports of the Verilog module, in the order of the signature: name, direction, width, meaning, fields."""
    from amaranth.hdl import Shape
    from amaranth.lib.wiring import Flow

    rows = [
        {"name": name, "direction": "input", "width": 1, "signed": False, "meaning": MEANINGS[name], "fields": []}
        for name in ("clk", "rst")
    ]
    for path, member, _ in core.signature.flatten(core):
        shape = Shape.cast(member.shape)
        rows.append(
            {
                "name": "__".join(map(str, path)),
                "direction": "input" if member.flow is Flow.In else "output",
                "width": shape.width,
                "signed": shape.signed,
                "meaning": MEANINGS[".".join(map(str, path))],
                "fields": _fields(member.shape),
            }
        )
    return rows


def run_verilog(config: Config, board: str | None = None, name: str = "eqspike") -> tuple[str, list[dict[str, Any]]]:
    """(Verilog text, ports) of the core of `config`, with the hardware settings for `board` if there are any."""
    from amaranth.back import verilog

    from golden.config import fail, hardware_for
    from rtl.core import Core

    if config.number.format != "fixed":
        fail("number.format", config.number.format, "hardware needs fixed")
    core = Core(config, hardware_for(config, board))
    table = ports(core)
    return verilog.convert(core, name=name, emit_src=False, strip_internal_attrs=True), table


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
    from scripts import files

    if not name.isidentifier():
        raise UsageProblem(f"--module {name}: not a Verilog identifier")
    resolved = read_config(config, overrides, seed, None, dataset)
    if board is not None and board not in resolved.boards:
        raise UsageProblem(f"--board {board}: {resolved.name} has no such board; allowed: {', '.join(resolved.boards)}")
    text, table = run_verilog(resolved, board, name)
    out = out or Path(f"{resolved.name}.v")
    files.write_text(out, text)
    if as_json:
        click.echo(json.dumps(table, indent=1))
        return 0
    wide = max(len(row["name"]) for row in table)
    for row in table:
        click.echo(f"{row['name']:{wide}}  {row['direction']:6}  {row['width']:>5}  {row['meaning']}")
        for field in row["fields"]:
            high = field["low"] + field["width"] - 1
            click.echo(f"{'':{wide}}  {'':6}  {'':5}    [{high}:{field['low']}] {field['name']}")
    click.echo(f"wrote {out}")
    return 0


__all__ = ["MEANINGS", "command", "ports", "run_verilog"]
