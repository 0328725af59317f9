"""What the flow refuses, trees of buffers, the observer, swapped gates, and the reports of the timing."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from eqspike.asic.netlist import Gate, NetlistProblem, from_yosys
from eqspike.asic.observer import split
from eqspike.asic.self_gating import gate_registers
from eqspike.asic.simulated import simulated, sources
from eqspike.asic.swap import swap_gate
from eqspike.asic.timing import Look, read_report, shortest, with_wire
from eqspike.asic.timing import Path as TimedPath
from eqspike.asic.tools import FlowFailed
from eqspike.asic.trees import SINKS, clock_tree, spread
from eqspike.asic.verilog import refuse, structural
from eqspike.base import tools
from tests.asic import cells


def test_structural() -> None:
    """Cells, wires, one assignment of a bit."""
    text = structural(cells.toggler())
    assert "DFF g0 (.CK(clk), .D(n4), .Q(n3));" in text
    assert "assign shown = n5;" in text


def test_signed_ports_are_refused() -> None:
    """OpenSTA would stop there, and still print a slack."""
    netlist = cells.toggler()
    netlist.ports["shown"].signed = True
    with pytest.raises(NetlistProblem, match="port shown: is signed"):
        structural(netlist)


@pytest.mark.parametrize("line", ["  output signed [3:0] a;", "  assign a = {b, c};", "assign {a, b} = c;"])
def test_what_the_timing_does_not_read(line: str) -> None:
    """In whatever text it gets."""
    with pytest.raises(NetlistProblem, match="stop reading"):
        refuse(f"module core(a);\n{line}\nendmodule\n")


def test_unmapped_cells_are_refused(tmp_path: Path) -> None:
    """A netlist with anything else than cells is not finished."""
    module = {"ports": {}, "cells": {"x": {"type": "$_AND_", "connections": {"A": [2], "B": [3], "Y": [4]}}}}
    with pytest.raises(NetlistProblem, match=r"x: \$_AND_ is no cell of simple"):
        from_yosys(module, cells.simple(tmp_path))


REPORT = """Startpoint: g1 (rising edge-triggered flip-flop clocked by clk)
Endpoint: g2 (rising edge-triggered flip-flop clocked by clk)
             4.5000   slack (MET)
Startpoint: g3 (rising edge-triggered flip-flop clocked by clk)
Endpoint: g4 (clock gating)
             3.2500   slack (MET)
-- to flip-flops
Startpoint: g1 (rising edge-triggered flip-flop clocked by clk)
Endpoint: g2 (rising edge-triggered flip-flop clocked by clk)
             4.5000   slack (MET)
flip-flops 2
"""


def test_report_of_the_timing() -> None:
    """The slowest of the groups' paths; an error fails, and so does a netlist that was read in part."""

    def failed(what: str) -> FlowFailed:
        return FlowFailed(what)

    assert read_report(REPORT, 2, failed) == ((3.25, "g3", "g4"), (4.5, "g1", "g2"))
    for text, number, message in (
        ("Error: core.v, line 1 syntax error\n" + REPORT, 2, "reports an error"),
        (REPORT, 3, "sees 2 registers of 3"),
        (REPORT.replace("flip-flops 2", ""), 2, "sees no registers"),
        ("flip-flops 2\n", 2, "no path"),
        (REPORT.replace("4.5000   slack (MET)", ""), 2, "no path"),
    ):
        with pytest.raises(FlowFailed, match=message):
            read_report(text, number, failed)


def slacks(edge_ns: float, latch_ns: float) -> Callable[[float], Look]:
    """A design whose slowest path to a flip-flop takes so long, and one into a latch, which may borrow, so long."""

    def look(period: float) -> Look:
        edge = TimedPath(period - edge_ns, "a", "b")
        return Look(min(edge, TimedPath(min(0.0, period - latch_ns), "c", "d")), edge)

    return look


@pytest.mark.parametrize(
    ("edge_ns", "latch_ns", "ns", "ends"),
    [(6.5, 4, 6.5, "b"), (12.5, 4, 12.5, "b"), (4, 6.5, 6.5, "d"), (4, 14, 14, "d")],
)
def test_shortest_period(edge_ns: float, latch_ns: float, ns: float, ends: str) -> None:
    """Whichever path is the slowest, and the latch's slack of 0 does not hide it."""
    found = shortest(slacks(edge_ns, latch_ns), 0)
    assert found.ns == pytest.approx(ns, abs=0.021)
    assert found.ends == ends


def test_wire_at_every_input() -> None:
    """5 fF more at each of the 13 inputs, none at outputs."""
    before, after = (
        re.findall(r"[^_]capacitance : ([\d.]+)", text) for text in (cells.TEXT, with_wire(cells.TEXT, 5, 0.01))
    )
    assert len(before) == 13
    assert [float(x) for x in after] == pytest.approx([float(x) + 0.5 for x in before])
    assert "max_capacitance : 20;" in with_wire(cells.TEXT, 5, 0.01)


def test_trees(tmp_path: Path) -> None:
    """No net of a flip-flop or the clock reaches more than its share; behind a tree all hear the same net."""
    library, netlist = cells.simple(tmp_path), cells.toggler()
    for number in range(300):
        netlist.gates[f"more_{number}"] = Gate("DFF", {"CK": cells.CLOCK, "D": cells.HELD, "Q": netlist.fresh()})
    made, clocks = spread(netlist, library), clock_tree(netlist, library)
    assert (made, clocks) == (sum(g.kind == "BUF" for g in netlist.gates.values()) - 1, netlist.kinds()["CLKBUF"])
    assert made >= 302 / SINKS
    assert clocks >= 301 / SINKS
    assert max(len(sinks) for sinks in netlist.sinks(library).values()) <= SINKS
    drivers = netlist.drivers(library)

    def root(net: int) -> int:
        while net in drivers and library.cells[netlist.gates[drivers[net][0]].kind].is_buffer():
            net = netlist.gates[drivers[net][0]].pins["A"]
        return net

    assert {root(gate.pins["CK"]) for gate in netlist.gates.values() if gate.kind == "DFF"} == {cells.CLOCK}
    ends = {root(gate.pins["D"]) for name, gate in netlist.gates.items() if name.startswith("more_")}
    assert ends == {cells.HELD}


def _gate(kind: str, output: str = "Y", **pins: int) -> dict:
    directions = {pin: "output" if pin == output else "input" for pin in pins}
    return {"type": kind, "port_directions": directions, "connections": {pin: [net] for pin, net in pins.items()}}


def test_observer() -> None:
    """Logic of the trace alone goes; what it reads of the rest is shown to it. Signs of ports go, too."""
    module = {
        "ports": {
            "clk": {"direction": "input", "bits": [2]}, "a": {"direction": "input", "bits": [3]},
            "y": {"direction": "output", "bits": [5], "signed": 1}, "trace__z": {"direction": "output", "bits": [6]},
        },
        "cells": {
            "kept": _gate("$_NOT_", A=3, Y=4), "state": _gate("$_DFF_P_", "Q", C=2, D=4, Q=5),
            "shown": _gate("$_AND_", A=4, B=3, Y=7), "traced": _gate("$_DFF_P_", "Q", C=2, D=7, Q=6),
        },
        "netnames": {"word": {"hide_name": 0, "bits": [5, 6], "attributes": {}}},
    }  # fmt: skip
    core, observer = split(module)
    assert set(core["cells"]) == {"kept", "state"}
    assert set(observer["cells"]) == {"shown", "traced"}
    assert core["ports"]["probe"] == {"direction": "output", "bits": [4]}
    assert observer["ports"]["probe"] == {"direction": "input", "bits": [4]}
    assert set(observer["ports"]) == {"clk", "a", "probe", "trace__z"}
    assert "signed" not in core["ports"]["y"]


def test_registers_that_gate_themselves() -> None:
    """Four bits that come from inputs by one gate each have one clock; those behind the deepest logic keep theirs."""
    named = {f"q{i}": _gate("$_DFF_P_", "Q", C=2, D=100 + i, Q=200 + i) for i in range(4)}
    chain = {f"n{i}": _gate("$_NOT_", A=100 + i if i == 0 else 300 + i, Y=301 + i) for i in range(20)}
    late = {f"s{i}": _gate("$_DFF_P_", "Q", C=2, D=320, Q=400 + i) for i in range(4)}
    module = {
        "ports": {"clk": {"direction": "input", "bits": [2]}},
        "cells": {**named, **chain, **late},
        "netnames": {
            "early": {"hide_name": 0, "bits": [200 + i for i in range(4)]},
            "late": {"hide_name": 0, "bits": [400 + i for i in range(4)]},
        },
    }
    assert gate_registers(module, 5) == 0
    assert gate_registers(module, 4) == 1
    kinds = [cell["type"] for cell in module["cells"].values()]
    assert (kinds.count("$_XOR_"), kinds.count("$_OR_"), kinds.count("clock_gate")) == (4, 3, 1)
    clocks = {name: module["cells"][name]["connections"]["C"] for name in (*named, *late)}
    assert all(clocks[name] == [2] for name in late)
    assert len({clocks[name][0] for name in named} - {2}) == 1


def test_small_registers_share_a_clock() -> None:
    """Of 16 + 2 and of 2 flip-flops: 16 for themselves, and the four that are left together."""
    named = {f"q{i}": _gate("$_DFF_P_", "Q", C=2, D=100 + i, Q=200 + i) for i in range(20)}
    deep = {f"n{i}": _gate("$_NOT_", A=300 + i, Y=301 + i) for i in range(20)}
    end = {"end": _gate("$_DFF_P_", "Q", C=2, D=320, Q=400)}
    names = {"wide": list(range(200, 218)), "narrow": [218, 219]}
    module = {
        "ports": {"clk": {"direction": "input", "bits": [2]}},
        "cells": {**named, **deep, **end},
        "netnames": {name: {"hide_name": 0, "bits": bits} for name, bits in names.items()},
    }
    assert gate_registers(module, 4) == 2
    clocks = [module["cells"][f"q{i}"]["connections"]["C"][0] for i in range(20)]
    # In the order of the registers' names: both bits of "narrow", then those of "wide".
    assert len(set(clocks[:16])) == 1
    assert len(set(clocks[16:])) == 1
    assert len({*clocks, 2}) == 3


def test_swap(tmp_path: Path) -> None:
    """A NAND becomes a NOR with the same nets where a flip-flop then takes another bit; one that nobody reads stays."""
    library, netlist = cells.simple(tmp_path), cells.toggler()
    given = {cells.HELD: np.arange(8, dtype=np.uint8) % 2}
    with pytest.raises(NetlistProblem, match="nothing to swap"):
        swap_gate(netlist, library, given, 0)
    netlist.gates["unread"] = Gate("NAND2", {"A": cells.HELD, "B": cells.INVERTED, "Y": 7})
    with pytest.raises(NetlistProblem, match="nothing to swap"):
        swap_gate(netlist, library, given, 0)
    assert netlist.gates["unread"].kind == "NAND2"
    netlist.gates["inverter"] = Gate("NAND2", {"A": cells.HELD, "B": "1", "Y": cells.INVERTED})
    assert swap_gate(netlist, library, given, 0) == "NOR2 in the place of NAND2 inverter"
    assert netlist.gates["inverter"] == Gate("NOR2", {"A": cells.HELD, "B": "1", "Y": cells.INVERTED})


def test_simulated(tmp_path: Path) -> None:
    """Functions of the library, and a first bit that follows from the seed."""
    library, netlist = cells.simple(tmp_path), cells.toggler()
    texts = [simulated(netlist, library, "", seed) for seed in range(8)]
    assert "assign n4 = ~n3;" in texts[0]
    assert {re.search(r"n3 = 1'b([01]);", text)[1] for text in texts} == {"0", "1"}
    assert sources(netlist, library) == [cells.HELD]


@pytest.mark.parametrize(
    ("find", "package"), [(tools.opensta, "opensta"), (tools.graywolf, "graywolf"), (tools.qrouter, "qrouter")]
)
def test_missing_tools(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, find, package: str) -> None:
    """One line with the package."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(tools.ToolMissing, match=f"not found: apt-get install {package}$"):
        find()


def test_missing_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One line with the package and the option."""
    monkeypatch.setattr(tools, "QFLOW", tmp_path)
    with pytest.raises(tools.ToolMissing, match="apt-get install qflow-tech-osu018, or --liberty FILE"):
        tools.qflow_file("osu018_stdcells.lib")
