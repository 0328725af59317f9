"""From RTLIL to a mapped netlist: Yosys's scripts, and what is done between them."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass

from eqspike.asic.library import Library
from eqspike.asic.netlist import CLOCK_GATE, Netlist, from_yosys
from eqspike.asic.observer import split
from eqspike.asic.self_gating import gate_registers
from eqspike.asic.tools import Tools

PREPARE = """read_verilog -lib clock_gate.v
read_rtlil core.il
hierarchy -top core
proc -norom
flatten
opt_expr
opt_clean
opt{resets}
wreduce
peepopt
opt_clean
alumacc
share
opt{resets}
memory -nomap
memory_map -rom-only
opt_clean
setattr -unset init w:*
opt -full{resets}
techmap
opt -fast{resets}
simplemap
{gating}
opt -fast -nodffe -nosdff
opt_clean -purge
write_json prepared.json
"""
"""Down to single gates and flip-flops; memories stay whole, tables that are only read become logic. What a flip-flop
holds after configuration is forgotten: silicon has no configuration, and the reset does without. `resets`: "" where a
flip-flop's reset is kept apart from its logic; for gated clocks " -nosdff", since Yosys finds no enable behind a reset
that it took apart."""

BLACK_BOX = f"module {CLOCK_GATE}(input enable, input clock, output gated); endmodule\n"
UNGATED = "dfflegalize -cell $_DFF_P_ x"
GATED = f"""dfflegalize -cell $_DFF_P_ x -cell $_DFFE_PP_ x
opt -fast -nodffe -nosdff
opt_clean
clockgate -pos {CLOCK_GATE} enable:clock:gated -min_net_size {{least}}
{UNGATED}"""
"""Flip-flops that are written under the same condition get a clock of their own, which runs when it holds."""

MAP = """read_json split.json
dfflibmap -liberty {liberty}
abc -liberty {liberty} {unused} -script abc.script
opt_clean -purge
write_json mapped.json
"""
SHOW = "read_json observer.json\nopt_clean -purge\nwrite_verilog -noattr observer.v\n"

ABC = """strash
&get -n
&fraig -x
&put
scorr
dc2
dch -f
map -B 0.9
topo
buffer -c -N 16
upsize -D {ps}
dnsize -D {ps}
"""
"""Optimise, map, then buffers on nets of more than 16 sinks and gates as strong as their loads ask for. Without
`buffer`, digits takes 498 ns instead of 6."""
AIM_PS = 10_000
"""What abc sizes for; it goes below where it can."""


@dataclass(frozen=True)
class Mapped:
    """What synthesis gives."""

    netlist: Netlist
    observer: str
    """Verilog of module `observer` (`asic.observer`)."""


def prepare(tools: Tools, rtlil: str, least: int | None) -> None:
    """Write prepared.json; with `least`, clocks are gated for so many flip-flops or more."""
    (tools.folder / "core.il").write_text(rtlil, encoding="utf-8")
    (tools.folder / "clock_gate.v").write_text(BLACK_BOX, encoding="utf-8")
    gating = UNGATED if least is None else GATED.format(least=least)
    tools.yosys(PREPARE.format(gating=gating, resets="" if least is None else " -nosdff"), "prepare")


def map_cells(tools: Tools, library: Library, own: int | None = None) -> Mapped:
    """Take the trace out of prepared.json, map the rest; with `own`, registers of so many bits gate themselves."""
    folder = tools.folder
    modules = json.loads((folder / "prepared.json").read_text(encoding="utf-8"))["modules"]
    core, observer = split(modules["core"])
    if own is not None:
        gate_registers(core, own)
    (folder / "split.json").write_text(json.dumps({"modules": {"core": core}}), encoding="utf-8")
    (folder / "observer.json").write_text(json.dumps({"modules": {"observer": observer}}), encoding="utf-8")
    (folder / "abc.script").write_text(ABC.format(ps=AIM_PS), encoding="utf-8")
    # Yosys as WebAssembly sees its own folder, not every other.
    shutil.copyfile(library.path, folder / "cells.lib")
    unused = " ".join(f"-dont_use {cell.name}" for cell in library.cells.values() if not cell.state and not cell.plain)
    tools.yosys(MAP.format(liberty="cells.lib", unused=unused), "map")
    mapped = json.loads((folder / "mapped.json").read_text(encoding="utf-8"))["modules"]["core"]
    if not observer["cells"]:
        return Mapped(from_yosys(mapped, library), "")
    tools.yosys(SHOW, "observer")
    return Mapped(from_yosys(mapped, library), (folder / "observer.v").read_text(encoding="utf-8"))


__all__ = ["Mapped", "map_cells", "prepare"]
