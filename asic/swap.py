"""One gate that is another: what a check must find."""

from __future__ import annotations

import random

from eqspike.asic.library import Library
from eqspike.asic.netlist import Gate, Netlist, NetlistProblem


def swap_gate(netlist: Netlist, library: Library, seed: int) -> str:
    """Put an OR of inverses in the place of an AND of inverses, or the other way round, at a gate that is drawn; says
    which."""
    nand, nor = _gate(library, "and"), _gate(library, "or")
    names = [name for name, gate in netlist.gates.items() if gate.kind in (nand, nor)]
    if not names:
        raise NetlistProblem(f"the netlist has neither {nand} nor {nor}; there is nothing to swap")
    name = random.Random(seed).choice(names)
    old = netlist.gates[name]
    new = nor if old.kind == nand else nand
    ours, theirs = library.cells[old.kind], library.cells[new]
    pins = dict(zip(theirs.inputs, (old.pins[pin] for pin in ours.inputs), strict=True))
    netlist.gates[name] = Gate(new, pins | {theirs.outputs[0]: old.pins[ours.outputs[0]]})
    return f"{name}: {new} in the place of {old.kind}"


def _gate(library: Library, kind: str) -> str:
    """The smallest NAND or NOR of two inputs."""
    for cell in sorted(library.cells.values(), key=lambda c: (c.area, c.name)):
        if cell.state or len(cell.inputs) != 2 or len(cell.outputs) != 1:
            continue
        function = cell.pins[cell.outputs[0]].function
        if function is not None and function.kind == "not" and function.parts[0].kind == kind:
            return cell.name
    raise NetlistProblem(f"{library.name} has no inverted {kind} of two inputs")


__all__ = ["swap_gate"]
