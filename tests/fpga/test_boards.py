"""The boards' clocks: dividers of the PLL for a clock asked for."""

import pytest

from eqspike.fpga.boards import BOARDS, with_clock
from eqspike.fpga.settings import settings_for, settings_key
from eqspike.fpga.tops import led_ports


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


def test_a_board_without_a_pll_has_the_clock_of_its_oscillator():
    board = BOARDS["tang-nano-9k"]
    assert with_clock(board, 27) is board
    with pytest.raises(ValueError, match="tang-nano-9k runs at 27 MHz, its oscillator's, not 30"):
        with_clock(board, 30)


@pytest.mark.parametrize("name", [name for name, board in BOARDS.items() if board.like])
def test_a_board_like_another_has_its_chip(name):
    """What was found to fit the one, at its clock, fits the other: the same tools with the same options."""
    board = BOARDS[name]
    other = BOARDS[board.like]
    for field in ("family", "oscillator", "clock", "pll", "synth", "nextpnr", "totals", "cells", "settle_us"):
        assert getattr(board, field) == getattr(other, field), field


def _leds(name):
    """(passed, failed) of the board as it names its pins -> the pin and whether it shines at 0."""
    board = BOARDS[name]
    platform = board.platform()
    ports = led_ports(board, platform)
    return {what: (port.io.metadata[0].name, port.invert[0]) for what, port in ports.items()}


@pytest.mark.parametrize(
    ("name", "pins", "low"),
    [("icesugar", {"passed": "41", "failed": "40", "running": "39"}, True),
     ("icesugar-pro", {"passed": "A11", "failed": "B11", "running": "A12"}, True),
     ("colorlight-i5", {"passed": "U16"}, True),
     ("tang-nano-9k", {"passed": "10", "failed": "11", "running": "13"}, True),
     ("ulx3s-85f", {"passed": "B2", "failed": "C2", "running": "C1"}, False)],
)  # fmt: skip
def test_leds(name, pins, low):
    """The pins of LEDs, and whether they shine at 0."""
    assert _leds(name) == {what: (pin, low) for what, pin in pins.items()}


@pytest.mark.parametrize(
    ("name", "to_board", "from_board"),
    [("icesugar", "4", "6"), ("icesugar-pro", "A9", "B9"), ("colorlight-i5", "H18", "J17"),
     ("tang-nano-9k", "18", "17")],
)  # fmt: skip
def test_uart(name, to_board, from_board):
    platform = BOARDS[name].platform()
    pins = platform.request("uart", 0, dir={"rx": "-", "tx": "-"})
    assert (pins.rx.io.metadata[0].name, pins.tx.io.metadata[0].name) == (to_board, from_board)


def test_a_board_like_another_takes_its_settings(make_config):
    config = make_config(hardware={"lanes": 5}, boards={"icebreaker": {"lanes": 2}})
    lanes = {name: settings_for(config, name).lanes for name in ("icebreaker", "icesugar", "orangecrab")}
    assert lanes == {"icebreaker": 2, "icesugar": 2, "orangecrab": 5}
    assert settings_for(config, None).lanes == settings_for(config, "no board of the table").lanes == 5
    own = make_config(hardware={"lanes": 5}, boards={"icebreaker": {"lanes": 2}, "icesugar": {"lanes": 3}})
    assert settings_for(own, "icesugar").lanes == 3
    keys = [settings_key(c, "icesugar") for c in (config, own, make_config())]
    assert keys == ["boards.icebreaker", "boards.icesugar", "hardware"]


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
