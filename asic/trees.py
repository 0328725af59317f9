"""Trees of buffers on nets with many sinks: what flip-flops, memories and ports drive, and the clock.

abc gives its own gates' nets buffers, but not those that come from outside the logic it sees: a control bit of all
lanes would drive hundreds of gates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from eqspike.asic.library import Library, StandardCell
from eqspike.asic.netlist import Gate, Net, Netlist, Sink

SINKS = 16
"""Of a net, at most."""
LOAD_PF = 0.2
"""Of a net, at most, unless one sink has more."""
CLOCK_LOAD_PF = 0.45
"""Of a net of the clock: 16 flip-flops."""
CLOCK_PREFIX, DATA_PREFIX = "clock_tree_", "tree_"
"""How the names of the buffers begin."""


def spread(netlist: Netlist, library: Library, rank: Callable[[Sink], float] = lambda _: 0.0) -> int:
    """Give every net that no gate of the logic drives, but the clocks, a tree; the number of buffers.

    Sinks of a high `rank` are left near the root.
    """
    clocks = clock_nets(netlist, library)
    drivers = netlist.drivers(library)
    made = 0
    for net, sinks in netlist.sinks(library).items():
        if isinstance(net, str) or net in clocks:
            continue
        if net in drivers and library.cells[netlist.gates[drivers[net][0]].kind].state is None:
            continue
        inner = [sink for sink in sinks if sink.owner != "port"]  # a port's load is outside
        made += _tree(netlist, library, library.buffer(), net, inner, LOAD_PF, f"{DATA_PREFIX}{net}_", rank)
    return made


def clock_tree(netlist: Netlist, library: Library) -> int:
    """Give every net of a clock its tree; the number of buffers."""
    buffer, sinks, made = library.clock_buffer(), netlist.sinks(library), 0
    for net in sorted(clock_nets(netlist, library), key=str):
        prefix = f"{CLOCK_PREFIX}{net}_"
        made += _tree(netlist, library, buffer, net, sinks.get(net, []), CLOCK_LOAD_PF, prefix, lambda _: 0.0)
    return made


def clock_nets(netlist: Netlist, library: Library) -> set[Net]:
    """The clock's net, and all that follow from it through gates up to the pins of flip-flops, latches and memories."""
    sinks = netlist.sinks(library)
    found: set[Net] = set()
    waiting: list[Net] = [netlist.clock]
    while waiting:
        net = waiting.pop()
        if net in found:
            continue
        found.add(net)
        for sink in sinks.get(net, ()):
            if sink.owner == "gate" and library.cells[netlist.gates[sink.name].kind].state is None:
                gate = netlist.gates[sink.name]
                waiting += [gate.pins[pin] for pin in library.cells[gate.kind].outputs if pin in gate.pins]
    return found


def _tree(
    netlist: Netlist, library: Library, buffer: StandardCell, net: Net, sinks: Sequence[Sink], limit: float,
    prefix: str, rank: Callable[[Sink], float],
) -> int:  # fmt: skip
    """Put buffers between `net` and its sinks until no net has more than `SINKS` or `limit`."""
    made = 0
    weight = buffer.pins[buffer.inputs[0]].capacitance
    loads = [(sink, load(netlist, library, sink), rank(sink)) for sink in sinks]
    while len(loads) > SINKS or (len(loads) > 1 and sum(item[1] for item in loads) > limit):
        # The most pressing sinks stay where they are, if they leave room for the buffers of the rest.
        ordered = sorted(loads, key=lambda item: item[2])
        groups, rest = _groups(ordered, limit)
        if len(groups) + len(rest) >= len(loads):
            break
        loads = list(rest)
        for group in groups:
            name = f"{prefix}{made}"
            out = netlist.fresh()
            netlist.gates[name] = Gate(buffer.name, {
                buffer.inputs[0]: net, buffer.outputs[0]: out
            })  # fmt: skip
            for sink, _, _ in group:
                netlist.move(sink, out)
            loads.append((Sink("gate", name, buffer.inputs[0]), weight, max(item[2] for item in group)))
            made += 1
    return made


def _groups(
    ordered: Sequence[tuple[Sink, float, float]], limit: float
) -> tuple[list[list[tuple[Sink, float, float]]], list[tuple[Sink, float, float]]]:
    """Sinks in groups within the limits, in their order; those that stay at the root."""
    groups: list[list[tuple[Sink, float, float]]] = [[]]
    filled = 0.0
    for item in ordered:
        if groups[-1] and (len(groups[-1]) == SINKS or filled + item[1] > limit):
            groups.append([])
            filled = 0.0
        groups[-1].append(item)
        filled += item[1]
    return [group for group in groups if len(group) > 1], [g[0] for g in groups if len(g) == 1]


def load(netlist: Netlist, library: Library, sink: Sink) -> float:
    """Capacitance of a sink, in pF; a port has none."""
    if sink.owner == "gate":
        return library.cells[netlist.gates[sink.name].kind].pins[sink.pin].capacitance
    return MEMORY_PIN_PF if sink.owner == "memory" else 0.0


MEMORY_PIN_PF = 0.01
"""Assumed of a macro's pin: about that of a flip-flop's."""


def loads(netlist: Netlist, library: Library, sinks: Iterable[Sink], wire_pf: float) -> float:
    """Load of a net: its sinks, and `wire_pf` of wire for each."""
    return sum(load(netlist, library, sink) + wire_pf for sink in sinks)


__all__ = ["MEMORY_PIN_PF", "clock_nets", "clock_tree", "load", "loads", "spread"]
