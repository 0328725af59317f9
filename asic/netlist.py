"""A mapped core: standard cells, macros of memory, and the nets between their pins.

A net is a number; "0" and "1" are constants. Every net is of one bit.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from eqspike.asic.library import Library
from eqspike.base.errors import CommandError

Net = int | str

CLOCK = "clk"
"""The port of the clock of everything."""


CLOCK_GATE = "clock_gate"
"""What Yosys calls a gated clock: pins `enable`, `clock`, `gated`."""


class NetlistProblem(CommandError):
    """A netlist that cannot be what this flow needs; one line."""


@dataclass
class Gate:
    """A standard cell."""

    kind: str
    pins: dict[str, Net]


@dataclass
class Memory:
    """A macro with one synchronous read port and one write port, on `CLOCK`."""

    width: int
    depth: int
    read_enable: Net
    read_address: list[Net]
    read_data: list[Net]
    write_enable: Net
    write_address: list[Net]
    write_data: list[Net]

    @property
    def kind(self) -> str:
        """Name of the macro: the same for all memories of that size."""
        return f"memory_{self.depth}x{self.width}"

    @property
    def bits(self) -> int:
        """What it holds."""
        return self.width * self.depth

    def inputs(self) -> Iterator[tuple[str, Net]]:
        """(pin, net), without the clock."""
        yield "re", self.read_enable
        yield "we", self.write_enable
        for name in ("ra", "wa", "wd"):
            yield from ((f"{name}{i}", net) for i, net in enumerate(self.bus(name)))

    def bus(self, name: str) -> list[Net]:
        """Nets of "ra", "wa", "wd" or "rd"."""
        return {"ra": self.read_address, "wa": self.write_address, "wd": self.write_data, "rd": self.read_data}[name]


@dataclass
class Port:
    """A port of the core."""

    output: bool
    nets: list[Net]
    signed: bool = False


class Sink(NamedTuple):
    """Who reads a net: `owner` is "gate", "memory" or "port", `name` which one, `pin` where; of a port its bit."""

    owner: str
    name: str
    pin: str


@dataclass
class Netlist:
    """The core."""

    ports: dict[str, Port] = field(default_factory=dict)
    gates: dict[str, Gate] = field(default_factory=dict)
    memories: dict[str, Memory] = field(default_factory=dict)
    free: int = 0
    """The first number that is no net."""

    def fresh(self) -> int:
        """A net that is not there yet."""
        self.free += 1
        return self.free - 1

    def nets(self) -> Iterator[Net]:
        """Every net, as often as something is joined to it."""
        for gate in self.gates.values():
            yield from gate.pins.values()
        for port in self.ports.values():
            yield from port.nets
        for memory in self.memories.values():
            yield from memory.read_data
            yield from (net for _, net in memory.inputs())

    @property
    def clock(self) -> Net:
        """The net of the clock's port."""
        return self.ports[CLOCK].nets[0]

    def sinks(self, library: Library) -> dict[Net, list[Sink]]:
        """Who reads each net; but for the clock pins of memories, which hang on the clock's port."""
        found: dict[Net, list[Sink]] = defaultdict(list)
        for name, gate in self.gates.items():
            for pin in library.cells[gate.kind].inputs:
                found[gate.pins[pin]].append(Sink("gate", name, pin))
        for name, memory in self.memories.items():
            for pin, net in memory.inputs():
                found[net].append(Sink("memory", name, pin))
        for name, port in self.ports.items():
            if port.output:
                for bit, net in enumerate(port.nets):
                    found[net].append(Sink("port", name, str(bit)))
        return found

    def drivers(self, library: Library) -> dict[Net, tuple[str, str]]:
        """(gate, pin) of each net that a standard cell drives. Raises `NetlistProblem` where two do."""
        found: dict[Net, tuple[str, str]] = {}
        for name, gate in self.gates.items():
            for pin in library.cells[gate.kind].outputs:
                if pin in gate.pins:
                    if gate.pins[pin] in found:
                        raise NetlistProblem(f"net {gate.pins[pin]}: {name} and {found[gate.pins[pin]][0]} drive it")
                    found[gate.pins[pin]] = (name, pin)
        return found

    def move(self, sink: Sink, net: Net) -> None:
        """Let a sink read another net."""
        if sink.owner == "gate":
            self.gates[sink.name].pins[sink.pin] = net
        elif sink.owner == "port":
            self.ports[sink.name].nets[int(sink.pin)] = net
        elif sink.pin in ("re", "we"):
            setattr(self.memories[sink.name], {"re": "read_enable", "we": "write_enable"}[sink.pin], net)
        else:
            self.memories[sink.name].bus(sink.pin[:2])[int(sink.pin[2:])] = net

    def kinds(self) -> Counter[str]:
        """How many there are of each standard cell."""
        return Counter(gate.kind for gate in self.gates.values())

    def flip_flops(self, library: Library) -> dict[str, Gate]:
        """Those of the gates that are flip-flops."""
        return {name: gate for name, gate in self.gates.items() if library.cells[gate.kind].state == "ff"}


def from_yosys(module: Mapping[str, Any], library: Library) -> Netlist:
    """The netlist of a module of Yosys's JSON.

    Raises `NetlistProblem` for what is no standard cell and no memory of one read and one write port.
    """
    netlist = Netlist()
    used = (bit for cell in module["cells"].values() for bits in cell["connections"].values() for bit in bits)
    netlist.free = 1 + max((bit for bit in used if isinstance(bit, int)), default=1)
    for name, port in module["ports"].items():
        netlist.ports[name] = Port(port["direction"] == "output", _nets(port["bits"]), bool(port.get("signed")))
    for name, cell in module["cells"].items():
        kind, pins = cell["type"], cell["connections"]
        if kind == "$mem_v2":
            netlist.memories[name] = _memory(name, cell)
        elif kind == CLOCK_GATE:
            _gate_clock(netlist, library, name, {pin: _nets(bits)[0] for pin, bits in pins.items()})
        elif kind in library.cells:
            netlist.gates[name] = Gate(kind, {pin: _nets(bits)[0] for pin, bits in pins.items()})
        else:
            raise NetlistProblem(f"{name}: {kind} is no cell of {library.name}: the mapping is not complete")
    return netlist


def _gate_clock(netlist: Netlist, library: Library, name: str, pins: dict[str, Net]) -> None:
    """A latch that is open while the clock is low, so that the enable stands while it is high, and an AND."""
    inverter, latch, both = library.gate("not", 1), library.latch(), library.gate("and", 2)
    # One inverter for all.
    shared = netlist.gates.get("clock_low")
    if shared is None:
        shared = Gate(inverter.name, {inverter.inputs[0]: pins["clock"], inverter.outputs[0]: netlist.fresh()})
        netlist.gates["clock_low"] = shared
    low, held = shared.pins[inverter.outputs[0]], netlist.fresh()
    netlist.gates[f"{name}_held"] = Gate(
        latch.name, {latch.clock: low, latch.data.name: pins["enable"], latch.outputs[0]: held}
    )  # fmt: skip
    first, second = both.inputs
    netlist.gates[f"{name}_gate"] = Gate(
        both.name, {first: pins["clock"], second: held, both.outputs[0]: pins["gated"]}
    )  # fmt: skip


def _nets(bits: list[int | str]) -> list[Net]:
    return [bit if isinstance(bit, int) else "1" if bit == "1" else "0" for bit in bits]


def _memory(name: str, cell: Mapping[str, Any]) -> Memory:
    number = {key: int(value, 2) for key, value in cell["parameters"].items() if set(value) <= {"0", "1"}}
    nets = {key: _nets(bits) for key, bits in cell["connections"].items()}
    enables = set(nets["WR_EN"])
    right = {
        "RD_PORTS": 1, "WR_PORTS": 1, "RD_CLK_ENABLE": 1, "WR_CLK_ENABLE": 1, "RD_CLK_POLARITY": 1,
        "WR_CLK_POLARITY": 1, "RD_TRANSPARENCY_MASK": 0, "OFFSET": 0,
    }  # fmt: skip
    wrong = [f"{key} {number.get(key)}" for key, value in right.items() if number.get(key) != value]
    if wrong or len(enables) != 1 or nets["RD_ARST"] != ["0"] or nets["RD_SRST"] != ["0"]:
        raise NetlistProblem(
            f"memory {name}: {', '.join(wrong) or 'parts of a word, or a reset'}: a macro has one read port, one write "
            "port of whole words, on one rising clock"
        )
    return Memory(
        width=number["WIDTH"], depth=number["SIZE"], read_enable=nets["RD_EN"][0], read_address=nets["RD_ADDR"],
        read_data=nets["RD_DATA"], write_enable=enables.pop(), write_address=nets["WR_ADDR"],
        write_data=nets["WR_DATA"],
    )  # fmt: skip


__all__ = ["CLOCK", "CLOCK_GATE", "Gate", "Memory", "Net", "Netlist", "NetlistProblem", "Port", "Sink", "from_yosys"]
