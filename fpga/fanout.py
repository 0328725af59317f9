"""Copies drivers of nets that reach too many cells, in the netlist of an ECP5 between Yosys and nextpnr.

A control signal of the lanes reaches thousands of cells all over the chip. nextpnr copies no drivers, and every sink
makes the wires of a net slower: 15 of the 22 ns of `mnist`'s longest path were one such net. Here a flip-flop or lookup
table with more than `limit` sinks becomes several with the same inputs, each for sinks that belong together: cells are
clustered along nets of few sinks, which gathers a lane's.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

LIMIT = 32
"""Sinks that a driver keeps: about those of three lanes. With 128, `mnist` came out slower."""
LOCAL = 16
"""Nets of at most so many cells tie their cells together."""
CLUSTERS = (4096, 512, 64)
"""Cells a cluster, from large ones to small ones within them."""
DRIVERS = {"LUT4": "Z", "TRELLIS_FF": "Q"}
"""Cell that may be copied -> its output."""
FIXED = {"CLK", "WCK", "CLKA", "CLKB", "ALUT", "BLUT", "D0", "D1", "CIN", "RSTA", "RSTB", "LOCK", "RST"}
"""Inputs that stay with the first driver: clocks, and wires within a slice."""
GLOBAL = 10_000
"""A net of so many sinks is the reset, which has time enough."""


def spread(netlist: dict[str, Any], limit: int = LIMIT) -> int:
    """Copy drivers in the module `top` of Yosys's JSON, in place, until none has more than `limit` sinks of those that
    can be moved. Returns how many copies were made."""
    module = netlist["modules"]["top"]
    cells = module["cells"]
    drivers, sinks = _nets(cells)
    place = _clusters(cells, drivers, sinks)
    bits = (bit for cell in cells.values() for bits in cell["connections"].values() for bit in bits)
    free = 1 + max((bit for bit in bits if isinstance(bit, int)), default=1)
    made = 0
    # Copying a lookup table adds sinks to its inputs, so what drives it may have its turn again.
    while crowded := [bit for bit, reached in sinks.items() if bit in drivers and limit < len(reached) < GLOBAL]:
        for bit in crowded:
            name = drivers[bit]
            movable = sorted(sinks[bit], key=lambda sink: (place[sink[0]], sink))
            pieces = -(-len(movable) // limit)
            sinks[bit] = movable[: len(movable) // pieces]
            for piece in range(1, pieces):
                begin, end = (len(movable) * at // pieces for at in (piece, piece + 1))
                copy = f"{name}$copy{free}"
                cells[copy] = {**cells[name], "connections": dict(cells[name]["connections"])}
                cells[copy]["connections"][DRIVERS[cells[name]["type"]]] = [free]
                module["netnames"][f"{copy}$q"] = {"hide_name": 1, "bits": [free], "attributes": {}}
                place[copy] = place[movable[begin][0]]
                for cell, port, index in movable[begin:end]:
                    connections = cells[cell]["connections"]
                    connections[port] = [*connections[port][:index], free, *connections[port][index + 1 :]]
                for port, bits in cells[copy]["connections"].items():
                    if cells[copy]["port_directions"][port] == "input" and port not in FIXED:
                        for index, source in enumerate(bits):
                            if isinstance(source, int):
                                sinks[source].append((copy, port, index))
                drivers[free], sinks[free] = copy, movable[begin:end]
                free += 1
                made += 1
    return made


def _nets(cells: dict[str, Any]) -> tuple[dict[int, str], dict[int, list[tuple[str, str, int]]]]:
    """Drivers that may be copied, by the bit that they drive; and the sinks (cell, port, index) that may be moved."""
    drivers: dict[int, str] = {}
    sinks: dict[int, list[tuple[str, str, int]]] = defaultdict(list)
    for name, cell in cells.items():
        output = DRIVERS.get(cell["type"])
        for port, bits in cell["connections"].items():
            if port == output:
                drivers[bits[0]] = name
            elif cell["port_directions"][port] == "input" and port not in FIXED:
                for index, bit in enumerate(bits):
                    if isinstance(bit, int):
                        sinks[bit].append((name, port, index))
    return drivers, sinks


def _clusters(
    cells: dict[str, Any], drivers: dict[int, str], sinks: dict[int, list[tuple[str, str, int]]]
) -> dict[str, tuple[int, ...]]:
    """Cell -> its clusters, from the largest to the smallest."""
    number = {name: at for at, name in enumerate(cells)}
    nets = [
        sorted({number[name] for name, _, _ in reached} | ({number[drivers[bit]]} if bit in drivers else set()))
        for bit, reached in sinks.items()
        if len(reached) <= LOCAL
    ]
    nets.sort(key=lambda net: (len(net), net))
    parent, size = list(range(len(cells))), [1] * len(cells)

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = at = parent[parent[at]]
        return at

    found = []
    for cap in reversed(CLUSTERS):
        for net in nets:
            for other in net[1:]:
                a, b = root(net[0]), root(other)
                if a != b and size[a] + size[b] <= cap:
                    parent[b] = a
                    size[a] += size[b]
        found.append([root(at) for at in range(len(cells))])
    return {name: tuple(level[at] for level in reversed(found)) for name, at in number.items()}
