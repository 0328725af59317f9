"""Boards' pins as Amaranth's platforms: those of amaranth-boards, with what some lack or have wrong, and one more.

Each is imported when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from amaranth.build import Platform


def icebreaker() -> Platform:
    from amaranth_boards.icebreaker import ICEBreakerPlatform

    return ICEBreakerPlatform()


def icesugar() -> Platform:
    # Its LEDs shine at 0, which the resources say. Some boards of version 1.5 have green and blue exchanged
    # (github.com/wuxx/icesugar, issue 65): on them `passed` shines blue.
    from amaranth_boards.icesugar import ICESugarPlatform

    return ICESugarPlatform()


def ulx3s(size: str) -> Platform:
    from amaranth_boards import ulx3s as boards

    return getattr(boards, f"ULX3S_{size.upper()}_Platform")()


def orangecrab() -> Platform:
    from amaranth.build import Attrs
    from amaranth_boards.orangecrab_r0_2 import OrangeCrabR0_2_25FPlatform
    from amaranth_boards.resources import UARTResource

    platform = OrangeCrabR0_2_25FPlatform()
    # The board has no serial port of its own: pins 0 (to the board) and 1 (from it) of its connector.
    attributes = Attrs(IO_TYPE="LVCMOS33")
    platform.add_resources([UARTResource(0, rx="0", tx="1", conn=("io", 0), attrs=attributes)])
    return platform


def icesugar_pro() -> Platform:
    from amaranth.build import Attrs
    from amaranth_boards.icesugar_pro import ICESugarProPlatform
    from amaranth_boards.resources import RGBLEDResource

    class ICESugarPro(ICESugarProPlatform):
        # amaranth-boards 0.0.21 has the colours in another order, and shining at 1. The board's maker lists the pins
        # without colours; litex-boards (muselab_icesugar_pro) has these, and that they shine at 0, and so have users.
        resources = [
            *(resource for resource in ICESugarProPlatform.resources if resource.name != "rgb_led"),
            RGBLEDResource(0, r="B11", g="A11", b="A12", invert=True, attrs=Attrs(IO_TYPE="LVCMOS33")),
        ]

    return ICESugarPro()


def colorlight_i5() -> Platform:
    """The module on its extension board, whose USB serial port has the UART."""
    from amaranth.build import Attrs, Clock, Pins, Resource
    from amaranth.vendor import LatticeECP5Platform
    from amaranth_boards.resources import LEDResources, UARTResource

    attributes = Attrs(IO_TYPE="LVCMOS33")

    class ColorlightI5(LatticeECP5Platform):
        # Pins as the maker of the extension board lists them (github.com/wuxx/Colorlight-FPGA-Projects) and as
        # litex-boards has them (colorlight_i5, revision 7.0).
        device, package, speed = "LFE5U-25F", "BG381", "6"
        default_clk = "clk25"
        resources = [
            Resource("clk25", 0, Pins("P3", dir="i"), Clock(25e6), attributes),
            *LEDResources(pins="U16", invert=True, attrs=attributes),
            UARTResource(0, rx="H18", tx="J17", attrs=attributes),
        ]
        connectors = []

    return ColorlightI5()


def tang_nano_9k() -> Platform:
    from amaranth_boards.tang_nano_9k import TangNano9kPlatform

    return TangNano9kPlatform()


__all__ = ["colorlight_i5", "icebreaker", "icesugar", "icesugar_pro", "orangecrab", "tang_nano_9k", "ulx3s"]
