"""How often each net switches in a recorded run.

A simulator's record holds, cycle by cycle, what all else follows from: inputs, flip-flops, what memories read. Each net
is then one array of bits, a bit a cycle, and a gate is one operation on arrays: a run of thousands of cycles takes a
second. What flip-flops hold next is compared with the record, so a netlist that is not the one that ran is found.

Nets change once a cycle, when everything has settled: glitches are not counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import numpy as np

from eqspike.asic.library import Library
from eqspike.asic.netlist import Net, Netlist, NetlistProblem
from eqspike.asic.simulated import WORD, sources
from eqspike.asic.trees import clock_nets


@dataclass(frozen=True)
class Activity:
    """`rises[net]` and `falls[net]` in `cycles` cycles; nets of clocks too."""

    cycles: int
    rises: Mapping[Net, int]
    falls: Mapping[Net, int]

    def toggles(self, net: Net) -> int:
        """How often it changed; a constant never does."""
        return self.rises.get(net, 0) + self.falls.get(net, 0)


def read_record(path: Path, netlist: Netlist, library: Library) -> dict[Net, np.ndarray]:
    """Bits of each source, a cycle a bit. Raises `NetlistProblem` for bits that are neither 0 nor 1."""
    nets = sources(netlist, library)
    widths = [min(WORD, len(nets) - at) for at in range(0, len(nets), WORD)]
    digits = [-(-width // 4) for width in reversed(widths)]
    text = path.read_bytes()
    lines = len(text) // (sum(digits) + 1)
    table = np.frombuffer(text, np.uint8, lines * (sum(digits) + 1)).reshape(lines, -1)[:, :-1]
    values = np.full(256, 255, np.uint8)
    for number, digit in enumerate(b"0123456789abcdef"):
        values[digit] = number
    numbers = values[table]
    if (numbers > 15).any():
        raise NetlistProblem(f"{path.name}: line {int((numbers > 15).any(1).argmax()) + 1}: has bits without a value")
    found, column = {}, 0
    for word, count in zip(reversed(range(len(widths))), digits, strict=True):
        for bit in range(widths[word]):
            digit = numbers[:, column + count - 1 - bit // 4]
            found[nets[word * WORD + bit]] = (digit >> bit % 4 & 1).astype(np.uint8)
        column += count
    return found


def settle(netlist: Netlist, library: Library, given: Mapping[Net, np.ndarray]) -> dict[Net, np.ndarray]:
    """All nets but those of clocks, of a whole run, a cycle a bit of `numpy.packbits`.

    Raises `NetlistProblem` where logic has a loop, or a net no driver.
    """
    cycles = len(next(iter(given.values())))
    packed = {net: np.packbits(bits) for net, bits in given.items()}
    packed |= {"0": np.zeros(-(-cycles // 8), np.uint8), "1": np.full(-(-cycles // 8), 255, np.uint8)}
    clocks = clock_nets(netlist, library)
    functions = {}
    drivers = netlist.drivers(library)
    order: TopologicalSorter[Net] = TopologicalSorter()
    for net, (name, pin) in drivers.items():
        gate = netlist.gates[name]
        cell = library.cells[gate.kind]
        if net in packed or net in clocks or cell.state == "ff":
            continue
        # A latch of a gated clock is open in the second half of the period, and shows its input by the end.
        function = cell.data if cell.state == "latch" else cell.pins[pin].function
        pins = sorted(function.pins())
        key = (gate.kind, pin)
        if key not in functions:
            functions[key] = (function.compiled(), pins)
        order.add(net, *(gate.pins[p] for p in pins))
    try:
        for net in order.static_order():
            if net in packed:
                continue
            if net not in drivers:
                raise NetlistProblem(f"net {net}: nothing drives it")
            name, pin = drivers[net]
            gate = netlist.gates[name]
            function, pins = functions[gate.kind, pin]
            packed[net] = function(**{p: packed[gate.pins[p]] for p in pins})
    except CycleError as error:
        raise NetlistProblem(f"logic has a loop through nets {error.args[1][:5]}") from None
    return packed


def enables(netlist: Netlist, library: Library, packed: Mapping[Net, np.ndarray]) -> dict[Net, np.ndarray]:
    """For each net of a clock, the cycles at whose end it has a pulse; packed, as `settle` gives them."""
    drivers = netlist.drivers(library)
    found: dict[Net, np.ndarray] = {netlist.clock: packed["1"]}

    def pulses(net: Net) -> np.ndarray:
        if net not in found:
            gate = netlist.gates[drivers[net][0]]
            inputs = [gate.pins[pin] for pin in library.cells[gate.kind].inputs]
            # A gate of the clock: an AND, a buffer, or the inverter before a latch.
            own = packed["1"]
            for source in inputs:
                own = own & (pulses(source) if source in clocks else packed[source])
            found[net] = own
        return found[net]

    clocks = clock_nets(netlist, library)
    for net in clocks:
        pulses(net)
    return found


def check(
    netlist: Netlist, library: Library, packed: Mapping[Net, np.ndarray], pulses: Mapping[Net, np.ndarray], cycles: int
) -> None:
    """Raise `NetlistProblem` where a flip-flop did not take what its input says."""
    for name, gate in netlist.flip_flops(library).items():
        cell = library.cells[gate.kind]
        held, given = packed[gate.pins[cell.outputs[0]]], packed[gate.pins[cell.data.name]]
        clock = pulses[gate.pins[cell.clock]]
        taken = np.unpackbits(given & clock | held & ~clock, count=cycles)[:-1]
        after = np.unpackbits(held, count=cycles)[1:]
        if (taken != after).any():
            cycle = int((taken != after).argmax())
            raise NetlistProblem(f"{name}: cycle {cycle}: the record has another bit than the netlist gives")


def count(netlist: Netlist, library: Library, given: Mapping[Net, np.ndarray], first: int, last: int) -> Activity:
    """Changes of every net from cycle `first` to cycle `last` of a record."""
    cycles = len(next(iter(given.values())))
    packed = settle(netlist, library, given)
    pulses = enables(netlist, library, packed)
    check(netlist, library, packed, pulses, cycles)
    rises, falls = {}, {}
    for net, row in packed.items():
        bits = np.unpackbits(row, count=cycles)[first : last + 1]
        rises[net] = int(np.count_nonzero(bits[1:] > bits[:-1]))
        falls[net] = int(np.count_nonzero(bits[1:] < bits[:-1]))
    for net, row in pulses.items():
        rises[net] = falls[net] = int(np.unpackbits(row, count=cycles)[first:last].sum())
    return Activity(last - first, rises, falls)


__all__ = ["Activity", "check", "count", "enables", "read_record", "settle"]
