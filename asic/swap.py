"""One gate that is another: what a check must find."""

from __future__ import annotations

import random
from collections.abc import Mapping

import numpy as np

from eqspike.asic.activity import check, enables, settle
from eqspike.asic.library import Library
from eqspike.asic.netlist import Gate, Net, Netlist, NetlistProblem


def swap_gate(netlist: Netlist, library: Library, given: Mapping[Net, np.ndarray], seed: int) -> str:
    """Put a NOR in the place of a NAND, or the other way round, in place; says which.

    The gate is drawn of those that matter in a recorded run (`activity.read_record`): with the other one, some
    flip-flop would have taken another bit. A core has many that do not, such as those of a counter's high bits. Raises
    `NetlistProblem` where there is none.
    """
    nand, nor = _gate(library, "and"), _gate(library, "or")
    names = [name for name, gate in netlist.gates.items() if gate.kind in (nand, nor)]
    random.Random(seed).shuffle(names)
    for name in names:
        old = netlist.gates[name]
        new = nor if old.kind == nand else nand
        ours, theirs = library.cells[old.kind], library.cells[new]
        pins = dict(zip(theirs.inputs, (old.pins[pin] for pin in ours.inputs), strict=True))
        netlist.gates[name] = Gate(new, pins | {theirs.outputs[0]: old.pins[ours.outputs[0]]})
        if _matters(netlist, library, given):
            return f"{new} in the place of {old.kind} {name}"
        netlist.gates[name] = old
    raise NetlistProblem(f"no {nand} and no {nor} of the netlist mattered in the run; there is nothing to swap")


def _matters(netlist: Netlist, library: Library, given: Mapping[Net, np.ndarray]) -> bool:
    packed = settle(netlist, library, given)
    try:
        check(netlist, library, packed, enables(netlist, library, packed), len(next(iter(given.values()))))
    except NetlistProblem:
        return True
    return False


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
