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

CELLS = {
    "icebreaker": {"SB_LUT4": 400, "SB_RAM40_4K": 3},
    # Memories so small are of lookup tables: its block RAMs have no model that comes with Yosys.
    "ulx3s-12f": {"LUT4": 400, "TRELLIS_FF": 200, "TRELLIS_DPR16X4": 10},
}
"""Board -> cells of its FPGA that there must be more of."""


@pytest.mark.parametrize(
    ("board", "simulator", "network", "images"),
    [
        ("icebreaker", "icarus", "5-3-2", 1),
        pytest.param("icebreaker", "icarus", "7-5-3", 2, marks=pytest.mark.soak),
        pytest.param("ulx3s-12f", "verilator", "7-5-3", 2, marks=pytest.mark.soak),
    ],
)
def test_gates(board: str, simulator: str, network: str, images: int) -> None:
    """A small core as cells, every state of every step. (The ECP5's models of its flip-flops and memories take Icarus
    for ever.)"""
    config = networks.odd(network)
    core = Core(config)
    text = netlist(core, board, core.lanes * core.banks)
    module = text[text.index(f"module {TOP}(") : text.index("endmodule")]
    cells = Counter(re.findall(r"^  (\S+) ", module, re.MULTILINE))
    for name, least in CELLS[board].items():
        assert cells[name] > least
    # Nothing but cells and what joins them: no operator is left that a simulator could read otherwise.
    assert not re.search(r"^  (always|initial|reg)\b", module, re.MULTILINE)
    assert not {"DP16KD", "PDPW16KD", "MULT18X18D"} & set(cells)
    report = compare(config, simulator, MODES[:images], EPOCHS[:images], build=harness.Build(text, TOP, simulator))
    assert report["mismatches"] == 0, report["first_mismatch"]
    assert report["images"] == images
    assert report["compared"]["weights"] > 1500 * images
