"""The core after synthesis: the gates of an iCE40 do what the golden network does."""

from __future__ import annotations

import re
from collections import Counter

from cocotb_tests import harness, networks
from cocotb_tests.gates import netlist
from cocotb_tests.test_core import EPOCHS, MODES, compare
from rtl.core import Core

IMAGES = 3


def test_gates() -> None:
    """A small core as cells, three images, every state of every step."""
    config = networks.odd("7-5-3")
    text = netlist(Core(config), "core")
    module = text[text.index("module core(") : text.index("endmodule")]
    cells = Counter(re.findall(r"^  (\S+) ", module, re.MULTILINE))
    assert cells["SB_LUT4"] > 500
    assert cells["SB_RAM40_4K"] > 3
    # Nothing but cells and what joins them: no operator is left that a simulator could read otherwise.
    assert not re.search(r"^  (always|initial|reg)\b", module, re.MULTILINE)
    report = compare(config, "icarus", MODES[:IMAGES], EPOCHS[:IMAGES], build=harness.Build(text, "core", "icarus"))
    assert report["mismatches"] == 0, report["first_mismatch"]
    assert report["images"] == IMAGES
    assert report["compared"]["weights"] > 5000
