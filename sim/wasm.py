"""The core and its recorder (sim/recorder.cpp) as WebAssembly, for a page: Verilator's C++ through zig's clang.

Like the shared library (`eqspike.sim.library`) it is compiled once for the same Verilog, and which one a config has is
kept under a hash of all that the Verilog follows from. It takes a minute or two; the first time zig also compiles its
C++ library.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from eqspike.base import tools
from eqspike.base.files import write_json
from eqspike.base.places import build_root
from eqspike.golden.config import Config
from eqspike.rtl.core import Core
from eqspike.sim import harness, library

HEADER, RUNTIME = (Path(__file__).with_name(f"wasm_runtime.{suffix}") for suffix in ("h", "cpp"))
TARGET = ["-target", "wasm32-wasi"]
# Nothing can be thrown in it. Verilator knows neither this processor's registers nor a process's clock.
FLAGS = [
    *TARGET, "-std=c++17", "-w", "-fno-exceptions", "-fvisibility=hidden", "-DVL_IGNORE_UNKNOWN_ARCH",
    "-DCLOCK_PROCESS_CPUTIME_ID=CLOCK_MONOTONIC",
]  # fmt: skip
FAST, SMALL = "-O2", "-Os"
"""What runs every cycle; what runs once (Verilator's "slow" files)."""
EXPORTS = (
    "malloc", "free",
    *(f"recorder_{name}" for name in (
        "new", "begin", "queue", "finish", "read_weights", "write_weights", "set_key", "set_halvings", "buffer",
        "clear", "cycles",
    )),
)  # fmt: skip
LINK = [*TARGET, "-mexec-model=reactor", FAST, "-s", "-Wl,--gc-sections", *(f"-Wl,--export={n}" for n in EXPORTS)]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Module:
    """A core as WebAssembly."""

    path: Path
    verilog: str
    """SHA-256 of the Verilog that it was made from, in hex."""


def core_module(config: Config, say: Say) -> Module:
    """The core of a config; `say` is told of each stage. One that was compiled is used again.

    Raises `ToolMissing` without zig, `SimulationError` where it does not compile.
    """
    kept = _kept(config)
    if kept.exists():
        found = json.loads(kept.read_text(encoding="utf-8"))
        path = build_root() / "sim" / found["folder"] / "core.wasm"
        if path.exists():
            return Module(path, found["verilog"])
    tools.zig()  # said before a minute is spent
    say("elaborating the circuit")
    text = harness.to_verilog(Core(config), "core")
    made = Module(module(text, say), verilog_digest(text))
    kept.parent.mkdir(parents=True, exist_ok=True)
    write_json(kept, {"folder": made.path.parent.name, "verilog": made.verilog})
    return made


def current_verilog(config: Config) -> str:
    """`Module.verilog` of the sources as they are now: remembered from a build, or elaborated."""
    kept = _kept(config)
    if kept.exists():
        return json.loads(kept.read_text(encoding="utf-8"))["verilog"]
    return verilog_digest(harness.to_verilog(Core(config), "core"))


def _kept(config: Config) -> Path:
    return build_root() / "sim" / "modules" / f"{_key(config)}.json"


def verilog_digest(text: str) -> str:
    """What a page says that it was made from."""
    return hashlib.sha256(text.encode()).hexdigest()


def module(text: str, say: Say) -> Path:
    """The module of a core's Verilog, whose top module is `core`."""
    digest = hashlib.sha256(repr((text, _shaped())).encode()).hexdigest()[:16]
    folder = build_root() / "sim" / f"wasm-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / "core.wasm"
    with (folder / "lock").open("w") as lock:
        # Two processes that want the same module compile it once.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            (folder / "core.v").write_text(text, encoding="utf-8")
            _Build(folder, say).run()
            (folder / "core.new").rename(made)
    return made


def _shaped() -> object:
    """What shapes a module besides its Verilog: this file too, which says how it is compiled."""
    sources = [path.read_text(encoding="utf-8") for path in (library.MAIN, HEADER, RUNTIME, Path(__file__))]
    return sources, harness.VERILATOR_ARGS, tools.zig_version(), tools.versions()["verilator"]


def _key(config: Config) -> str:
    return hashlib.sha256(repr((library.core_key(config), _shaped())).encode()).hexdigest()[:24]


class _Build:
    """From core.v in `folder` to core.new."""

    def __init__(self, folder: Path, say: Say) -> None:
        self.folder, self.say, self.log = folder, say, folder / "build.log"
        self.log.unlink(missing_ok=True)
        self.objects = folder / "obj"
        self.objects.mkdir(exist_ok=True)

    def run(self) -> None:
        self.say("Verilator")
        with tools.environment(PATH=tools.simulator_path()):
            self._call(
                "verilator", "--cc", *harness.VERILATOR_ARGS, "--prefix", "Vcore", "--top-module", "core", "--Mdir",
                "obj", "core.v",
            )  # fmt: skip
            self.include = Path(self._call("verilator", "--getenv", "VERILATOR_ROOT").strip()) / "include"
        runtime = [self.include / f"{name}.cpp" for name in ("verilated", "verilated_threads")]
        # The largest first: it takes the longest.
        sources = sorted([*self.objects.glob("*.cpp"), *runtime, library.MAIN, RUNTIME], key=_size, reverse=True)
        self.say(f"compiling {len(sources)} files to WebAssembly")
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            compiled = list(pool.map(self._compile, sources))
        self.say("linking")
        self._zig(*LINK, *map(str, compiled), "-o", "core.new")

    def _compile(self, source: Path) -> Path:
        made = self.objects / f"{source.stem}.o"
        level = SMALL if source.stem.endswith("__Slow") else FAST
        # The folder in full: zig keeps objects by their arguments, and once took another core's recorder from its
        # cache, compiled from the same file against the headers of another "obj".
        folders = (self.include, self.include / "vltstd", self.objects)
        includes = ["-include", str(HEADER), *(part for folder in folders for part in ("-I", str(folder)))]
        self._zig(*FLAGS, *includes, level, "-c", str(source), "-o", str(made))
        return made

    def _zig(self, *arguments: str) -> None:
        # Its own caches, which it would otherwise put into the user's home.
        cache = str(build_root() / "zig")
        own = os.environ | {"ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache}
        self._call(str(tools.zig()), "c++", *arguments, environment=own)

    def _call(self, *command: str, environment: dict[str, str] | None = None) -> str:
        done = subprocess.run(
            command, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        with self.log.open("a", encoding="utf-8") as log:
            log.write(done.stdout)
        if done.returncode != 0:
            raise harness.SimulationError(f"the circuit cannot be compiled to WebAssembly: see {self.log}")
        return done.stdout


def _size(path: Path) -> int:
    return path.stat().st_size


__all__ = ["Module", "core_module", "current_verilog", "module", "verilog_digest"]
