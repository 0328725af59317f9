"""results/proofs.json, and the page that is written from it."""

from __future__ import annotations

import json
from typing import Any

from eqspike.base.files import write_text
from eqspike.lab.pages import environment
from eqspike.lab.tables.coverage import coverage_table
from eqspike.lab.tables.mutants import HEAD, Mutants, mutants_by_file
from eqspike.lab.traceability import read_rows
from eqspike.lab.traceability import table as statements
from formal.plant import PROJECT
from formal.run import Row

RESULTS, PAGE = PROJECT / "results" / "proofs.json", PROJECT / "docs" / "trust.md"
NOT_RUN: dict[str, Any] = {"command": "make prove", "seconds": 0, "proofs": []}
NO_CIRCUIT = "No circuit: Python that the circuit's parts, the host and the tests share."
UNPROVEN = {
    "bits.py": NO_CIRCUIT,
    "core.py": "Not yet: for a whole step of a network of 2-1-1 neurons, the solvers gave no answer within minutes.",
    "crossbar.py": "Its parts are; as a whole it is proven in `pair.py`, for one two-way synapse.",
    "image_end.py": "It connects `sweep.py`, `products.py`, `input_counts.py`, which are proven; cores are compared.",
    "device.py": "Not yet: products of signals by slopes, and a hash for each device, are hard for these solvers.",
    "layout.py": NO_CIRCUIT,
    "neurons.py": "Each lane is, in `lane.py`.",
    "operation.py": NO_CIRCUIT,
    "program.py": "In `pair.py`, for one two-way synapse; the rows of other banks not yet.",
    "sequencer.py": "Not yet: its return to idle depends on all other parts.",
    "streams.py": NO_CIRCUIT,
    "trace.py": "It only shows what happens, for simulation.",
    "link/commands.py": "Not yet: its commands need a whole core.",
    "link/executor.py": "Not yet: it needs a whole core behind it.",
    "link/link.py": "It only connects.",
    "link/protocol.py": NO_CIRCUIT,
}
"""Why a file has no proof of its own."""


def files() -> list[str]:
    """Every file of rtl/."""
    root = PROJECT / "rtl"
    found = (path.relative_to(root).as_posix() for path in root.rglob("*.py") if path.name != "__init__.py")
    return sorted(found, key=lambda name: ("/" in name, name))


def write(rows: list[Row], seconds: float) -> None:
    """Keep the rows of a whole run, and write the page."""
    kept = {"command": "make prove", "seconds": round(seconds), "proofs": rows}
    write_text(RESULTS, json.dumps(kept, indent=1) + "\n")
    write_page()


def page(found: dict[str, Any]) -> str:
    """docs/trust.md."""
    proofs = found["proofs"]
    table = [
        [
            f"`{row['file']}`", f"`{row['proof']}`", row["property"], method(row), str(row["depth"]),
            ", ".join(f"{solver} {seconds}" for solver, seconds in row["solvers"].items()),
        ]
        for row in proofs
    ]  # fmt: skip
    proven = {row["file"] for row in proofs}
    coverage = [
        [
            f"`{file}`",
            str(sum(row["file"] == file for row in proofs) or ""),
            "" if file in proven else UNPROVEN.get(file, "Written; not recorded yet."),
        ]
        for file in files()
    ]
    mutants, covered = _kept("mutants"), _kept("coverage")
    return (
        environment()
        .get_template("trust.md.j2")
        .render(
            found=found,
            proofs=table,
            coverage=coverage,
            run=coverage_table(covered["files"]) if covered else "",
            upsets=_kept("upset-digits"),
            mutants=mutants_by_file(Mutants(measurement="mutants"), {"mutants": mutants} if mutants else {}),
            mutants_head=HEAD,
            statements=statements(read_rows(PROJECT)),
        )
    )


def _kept(name: str) -> dict[str, Any]:
    """results/NAME.json; empty where it is not measured."""
    path = PROJECT / "results" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def method(row: Row) -> str:
    """How a property was proven."""
    return row["method"] + (", from any state" if row["any_state"] else "")


def write_page() -> None:
    """Write docs/trust.md from results/proofs.json."""
    write_text(PAGE, page(recorded()))


def recorded() -> dict[str, Any]:
    """The last whole run, or one without proofs where none is recorded."""
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else NOT_RUN


__all__ = ["UNPROVEN", "files", "page", "recorded", "write", "write_page"]
