"""The core and its recorder (sim/recorder.cpp) as a shared library, compiled by Verilator once for the same Verilog.

Which library a config has is kept under a hash of the config and of all sources and tools that its Verilog follows
from, so that a core that was built is found again without elaborating it.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import json
import subprocess
from pathlib import Path

from eqspike.base import tools
from eqspike.base.files import write_text
from eqspike.base.places import build_root, package_folder
from eqspike.golden.config import Config
from eqspike.golden.configfile import config_to_dict
from eqspike.rtl.core import Core
from eqspike.sim import harness

MAIN = Path(__file__).with_name("recorder.cpp")


def arguments(optimise: str) -> list[str]:
    """What Verilator is told. Several libraries may be loaded at once: each keeps its names to itself."""
    # Unoptimised, as for tests: one file, whose headers are read once.
    split = ["--output-split", "0"] if optimise == "-O0" else []
    return [
        *harness.VERILATOR_ARGS, *split, "-CFLAGS", f"{optimise} -fPIC -fvisibility=hidden -fno-gnu-unique",
        "-LDFLAGS", "-shared",
    ]  # fmt: skip


ARGUMENTS = arguments(harness.OPTIMISE)


def library(text: str, optimise: str = harness.OPTIMISE) -> Path:
    """The library of a core's Verilog, whose top module is `core`. A compiled one is used again.

    `optimise` is the C++ compiler's part: what simulates little is sooner done with -O0.
    """
    own = arguments(optimise)
    main = MAIN.read_text(encoding="utf-8")
    digest = hashlib.sha256(repr((text, main, own, tools.versions())).encode()).hexdigest()[:16]
    folder = build_root() / "sim" / f"recorder-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    made, log = folder / "recorder.so", folder / "build.log"
    with (folder / "lock").open("w") as lock:
        # Two processes that want the same library compile it once.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            (folder / "core.v").write_text(text, encoding="utf-8")
            (folder / "main.cpp").write_text(main, encoding="utf-8")
            done = _compile(folder, own)
            log.write_text(done.stdout, encoding="utf-8")
            if done.returncode != 0:
                raise harness.SimulationError(f"verilator cannot build the recorder: see {log}")
            (folder / "recorder.new").rename(made)
    return made


def _compile(folder: Path, own: list[str]) -> subprocess.CompletedProcess[str]:
    """Compile core.v and main.cpp to recorder.new."""
    objects = folder / "obj"
    objects.mkdir(exist_ok=True)
    runtime = harness.Runtime(own, False)
    lent = [argument for name in runtime.lend(objects, True) for argument in ("-o", name)]
    command = [
        "verilator", "--cc", "--exe", "--build", *own, "--prefix", "Vcore", "--top-module", "core",
        "--Mdir", "obj", *(["-MAKEFLAGS", " ".join(lent)] if lent else []), "-o", "../recorder.new",
        "core.v", "../main.cpp",
    ]  # fmt: skip
    with tools.environment(PATH=tools.simulator_path(), MAKEFLAGS=harness.MAKEFLAGS):
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
    if done.returncode == 0:
        runtime.keep(objects)
    return done


def core_library(config: Config) -> Path:
    """The library of the core of a config."""
    kept = build_root() / "sim" / "cores" / core_key(config)
    if kept.exists():
        made = build_root() / "sim" / kept.read_text(encoding="utf-8") / "recorder.so"
        if made.exists():
            return made
    made = library(harness.to_verilog(Core(config), "core"))
    kept.parent.mkdir(parents=True, exist_ok=True)
    write_text(kept, made.parent.name)
    return made


def core_key(config: Config) -> str:
    """A hash of all that the library of a config's core follows from."""
    plain = json.dumps(config_to_dict(config), sort_keys=True)
    measured = Path(config.device.file).read_bytes() if config.device.file else b""
    parts = (_sources(), plain, measured, ARGUMENTS, tools.versions())
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:24]


@functools.cache
def _sources() -> str:
    """A hash of the sources that shape the circuit: rtl/, golden/ without what trains, and what builds."""
    rtl, golden = package_folder("rtl"), package_folder("golden")
    paths = [*sorted(rtl.rglob("*.py")), *sorted(golden.glob("*.py")), MAIN, Path(__file__), Path(harness.__file__)]
    found = hashlib.sha256()
    for path in paths:
        found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()


__all__ = ["core_key", "core_library", "library"]
