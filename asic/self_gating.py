"""Clocks that stop where a register's next word is the one it holds: a gate that compares, in place of a condition.

Yosys finds the conditions that a circuit writes down. A pipeline's registers have none, and most of their words do not
change from cycle to cycle. Here the bits of a register are compared with what they would take, and together have a
clock that runs when one differs. Nothing else changes: a flip-flop that is not clocked would have taken what it holds.
"""

from __future__ import annotations

from collections import defaultdict
from graphlib import TopologicalSorter
from typing import Any

from eqspike.asic.netlist import CLOCK, CLOCK_GATE

MOST = 16
"""Flip-flops of one clock, as its gate drives without buffers. More differ more often; fewer do not pay for a latch."""
BEHIND = 6
"""Levels of gates that the comparison takes behind the latest of its bits: it may not become the slowest path."""
DIRECTIONS = {
    "$_XOR_": {"A": "input", "B": "input", "Y": "output"},
    "$_OR_": {"A": "input", "B": "input", "Y": "output"},
    CLOCK_GATE: {"enable": "input", "clock": "input", "gated": "output"},
}


def gate_registers(module: dict[str, Any], least: int) -> int:
    """Gate the clocks of registers of `least` flip-flops or more, in place; the number of clocks made.

    `module` is one of Yosys's JSON, of single gates.
    """
    cells = module["cells"]
    clock = module["ports"][CLOCK]["bits"][0]
    free = {name: cell for name, cell in cells.items() if _is_free(cell, clock)}
    depth = _depths(cells)
    late = max((depth.get(_pin(cell, "D"), 0) for cell in cells.values() if "DFF" in cell["type"]), default=0)
    maker = _Maker(module)
    groups: list[list[str]] = []
    rest: list[str] = []
    for names in _registers(module, free).values():
        early = [name for name in names if depth.get(_pin(cells[name], "D"), 0) + BEHIND <= late]
        parts = [early[at : at + MOST] for at in range(0, len(early), MOST)]
        groups += [part for part in parts if len(part) >= least]
        rest += [name for part in parts if len(part) < least for name in part]
    # What is left of small registers, with their neighbours by name.
    groups += [part for at in range(0, len(rest), MOST) if len(part := rest[at : at + MOST]) >= least]
    for group in groups:
        maker.gate([cells[name] for name in group], clock)
    return len(groups)


def _is_free(cell: dict[str, Any], clock: int | str) -> bool:
    """A flip-flop whose clock always runs, and whose input is no constant."""
    return cell["type"] == "$_DFF_P_" and _pin(cell, "C") == clock and isinstance(_pin(cell, "D"), int)


def _pin(cell: dict[str, Any], pin: str) -> int | str:
    return cell["connections"][pin][0]


def _registers(module: dict[str, Any], free: dict[str, Any]) -> dict[str, list[str]]:
    """Flip-flops by the register that they are bits of, lowest bit first."""
    holders = {_pin(cell, "Q"): name for name, cell in free.items()}
    found: dict[str, list[str]] = defaultdict(list)
    for register, entry in sorted(module["netnames"].items(), key=lambda item: (item[1]["hide_name"], item[0])):
        for bit in entry["bits"]:
            if bit in holders:
                found[register].append(holders.pop(bit))
    return found


def _depths(cells: dict[str, Any]) -> dict[int | str, int]:
    """How many gates lie before each net, from flip-flops and memories on."""
    drivers = {
        _pin(cell, "Y"): [cell["connections"][pin][0] for pin in cell["connections"] if pin != "Y"]
        for cell in cells.values()
        if "Y" in cell["connections"] and cell["type"].startswith("$_")
    }
    found: dict[int | str, int] = {}
    for net in TopologicalSorter(drivers).static_order():
        found[net] = 1 + max(found.get(source, 0) for source in drivers[net]) if net in drivers else 0
    return found


class _Maker:
    """Adds cells to a module."""

    def __init__(self, module: dict[str, Any]) -> None:
        self.cells = module["cells"]
        used = (bit for cell in self.cells.values() for bits in cell["connections"].values() for bit in bits)
        ports = (bit for port in module["ports"].values() for bit in port["bits"])
        self.free = 1 + max(bit for bits in (used, ports) for bit in bits if isinstance(bit, int))

    def add(self, kind: str, output: str, **pins: int | str) -> int:
        """A cell; the net that it drives."""
        net = self.free
        self.free += 1
        self.cells[f"self_gating_{net}"] = {
            "hide_name": 0, "type": kind, "parameters": {}, "attributes": {}, "port_directions": DIRECTIONS[kind],
            "connections": {**{pin: [source] for pin, source in pins.items()}, output: [net]},
        }  # fmt: skip
        return net

    def gate(self, group: list[dict[str, Any]], clock: int | str) -> None:
        """Give these flip-flops a clock of their own."""
        differ = [self.add("$_XOR_", "Y", A=_pin(cell, "D"), B=_pin(cell, "Q")) for cell in group]
        while len(differ) > 1:
            pairs = [differ[at : at + 2] for at in range(0, len(differ), 2)]
            differ = [self.add("$_OR_", "Y", A=pair[0], B=pair[1]) if len(pair) == 2 else pair[0] for pair in pairs]
        gated = self.add(CLOCK_GATE, "gated", enable=differ[0], clock=clock)
        for cell in group:
            cell["connections"]["C"] = [gated]


__all__ = ["gate_registers"]
