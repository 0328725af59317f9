"""A board's top level: its clock, and on its pins the self-test or the host link."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amaranth.hdl import ClockDomain, ClockSignal, Const, Elaboratable, Instance, Module, ResetSignal, Signal
from amaranth.lib import io
from amaranth.lib.cdc import FFSynchronizer

from eqspike.fpga.boards import Board

if TYPE_CHECKING:
    from amaranth.build import Platform

    from eqspike.fpga.selftest import SelfTest
    from eqspike.rtl.link.link import SerialLink


class Clock(Elaboratable):
    """Drives the domain `sync` through a PLL: its clock, or on an iCE40 the end of its reset, waits until the PLL has
    locked and memories are ready.

    An iCE40's block RAMs read as zero for some microseconds after configuration, hence `Board.settle_us`. On an ECP5,
    whose flip-flops come up with their initial values, the domain needs no reset: before its first clock edge nothing
    changes. A reset would have to reach 20,000 flip-flops of `mnist`, and to be combined with every local clear.
    """

    def __init__(self, board: Board) -> None:
        self.board = board

    def elaborate(self, platform: Platform) -> Module:
        m = Module()
        board = self.board
        pin = platform.request(platform.default_clk, dir="-")
        clock, locked = Signal(name="pll_clock"), Signal(name="pll_locked")
        if board.family == "ice40":
            widths = {"DIVR": 4, "DIVF": 7, "DIVQ": 3, "FILTER_RANGE": 3}
            m.submodules.pll = Instance(
                "SB_PLL40_PAD",
                p_FEEDBACK_PATH="SIMPLE",
                **{f"p_{name}": Const(value, widths[name]) for name, value in board.pll.items()},
                i_PACKAGEPIN=pin.io,
                i_RESETB=Const(1),
                i_BYPASS=Const(0),
                o_PLLOUTGLOBAL=clock,
                o_LOCK=locked,
            )
        else:
            loop, apart = clock, {}
            if "CLKOS_DIV" in board.pll:
                loop = Signal(name="pll_loop")
                apart = {"p_CLKOS_ENABLE": "ENABLED", "p_CLKOS_FPHASE": 0, "o_CLKOS": clock, "i_ENCLKOS": Const(0)}
            m.submodules.pll = Instance(
                "EHXPLLL",
                p_FEEDBK_PATH="CLKOP",
                p_CLKOP_ENABLE="ENABLED",
                p_CLKOP_FPHASE=0,
                **apart,
                **{f"p_{name}": value for name, value in board.pll.items()},
                i_CLKI=pin.io,
                i_CLKFB=loop,
                i_RST=Const(0),
                i_STDBY=Const(0),
                i_PHASESEL0=Const(0),
                i_PHASESEL1=Const(0),
                i_PHASEDIR=Const(0),
                i_PHASESTEP=Const(0),
                i_PHASELOADREG=Const(0),
                i_PLLWAKESYNC=Const(0),
                i_ENCLKOP=Const(0),
                o_CLKOP=loop,
                o_LOCK=locked,
            )
        platform.add_clock_constraint(clock, board.clock * 1e6)

        m.domains += ClockDomain("start", reset_less=True, local=True)
        m.d.comb += ClockSignal("start").eq(clock)
        cycles = int(board.settle_us * board.clock)
        timer, ready = Signal(range(cycles + 1)), Signal()
        # Flip-flops of `start` come up as 0.
        if cycles == 0:
            m.submodules.locked = FFSynchronizer(locked, ready, o_domain="start")
        else:
            with m.If(~locked):
                m.d.start += timer.eq(0)
            with m.Elif(timer != cycles):
                m.d.start += timer.eq(timer + 1)
            with m.Else():
                m.d.start += ready.eq(1)
        if board.family == "ice40":
            m.d.comb += [ClockSignal("sync").eq(clock), ResetSignal("sync").eq(~ready)]
        else:
            gated = Signal(name="gated_clock")
            m.submodules.gate = Instance("DCCA", i_CLKI=clock, i_CE=ready, o_CLKO=gated)
            m.d.comb += [ClockSignal("sync").eq(gated), ResetSignal("sync").eq(0)]
        return m


def led_ports(board: Board, platform: Platform) -> dict[str, io.PortLike]:
    """The ports of the board's LEDs by what they tell."""
    requested = {}
    for resource, number, colour in board.leds.values():
        if (resource, number) not in requested:
            parts = "-" if colour is None else dict.fromkeys("rgb", "-")
            requested[resource, number] = platform.request(resource, number, dir=parts)
    return {
        name: requested[resource, number] if colour is None else getattr(requested[resource, number], colour)
        for name, (resource, number, colour) in board.leds.items()
    }


class Top(Elaboratable):
    """The self-test on a board: while it runs its green (or first) LED blinks; then that one shines for passed, the
    red (or second) for failed."""

    def __init__(self, board: Board, selftest: SelfTest) -> None:
        self.board, self.selftest = board, selftest

    def elaborate(self, platform: Platform) -> Module:
        m = Module()
        test = self.selftest
        if self.board.pll:
            m.domains += ClockDomain("sync")
            m.submodules.clock = Clock(self.board)
        m.submodules.selftest = test
        shown = {"passed": test.passed | (test.running & test.beat), "failed": test.failed, "running": test.running}
        for name, port in led_ports(self.board, platform).items():
            m.submodules[f"led_{name}"] = led = io.Buffer("o", port)
            m.d.comb += led.o.eq(shown[name])
        return m


class LinkTop(Elaboratable):
    """The host link on a board's UART; its green (or first) LED shines while there is work."""

    def __init__(self, board: Board, link: SerialLink) -> None:
        self.board, self.link = board, link

    def elaborate(self, platform: Platform) -> Module:
        m = Module()
        if self.board.pll:
            m.domains += ClockDomain("sync")
            m.submodules.clock = Clock(self.board)
        m.submodules.link = link = self.link
        # Some boards' UARTs have more lines than are used here.
        lines = [line.name for line in platform.lookup("uart", 0).ios]
        pins = platform.request("uart", 0, dir=dict.fromkeys(lines, "-"))
        m.submodules.rx = rx = io.Buffer("i", pins.rx)
        m.submodules.tx = tx = io.Buffer("o", pins.tx)
        m.submodules.led = led = io.Buffer("o", led_ports(self.board, platform)["passed"])
        m.d.comb += [link.rx.eq(rx.i), tx.o.eq(link.tx), led.o.eq(link.busy)]
        return m


__all__ = ["Clock", "LinkTop", "Top", "led_ports"]
