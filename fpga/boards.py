"""Boards: device totals, tool options, clock plans, LEDs and UARTs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from eqspike.base.errors import UsageProblem
from eqspike.base.suggest import did_you_mean
from eqspike.fpga import platforms

if TYPE_CHECKING:
    from amaranth.build import Platform


BAUD = 2_000_000
"""Of the host link, unless a build or a command says otherwise."""
MAX_BAUD = 3_000_000
BAUD_ERROR = 0.01
"""How far the baud rate may be off for want of a whole number of cycles a bit; the line's ends may add their own."""


@dataclass(frozen=True, kw_only=True)
class Board:
    """What a build needs to know of a board."""

    name: str
    title: str
    family: str
    """As `base.tools` knows it: ice40, ecp5 or gowin."""
    platform: Callable[[], Platform]
    oscillator: float
    """MHz at the pin."""
    clock: float
    """MHz of the domain `sync`, through a PLL where it is not the oscillator's."""
    pll: dict[str, int]
    """The PLL's dividers (parameters of the family's primitive); empty: no PLL."""
    synth: tuple[str, ...]
    """Options of Yosys's synth_FAMILY."""
    nextpnr: tuple[str, ...]
    """Options that tell nextpnr device, package and router."""
    packer: tuple[str, ...] = ()
    """Options that tell the bitstream's packer the device, where the routed design does not."""
    totals: dict[str, int]
    """Resource -> how many the device has."""
    cells: dict[str, tuple[str, ...]]
    """Resource -> nextpnr's names of it, which are added up: those after the first take the places of the first. A
    resource without one is counted in the netlist."""
    bitstream: str
    """Suffix of the bitstream."""
    leds: dict[str, tuple[str, int, str | None]]
    """passed and, where there is a second and a third LED, failed and running -> resource of the board, its number and,
    of an LED of several colours, the colour. `passed` shines while the host link has work."""
    loader: tuple[str, ...]
    """The command that puts a bitstream onto the board, without the file."""
    like: str | None = None
    """A board with the same chip, whose settings in a config (`boards`) hold for this one, too."""
    settle_us: int = 15
    """Microseconds from the PLL's lock until the clock, or on an iCE40 the end of its reset, reaches the design."""
    baud: int = BAUD
    """Of the host link, unless a build says otherwise."""

    def divider(self, baud: int) -> int:
        """Clock cycles a bit. Raises ValueError where they are too few, or not near enough to a whole number."""
        cycles = self.clock * 1e6 / baud
        if baud > MAX_BAUD or cycles < 7.5:
            raise ValueError(f"{baud} baud is too fast for {self.name}; at most {MAX_BAUD}, and 8 clock cycles a bit")
        if abs(cycles / round(cycles) - 1) > BAUD_ERROR:
            near = round(self.clock * 1e6 / round(cycles))
            raise ValueError(f"{baud} baud does not divide the clock of {self.name}, {self.clock:g} MHz; {near} does")
        return round(cycles)


ECP5_CELLS = {"lut": ("TRELLIS_COMB",), "ff": ("TRELLIS_FF",), "bram": ("DP16KD",), "dsp": ("MULT18X18D",)}
ECP5 = {
    "12f": {"lut": 24288, "ff": 24288, "bram": 56, "dsp": 28},
    "25f": {"lut": 24288, "ff": 24288, "bram": 56, "dsp": 28},
    "45f": {"lut": 43848, "ff": 43848, "bram": 108, "dsp": 72},
    "85f": {"lut": 83640, "ff": 83640, "bram": 208, "dsp": 156},
}
"""Size -> what nextpnr finds in it; a 12F is the die of a 25F, whole for the open tools."""


def _ecp5(
    size: str,
    *,
    name: str,
    title: str,
    platform: Callable[[], Platform],
    package: str,
    leds: dict[str, tuple[str, int, str | None]],
    loader: tuple[str, ...],
) -> Board:
    """A board with an ECP5 of that size, of the slowest grade, and an oscillator of 25 MHz."""
    return Board(
        name=name,
        title=f"{title} (ECP5 LFE5U-{size.upper()})",
        family="ecp5",
        platform=platform,
        oscillator=25.0,
        clock=50.0,
        # 25 MHz * 2; VCO 50 MHz * 12 = 600 MHz.
        pll={"CLKI_DIV": 1, "CLKFB_DIV": 2, "CLKOP_DIV": 12, "CLKOP_CPHASE": 5},
        synth=(),
        nextpnr=(f"--{size[:2]}k", "--package", package, "--speed", "6", "--router", "router2"),
        totals=ECP5[size],
        cells=ECP5_CELLS,
        bitstream="bit",
        leds=leds,
        loader=loader,
        # With a counter on it, nextpnr makes the PLL's clock a global net, and on the small die finds no way from such
        # a net to the gate of `tops.Clock`.
        settle_us=15 if ECP5[size]["lut"] > 30_000 else 0,
    )


def _ulx3s(size: str) -> Board:
    """The ULX3S with an ECP5 of that size."""
    return _ecp5(
        size,
        name=f"ulx3s-{size}",
        title=f"ULX3S-{size.upper()}",
        platform=partial(platforms.ulx3s, size),
        package="CABGA381",
        leds={"passed": ("led", 0, None), "failed": ("led", 1, None), "running": ("led", 2, None)},
        loader=("openFPGALoader", "-b", "ulx3s"),
    )


ICEBREAKER = Board(
    name="icebreaker",
    title="iCEBreaker (iCE40 UP5K)",
    family="ice40",
    platform=platforms.icebreaker,
    oscillator=12.0,
    clock=24.0,
    # VCO 12 MHz * 64 = 768 MHz, divided by 2^5.
    pll={"DIVR": 0, "DIVF": 63, "DIVQ": 5, "FILTER_RANGE": 1},
    synth=("-device", "u"),
    # nextpnr's own choice, router1, may rip up the same wires for ever on a chip so full.
    nextpnr=("--up5k", "--package", "sg48", "--router", "router2"),
    totals={"lc": 5280, "ff": 5280, "bram": 30, "dsp": 8},
    cells={"lc": ("ICESTORM_LC",), "bram": ("ICESTORM_RAM",), "dsp": ("ICESTORM_DSP",)},
    bitstream="bin",
    leds={"passed": ("led_g", 0, None), "failed": ("led_r", 0, None)},
    loader=("openFPGALoader", "-b", "ice40_generic"),
)

BOARDS = {
    board.name: board
    for board in (
        ICEBREAKER,
        replace(
            ICEBREAKER,
            name="icesugar",
            title="iCESugar (iCE40 UP5K)",
            platform=platforms.icesugar,
            leds={"passed": ("led_g", 0, None), "failed": ("led_r", 0, None), "running": ("led_b", 0, None)},
            loader=("icesprog",),
            like="icebreaker",
        ),
        *map(_ulx3s, ECP5),
        Board(
            name="orangecrab",
            title="OrangeCrab r0.2 (ECP5 LFE5U-25F)",
            family="ecp5",
            platform=platforms.orangecrab,
            oscillator=48.0,
            clock=48.0,
            pll={},
            synth=(),
            nextpnr=("--25k", "--package", "CSFBGA285", "--speed", "8", "--router", "router2"),
            totals=ECP5["25f"],
            cells=ECP5_CELLS,
            bitstream="bit",
            leds={"passed": ("rgb_led", 0, "g"), "failed": ("rgb_led", 0, "r"), "running": ("rgb_led", 0, "b")},
            loader=("openFPGALoader", "-b", "orangeCrab"),
        ),
        _ecp5(
            "25f",
            name="icesugar-pro",
            title="iCESugar-pro",
            platform=platforms.icesugar_pro,
            package="CABGA256",
            leds={"passed": ("rgb_led", 0, "g"), "failed": ("rgb_led", 0, "r"), "running": ("rgb_led", 0, "b")},
            loader=("icesprog",),
        ),
        _ecp5(
            "25f",
            name="colorlight-i5",
            title="Colorlight i5",
            platform=platforms.colorlight_i5,
            package="CABGA381",
            leds={"passed": ("led", 0, None)},
            loader=("openFPGALoader", "-b", "colorlight-i5"),
        ),
        Board(
            name="tang-nano-9k",
            title="Tang Nano 9K (Gowin GW1NR-9C)",
            family="gowin",
            platform=platforms.tang_nano_9k,
            oscillator=27.0,
            clock=27.0,
            pll={},
            synth=(),
            nextpnr=("--device", "GW1NR-LV9QN88PC6/I5", "--vopt", "family=GW1N-9C", "--freq", "27"),
            packer=("-d", "GW1N-9C", "--sspi_as_gpio", "--mspi_as_gpio"),
            totals={"lut": 8640, "ff": 6480, "ram": 270, "bram": 26, "dsp": 20},
            # A carry takes the place of a lookup table; a small memory (ram) that of eight, which nextpnr adds to them
            # while it packs.
            cells={
                "lut": ("LUT4", "ALU"),
                "ff": ("DFF",),
                "ram": ("RAM16SDP4",),
                "bram": ("BSRAM",),
                "dsp": ("MULT18X18",),
            },
            bitstream="fs",
            leds={"passed": ("led", 0, None), "failed": ("led", 1, None), "running": ("led", 2, None)},
            loader=("openFPGALoader", "-b", "tangnano9k"),
            # 2 Mbaud would be 13.5 cycles a bit.
            baud=1_000_000,
        ),
    )
}


def known_board(name: str) -> Board:
    """The board of that name. Raises `UsageProblem`."""
    if name not in BOARDS:
        raise UsageProblem(f"board {name!r} is not known; allowed: {', '.join(BOARDS)}{did_you_mean(name, BOARDS)}")
    return BOARDS[name]


def with_clock(board: Board, clock: float | None) -> Board:
    """The board with its domain `sync` at `clock` MHz. Raises `ValueError` with what the PLL could give instead."""
    if clock is None or clock == board.clock:
        return board
    if board.family == "gowin":
        raise ValueError(f"{board.name} runs at {board.clock:g} MHz, its oscillator's, not {clock:g}")
    found: dict[float, dict[str, int]] = {}
    if board.family == "ice40":
        # VCO = pin * (DIVF + 1) / (DIVR + 1), 533 to 1066 MHz; DIVQ halves it.
        for divf in range(128):
            for divq in range(1, 7):
                vco = board.oscillator * (divf + 1)
                if 533 <= vco <= 1066:
                    found.setdefault(vco / 2**divq, {**board.pll, "DIVF": divf, "DIVQ": divq})
    else:
        # VCO = output * CLKOP_DIV, 400 to 800 MHz; the phase detector wants at least 10 MHz.
        for clki in (1, 2):
            for clkfb in range(1, 33):
                out = board.oscillator / clki * clkfb
                div = next((d for d in range(128, 0, -1) if 400 <= out * d <= 800), None)
                if div is not None:
                    pll = {"CLKI_DIV": clki, "CLKFB_DIV": clkfb, "CLKOP_DIV": div, "CLKOP_CPHASE": div // 2 - 1}
                    found.setdefault(out, {**board.pll, **pll})
        # Any other: CLKOP, at the pin's frequency, only closes the loop, and CLKOS divides the VCO by itself.
        for div in range(1, 129):
            vco = board.oscillator * div
            if 400 <= vco <= 800:
                loop = {"CLKI_DIV": 1, "CLKFB_DIV": 1, "CLKOP_DIV": div, "CLKOP_CPHASE": div // 2 - 1}
                for own in range(1, 129):
                    pll = {**loop, "CLKOS_DIV": own, "CLKOS_CPHASE": max(0, own // 2 - 1)}
                    found.setdefault(vco / own, {**board.pll, **pll})
    if clock not in found:
        near = sorted(found, key=lambda mhz: abs(mhz - clock))[:3]
        raise ValueError(f"{board.name} can run at {', '.join(f'{mhz:g}' for mhz in sorted(near))} MHz, not {clock:g}")
    return replace(board, clock=clock, pll=found[clock])


__all__ = ["BAUD", "BOARDS", "Board", "known_board", "with_clock"]
