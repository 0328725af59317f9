"""Put a batch of changes to one module's jobs in one simulator, and say what became of each."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cocotb_tests import bench, mutations
from cocotb_tests.mutants.sites import Mutant, texts
from cocotb_tests.mutations import CORE
from eqspike.base import tools
from eqspike.base.files import write_text
from eqspike.base.places import build_root
from eqspike.sim import harness

PROJECT = Path(__file__).resolve().parent.parent.parent

NO_CHANGE, NOT_BUILT, KILLED, PASSED = "no change", "does not build", "killed", "passed"
FACTOR, SLACK_NS, SLACK_CPU = 3, 20_000, 5
"""A test of a changed component has hung after so many times what the unchanged one takes, and some more."""


@dataclass(frozen=True)
class Outcome:
    """What one job made of a change: one of the four words above, and the message where there is one."""

    word: str
    message: str = ""


LIMITS: dict[tuple[str, str], tuple[float, float]] = {}
"""(module, job) -> simulated ns and seconds of processor that its component takes without a change: it has passed."""
ENTERED: dict[tuple[str, str], frozenset[str]] = {}
"""(module, job) -> the functions (`file:Class.function`) that make its component."""


def _known() -> Path:
    """Where `LIMITS` and `ENTERED` are kept, for this state of the sources."""
    sources = sorted(
        path for part in ("rtl", "golden", "cocotb_tests", "sim") for path in (PROJECT / part).rglob("*.py")
    )
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    return build_root() / "mutants" / f"{digest}.json"


def load_known() -> None:
    """Take what earlier runs found out about the jobs."""
    path = _known()
    if path.exists():
        kept = json.loads(path.read_text(encoding="utf-8"))
        LIMITS.update({tuple(key.split()): tuple(limit) for key, limit in kept["limits"].items()})
        ENTERED.update({tuple(key.split()): frozenset(names) for key, names in kept["entered"].items()})


def save_known() -> None:
    """Keep it for the next run."""
    path = _known()
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = {
        "limits": {" ".join(key): limit for key, limit in LIMITS.items()},
        "entered": {" ".join(key): sorted(names) for key, names in ENTERED.items()},
    }
    write_text(path, json.dumps(kept))


def concerns(module: str, job: str, mutant: Mutant) -> bool:
    """May the change alter what the job tests? Not where its function is not called, as far as is known."""
    entered = ENTERED.get((module, job))
    return entered is None or "." not in mutant.scope or f"{mutant.file}:{mutant.scope}" in entered


class Unreadable(RuntimeError):
    """Icarus does not read the Verilog of one instance, which is `name`; `message` says why."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name, self.message = name, message


class BrokenTrial(RuntimeError):
    """The component without a change does not pass, or nothing ran."""


def run(module: str, tried: Sequence[tuple[str, Mutant]]) -> list[Outcome]:
    """The outcome of each (job, change), all of one module. Raises `BrokenTrial`."""
    with tempfile.TemporaryDirectory(prefix="eqspike-mutants-") as scratch:
        folder = Path(scratch)
        named = {f"mutant{i:04}x": one for i, one in enumerate(tried)}
        out: dict[str, Outcome] = {}
        with tools.environment(EQSPIKE_BUILD=str(folder / "build")):
            while left := {name: one for name, one in named.items() if name not in out}:
                try:
                    out |= _run(module, left, folder)
                except Unreadable as error:
                    if error.name not in left:
                        raise BrokenTrial(f"{module}: {error}") from error
                    out[error.name] = Outcome(NOT_BUILT, error.message)
        return [out[name] for name in named]


def _run(module: str, tried: Mapping[str, tuple[str, Mutant]], folder: Path) -> dict[str, Outcome]:
    """Outcomes by the names of the instances. Raises `BrokenTrial`, `Unreadable`."""
    sources = texts()
    jobs = sorted({job for job, _ in tried.values()})
    plain = {f"plain{i:04}x": job for i, job in enumerate(jobs)}
    plan: list[tuple] = [(module, job, name, None, None) for name, job in plain.items()]
    for name, (job, mutant) in tried.items():
        plan.append((module, job, name, mutant.file, mutant.changed(sources[mutant.file])))
    known = [job for job in jobs if (module, job) in ENTERED]
    write_text(folder / "plan", json.dumps({"instances": plan, "known": known}))
    command = [sys.executable, "-m", "cocotb_tests.mutants.elaborate", str(folder)]
    made = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    if made.returncode:
        raise BrokenTrial(f"{module} {jobs}: {made.stderr[-2000:]}")
    done = json.loads((folder / "done").read_text(encoding="utf-8"))
    out = {name: Outcome(*_split(text)) for name, text in done["said"].items()}
    if broken := {plain[name]: out[name].message for name in plain if name in out}:
        raise BrokenTrial(f"{module}: without a change: {broken}")
    ENTERED.update({(module, job): frozenset(functions) for job, functions in done["entered"].items()})
    left = [name for name in tried if name not in out]
    if left:
        job_of = {name: job for name, (job, _) in tried.items()} | plain
        asked = {job_of[name] for name in left} - {job for of, job in LIMITS if of == module}
        instances = [name for name in plain if plain[name] in asked] + left
        out |= _simulate(module, {name: job_of[name] for name in instances}, folder)
    if broken := {plain[name]: out[name].message for name in plain if name in out and out[name].word != PASSED}:
        raise BrokenTrial(f"{module}: without a change: {broken}")
    return out


def _build(folder: Path) -> harness.Build:
    """The simulator of all. Raises `Unreadable`: a change may leave a case empty, which Yosys writes as no Verilog."""
    text = (folder / "top.v").read_text(encoding="utf-8")
    try:
        return harness.Build(text, "top", "icarus")
    except harness.SimulationError as error:
        (log,) = (folder / "build" / "sim").glob("*/build.log")
        first = re.search(r"top\.v:(\d+): (.*)", log.read_text(encoding="utf-8"))
        if not first:
            raise
        before = "\n".join(text.split("\n")[: int(first[1])])
        (*_, name) = re.findall(r"^module \\?((?:mutant|plain)\d+x)", before, re.MULTILINE)
        shutil.rmtree(folder / "build")
        raise Unreadable(name, first[2]) from error


def _split(text: str) -> tuple[str, str]:
    word, _, message = text.partition(": ")
    return word, message


def _simulate(module: str, job_of: dict[str, str], folder: Path) -> dict[str, Outcome]:
    """Outcomes by instance; the simulator is started anew behind an instance that it did not survive."""
    build = _build(folder)
    data = {job: mutations.target(module, job)[1] for job in set(job_of.values())}
    out: dict[str, Outcome] = {}
    limits = {job: limit for (of, job), limit in LIMITS.items() if of == module}
    path = module if module == CORE else f"cocotb_tests.{module}"
    while left := {name: job for name, job in job_of.items() if name not in out}:
        log = folder / f"outcomes-{len(out)}"
        plan = {
            "module": path, "jobs": {name: data[job] for name, job in left.items()}, "outcomes": str(log),
            "names": left, "limits": limits, "allow": (FACTOR, SLACK_NS, SLACK_CPU),
        }  # fmt: skip
        failure = None
        try:
            bench.run(build, "cocotb_tests.sim_planted", plan)
        except harness.SimulationError as error:
            failure = error
        lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        if not lines:
            raise BrokenTrial(f"{module}: {failure}")
        for line in lines:
            if "begin" in line:
                out[line["begin"]] = Outcome(KILLED, "the simulator hangs or ends")
            else:
                out[line["name"]] = Outcome(KILLED, line["message"]) if line["message"] else Outcome(PASSED)
                if line["name"].startswith("plain") and not line["message"]:
                    job = job_of[line["name"]]
                    limits[job] = LIMITS[module, job] = (line["ns"], line["cpu"])
    return out
