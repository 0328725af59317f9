"""What a run took: each net's load and each cell's internal energy, as often as they switched.

A change of a net takes half its capacitance times the voltage squared; the energy inside a cell is that of the
library's tables, at the net's load. Parts: pins of clocks at flip-flops, the clock's nets with their buffers and gates,
what else flip-flops take, logic, and buffers. Of memories only the load of their inputs is counted.
"""

from __future__ import annotations

from dataclasses import dataclass

from eqspike.asic.activity import Activity
from eqspike.asic.library import Library, StandardCell
from eqspike.asic.netlist import Net, Netlist
from eqspike.asic.trees import clock_nets, loads

TRANSITION_NS = 0.1
"""Time in which every input is assumed to change."""
PARTS = ("clock pins", "clock nets", "flip-flops", "logic", "buffers")


@dataclass(frozen=True)
class Energy:
    """In pJ, by `PARTS`."""

    parts: dict[str, float]

    @property
    def total(self) -> float:
        """Of all parts."""
        return sum(self.parts.values())


def energy(netlist: Netlist, library: Library, activity: Activity, wire_pf: float = 0.0) -> Energy:
    """Energy of a run, with so much wire at each sink."""
    parts: dict[str, float] = dict.fromkeys(PARTS, 0.0)
    clocks = clock_nets(netlist, library)
    sinks = netlist.sinks(library)
    drivers = netlist.drivers(library)
    square = library.voltage**2

    def load(net: Net) -> float:
        return loads(netlist, library, sinks.get(net, []), wire_pf)

    for net in set(sinks) | set(drivers):
        if isinstance(net, str):
            continue
        part = "clock nets" if net in clocks else _part(netlist, library, drivers.get(net))
        parts[part] += activity.toggles(net) * load(net) * square / 2
    for name, gate in netlist.gates.items():
        cell = library.cells[gate.kind]
        for pin in cell.pins:
            if pin not in gate.pins:
                continue
            net = gate.pins[pin]
            used = _internal(cell, pin, activity, net, load(net) if cell.pins[pin].output else 0.0)
            if net in clocks:
                part = "clock pins" if cell.state == "ff" and pin == cell.clock else "clock nets"
            else:
                part = _part(netlist, library, (name, pin))
            parts[part] += used
    return Energy(parts)


def _part(netlist: Netlist, library: Library, driver: tuple[str, str] | None) -> str:
    """The part that a net, or a cell's pin, belongs to; what ports and memories drive is logic's."""
    if driver is None:
        return "logic"
    cell = library.cells[netlist.gates[driver[0]].kind]
    if cell.state == "latch":
        return "clock nets"
    return "flip-flops" if cell.state == "ff" else "buffers" if cell.is_buffer() else "logic"


def _internal(cell: StandardCell, pin: str, activity: Activity, net: Net, load: float) -> float:
    """Energy inside a cell for all changes of a pin: that of the pin itself, and the mean over the inputs that may have
    caused it."""
    own = [power for power in cell.pins[pin].powers if not power.related]
    related = [power for power in cell.pins[pin].powers if power.related]
    found = 0.0
    for powers, share in ((own, 1.0), (related, 1 / max(1, len(related)))):
        for power in powers:
            rise, fall = (table.at(load, TRANSITION_NS) for table in (power.rise, power.fall))
            found += share * (activity.rises.get(net, 0) * rise + activity.falls.get(net, 0) * fall)
    return found


__all__ = ["PARTS", "Energy", "energy"]
