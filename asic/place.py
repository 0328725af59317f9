"""A component placed and routed: graywolf puts its cells in rows, qrouter draws its wires; Debian's qflow joins them.

For small components and Debian's standard cells, which bring what the two need besides. Nets are called n1, n2, ...:
words of the placer's own language are no names for it.
"""

from __future__ import annotations

import re
import shutil

from eqspike.asic.netlist import Net, Netlist
from eqspike.asic.tools import FlowFailed, Tools
from eqspike.base import tools as base

LAYERS = 4
"""Of metal, for wires."""
ROUTE = """verbose 1
read_lef {lef}
catch {{layers {layers}}}
via stack 1
vdd vdd
gnd gnd
read_def part.def
qrouter::standard_route part_route.def false
quit
"""


def place_and_route(tools: Tools, netlist: Netlist) -> str:
    """The routed layout in DEF. Raises `ToolMissing`; `FlowFailed` where a tool fails or a net is not routed."""
    folder = tools.folder
    lef = base.qflow_file("osu018_stdcells.lef")
    tclsh, graywolf, qrouter = base.tclsh(), base.graywolf(), base.qrouter()
    (folder / "part.blif").write_text(blif(netlist), encoding="utf-8")
    shutil.copyfile(base.qflow_file("osu018.par"), folder / "part.par")
    script = base.qflow_script("blif2cel.tcl")
    tools.run([str(tclsh), str(script), "--blif", "part.blif", "--lef", str(lef), "--cel", "part.cel"], "cells")
    tools.run([str(graywolf), "-n", "part"], "graywolf")
    (folder / "part.cfg").write_text(f"lef {lef}\n", encoding="utf-8")
    tools.run([str(qrouter), "-i", "part.info", "-c", "part.cfg"], "layers")
    tools.run([str(tclsh), str(base.qflow_script("place2def.tcl")), "part", "FILL", str(LAYERS)], "place2def")
    (folder / "part.cfg").write_text(ROUTE.format(lef=lef, layers=LAYERS), encoding="utf-8")
    said = tools.run([str(qrouter), "-nog", "-s", "part.cfg"], "qrouter")
    require_routed(said, tools)
    return (folder / "part_route.def").read_text(encoding="utf-8")


def require_routed(said: str, tools: Tools) -> None:
    """Raise `FlowFailed` where qrouter does not say at its end that every net is routed."""
    last = re.findall(r"^Final: (.*)$", said, re.MULTILINE)
    if last != ["No failed routes!"]:
        raise tools.failed("qrouter", said, last[-1] if last else "it does not say that all nets are routed")


def blif(netlist: Netlist, name: str = "part") -> str:
    """The netlist in BLIF, as mapped gates. Raises `FlowFailed` for memories, which have no layout."""
    if netlist.memories:
        raise FlowFailed("asic: a memory has no layout; only components without any are placed")
    inputs = [net for port in netlist.ports.values() if not port.output for net in port.nets]
    outputs = [net for port in netlist.ports.values() if port.output for net in port.nets if isinstance(net, int)]
    lines = [f".model {name}", ".inputs " + " ".join(map(_name, inputs))]
    # An output that is an input is no wire of its own.
    lines.append(".outputs " + " ".join(_name(net) for net in dict.fromkeys(outputs) if net not in inputs))
    for gate in netlist.gates.values():
        lines.append(f".gate {gate.kind} " + " ".join(f"{pin}={_name(net)}" for pin, net in gate.pins.items()))
    return "\n".join([*lines, ".end", ""])


def _name(net: Net) -> str:
    return f"n{net}" if isinstance(net, int) else "vdd" if net == "1" else "gnd"


__all__ = ["blif", "place_and_route", "require_routed"]
