"""A component as the gates of an iCE40: what Yosys makes of it, as Verilog of the cells that the FPGA has."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from amaranth.back import rtlil
from amaranth.lib import wiring

from fpga import tools
from fpga.boards import BOARDS
from fpga.synthesis import ALL_IN_BLOCKS, PREPARE

CELL = "SB_"
"""Names of an iCE40's cells begin so."""


def netlist(component: wiring.Component, name: str) -> str:
    """The component after synthesis as for the iCEBreaker, with the behaviour of the cells, for Icarus.

    Raises `ToolMissing`; `RuntimeError` with the end of Yosys's output when synthesis fails.
    """
    synth = " ".join(("synth_ice40", *BOARDS["icebreaker"].synth, "-top", name))
    script = f"read_rtlil design.il\n{PREPARE}{ALL_IN_BLOCKS}{synth}\nopt_clean -purge\nwrite_verilog -noattr gates.v\n"
    with tempfile.TemporaryDirectory(prefix="gates-") as scratch:
        folder = Path(scratch)
        (folder / "design.il").write_text(rtlil.convert(component, name=name, emit_src=False), encoding="utf-8")
        (folder / "gates.ys").write_text(script, encoding="utf-8")
        done = subprocess.run(
            [tools.yosys(), "-q", "gates.ys"], cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
        if done.returncode:
            raise RuntimeError(f"yosys: {(done.stdout + done.stderr)[-500:]}")
        gates = (folder / "gates.v").read_text(encoding="utf-8")
    cells = tools.yosys_data("ice40/cells_sim.v").read_text(encoding="utf-8")
    return f"{gates}\n`define ICE40_U\n`define NO_ICE40_DEFAULT_ASSIGNMENTS\n{cells}"
