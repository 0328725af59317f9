"""The boards' clocks: dividers of the PLL for a clock asked for."""

import pytest

from eqspike.fpga.boards import BOARDS, with_clock


def test_a_boards_own_clock_stays():
    board = BOARDS["ulx3s-85f"]
    assert with_clock(board, None) is board
    assert with_clock(board, board.clock) is board


@pytest.mark.parametrize("name", [name for name, board in BOARDS.items() if board.pll])
def test_a_boards_own_dividers_give_its_clock(name):
    board = BOARDS[name]
    assert _output(board) == board.clock


@pytest.mark.parametrize(
    ("name", "clock"),
    [("ulx3s-85f", 62.5), ("ulx3s-85f", 25), ("ulx3s-85f", 60), ("icebreaker", 30), ("icebreaker", 48)],
)
def test_dividers_give_the_clock(name, clock):
    board = with_clock(BOARDS[name], clock)
    assert board.clock == clock
    assert _output(board) == clock


def test_the_pll_of_an_ecp5_divides_apart_only_where_it_must():
    assert "CLKOS_DIV" not in with_clock(BOARDS["ulx3s-85f"], 62.5).pll
    assert "CLKOS_DIV" in with_clock(BOARDS["ulx3s-85f"], 60).pll


def test_another_clock_is_refused_with_the_next():
    with pytest.raises(ValueError, match=r"ulx3s-85f can run at [0-9., ]*\b60, [0-9., ]* MHz, not 60\.1"):
        with_clock(BOARDS["ulx3s-85f"], 60.1)


def _output(board):
    """MHz that the dividers give, after a look at the limits of the data sheets."""
    pll = board.pll
    if board.family == "ice40":
        vco = board.oscillator * (pll["DIVF"] + 1) / (pll["DIVR"] + 1)
        assert 533 <= vco <= 1066
        return vco / 2 ** pll["DIVQ"]
    assert board.oscillator / pll["CLKI_DIV"] >= 10
    loop = board.oscillator / pll["CLKI_DIV"] * pll["CLKFB_DIV"]
    vco = loop * pll["CLKOP_DIV"]
    assert 400 <= vco <= 800
    return vco / pll["CLKOS_DIV"] if "CLKOS_DIV" in pll else loop
