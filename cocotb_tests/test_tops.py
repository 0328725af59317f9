"""Boards' tops as they are synthesised, from the clock pin on: PLL, what waits for its lock, LEDs and UART."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from amaranth.hdl import Elaboratable

from cocotb_tests import bench, networks
from eqspike.fpga.boards import BOARDS, Board, with_clock
from eqspike.fpga.framing import decode
from eqspike.fpga.selftest import SelfTest
from eqspike.fpga.tops import LinkTop, Top
from eqspike.rtl.link import protocol
from eqspike.rtl.link.link import SerialLink
from eqspike.sim import harness

CELLS = Path(__file__).with_name("vendor_cells.v")
CONFIG = networks.odd("7-5-3")
TOPS = {
    "icebreaker": BOARDS["icebreaker"],
    "icebreaker-21": with_clock(BOARDS["icebreaker"], 21),
    "ulx3s-12f": BOARDS["ulx3s-12f"],
    "ulx3s-85f": BOARDS["ulx3s-85f"],
    # A clock that no divider of the loop gives: the PLL's second output.
    "ulx3s-85f-40": with_clock(BOARDS["ulx3s-85f"], 40),
    "orangecrab": BOARDS["orangecrab"],
    "icesugar": BOARDS["icesugar"],
    "icesugar-pro": BOARDS["icesugar-pro"],
    "colorlight-i5": BOARDS["colorlight-i5"],
    "tang-nano-9k": BOARDS["tang-nano-9k"],
}

ALWAYS = ("icebreaker", "ulx3s-12f", "orangecrab", "tang-nano-9k")
"""One of each kind of clock and of each family."""
NAMES = [pytest.param(name, marks=() if name in ALWAYS else pytest.mark.soak) for name in TOPS]


def run(board: Board, top: Elaboratable, test: str, cells: str = "", **more: object) -> dict:
    """Generate the top for the board's platform, as for a bitstream, and simulate it among models of its cells."""
    files = board.platform().prepare(top, "top").files
    text = files["top.il"]
    verilog = harness.rtlil_to_verilog(text if isinstance(text, str) else text.decode())
    pins = re.search(r"^module top\((.*?)\);", verilog, re.DOTALL | re.MULTILINE).group(1).split(", ")
    leds = {
        name: next(pin for pin in pins if pin.startswith(f"{led}_{number}_") and (not colour or f"__{colour}__" in pin))
        for name, (led, number, colour) in board.leds.items()
        if test == "selftest" or name == "passed"
    }
    job = {
        "oscillator": board.oscillator,
        "clock_pin": next(pin for pin in pins if pin.startswith("clk")),
        "pll": bool(board.pll),
        "reset": board.family == "ice40",
        "leds": leds,
        "inverted": not board.name.startswith("ulx3s"),
        **{name: next((pin for pin in pins if f"__{name}__" in pin), "") for name in ("rx", "tx")},
        **more,
    }
    build = harness.Build(verilog + (cells or CELLS.read_text(encoding="utf-8")), "top", "icarus")
    with bench.plain_python():
        return build.run("cocotb_tests.sim_tops", job, testcase=test)


def check_clock(board: Board, seen: dict) -> None:
    """The domain has the board's clock, and not before the PLL has locked and what is to settle has settled."""
    assert seen["mhz"] == pytest.approx(board.clock, rel=1e-3)
    if board.pll:
        assert seen["clocks_before_lock"] > 20
        assert board.settle_us <= seen["settled_us"] < board.settle_us + 1
        if board.family == "ecp5":
            assert seen["clocks_let_through"] == 0


@pytest.mark.parametrize("name", NAMES)
def test_selftest(name: str) -> None:
    """It runs, and the first LED alone shines for passed."""
    board = TOPS[name]
    seen = run(board, Top(board, SelfTest(CONFIG, count=2, passes=1)), "selftest")
    check_clock(board, seen)
    assert not seen["during"].get("failed", False)
    assert seen["during"].get("running", True)
    assert seen["after"] == {name: name == "passed" for name in board.leds}


def test_a_gate_that_does_not_wait_is_seen() -> None:
    """The check of the clock is one that can fail."""
    cells = CELLS.read_text(encoding="utf-8").replace("CLKO = CLKI & enabled", "CLKO = CLKI")
    board = TOPS["ulx3s-12f"]
    seen = run(board, Top(board, SelfTest(CONFIG, count=1, passes=1)), "selftest", cells)
    with pytest.raises(AssertionError):
        check_clock(board, seen)


@pytest.mark.parametrize("name", ["icebreaker", "orangecrab"])
def test_selftest_that_fails(name: str) -> None:
    """The second LED alone shines when the signature is another."""
    board, test = TOPS[name], SelfTest(CONFIG, count=2, passes=1)
    test.plan = test.plan.with_wrong_signature()
    assert run(board, Top(board, test), "selftest")["after"] == {name: name == "failed" for name in board.leds}


@pytest.mark.parametrize("name", NAMES)
def test_link(name: str) -> None:
    """The board answers at the baud rate that a host would use; its LED shines while it has work."""
    board = TOPS[name]
    # A board whose clock is not its own needs a baud rate that divides it.
    divider = board.divider(board.baud) if board == BOARDS[board.name] else 12
    link = SerialLink(CONFIG, None, divider)
    seen = run(board, LinkTop(board, link), "link", baud=board.clock * 1e6 / link.divider)
    check_clock(board, seen)
    answer = decode(seen["answer"])
    assert (answer.number, answer.code) == (77, protocol.STATUS["ok"])
    assert answer.payload == protocol.identity(CONFIG, link.sizes)
    assert (seen["idle"], seen["busy"]) == ({"passed": False}, {"passed": True})
