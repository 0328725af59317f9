"""A netlist as Verilog of cells and macros, for the timing."""

from __future__ import annotations

import re

from eqspike.asic.netlist import Net, Netlist, NetlistProblem, Port

FORBIDDEN = re.compile(r"^\s*(?:input|output)\s+signed\b|^\s*assign\b[^;]*\{", re.MULTILINE)
"""What a reader of netlists stops at, and goes on as if nothing were missing: a signed port, a concatenation."""


def structural(netlist: Netlist, name: str = "core") -> str:
    """Instances of cells and macros, single wires, ports; raises `NetlistProblem` where a port is signed."""
    refuse_signed(netlist)
    shown = {port: p for port, p in netlist.ports.items() if p.nets}
    lines = [f"module {name}({', '.join(shown)});"]
    lines += [f"  {'output' if p.output else 'input'} {_range(p)}{port};" for port, p in shown.items()]
    names = Names(netlist)
    lines += [f"  wire n{net};" for net in names.own]
    for number, gate in enumerate(netlist.gates.values()):
        pins = ", ".join(f".{pin}({names(net)})" for pin, net in gate.pins.items())
        lines.append(f"  {gate.kind} g{number} ({pins});")
    for number, memory in enumerate(netlist.memories.values()):
        pins = [("clk", netlist.clock), *memory.inputs(), *((f"rd{i}", n) for i, n in enumerate(memory.read_data))]
        lines.append(f"  {memory.kind} m{number} ({', '.join(f'.{pin}({names(net)})' for pin, net in pins)});")
    lines += names.assigns()
    text = "\n".join([*lines, "endmodule", ""])
    refuse(text)
    return text


def refuse_signed(netlist: Netlist) -> None:
    """Raise `NetlistProblem` where a port is signed."""
    for name, port in netlist.ports.items():
        if port.signed:
            raise NetlistProblem(
                f"port {name}: is signed; the timing would stop reading there, and still print a slack"
            )


def refuse(text: str) -> None:
    """Raise `NetlistProblem` for what OpenSTA does not read in a netlist."""
    if found := FORBIDDEN.search(text):
        raise NetlistProblem(f"the netlist has {found[0].strip()!r}; the timing would stop reading there")


def _range(port: Port) -> str:
    return f"[{len(port.nets) - 1}:0] " if len(port.nets) > 1 else ""


class Names:
    """What each net is called: a constant, a bit of an input port, else n1, n2, ..."""

    def __init__(self, netlist: Netlist) -> None:
        self.names: dict[Net, str] = {"0": "1'b0", "1": "1'b1"}
        self.shown: list[tuple[str, Net]] = []
        """Bits of output ports, and their nets."""
        for name, port in netlist.ports.items():
            for bit, net in enumerate(port.nets):
                own = f"{name}[{bit}]" if len(port.nets) > 1 else name
                if port.output:
                    self.shown.append((own, net))
                else:
                    self.names[net] = own
        self.own = sorted({net for net in netlist.nets() if isinstance(net, int)} - set(self.names))
        self.names |= {net: f"n{net}" for net in self.own}

    def __call__(self, net: Net) -> str:
        return self.names[net]

    def assigns(self) -> list[str]:
        """What joins output ports to their nets."""
        return [f"  assign {own} = {self.names[net]};" for own, net in self.shown]


__all__ = ["Names", "refuse", "refuse_signed", "structural"]
