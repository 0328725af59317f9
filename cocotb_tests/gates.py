"""A component as the gates of an FPGA: what Yosys makes of it for a board, as Verilog of that FPGA's cells."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

from amaranth.back import rtlil
from amaranth.lib import wiring

from eqspike.base import tools
from eqspike.fpga.boards import BOARDS
from eqspike.fpga.synthesis import SOFT, SOFT_FILE, yosys_scripts

TOP = "top"
"""Name of the netlist's module: the boards' scripts know no other."""
DEFINES = {"ice40": "`define ICE40_U\n`define NO_ICE40_DEFAULT_ASSIGNMENTS\n", "ecp5": "`define NO_INCLUDES\n"}


def netlist(component: wiring.Component, board: str, lanes: int) -> str:
    """The component, with so many lanes in all banks, after synthesis as for a board, with the behaviour of the cells.

    Raises `ToolMissing`; `RuntimeError` with the end of Yosys's output when synthesis fails.
    """
    target = BOARDS[board]
    options, scripts = yosys_scripts(target.family, lanes)
    synth = " ".join((f"synth_{target.family}", *target.synth, *options, "-top", TOP))
    script = "\n".join(
        (
            "read_rtlil design.il", scripts["script_after_read"], synth, scripts.get("script_after_synth", ""),
            "opt_clean -purge", "write_verilog -noattr gates.v", "",
        )
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="gates-") as scratch:
        folder = Path(scratch)
        (folder / "design.il").write_text(rtlil.convert(component, name=TOP, emit_src=False), encoding="utf-8")
        (folder / SOFT_FILE).write_text(SOFT, encoding="utf-8")
        (folder / "gates.ys").write_text(script, encoding="utf-8")
        done = subprocess.run(
            [tools.yosys(), "-q", "gates.ys"], cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
        if done.returncode:
            raise RuntimeError(f"yosys: {(done.stdout + done.stderr)[-500:]}")
        gates = (folder / "gates.v").read_text(encoding="utf-8")
    return f"{gates}\n{DEFINES[target.family]}{_behaviour(target.family)}"


def _behaviour(family: str) -> str:
    """Yosys's models of the cells, with the files that they include in their places."""
    text = tools.yosys_data(f"{family}/cells_sim.v").read_text(encoding="utf-8")
    text = re.sub(
        r'^`include "(.*)"$',
        lambda found: tools.yosys_data(f"{family}/{found[1]}").read_text(encoding="utf-8"),
        text,
        flags=re.MULTILINE,
    )
    # Icarus takes no system task outside a process; these are for parameters that Yosys does not make.
    return re.sub(r"^\s*\$error\(.*\);$", "", text, flags=re.MULTILINE)
