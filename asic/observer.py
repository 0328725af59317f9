"""Takes the logic that only the core's trace needs out of its netlist, before it is mapped.

The trace shows a simulator every change of state; silicon would not have it. What remains is mapped, measured and
checked; the observer stays as it is and reads, in a simulator, the nets of what was mapped: those that it needs are the
output `probe`. So the gates that are counted are the gates that are compared.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

PREFIX = "trace__"
"""How the names of the trace's ports begin."""
PROBE = "probe"
"""Output of the core, input of the observer."""


def split(module: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(the core without its trace, the observer), of a module of Yosys's JSON in which all cells have directions.

    The observer has the core's inputs, `probe` and the trace's outputs; of what has no trace it is empty.
    """
    cells, ports = module["cells"], module["ports"]
    kept = _needed(cells, [p["bits"] for n, p in ports.items() if p["direction"] == "output" and not _trace(n)])
    shown = _needed(cells, [p["bits"] for n, p in ports.items() if _trace(n)]) - kept
    inputs = {name: port for name, port in ports.items() if port["direction"] == "input"}
    given = {bit for port in inputs.values() for bit in port["bits"]}
    made = {bit for name in shown for bit in _bits(cells[name], "output")}
    read = {bit for name in shown for bit in _bits(cells[name], "input")}
    read |= {bit for name, port in ports.items() if _trace(name) for bit in port["bits"]}
    probes = sorted(bit for bit in read - made - given if isinstance(bit, int))
    own = {name: port for name, port in ports.items() if not _trace(name)}
    traced = {name: port for name, port in ports.items() if _trace(name)}
    probe = {PROBE: {"bits": probes}} if probes else {}
    given_out = {name: {**port, "direction": "output"} for name, port in probe.items()}
    given_in = {name: {**port, "direction": "input"} for name, port in probe.items()}
    return _module(module, kept, own | given_out), _module(module, shown, inputs | given_in | traced)


def _trace(name: str) -> bool:
    return name.startswith(PREFIX)


def _bits(cell: dict[str, Any], direction: str) -> list[int | str]:
    directions = cell["port_directions"]
    return [bit for pin, bits in cell["connections"].items() if directions[pin] == direction for bit in bits]


def _needed(cells: dict[str, Any], outputs: list[list[int | str]]) -> set[str]:
    """All cells that these bits follow from, through flip-flops and memories too."""
    drivers: dict[int | str, list[str]] = defaultdict(list)
    for name, cell in cells.items():
        for bit in _bits(cell, "output"):
            drivers[bit].append(name)
    found: set[str] = set()
    waiting = [bit for bits in outputs for bit in bits]
    while waiting:
        for name in drivers.get(waiting.pop(), ()):
            if name not in found:
                found.add(name)
                waiting += _bits(cells[name], "input")
    return found


def _module(module: dict[str, Any], names: set[str], ports: dict[str, Any]) -> dict[str, Any]:
    """Part of a module. No port is signed: Verilog's readers that know no numbers stumble over the word."""
    plain = {name: {"direction": port["direction"], "bits": port["bits"]} for name, port in ports.items()}
    cells = {name: cell for name, cell in module["cells"].items() if name in names}
    used = {bit for cell in cells.values() for bits in cell["connections"].values() for bit in bits}
    named = {name: entry for name, entry in module["netnames"].items() if not used.isdisjoint(entry["bits"])}
    shown = {name: {"hide_name": 0, "bits": port["bits"], "attributes": {}} for name, port in plain.items()}
    others = {
        name: {"hide_name": entry["hide_name"], "bits": entry["bits"], "attributes": {}}
        for name, entry in named.items()
        if name not in module["ports"]
    }
    return {"attributes": {"top": "1"}, "ports": plain, "cells": cells, "netnames": shown | others}


__all__ = ["PREFIX", "PROBE", "split"]
