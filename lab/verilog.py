"""The core as one Verilog file for other flows, and what its ports mean."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.back import verilog
from amaranth.hdl import Shape
from amaranth.lib import data
from amaranth.lib.wiring import Flow

from eqspike.base.errors import UsageProblem
from eqspike.fpga.settings import settings_for
from eqspike.golden.config import Config
from eqspike.lab.configs import in_fixed_point
from eqspike.rtl.core import Core

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
    "trace.stages": "for simulation: cycles that the sequencer spent at each stage of rtl.streams.Stage",
    "trace.rows": "for simulation: words of weights that each bank moved",
    "trace.row_cycles": "for simulation: cycles in which a word of weights moved",
}
"""What each port of the core is for; the one description of them."""


@dataclass(frozen=True)
class Field:
    """A field of a structured port."""

    name: str
    low: int
    """Its lowest bit."""
    width: int


@dataclass(frozen=True)
class Port:
    """A port of the Verilog module."""

    name: str
    direction: str
    width: int
    signed: bool
    meaning: str
    fields: list[Field]
    """Lowest bit first; empty for a plain number."""


def _fields(shape: object) -> list[Field]:
    """Fields of a structured port, lowest bit first."""
    if not isinstance(shape, data.StructLayout):
        return []
    return [Field(name, field.offset, Shape.cast(field.shape).width) for name, field in shape]


def ports(core: Core) -> list[Port]:
    """The ports of the Verilog module, in the order of the signature."""
    found = [Port(name, "input", 1, False, MEANINGS[name], []) for name in ("clk", "rst")]
    for path, member, _ in core.signature.flatten(core):
        shape = Shape.cast(member.shape)
        found.append(
            Port(
                name="__".join(map(str, path)),
                direction="input" if member.flow is Flow.In else "output",
                width=shape.width,
                signed=shape.signed,
                meaning=MEANINGS[".".join(map(str, path))],
                fields=_fields(member.shape),
            )
        )
    return found


def run_verilog(config: Config, board: str | None = None, name: str = "eqspike") -> tuple[str, list[Port]]:
    """(Verilog text, ports) of the core of `config`, with the hardware settings for `board` if there are any.

    Raises `UsageProblem` for a module's name that is a word of the language: Yosys escapes those.
    """
    in_fixed_point(config)
    core = Core(config, settings_for(config, board))
    table = ports(core)
    text = verilog.convert(core, name=name, emit_src=False, strip_internal_attrs=True)
    if f"\nmodule \\{name} " in text:
        raise UsageProblem(f"--module {name}: is a word of Verilog; take another name")
    return text, table
