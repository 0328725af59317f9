"""`eqspike heal`: what it writes, that it goes on where it was stopped, and what becomes of a chip that fails."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eqspike.base.errors import UsageProblem
from eqspike.golden.config import Config
from eqspike.lab import healing
from eqspike.lab.healing import Fault, heal
from tests.scripts.processes import interrupt, start


def read(path: str | Path) -> Any:
    return json.loads(Path(path).read_text())


def test_the_command(tiny: str, run) -> None:
    asked = ("heal", tiny, "--stuck", 0.2, "--stuck", 0, "--epochs", 2, "--seeds", 2, "--seed", 5)
    result = run(*asked, "--out", "a")
    assert result.exit_code == 0, result.output
    data = read("a/heal.json")
    assert (data["kind"], data["finished"], data["errors"], data["epochs"]) == ("heal", True, [], 3)
    assert [(r["number_format"], r["seed"], r["stuck"], r["rates"]) for r in data["rows"]] == [
        (number, seed, stuck, rates)
        for number in ("fixed", "real")
        for seed in (5, 6)
        for stuck in (0.2, 0)
        for rates in ("go on", "restart")
    ]
    line = data["summary"][0]
    rows = [r for r in data["rows"] if r["number_format"] == "fixed" and r["stuck"] == 0.2 and r["rates"] == "go on"]
    assert line["seeds"] == [5, 6]
    for name in ("before", "after", "healed"):
        assert line[name]["mean"] == pytest.approx(sum(r[name] for r in rows) / 2)
    assert line["lost_for_good"]["mean"] == pytest.approx(50 * sum(r["before"] - r["healed"] for r in rows))
    assert f"{100 * line['after']['mean']:.2f}" in result.stdout
    with Path("a/heal.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert len(table) == len(data["rows"])
    assert [float(r["healed"]) for r in table] == [float(r["epoch_2"]) for r in table]
    assert [float(r["healed"]) for r in table] == [r["healed"] for r in data["rows"]]
    assert not list(Path("a/partial").iterdir())
    assert run(*asked, "--workers", 2, "--out", "b").exit_code == 0
    assert read("b/heal.json")["rows"] == data["rows"]
    assert run("report", "a").exit_code == 0
    page = Path("a/report.html").read_text()
    assert all(f"<td>{cell}</td>" in page for row in healing.table_rows(data) for cell in row)
    assert read("a/report.json")["heals"][0]["rows"] == data["rows"]


def test_it_goes_on(tiny: str, run) -> None:
    asked = ("heal", tiny, "--stuck", 0.2, "--epochs", 1, "--number", "fixed", "--seeds", 3, "--out", "a")
    run(*asked)
    before = read("a/heal.json")
    paths = sorted(Path("a/runs").glob("*.json"))
    times = {path: path.stat().st_mtime_ns for path in paths}
    paths[0].unlink()
    paths[1].write_text("{")
    run(*asked)
    assert sum(path.stat().st_mtime_ns == times[path] for path in paths) == 1
    assert read("a/heal.json")["rows"] == before["rows"]
    # Another fault is another chip.
    run(*asked, "--on-share", 1)
    assert len(list(Path("a/runs").glob("*.json"))) == 6


def test_ctrl_c(tiny: str, run) -> None:
    asked = ("heal", tiny, "--stuck", 0.2, "--epochs", 1, "--number", "fixed", "--out", "a")
    assert run(*asked, "--seeds", 1).exit_code == 0
    process = start(*asked, "--seeds", 2, "--trained", 99999)
    stderr = interrupt(process, lambda: any(Path("a/partial").glob("*/weights.npz")))
    assert process.returncode == 130
    assert stderr == "eqspike: interrupted; the same command goes on in a\n"
    assert not list(Path("a").rglob(".*.tmp"))
    assert not read("a/heal.json")["finished"]


def test_wrong_use(tiny: str, fails: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert fails(2, "heal", tiny, "--stuck", 1.5) == "--stuck 1.5: a part of the devices, 0 to 1"
    assert fails(2, "heal", tiny, "--on-share", -1) == "--on-share -1: a part of the stuck devices, 0 to 1"
    assert "--rates" in fails(2, "heal", tiny, "--rates", "never")
    with pytest.raises(UsageProblem, match="--rates never: allowed: go on, restart"):
        Fault(rates=("never",)).validate()
    stuck = ("--set", "device.stuck_on=0.1", "--set", "synapses.0.draw=synapse", "--set", "synapses.1.draw=synapse")
    assert "the chip is whole at first" in fails(2, "heal", tiny, *stuck)
    assert not Path("runs").exists()


def test_a_chip_that_fails(tiny: str, fails, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(config: Config, fault: Fault, scratch: Path) -> list[dict[str, Any]]:
        if config.training.seed == 1:
            raise OSError(28, "No space left on device", str(scratch))
        return heal(config, fault, scratch)

    monkeypatch.setattr(healing, "heal", broken)
    line = fails(1, "heal", tiny, "--seed", 0, "--seeds", 2, "--number", "fixed", "--epochs", 1, "--out", "a")
    assert line.startswith("1 of 2 chips failed, the first fixed, seed 1: a/partial/")
    data = read("a/heal.json")
    assert not data["finished"]
    assert {row["seed"] for row in data["rows"]} == {0}
