"""Energy of a circuit of three cells, reckoned by hand, and the record that it follows from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eqspike.asic.activity import count, read_record
from eqspike.asic.energy import energy
from eqspike.asic.netlist import CLOCK_GATE, Gate, NetlistProblem, Port, from_yosys
from tests.asic import cells

CYCLES = 10


def toggled() -> dict[int, np.ndarray]:
    """What the flip-flop held in a run of ten cycles and one."""
    return {cells.HELD: np.arange(CYCLES + 1, dtype=np.uint8) % 2}


def test_by_hand(tmp_path: Path) -> None:
    """2 V: a change of 0.01 pF takes 0.02 pJ. Held and inverted change 10 times, the clock 20 times."""
    library, netlist = cells.simple(tmp_path), cells.toggler()
    activity = count(netlist, library, toggled(), 0, CYCLES)
    assert activity.toggles(cells.CLOCK) == 2 * CYCLES
    assert (activity.rises[cells.HELD], activity.falls[cells.INVERTED]) == (5, 5)
    found = energy(netlist, library, activity)
    assert found.parts == pytest.approx(
        {
            "clock pins": 10 * 0.1 + 10 * 0.2,
            "clock nets": 20 * 0.02 * 2,
            "flip-flops": 10 * 0.02 * 2 + 5 * 0.3 + 5 * 0.4,  # at its output an inverter and a buffer
            "logic": 10 * 0.01 * 2 + 5 * 0.05 + 5 * 0.07,
            "buffers": 5 * 0.06 + 5 * 0.08,  # a port is no load
        }
    )
    assert found.total == pytest.approx(3 + 0.8 + 3.9 + 0.8 + 0.7)


def test_wire(tmp_path: Path) -> None:
    """5 fF of wire at each of the four sinks that change: 20 of the clock, 10 of each of the others."""
    library, netlist = cells.simple(tmp_path), cells.toggler()
    activity = count(netlist, library, toggled(), 0, CYCLES)
    more = energy(netlist, library, activity, 0.005).total - energy(netlist, library, activity).total
    # The port is a sink, too, with its wire.
    assert more == pytest.approx((20 + 10 * 4) * 0.005 * 2)


def test_part_of_a_record(tmp_path: Path) -> None:
    """Only changes between the two cycles count."""
    activity = count(cells.toggler(), cells.simple(tmp_path), toggled(), 4, 6)
    assert (activity.cycles, activity.toggles(cells.HELD), activity.toggles(cells.CLOCK)) == (2, 2, 4)


def test_another_record_is_found(tmp_path: Path) -> None:
    """One bit that the netlist does not give."""
    given = toggled()
    given[cells.HELD][6] ^= 1
    with pytest.raises(NetlistProblem, match="state: cycle 5"):
        count(cells.toggler(), cells.simple(tmp_path), given, 0, CYCLES)


def test_gated_clock(tmp_path: Path) -> None:
    """A flip-flop whose clock an input stops: pulses are as many as the input allows, and its latch is the clock's."""
    library = cells.simple(tmp_path)
    module = {
        "ports": {
            "clk": {"direction": "input", "bits": [2]}, "on": {"direction": "input", "bits": [3]},
            "shown": {"direction": "output", "bits": [6]},
        },
        "cells": {
            "gate": {"type": CLOCK_GATE, "connections": {"enable": [3], "clock": [2], "gated": [4]}},
            "state": {"type": "DFF", "connections": {"CK": [4], "D": [5], "Q": [6]}},
            "inverter": {"type": "INV", "connections": {"A": [6], "Y": [5]}},
        },
    }  # fmt: skip
    netlist = from_yosys(module, library)
    assert netlist.kinds() == {"INV": 2, "LATCH": 1, "AND2": 1, "DFF": 1}
    on = np.array([1, 1, 0, 0, 0, 1, 0], np.uint8)
    held = np.array([0, 1, 0, 0, 0, 0, 1], np.uint8)
    activity = count(netlist, library, {3: on, 6: held}, 0, 6)
    assert (activity.toggles(2), activity.toggles(4), activity.toggles(6)) == (12, 6, 3)
    with pytest.raises(NetlistProblem, match="state: cycle 2"):
        count(netlist, library, {3: on, 6: np.array([0, 1, 0, 1, 1, 1, 0], np.uint8)}, 0, 6)
    assert energy(netlist, library, activity).parts["clock pins"] == pytest.approx(3 * 0.1 + 3 * 0.2)


def test_loop(tmp_path: Path) -> None:
    """Logic that feeds itself has no value."""
    netlist = cells.toggler()
    netlist.gates["inverter"] = Gate("AND2", {"A": cells.HELD, "B": cells.INVERTED, "Y": cells.INVERTED})
    with pytest.raises(NetlistProblem, match="loop"):
        count(netlist, cells.simple(tmp_path), toggled(), 0, CYCLES)


def test_record(tmp_path: Path) -> None:
    """Words of 64 bits, the last word first; a line that was cut is left out, an X is refused."""
    library, netlist = cells.simple(tmp_path), cells.toggler()
    netlist.ports["wide"] = Port(False, list(range(100, 170)))
    path = tmp_path / "activity.txt"
    # 71 bits: 7 in the first word written (the flip-flop's is the last), 64 in the second.
    path.write_text("40" + "0" * 15 + "1\n" + "01" + "8" + "0" * 15 + "\n" + "00000")
    found = read_record(path, netlist, library)
    assert found[cells.HELD].tolist() == [1, 0]
    assert found[100].tolist() == [1, 0]
    assert found[163].tolist() == [0, 1]
    assert found[164].tolist() == [0, 1]
    path.write_text("4x" + "0" * 16 + "\n")
    with pytest.raises(NetlistProblem, match="line 1"):
        read_record(path, netlist, library)
