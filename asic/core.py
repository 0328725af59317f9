"""A component as standard cells, from its RTLIL to a netlist with its trees, and what it is made of."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from amaranth.back import rtlil
from amaranth.lib import wiring

from eqspike.asic.library import Library
from eqspike.asic.netlist import Net, Netlist
from eqspike.asic.synthesis import Mapped, map_cells, prepare
from eqspike.asic.tools import Tools
from eqspike.asic.trees import clock_nets, clock_tree, spread

UM2_PER_BIT = (13.0, 113.0)
"""Area of a memory's bit, from and to, of small memories at 0.18 um. The low end is what OpenRAM's cells scale to, the
high end what a small macro of a foundry's library at that node takes (GF180's)."""


@dataclass(frozen=True)
class Built:
    """A netlist with its trees, and the observer beside it."""

    netlist: Netlist
    observer: str
    buffers: int
    clock_buffers: int


def build(
    component: wiring.Component, tools: Tools, library: Library, say: Callable[[str], None], least: int | None = None,
    own: int | None = None,
) -> Built:  # fmt: skip
    """Map a component. With `least`, clocks are gated for so many flip-flops or more that a condition writes; with
    `own`, those of registers of so many without one. Raises `FlowFailed`,
    `NetlistProblem`, `ToolMissing`."""
    say("generate")
    text = _rtlil(component)
    say("synthesise")
    prepare(tools, text, least)
    say("map")
    mapped: Mapped = map_cells(tools, library, own)
    netlist = mapped.netlist
    return Built(netlist, mapped.observer, spread(netlist, library), clock_tree(netlist, library))


def _rtlil(component: wiring.Component) -> str:
    collects = gc.isenabled()
    gc.disable()  # an elaboration makes very many small objects and drops few
    try:
        return rtlil.convert(component, name="core", emit_src=False)
    finally:
        if collects:
            gc.enable()


def area(library: Library, kind: str) -> float:
    """Of a cell, in um2. A library that gives a latch none is taken to mean that of a flip-flop."""
    cell = library.cells[kind]
    return cell.area or (library.flip_flop().area if cell.state == "latch" else 0.0)


def described(built: Built, library: Library) -> dict[str, Any]:
    """Cells, area by part and memories."""
    netlist = built.netlist
    parts: Counter[str] = Counter()
    clocks = clock_nets(netlist, library)
    for gate in netlist.gates.values():
        cell = library.cells[gate.kind]
        if cell.state == "latch" or (cell.state is None and gate.pins[cell.outputs[0]] in clocks):
            part = "clock"
        elif cell.state == "ff":
            part = "flip-flops"
        else:
            part = "buffers" if cell.is_buffer() else "logic"
        parts[part] += area(library, gate.kind)
    always = _always(netlist, library)
    clocked = (gate.pins[library.cells[gate.kind].clock] for gate in netlist.flip_flops(library).values())
    return {
        "cells": dict(sorted(netlist.kinds().items())),
        "cell_count": len(netlist.gates),
        "flip_flops": len(netlist.flip_flops(library)),
        "gated_clocks": sum(library.cells[gate.kind].state == "latch" for gate in netlist.gates.values()),
        "gated_flip_flops": sum(net not in always for net in clocked),
        "fan_out_buffers": built.buffers,
        "clock_buffers": built.clock_buffers,
        "area_um2": {**parts, "all": sum(parts.values())},
        "memories": [
            {"name": name, "depth": m.depth, "width": m.width, "bits": m.bits} for name, m in netlist.memories.items()
        ],
        "memory_bits": sum(m.bits for m in netlist.memories.values()),
        "memory_um2": [each * sum(m.bits for m in netlist.memories.values()) for each in UM2_PER_BIT],
    }


def _always(netlist: Netlist, library: Library) -> set[Net]:
    """Nets of the clock that no enable stops: behind the port there are buffers alone."""
    found = {netlist.clock}
    drivers = netlist.drivers(library)

    def runs(net: Net) -> bool:
        if net in found:
            return True
        if net not in drivers:
            return False
        gate = netlist.gates[drivers[net][0]]
        cell = library.cells[gate.kind]
        if cell.is_buffer() and runs(gate.pins[cell.inputs[0]]):
            found.add(net)
            return True
        return False

    for net in clock_nets(netlist, library):
        runs(net)
    return found


__all__ = ["Built", "area", "build", "described"]
