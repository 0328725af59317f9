"""Builds: reports are read rightly, what cannot be built says so in one line, a small network becomes a bitstream."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from eqspike.base import tools
from eqspike.base.errors import UsageProblem
from eqspike.fpga import build, report, synthesis
from eqspike.fpga.boards import BOARDS
from eqspike.fpga.build import Around, run_build, run_synthesis
from eqspike.fpga.workshop import BuildFailed, Workshop
from eqspike.golden.config import Config
from eqspike.golden.validation import ConfigError

ICE40, ECP5, GOWIN = BOARDS["icebreaker"], BOARDS["ulx3s-85f"], BOARDS["tang-nano-9k"]

try:
    GOWIN_TOOLS = bool(tools.nextpnr("gowin") and tools.packer("gowin"))
except tools.ToolMissing:
    GOWIN_TOOLS = False

ICE40_REPORT = {
    "fmax": {"pll_clock_$glb_clk": {"achieved": 31.414, "constraint": 24.0}},
    "utilization": {
        "ICESTORM_LC": {"available": 5280, "used": 4948},
        "ICESTORM_RAM": {"available": 30, "used": 30},
        "ICESTORM_DSP": {"available": 8, "used": 0},
        "SB_IO": {"available": 39, "used": 3},
    },
}
ECP5_REPORT = {
    "fmax": {
        "$glbnet$top.clock.pll_clock": {"achieved": 94.561, "constraint": 50.0},
        "$glbnet$slow": {"achieved": 20.0, "constraint": 25.0},
    },
    "utilization": {
        "TRELLIS_COMB": {"available": 83640, "used": 14248},
        "TRELLIS_FF": {"available": 83640, "used": 7877},
        "DP16KD": {"available": 208, "used": 13},
        "MULT18X18D": {"available": 156, "used": 2},
    },
}
GOWIN_REPORT = {
    "fmax": {"cd_sync.clk": {"achieved": 85.543, "constraint": 27}},
    "utilization": {
        "ALU": {"available": 6480, "used": 954},
        "BSRAM": {"available": 26, "used": 3},
        "DFF": {"available": 6480, "used": 1666},
        "LUT4": {"available": 8640, "used": 2010},
        "MULT18X18": {"available": 20, "used": 0},
        "RAM16SDP4": {"available": 270, "used": 44},
    },
}


def netlist(**cells: str) -> dict:
    """A netlist as Yosys writes it: name -> type."""
    ports = {"port_directions": {}, "connections": {}}
    return {"modules": {"top": {"cells": {name: {"type": kind, **ports} for name, kind in cells.items()}}}}


def test_resources_of_an_ice40() -> None:
    found = report.resources(ICE40, ICE40_REPORT, Counter(ff=2434))
    assert found == {
        "lc": {"used": 4948, "total": 5280},
        "ff": {"used": 2434, "total": 5280},
        "bram": {"used": 30, "total": 30},
        "dsp": {"used": 0, "total": 8},
    }
    assert report.too_much(found) == []
    found["lc"]["used"] = 5281
    assert report.too_much(found) == ["5281 of 5280 lc"]


def test_resources_of_an_ecp5() -> None:
    found = report.resources(ECP5, ECP5_REPORT, Counter())
    assert {name: entry["used"] for name, entry in found.items()} == {"lut": 14248, "ff": 7877, "bram": 13, "dsp": 2}
    assert {name: entry["total"] for name, entry in found.items()} == ECP5.totals


def test_resources_of_a_gowin() -> None:
    """Carries stand where lookup tables would."""
    found = report.resources(GOWIN, GOWIN_REPORT, Counter())
    used = {name: entry["used"] for name, entry in found.items()}
    assert used == {"lut": 2010 + 954, "ff": 1666, "ram": 44, "bram": 3, "dsp": 0}
    cells = "LUT1 LUT4 ALU DFF DFFRE DFFSE RAM16SDP4 SDPX9B DPX9B SDPB pROM MULT18X18 MUX2_LUT5 TBUF GSR"
    kinds = [report.kind_of(cell) for cell in cells.split()]
    assert kinds == ["lut", "lut", "carry", "ff", "ff", "ff", "small_ram", *["bram"] * 4, "dsp", None, None, None]


def test_device_totals_are_those_that_nextpnr_knows() -> None:
    for board, data in ((ICE40, ICE40_REPORT), (ECP5, ECP5_REPORT), (GOWIN, GOWIN_REPORT)):
        for resource, cells in board.cells.items():
            assert data["utilization"][cells[0]]["available"] == board.totals[resource]


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("top", ["selftest", "link"])
def test_every_board_has_its_pins(board: str, top: str, make_config, tmp_path: Path) -> None:
    """What goes to Yosys and nextpnr can be made for every board: its clock, LEDs and UART are there."""
    target = BOARDS[board]
    # Nothing runs: tools that come with an extra need not be there.
    workshop = Workshop(board=target, environment={}, folder=tmp_path, out=tmp_path, say=lambda _: None)
    build._generate(make_config(), workshop, Around(kind=top, images=1, passes=1))
    pins = next(path for suffix in ("pcf", "lpf", "cst") if (path := tmp_path / f"top.{suffix}").exists()).read_text()
    assert len(re.findall("led", pins)) >= (len(target.leds) if top == "selftest" else 1)
    assert ("uart_0__tx__io" in pins) == (top == "link")


def test_clocks() -> None:
    assert report.clocks(ICE40_REPORT) == {"pll_clock": {"achieved_mhz": 31.41, "required_mhz": 24.0}}
    assert report.clocks(GOWIN_REPORT) == {"clk": {"achieved_mhz": 85.54, "required_mhz": 27.0}}
    clocks = report.clocks(ECP5_REPORT)
    assert clocks["pll_clock"] == {"achieved_mhz": 94.56, "required_mhz": 50.0}
    assert report.slack(clocks) == 20.0 / 25.0
    assert report.slack({}) == 0


def test_cells_by_kind_and_part() -> None:
    cells = {
        "core.lif_0.exact_SB_LUT4_O": "SB_LUT4", "core.lif_1.exact_SB_LUT4_O": "SB_LUT4",
        "core.lif_1.exact_SB_DFFESR_Q": "SB_DFFESR", "core.weights.0.0": "SB_RAM40_4K", "a_SB_CARRY_CO": "SB_CARRY",
        "$scopeinfo": "$scopeinfo", "core.odd": "SB_GB",
    }  # fmt: skip
    assert report.count_cells(netlist(**cells)) == {"lut": 2, "ff": 1, "bram": 1, "carry": 1}
    parts = report.by_part(netlist(**cells))
    assert parts == {"core.lif": {"ff": 1, "lut": 2}, "core.weights": {"bram": 1}, "(top)": {"carry": 1}}
    assert next(iter(parts)) == "core.lif"


def test_unknown_board_and_real_numbers(make_config, tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="board 'arty' is not known; allowed: icebreaker, icesugar, ulx3s-12f, "):
        run_build(make_config(), "arty", tmp_path)
    with pytest.raises(ConfigError, match=r"number\.format: 'real'"):
        run_build(make_config(number={"format": "real"}), "icebreaker", tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def small(make_config) -> Config:
    """16-8-4 on 4 lanes."""
    return make_config(
        network={"layers": [16, 8, 4]}, rate={"filter": 1}, hardware={"lanes": 4, "input_lanes": 1}
    )  # fmt: skip


@pytest.mark.slow
def test_a_small_network_on_the_icebreaker(small: Config, tmp_path: Path) -> None:
    result = run_build(small, "icebreaker", tmp_path, Around(images=2, passes=4))
    assert result == json.loads((tmp_path / "build.json").read_text())
    used = {name: entry["used"] for name, entry in result["resources"].items()}
    assert {name: entry["total"] for name, entry in result["resources"].items()} == ICE40.totals
    # Weights 3 (40 bits), state 6 (88 bits), history, list, pixels of inputs and of the test 1 each.
    assert used["bram"] >= 10
    # None of what is in memories stands in flip-flops; how many of these the pipeline takes is its own affair.
    core = "selftest.core"
    for part in ("crossbar.weights.memory", "chunk_state.state_memory", "chunk_state.history", "spike_list.memory"):
        memory = f"{core}.{part}"
        assert result["parts"][memory]["bram"] >= 1
        assert "ff" not in result["parts"][memory], memory
    assert 1000 < used["lc"] < 3000
    assert result["timing_met"]
    assert all(clock["achieved_mhz"] >= clock["required_mhz"] == ICE40.clock for clock in result["clocks"].values())
    assert result["lanes"] == 4
    assert result["seed"] == 1
    assert result["layers"] == [16, 8, 4]
    bitstream = (tmp_path / result["bitstream"]).read_bytes()
    assert bitstream[:4] == b"\xff\x00\x00\xff"  # where icepack's comment begins
    assert len(bitstream) > 100_000
    assert json.loads((tmp_path / result["nextpnr_report"]).read_text())["utilization"]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["build.json", "nextpnr.json", result["bitstream"]])


@pytest.mark.soak
def test_a_small_network_on_the_smallest_ulx3s(small: Config, tmp_path: Path) -> None:
    """Its clock did not route while the PLL's clock was a global net of its own."""
    result = run_build(small, "ulx3s-12f", tmp_path, Around(images=1, passes=1))
    assert result["timing_met"]
    assert (tmp_path / result["bitstream"]).stat().st_size > 100_000


@pytest.mark.soak
@pytest.mark.parametrize("board", ["icesugar", "icesugar-pro", "colorlight-i5"])
def test_a_small_network_on_cheap_boards(board: str, small: Config, tmp_path: Path) -> None:
    result = run_build(small, board, tmp_path, Around(images=1, passes=1))
    assert result["timing_met"]
    assert (tmp_path / result["bitstream"]).stat().st_size > 100_000


@pytest.mark.soak
@pytest.mark.skipif(not GOWIN_TOOLS, reason="pip install 'eqspike[gowin]'")
def test_a_small_network_on_the_tang_nano(small: Config, tmp_path: Path) -> None:
    result = run_build(small, "tang-nano-9k", tmp_path, Around(images=2, passes=4))
    assert result["timing_met"]
    assert result["clocks"]["clk"]["required_mhz"] == GOWIN.oscillator
    used = {name: entry["used"] for name, entry in result["resources"].items()}
    assert 1000 < used["lut"] < 5000
    assert 1 <= used["bram"] < 10
    # The few words of weights and state stand in memories of lookup tables, and none in flip-flops.
    for part in ("crossbar.weights.memory", "chunk_state.state_memory", "chunk_state.history", "spike_list.memory"):
        memory = result["parts"][f"selftest.core.{part}"]
        assert memory["small_ram"] >= 1, part
        assert "ff" not in memory, part
    bits = (tmp_path / result["bitstream"]).read_text(encoding="ascii").split()
    assert len(bits) > 700
    assert set("".join(bits)) == {"0", "1"}


def test_without_its_tools_a_board_says_what_to_install(
    small: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one line, before anything is made."""
    monkeypatch.setattr(tools, "_own_bin", lambda: str(tmp_path))
    monkeypatch.setattr(tools.shutil, "which", lambda name: None if "gowin" in name else f"/bin/{name}")
    for variable in ("NEXTPNR_GOWIN", "GOWIN_PACK"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(UsageProblem, match=r"^nextpnr-himbaechel-gowin not found: pip install 'eqspike\[gowin\]'$"):
        run_build(small, "tang-nano-9k", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.soak
def test_the_link_on_the_icebreaker(small: Config, tmp_path: Path) -> None:
    result = run_build(small, "icebreaker", tmp_path, Around(kind="link"))
    assert result["timing_met"]
    assert result["link"] == {"divider": 12, "baud": 2_000_000}
    assert result["bitstream"] == "tiny-icebreaker-link.bin"
    # The buffer of requests and the answers are one block RAM each, and no flip-flops.
    assert result["parts"]["link.link.receiver.ring"]["bram"] == 1
    assert result["parts"]["link.link.executor.memory"]["bram"] == 1
    assert result["resources"]["lc"]["used"] < 4500


def test_what_does_not_fit_says_which_resource(small: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def pretend(workshop: Workshop, arguments: list[str], log: str | None, stuck: object = None) -> None:
        (workshop.folder / "top.json").write_text(json.dumps(netlist(a="SB_LUT4")))
        use = ICE40_REPORT["utilization"] | {"ICESTORM_LC": {"used": 6712, "available": 5280}}
        (workshop.folder / "pack.json").write_text(json.dumps({"utilization": use}))

    monkeypatch.setattr(Workshop, "run", pretend)
    with pytest.raises(BuildFailed, match=r"tiny does not fit icebreaker: it needs 6712 of 5280 lc"):
        run_build(small, "icebreaker", tmp_path, Around(images=1, passes=1))
    assert [path.name for path in tmp_path.iterdir()] == ["build.json"]
    kept = json.loads((tmp_path / "build.json").read_text())
    assert (kept["fits"], kept["resources"]["lc"]) == (False, {"used": 6712, "total": 5280})
    assert "clocks" not in kept


@pytest.mark.parametrize("workers", [1, 2])
def test_a_missed_clock_leaves_the_files_and_fails(
    small: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    speeds = {"pack.json": 0.0, "seed1.json": 20.0, "seed2.json": 22.5, "seed3.json": 21.0}

    def pretend(workshop: Workshop, arguments: list[str], log: str | None, stuck: object = None) -> None:
        (workshop.folder / "top.json").write_text(json.dumps(netlist(a="SB_LUT4")))
        (workshop.folder / "top.bin").write_bytes(b"bits")
        name = arguments[arguments.index("--report") + 1] if "--report" in arguments else None
        if name:
            clock = {"pll_clock": {"achieved": speeds[name], "constraint": 24.0}}
            (workshop.folder / name).write_text(json.dumps({"fmax": clock, "utilization": ICE40_REPORT["utilization"]}))

    monkeypatch.setattr(Workshop, "run", pretend)
    with pytest.raises(BuildFailed, match=r"misses its clock: 22.5 of 24.0 MHz \(best of 3 seeds"):
        run_build(small, "icebreaker", tmp_path, Around(images=1, passes=1), seeds=3, workers=workers)
    kept = json.loads((tmp_path / "build.json").read_text())
    assert (kept["seed"], kept["seeds_tried"], kept["timing_met"]) == (2, 3, False)
    placed = small.replace(hardware=dataclasses.replace(small.hardware, placement=3))
    with pytest.raises(BuildFailed, match=r"misses its clock: 21.0 of 24.0 MHz \(best of 1 seeds"):
        run_build(placed, "icebreaker", tmp_path, Around(images=1, passes=1))
    assert json.loads((tmp_path / "build.json").read_text())["seed"] == 3


def test_synthesis_is_done_once_for_each_design(small: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def pretend(workshop: Workshop, arguments: list[str], log: str | None, stuck: object = None) -> None:
        calls.append(arguments)
        cells = {"selftest.core.crossbar.weights.0.0": "DP16KD", "a": "MULT18X18D", "b": "CCU2C", "c": "LUT4"}
        (workshop.folder / "top.json").write_text(json.dumps(netlist(**cells)))

    monkeypatch.setattr(Workshop, "run", pretend)
    first = run_synthesis(small, "ulx3s-85f", tmp_path, Around(images=1, passes=1))
    assert first == json.loads((tmp_path / "synthesis.json").read_text())
    assert first["cells"] == {"bram": 1, "dsp": 1, "carry": 1, "lut": 1}
    assert first["weight_words"] == 16 + 1 + 4 + 16 + 1 + 4 + 1
    assert first["parts"]["selftest.core.crossbar.weights"] == {"bram": 1}
    assert run_synthesis(small, "ulx3s-85f", tmp_path, Around(images=1, passes=1)) == first
    assert len(calls) == 1
    other = run_synthesis(small, "ulx3s-85f", tmp_path, Around(images=2, passes=1))
    assert other["design"] != first["design"]
    (tmp_path / "synthesis.json").write_text("{")
    run_synthesis(small, "ulx3s-85f", tmp_path, Around(images=2, passes=1))
    assert len(calls) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["synthesis.json"]


@pytest.mark.slow
def test_which_products_become_multipliers(tmp_path: Path) -> None:
    """On an ECP5 constants and narrow rests are logic, and the logic is the product still."""
    source = """module top(input signed [19:0] a, input signed [11:0] b, output signed [32:0] y, output [10:0] z);
      assign y = a * b;
      assign z = a[6:0] * 4'd11;
    endmodule"""
    (tmp_path / "source.v").write_text(source)
    (tmp_path / "multipliers.v").write_text(synthesis.SOFT)
    back = "techmap -map back.v\nchtype -set $mul t:$__soft_mul\nclean"
    (tmp_path / "back.v").write_text(
        "module \\$__MUL18X18 (input [17:0] A, input [17:0] B, output [35:0] Y);\n"
        "parameter A_WIDTH = 18, B_WIDTH = 18, Y_WIDTH = 36, A_SIGNED = 0, B_SIGNED = 0;\n"
        "\\$mul #(.A_SIGNED(1), .B_SIGNED(1), .A_WIDTH(19), .B_WIDTH(19), .Y_WIDTH(36)) _TECHMAP_REPLACE_ (\n"
        ".A({A_SIGNED && A[17], A}), .B({B_SIGNED && B[17], B}), .Y(Y));\nendmodule\n"
    )
    values = [(-(2**19), -(2**11)), (2**19 - 1, -(2**11)), (-1, 2**11 - 1), (123456, -77), (-262145, 1023)]
    evaluate = "\n".join(f"eval -set a 20'd{a % 2**20} -set b 12'd{b % 2**12} -show y -show z" for a, b in values)
    script = f"read_verilog source.v\n{synthesis.MULTIPLIERS}select -write dsp.txt t:$__MUL18X18\n{back}\n{evaluate}\n"
    (tmp_path / "test.ys").write_text(script)
    done = subprocess.run(
        [str(tools.yosys()), "-p", "script test.ys"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert len((tmp_path / "dsp.txt").read_text().splitlines()) == 1
    found = re.findall(r"Eval result: \\(\w) = \d+'([01]+)", done.stdout)
    expected = [pair for a, b in values for pair in (("y", f"{(a * b) % 2**33:033b}"), ("z", f"{a % 2**7 * 11:011b}"))]
    assert found == expected
