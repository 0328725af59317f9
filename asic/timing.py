"""How fast a mapped core is: OpenSTA's slowest path, with the clock ideal and some wire at every sink.

Paths from flip-flops and memories to flip-flops and memories are timed; ports are not.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from eqspike.asic.library import Library
from eqspike.asic.netlist import CLOCK, Memory, Netlist
from eqspike.asic.tools import FlowFailed, Tools
from eqspike.asic.trees import MEMORY_PIN_PF
from eqspike.asic.verilog import structural
from eqspike.base import tools as base

WIRES_FF = (0, 5, 10)
"""Loads of wire, at each sink of a net."""
SMALL_BITS, SMALL_NS, LARGE_NS = 8192, 2.0, 2.5
"""Assumed time from the clock to what a memory reads, of up to so many bits, and of more."""
SETUP_NS = 0.3
"""Assumed of a memory's inputs."""
FIRST_NS = 10.0
"""Period of the first look."""
NEAR_NS = 0.002
STEP_NS = 0.02
EDGE = "-- to flip-flops"

SCRIPT = """read_liberty cells.lib
read_liberty memories.lib
read_verilog core.v
link_design core
create_clock -name clk -period {period} [get_ports {clock}]
report_checks -path_delay max -format full -digits 4
puts "{edge}"
report_checks -path_delay max -format full -digits 4 -to [all_registers -edge_triggered -data_pins]
puts "flip-flops [llength [all_registers -cells]]"
exit
"""
THRESHOLDS = {"slew_upper": 80, "slew_lower": 20, "input": 50, "output": 50}
EDGES = ("rise", "fall")
INPUT = re.compile(r"^[^{}]*?\bdirection\s*:\s*\"?input", re.DOTALL)
SEARCH = re.DOTALL | re.MULTILINE
CAPACITANCE = re.compile(r"((?:rise_|fall_)?capacitance\s*:\s*)([\d.eE+-]+)")


@dataclass(frozen=True)
class Timing:
    """The slowest path."""

    wire_ff: float
    ns: float
    begins: str
    """Instance where it begins, and where it ends."""
    ends: str

    @property
    def mhz(self) -> float:
        """The fastest clock."""
        return 1000 / self.ns


class Path(NamedTuple):
    """A path: slack in ns; where it begins, and where it ends."""

    slack: float
    begins: str
    ends: str


class Look(NamedTuple):
    """The slowest paths at a period: of all, and of those to flip-flops and memories."""

    worst: Path
    edge: Path


def time_core(tools: Tools, library: Library, netlist: Netlist, wire_ff: float) -> Timing:
    """The slowest path with so many fF of wire at every sink. Raises `FlowFailed`, `NetlistProblem`, `ToolMissing`."""
    folder = tools.folder
    (folder / "core.v").write_text(structural(netlist), encoding="utf-8")
    text = library.path.read_text(encoding="utf-8", errors="replace")
    (folder / "cells.lib").write_text(with_wire(text, wire_ff, library.farads), encoding="utf-8")
    macros = {memory.kind: memory for memory in netlist.memories.values()}
    (folder / "memories.lib").write_text(memories(macros, wire_ff), encoding="utf-8")
    flip_flops = len(netlist.flip_flops(library))
    return shortest(lambda period: _look(tools, period, flip_flops), wire_ff)


def shortest(look: Callable[[float], Look], wire_ff: float) -> Timing:
    """The shortest period whose slack is not negative, by `look`, which gives the paths at a period.

    The slack of paths to flip-flops follows the period. A latch may take its input late, as long as it is open: its
    slack is 0 at many periods; where it is the latch that fails, the shortest period is looked for by halves.
    """
    period = FIRST_NS
    while (found := look(period)).worst.slack < -NEAR_NS:
        period = 2 * period
    low, high, slowest = period - found.edge.slack, period, found.edge
    at = look(low)
    if at.worst.slack >= -NEAR_NS:
        return Timing(wire_ff, round(low, 3), slowest.begins, slowest.ends)
    while high - low > STEP_NS:
        slowest, middle = at.worst, (low + high) / 2
        if (tried := look(middle)).worst.slack < -NEAR_NS:
            low, at = middle, tried
        else:
            high = middle
    return Timing(wire_ff, round(high, 3), slowest.begins, slowest.ends)


def with_wire(text: str, wire_ff: float, farads: float) -> str:
    """A liberty file with so much more capacitance at every input pin; `farads`: its unit in pF."""
    if not wire_ff:
        return text
    more = wire_ff * 1e-3 / farads

    def loaded(found: re.Match[str]) -> str:
        return f"{found[1]}{float(found[2]) + more:.7f}"

    pins = re.split(r"(\bpin\s*\([^)]*\)\s*\{)", text)
    return "".join(CAPACITANCE.sub(loaded, pin, count=3) if INPUT.search(pin) else pin for pin in pins)


def memories(macros: dict[str, Memory], wire_ff: float) -> str:
    """A liberty file of the macros, with the times and loads that are assumed of them."""
    return "\n".join(
        ["library(memories) {", "  delay_model : table_lookup;", '  time_unit : "1ns";', '  voltage_unit : "1V";',
         '  current_unit : "1uA";', '  pulling_resistance_unit : "1kohm";', '  leakage_power_unit : "1nW";',
         "  capacitive_load_unit (1,pf);",
         *(f"  {what}_threshold_pct_{edge} : {at};" for what, at in THRESHOLDS.items() for edge in EDGES),
         *(_macro(kind, memory, MEMORY_PIN_PF + wire_ff * 1e-3) for kind, memory in macros.items()), "}", ""]
    )  # fmt: skip


def _macro(kind: str, memory: Memory, load: float) -> str:
    access = SMALL_NS if memory.bits <= SMALL_BITS else LARGE_NS
    scalar = 'values ("{}");'
    setup, hold = (
        f'timing() {{ related_pin : "clk"; timing_type : {kind}_rising; '
        + " ".join(f"{edge}_constraint(scalar) {{ {scalar.format(value)} }}" for edge in EDGES)
        + " }"
        for kind, value in (("setup", SETUP_NS), ("hold", 0.0))
    )
    lines = [f"  cell({kind}) {{", f"    pin(clk) {{ direction : input; clock : true; capacitance : {load}; }}"]
    for pin, _ in memory.inputs():
        lines.append(f"    pin({pin}) {{ direction : input; capacitance : {load}; {setup} {hold} }}")
    delays = " ".join(
        f"{name}(scalar) {{ {scalar.format(value)} }}"
        for name, value in [(f"cell_{edge}", access) for edge in EDGES]
        + [(f"{edge}_transition", 0.1) for edge in EDGES]
    )
    for bit in range(memory.width):
        lines.append(
            f'    pin(rd{bit}) {{ direction : output; timing() {{ related_pin : "clk"; timing_type : rising_edge; '
            f"{delays} }} }}"
        )
    return "\n".join([*lines, "  }"])


def _look(tools: Tools, period: float, flip_flops: int) -> Look:
    """The paths at a period."""
    (tools.folder / "timing.tcl").write_text(
        SCRIPT.format(period=f"{period:.4f}", clock=CLOCK, edge=EDGE), encoding="utf-8"
    )
    said = tools.run([str(base.opensta()), "-no_splash", "-exit", "timing.tcl"], "timing")
    return read_report(said, flip_flops, lambda what: tools.failed("timing", said, what))


def read_report(said: str, flip_flops: int, failed: Callable[[str], FlowFailed]) -> Look:
    """What OpenSTA's report says. It goes on behind an error with what it had read so far and still prints a slack: any
    error fails, and so does a netlist in which it found fewer flip-flops than there are."""
    if re.search(r"\bError\b", said, re.IGNORECASE):
        raise failed("OpenSTA reports an error")
    seen = re.findall(r"^flip-flops (\d+)", said, re.MULTILINE)
    if not seen or int(seen[0]) < flip_flops:
        raise failed(f"OpenSTA sees {seen[0] if seen else 'no'} registers of {flip_flops} flip-flops")
    every, _, edge = said.partition(EDGE)
    # One path a group: of the clock, and of what gates it.
    both = [[_path(block) for block in part.split("Startpoint: ")[1:]] for part in (every, edge)]
    if any(not paths or None in paths for paths in both):
        raise failed("OpenSTA reports no path")
    return Look(*(min(path for path in paths if path is not None) for paths in both))


def _path(block: str) -> Path | None:
    """Of the text behind "Startpoint: "."""
    found = re.match(r"(\S+).*?^Endpoint: (\S+).*?^\s*(-?[\d.]+)\s+slack \((?:MET|VIOLATED)\)", block, SEARCH)
    return Path(float(found[3]), found[1], found[2]) if found else None


__all__ = ["WIRES_FF", "Timing", "memories", "read_report", "time_core", "with_wire"]
