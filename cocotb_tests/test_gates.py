"""The core after synthesis: the gates of an iCE40 and of an ECP5 do what the golden network does."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from cocotb_tests import networks
from cocotb_tests.gates import TOP, netlist
from cocotb_tests.test_core import EPOCHS, MODES, compare
from eqspike.rtl.core import Core
from eqspike.sim import harness

IMAGES = 2
CELLS = {
    "icebreaker": {"SB_LUT4": 500, "SB_RAM40_4K": 3},
    # Memories so small are of lookup tables: its block RAMs have no model that comes with Yosys.
    "ulx3s-12f": {"LUT4": 500, "TRELLIS_FF": 200, "TRELLIS_DPR16X4": 10},
}
"""Board -> cells of its FPGA that there must be more of."""


@pytest.mark.parametrize(
    ("board", "simulator"), [("icebreaker", "icarus"), pytest.param("ulx3s-12f", "verilator", marks=pytest.mark.soak)]
)
def test_gates(board: str, simulator: str) -> None:
    """A small core as cells, two images, every state of every step. (The ECP5's models of its flip-flops and memories
    take Icarus for ever.)"""
    config = networks.odd("7-5-3")
    core = Core(config)
    text = netlist(core, board, core.lanes * core.banks)
    module = text[text.index(f"module {TOP}(") : text.index("endmodule")]
    cells = Counter(re.findall(r"^  (\S+) ", module, re.MULTILINE))
    for name, least in CELLS[board].items():
        assert cells[name] > least
    # Nothing but cells and what joins them: no operator is left that a simulator could read otherwise.
    assert not re.search(r"^  (always|initial|reg)\b", module, re.MULTILINE)
    assert not {"DP16KD", "PDPW16KD", "MULT18X18D"} & set(cells)
    report = compare(config, simulator, MODES[:IMAGES], EPOCHS[:IMAGES], build=harness.Build(text, TOP, simulator))
    assert report["mismatches"] == 0, report["first_mismatch"]
    assert report["images"] == IMAGES
    assert report["compared"]["weights"] > 5000
