"""`eqspike upset`: what it writes, that it goes on where it was stopped, and what it refuses."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eqspike.golden.upset import PLACES
from eqspike.lab import upsets
from eqspike.scripts import upset
from eqspike.sim.upset import Checked

ASKED = ("--place", "weights", "--place", "membrane", "--flips", 1, "--flips", 20, "--images", 4, "--learn", 20)


def read(path: str | Path) -> Any:
    return json.loads(Path(path).read_text())


def test_the_command(tiny: str, run) -> None:
    asked = ("upset", tiny, *ASKED, "--seeds", 2, "--seed", 5)
    result = run(*asked, "--out", "a")
    assert result.exit_code == 0, result.output
    data = read("a/upset.json")
    assert (data["kind"], data["finished"], data["errors"], data["seeds"]) == ("upset", True, [], [5, 6])
    assert data["check"] is None
    assert {(row["place"], row["seed"]) for row in data["rows"]} == {
        (place, seed) for place in ("weights", "membrane") for seed in (5, 6)
    }
    for row in upsets.table_rows(data):
        assert "  ".join(row[:1]) in result.stdout
    with Path("a/upset.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [float(row["lost"]) for row in table] == [row["lost"] for row in data["rows"]]
    assert Path("a/upset.png").read_bytes().startswith(b"\x89PNG")
    assert run("report", "a").exit_code == 0
    page = Path("a/report.html").read_text()
    assert all(f"<td>{cell}</td>" in page for row in upsets.table_rows(data) for cell in row)
    assert read("a/report.json")["upsets"][0]["rows"] == data["rows"]

    # It goes on: of what is missing or broken, only that is done again.
    paths = sorted(Path("a/runs").glob("upsets-*.json"))
    assert len(paths) == 4
    times = {path: path.stat().st_mtime_ns for path in paths}
    paths[0].unlink()
    paths[1].write_text("{")
    assert run(*asked, "--out", "a").exit_code == 0
    assert sum(path.stat().st_mtime_ns == times[path] for path in paths) == 2
    assert read("a/upset.json")["rows"] == data["rows"]
    # Another number of flips is another run, from the same trainings.
    trained = {path: path.stat().st_mtime_ns for path in Path("a/runs").glob("*.npz")}
    assert run(*asked, "--flips", 3, "--out", "a").exit_code == 0
    assert {path: path.stat().st_mtime_ns for path in Path("a/runs").glob("*.npz")} == trained


def test_places_of_the_help() -> None:
    """They stand there a second time, for help must not wait for the golden model."""
    assert tuple(PLACES) == upset.PLACES


def test_a_check_that_fails(tiny: str, run, fails, monkeypatch: pytest.MonkeyPatch) -> None:
    def checked(mismatches: int) -> Callable[..., Checked]:
        first = "there: other weights" if mismatches else None
        return lambda *_: Checked(flips=9, fallen=8, felt=7, mismatches=mismatches, first=first, places={"key": 8})

    asked = ("upset", tiny, *ASKED, "--place", "key", "--seeds", 1, "--check", 9, "--out", "a")
    monkeypatch.setattr("eqspike.sim.upset.check", checked(2))
    assert fails(1, *asked) == "2 of 9 flips end otherwise in the RTL, the first there: other weights"
    monkeypatch.setattr("eqspike.sim.upset.check", checked(0))
    result = run(*asked)
    assert result.exit_code == 0, result.output
    assert "9 flips in the RTL on Icarus and in the golden model: 8 fell, 7 were felt, 0 mismatches" in result.stdout
    assert read("a/upset.json")["check"]["felt"] == 7


def test_wrong_use(tiny: str, fails: Callable[..., str]) -> None:
    assert "number.format must be fixed" in fails(2, "upset", tiny, "--set", "number.format=real")
    said = fails(2, "upset", tiny, "--place", "filter", "--set", "rate.filter=1")
    assert said.startswith("--place filter: tiny has no such bits; it has weights, membrane")
    assert "--place" in fails(2, "upset", tiny, "--place", "nowhere")
    assert fails(2, "upset", tiny, "--tolerance", -1).startswith("--tolerance -1: ")
    assert not Path("runs").exists()
