"""A netlist as Verilog for simulators: the function of each cell from the library, memories and flip-flops that begin
with random bits, the observer that makes the trace, and a record of what flip-flops, memories and inputs hold.

The module has the ports of the core, so that whatever drives and judges the core does so with its gates.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator

from eqspike.asic.library import Library, StandardCell
from eqspike.asic.netlist import CLOCK, CLOCK_GATE, Gate, Memory, Net, Netlist, NetlistProblem
from eqspike.asic.observer import PROBE
from eqspike.asic.verilog import Names, refuse_signed

RECORD = "activity.txt"
"""The file, in the folder where the simulator runs: a line a cycle, from the first pixel on, of the bits of `sources`,
in words of `WORD` bits in hexadecimal, the last one first."""
WORD = 64

MACRO = """module {kind} #(parameter [31:0] SEED = 1) (clk, re, we, ra, wa, wd, rd);
  input clk, re, we;
  input [{high}:0] ra, wa;
  input [{top}:0] wd;
  output reg [{top}:0] rd;
  reg [{top}:0] words [0:{last}];
  reg [31:0] state;
  reg [{top}:0] word;
  integer i, j;
  initial begin
    state = SEED;
    for (i = 0; i <= {last}; i = i + 1) begin
      for (j = 0; j <= {top}; j = j + 1) begin
        state = state ^ (state << 13);
        state = state ^ (state >> 17);
        state = state ^ (state << 5);
        word[j] = state[7];
      end
      words[i] = word;
    end
    rd = ~word;
  end
  always @(posedge clk) begin
    if (we) words[wa] <= wd;
    if (re) rd <= ra > {last} ? ~word : words[ra];
  end
endmodule
"""
"""A memory whose word that is read is the one before a write of the same cycle; beyond its words it gives anything."""


GATED = f"""module {CLOCK_GATE}(enable, clock, gated);
  input enable, clock;
  output gated;
  reg held;
  always @* if (!clock) held = enable;
  assign gated = clock & held;
endmodule
"""
"""A gated clock of the observer, which is not mapped."""


def sources(netlist: Netlist, library: Library) -> list[Net]:
    """What all other nets of a cycle follow from: inputs, what memories read, what flip-flops hold."""
    found: list[Net] = []
    for name, port in netlist.ports.items():
        if not port.output and name != CLOCK:
            found += port.nets
    for memory in netlist.memories.values():
        found += memory.read_data
    found += [gate.pins[library.cells[gate.kind].outputs[0]] for gate in netlist.flip_flops(library).values()]
    return list(dict.fromkeys(found))


def simulated(netlist: Netlist, library: Library, observer: str, seed: int, name: str = "core") -> str:
    """The Verilog. Raises `NetlistProblem` for a cell whose function is not known."""
    refuse_signed(netlist)
    draw = random.Random(seed)
    traced = _outputs(observer)
    own = {port: p for port, p in netlist.ports.items() if port != PROBE}
    lines = [f"module {name}({', '.join([*own, *traced])});"]
    lines += [f"  {'output' if p.output else 'input'} {_range(len(p.nets))}{port};" for port, p in own.items()]
    lines += [f"  output {_range(width)}{port};" for port, width in traced.items()]
    names = Names(netlist)
    state = {gate.pins[library.cells[gate.kind].outputs[0]] for gate in netlist.gates.values()
             if library.cells[gate.kind].state}  # fmt: skip
    lines += [f"  {'reg' if net in state else 'wire'} n{net};" for net in names.own]
    probes = netlist.ports[PROBE].nets if PROBE in netlist.ports else []
    if probes:
        lines.append(f"  wire {_range(len(probes))}{PROBE};")
    lines += [*_logic(netlist, library, names), *_state(netlist, library, names, draw)]
    lines += [line for line in names.assigns() if probes or PROBE not in line]
    for number, (label, memory) in enumerate(netlist.memories.items()):
        lines.append(_macro(f"m{number}", memory, names, draw, netlist.clock))
        lines[-1] += f" // {label}"
    if traced:
        inputs = [port for port, p in own.items() if not p.output]
        pins = ", ".join(f".{pin}({pin})" for pin in [*inputs, *([PROBE] if probes else []), *traced])
        lines.append(f"  observer observed ({pins});")
    lines += _record(netlist, library, names)
    macros = {m.kind: m for m in netlist.memories.values()}
    parts = ["\n".join([*lines, "endmodule", ""]), *map(_macro_module, macros.values()), observer]
    if f" {CLOCK_GATE} " in observer:
        parts.append(GATED)
    return "\n".join(parts)


def _range(width: int) -> str:
    return f"[{width - 1}:0] " if width > 1 else ""


def _outputs(observer: str) -> dict[str, int]:
    """Output ports of the observer, and their widths."""
    found = re.findall(r"^  output (?:\[(\d+):0\] )?(\S+);", observer, re.MULTILINE)
    return {name: int(high or 0) + 1 for high, name in found}


def _logic(netlist: Netlist, library: Library, names: Names) -> Iterator[str]:
    for label, gate in netlist.gates.items():
        cell = library.cells[gate.kind]
        if cell.state:
            continue
        values = {pin: names(gate.pins[pin]) for pin in cell.inputs}
        for pin in cell.outputs:
            function = cell.pins[pin].function
            if function is None:
                raise NetlistProblem(f"{label}: {cell.name}: the library does not say what {pin} is")
            if pin in gate.pins:
                yield f"  assign {names(gate.pins[pin])} = {function.verilog(values)};"


def _state(netlist: Netlist, library: Library, names: Names, draw: random.Random) -> Iterator[str]:
    """Flip-flops, by their clock, and latches."""
    by_clock: dict[str, list[tuple[Gate, StandardCell]]] = defaultdict(list)
    first = []
    for label, gate in netlist.gates.items():
        cell = library.cells[gate.kind]
        if not cell.state:
            continue
        if not cell.plain:
            raise NetlistProblem(f"{label}: {cell.name}: only flip-flops and latches without set and reset are known")
        target, source = names(gate.pins[cell.outputs[0]]), names(gate.pins[cell.data.name])
        first.append(f"    {target} = 1'b{draw.getrandbits(1)};")
        if cell.state == "latch":
            yield f"  always @* if ({names(gate.pins[cell.clock])}) {target} = {source};"
        else:
            by_clock[names(gate.pins[cell.clock])].append((gate, cell))
    for clock, flip_flops in by_clock.items():
        yield f"  always @(posedge {clock}) begin"
        for gate, cell in flip_flops:
            yield f"    {names(gate.pins[cell.outputs[0]])} <= {names(gate.pins[cell.data.name])};"
        yield "  end"
    yield from ["  initial begin", *first, "  end"]


def _macro(name: str, memory: Memory, names: Names, draw: random.Random, clock: Net) -> str:
    pins = [
        f".clk({names(clock)})", f".re({names(memory.read_enable)})", f".we({names(memory.write_enable)})",
        *(f".{bus}({{{', '.join(names(net) for net in reversed(memory.bus(bus)))}}})" for bus in ("ra", "wa", "wd")),
    ]  # fmt: skip
    read = ", ".join(names(net) for net in reversed(memory.read_data))
    return f"  {memory.kind} #(.SEED(32'd{draw.randrange(1, 1 << 32)})) {name} ({', '.join(pins)}, .rd({{{read}}}));"


def _macro_module(memory: Memory) -> str:
    return MACRO.format(
        kind=memory.kind, high=len(memory.read_address) - 1, top=memory.width - 1, last=memory.depth - 1
    )


def _record(netlist: Netlist, library: Library, names: Names) -> Iterator[str]:
    """A line a cycle. In words of `WORD` bits: Icarus takes the square of a concatenation's length."""
    bits = [names(net) for net in sources(netlist, library)]
    words = [bits[at : at + WORD] for at in range(0, len(bits), WORD)]
    yield from (
        "  integer record;",
        "  reg recording;",
        f'  initial begin record = $fopen("{RECORD}", "w"); recording = 1\'b0; end',
        f"  always @(posedge {CLOCK}) begin",
        "    if (images__valid) recording <= 1'b1;",
        "    if (recording | images__valid) begin",
        *(f'      $fwrite(record, "%h", {{{", ".join(reversed(word))}}});' for word in reversed(words)),
        '      $fwrite(record, "\\n");',
        "      $fflush(record);",
        "    end",
        "  end",
    )


__all__ = ["RECORD", "simulated", "sources"]
