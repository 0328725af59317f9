"""Runs proofs: each by its solvers, each with its planted bug, each with what it must reach."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from formal import plant, solve
from formal.registry import INDUCTION, Proof

Row = dict[str, Any]


def questions(proof: Proof) -> list[tuple[str, ...]]:
    """Options of the questions whose answers together are the proof."""
    return [(), ("-i",)] if proof.method == INDUCTION else [()]


def check(proof: Proof) -> Row:
    """One proof as a row of results/proofs.json; `fault` says what is wrong, and is empty when nothing is."""
    begin = time.monotonic()
    row: Row = {
        "file": proof.file, "proof": proof.name, "property": proof.says, "method": proof.method, "depth": proof.depth,
        "any_state": proof.any_state, "solvers": {}, "bug": {"file": proof.bug_file, "change": list(proof.bug)},
    }  # fmt: skip
    folder = Path(tempfile.mkdtemp(prefix="proof-"))
    try:
        row["fault"] = _fault(proof, row, folder)
    except solve.Unanswered as error:
        row["fault"] = str(error)
    except Exception as error:
        row["fault"] = f"{type(error).__name__}: {error}"
    finally:
        shutil.rmtree(folder)
    row["seconds"] = round(time.monotonic() - begin, 1)
    return row


def _fault(proof: Proof, row: Row, folder: Path) -> str:
    smt = solve.write_smt(plant.text_of(proof), folder / "plain", proof.any_state)
    for solver in proof.solvers:
        seconds = 0.0
        for options in questions(proof):
            answer = solve.ask(smt, solver, proof.depth, *options)
            seconds += answer.seconds
            if not answer.holds:
                return f"does not hold, says {solver}{' of the induction' if options else ''}"
        row["solvers"][solver] = round(seconds, 1)
    if not solve.ask(smt, proof.solvers[0], proof.cover_depth, "-c").holds:
        return "what it speaks of is not reached"
    plant.plant(proof, folder / "bugged")
    smt = solve.write_smt(plant.text_of(proof, folder / "bugged"), folder / "bug", proof.any_state)
    if solve.ask(smt, proof.solvers[0], proof.bug_depth).holds:
        return "holds with its planted bug too"
    return ""


def run(proofs: Iterable[Proof], workers: int, say: Callable[[str], None]) -> list[Row]:
    """All proofs, `workers` at once, with a line for each as it ends. Rows come by file and name."""
    rows, proofs = [], sorted(proofs, key=lambda p: -p.weight)
    with ProcessPoolExecutor(workers) as pool:
        waiting = {pool.submit(check, proof) for proof in proofs}
        for done in as_completed(waiting):
            row = done.result()
            rows.append(row)
            state = row["fault"] or "proven"
            say(f"[{len(rows)}/{len(proofs)}] {row['proof']}: {state} ({row['seconds']:.1f} s)")
    return sorted(rows, key=lambda row: (row["file"], row["proof"]))


__all__ = ["Row", "check", "run"]
