"""`eqspike reproduce`: what it writes, that it goes on, and that a failing experiment does not stop the others."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from eqspike.lab import runner
from eqspike.lab.experiments import pages
from eqspike.lab.experiments.spec import read_all
from eqspike.lab.runs import Job
from eqspike.scripts import reproduce

BASE: dict[str, Any] = {
    "about": "what the thesis shows",
    "minutes": {"quick": 0.5, "full": 2},
    "seeds": [0, 1],
}
FILES: dict[str, dict[str, Any]] = {
    "fig-2-1": BASE | {
        "title": "A curve", "reference": "fig 2.1", "kind": "transfer", "seeds": [0],
        "goals": [{"quantity": "highest rate", "value": 1, "unit": "1/T", "tolerance": 0.01, "source": "2.2"}],
        "parameters": {"config": "../tiny.yaml", "points": 7}, "quick": {"points": 4},
    },
    "table-4-3": BASE | {
        "title": "A table", "reference": "table 4.3", "kind": "accuracy", "why": "it is tiny",
        "goals": [{"quantity": "one", "value": 100, "unit": "%", "tolerance": 0.01, "source": "table 4.3"}],
        "panels": [{"xscale": "names"}],
        "parameters": {"config": "../tiny.yaml", "lines": [{"name": "one"}, {"name": "two", "set": ["rate.filter=1"]}]},
        "quick": {"epochs": 1, "train_limit": 20},
    },
    "fig-2-9": BASE | {
        "title": "An old friend", "reference": "fig 2.9", "kind": "training",
        "parameters": {"config": "../tiny.yaml"}, "quick": {"epochs": 1, "train_limit": 20},
    },
}  # fmt: skip


def read(path: str | Path) -> Any:
    return json.loads(Path(path).read_text())


@pytest.fixture
def files(tiny: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """The files above in a folder of their own; called again, it changes one. The repository's pages stand aside."""

    def write(name: str | None = None, **changes: Any) -> None:
        for own, data in FILES.items():
            if name in (None, own):
                Path("lab", f"{own}.yaml").write_text(yaml.safe_dump(data | changes))

    Path("lab").mkdir()
    monkeypatch.setattr(reproduce, "FOLDER", Path("lab"))
    monkeypatch.setattr(pages, "RESULTS", Path("kept/experiments"))
    monkeypatch.setattr(pages, "GALLERY", Path("docs/gallery.md"))
    write()
    return write


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys of the jobs that are run."""
    done: list[str] = []
    real = runner.run_job

    def run_job(job: Job, folder: Path) -> Any:
        done.append(job.key)
        return real(job, folder)

    monkeypatch.setattr(runner, "run_job", run_job)
    return done


def test_it_writes_results(files, run) -> None:
    result = run("reproduce", "--quick")
    assert result.exit_code == 0, result.output
    folder = Path("runs/experiments-quick")
    for name, verdict in (("fig-2-1", "reproduced"), ("table-4-3", "differs"), ("fig-2-9", "measured")):
        found = read(folder / name / "result.json")
        assert (found["verdict"], found["mode"], found["name"]) == (verdict, "quick", name)
        assert (folder / name / "plot.png").read_bytes().startswith(b"\x89PNG")
        assert (folder / name / "data.csv").read_text().startswith("panel,series,numbers,x,y,error\n")
        assert found["seeds"] == [0]
        assert found["seconds"] > 0
        assert found["processor_seconds"] >= 0
        assert f"{name}: {verdict}" in result.stdout
    assert read(folder / "fig-2-1" / "result.json")["parameters"]["points"] == 4
    (goal,) = read(folder / "table-4-3" / "result.json")["goals"]
    assert goal["holds"] == {"real": False, "fixed": False}
    assert "<- differs" in result.stdout
    page = (folder / "report.html").read_text()
    assert "it is tiny" in page
    assert not re.search(r'(?:src|href)="(?!data:|#)', page), "the page needs nothing from outside"
    assert len(read(folder / "report.json")["experiments"]) == 3


def test_full_size_has_its_seeds_and_a_folder_of_its_own(files, run) -> None:
    assert run("reproduce", "table-4-3").exit_code == 0
    found = read("runs/experiments/table-4-3/result.json")
    assert (found["mode"], found["seeds"], found["runs"]) == ("full", [0, 1], 8)
    assert found["goals"][0]["ours"]["fixed"]["count"] == 2
    assert not Path("runs/experiments/fig-2-1").exists()
    assert not list(Path("runs/experiments/partial").iterdir())


def test_it_goes_on_and_shares_runs(files, run, count) -> None:
    assert run("reproduce", "table-4-3", "--quick").exit_code == 0
    assert len(count) == 4
    # The other experiment's training is among them.
    assert run("reproduce", "fig-2-9", "table-4-3", "--quick").exit_code == 0
    assert len(count) == 4
    before = Path("runs/experiments-quick/table-4-3/plot.png").stat().st_mtime_ns
    again = run("reproduce", "--quick")
    assert "2 of them stored" in again.stdout
    assert len(count) == 6
    assert Path("runs/experiments-quick/table-4-3/plot.png").stat().st_mtime_ns == before
    # A result that lost a file, or a run, is made anew; nothing else is.
    Path("runs/experiments-quick/table-4-3/data.csv").unlink()
    assert run("reproduce", "--quick").exit_code == 0
    assert len(count) == 6
    lost = count[0]
    Path(f"runs/experiments-quick/runs/{lost}.json").write_text("{")
    Path("runs/experiments-quick/table-4-3/result.json").unlink()
    assert run("reproduce", "--quick").exit_code == 0
    assert count[6:] == [lost]
    assert run("reproduce", "fig-2-1", "--quick", "--force").exit_code == 0
    assert len(count) == 9


def test_a_changed_goal_changes_the_verdict_without_a_run(files, run, count) -> None:
    assert run("reproduce", "table-4-3", "--quick").exit_code == 0
    ran = len(count)
    files("table-4-3", goals=[{"quantity": "one", "value": 0, "rule": "at_least", "source": "x"}])
    assert "table-4-3: reproduced" in run("reproduce", "table-4-3", "--quick").stdout
    assert len(count) == ran


def test_workers_find_the_same(files, run) -> None:
    assert run("reproduce", "table-4-3", "--quick").exit_code == 0
    assert run("reproduce", "table-4-3", "--quick", "--workers", 2, "--out", "two").exit_code == 0
    one, two = (read(f"{out}/table-4-3/result.json")["quantities"] for out in ("runs/experiments-quick", "two"))
    assert one == two


def test_a_sweeps_runs_are_taken(files, run, count) -> None:
    spec = {"title": "s", "kind": "sweep", "seeds": [0, 1], "parameters": {"config": "../tiny.yaml", "rows": [
        {"name": f"{n} {f}", "set": [f"number.format={n}", f"rate.filter={f}"]} for n in ("real", "fixed")
        for f in (1, 2)
    ]}}  # fmt: skip
    Path("s.yaml").write_text(yaml.safe_dump(spec))
    assert run("sweep", "s.yaml").exit_code == 0
    ran = len(count)
    assert run("reproduce", "table-4-3", "--reuse", "runs/s").exit_code == 0
    assert len(count) == ran
    assert run("reproduce", "fig-2-9", "--reuse", "runs/s").exit_code == 0
    assert len(count) == ran
    # Records that hold no curves, and whose time was not taken, serve where neither is asked for.
    for path in Path("runs/s/runs").glob("*.json"):
        record = {k: v for k, v in read(path).items() if k not in ("curves", "job_seconds", "job_processor_seconds")}
        path.write_text(json.dumps(record))
    again = ("--reuse", "runs/s", "--out", "again")
    assert run("reproduce", "table-4-3", *again).exit_code == 0
    assert len(count) == ran
    assert read("again/table-4-3/result.json")["processor_seconds"] is None
    assert run("reproduce", "fig-2-9", *again).exit_code == 0
    assert len(count) == ran + 4


def test_a_result_names_its_own_command(files, run) -> None:
    """Whatever else was asked for with it: another's folders say nothing to the reader of a stored result."""
    Path("else", "where").mkdir(parents=True)
    run("reproduce", "fig-2-1", "fig-2-9", "--quick", "--reuse", Path("else/where").resolve())
    assert read("runs/experiments-quick/fig-2-1/result.json")["command"] == "eqspike reproduce fig-2-1 --quick"
    assert "<code>eqspike reproduce fig-2-9 --quick</code>" in Path("runs/experiments-quick/report.html").read_text()


def test_a_failure_does_not_stop_the_others(files, run, monkeypatch: pytest.MonkeyPatch) -> None:
    from eqspike.lab.experiments.kinds import transfer

    def broken(*_: Any) -> None:
        raise RuntimeError("no neuron left")

    with monkeypatch.context() as patch:
        patch.setattr(transfer, "run", broken)
        result = run("reproduce", "--quick")
    assert result.exit_code == 1
    assert "fig-2-1 failed: transfer tiny real, seed 0: RuntimeError: no neuron left" in result.stdout
    assert result.stderr.startswith("eqspike: 1 of 3 experiments failed, the first fig-2-1: transfer tiny real")
    assert "no neuron left" in Path("runs/experiments-quick/report.html").read_text()
    assert read("runs/experiments-quick/table-4-3/result.json")["verdict"] == "differs"
    assert run("reproduce", "--quick").exit_code == 0


def test_an_outcome_that_fails_does_not_stop_the_others(files, run) -> None:
    files("fig-2-1", goals=[{"quantity": "hight", "value": 1, "source": "x"}])
    result = run("reproduce", "--quick")
    assert result.exit_code == 1
    assert "fig-2-1 failed: experiments/fig-2-1.yaml: goals: 'hight' is not measured by it" in result.stdout
    assert Path("runs/experiments-quick/table-4-3/result.json").exists()


def test_the_list(files, run) -> None:
    result = run("reproduce", "--list")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[1:4]] == ["fig-2-1", "fig-2-9", "table-4-3"]
    assert any("fig 2.1" in line and "highest rate 1 1/T" in line and "0.5" in line for line in lines)
    assert lines[-1].startswith("full: about 6 minutes")
    assert not Path("runs").exists()


def test_unknown_names(files, fails) -> None:
    assert fails(2, "reproduce", "fig-7-7") == "fig-7-7: no such experiment; --list shows them"


def test_a_config_that_cannot_be_is_found_before_anything_runs(files, fails) -> None:
    files("table-4-3", parameters={"config": "../tiny.yaml", "lines": [{"name": "one", "set": ["neuron.leak=3"]}]})
    line = fails(2, "reproduce", "--quick")
    assert line.startswith("experiments/table-4-3.yaml: one: set neuron.leak=3: neuron.leak: 3")
    assert not Path("runs/experiments-quick/runs").exists()


def test_names_as_the_thesis_writes_them(files, run) -> None:
    assert run("reproduce", "fig-2.1", "--quick").exit_code == 0
    assert run("reproduce", "fig 2.1", "--quick").exit_code == 0


def test_interrupted(files, fails, run, monkeypatch: pytest.MonkeyPatch) -> None:
    real, left = runner.run_job, [2]

    def stops(*arguments: Any) -> Any:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(runner, "run_job", stops)
        result = run("reproduce", "table-4-3", "--quick")
    assert result.exit_code == 130
    assert "the same command goes on" in result.stderr
    assert len(list(Path("runs/experiments-quick/runs").glob("*.json"))) == 2
    assert "2 of 4 runs to do" in run("reproduce", "table-4-3", "--quick").stdout


def test_the_gallery(files, run) -> None:
    assert run("reproduce", "fig-2-1", "--quick", "--write").exit_code == 0
    page = Path("docs/gallery.md").read_text()
    assert "quick only (reproduced at reduced size)" in page
    rows = [line for line in page.splitlines() if line.startswith(("| fig", "| table"))]
    assert len(rows) == 3
    assert sum("| not run |" in row for row in rows) == 2
    assert Path("docs/gallery/fig-2-1.png").exists()
    assert "](gallery/fig-2-1.png)" in page
    assert run("reproduce", "fig-2-1", "--write").exit_code == 0
    assert "| reproduced |" in Path("docs/gallery.md").read_text()
    # A result at reduced size does not take a full one's place.
    assert run("reproduce", "fig-2-1", "--quick", "--write").exit_code == 0
    assert read("kept/experiments/fig-2-1/result.json")["mode"] == "full"
    assert run("reproduce", "table-4-3", "--quick", "--write").exit_code == 0
    assert "Why: it is tiny" not in Path("docs/gallery.md").read_text(), "the reason is the size"
    assert run("reproduce", "table-4-3", "--write").exit_code == 0
    assert "Why: it is tiny" in Path("docs/gallery.md").read_text()


def test_the_gallery_in_the_repository_is_that_of_its_results() -> None:
    every = read_all()
    stored = pages.load_results()
    assert set(stored) <= set(every)
    assert pages.GALLERY.read_text(encoding="utf-8") == pages.gallery_page(list(every.values()), stored)
    for name in stored:
        assert pages.picture(name).exists()
        assert (pages.RESULTS / name / "data.csv").exists()


def test_another_data_set(files, run, fails) -> None:
    """Every run is on it, in a folder of its own; the repository keeps results of the experiments' own data sets."""
    numbers = np.random.default_rng(3)
    np.savez("own.npz", x=numbers.random((60, 9)), y=np.arange(60) % 3)
    result = run("reproduce", "table-4-3", "--quick", "--dataset", "npz:own.npz")
    assert result.exit_code == 0, result.output
    folder = Path("runs/experiments-quick-dataset")
    found = read(folder / "table-4-3" / "result.json")
    assert found["command"] == "eqspike reproduce table-4-3 --quick --dataset npz:own.npz"
    assert found["parameters"]["dataset"] == "npz:own.npz"
    assert {read(path)["config"]["dataset"]["name"] for path in (folder / "runs").glob("*.json")} == {"npz:own.npz"}
    assert not Path("runs/experiments-quick").exists()
    assert "did you mean digits" in fails(2, "reproduce", "fig-2-1", "--dataset", "digts")
    assert "leave out --dataset" in fails(2, "reproduce", "fig-2-1", "--dataset", "iris", "--write")


def test_stored_results_are_judged_anew(files, run) -> None:
    """By the rules that their files now have, as far as they measured what those ask for."""
    assert run("reproduce", "table-4-3", "--quick", "--write").exit_code == 0
    kept = Path("kept/experiments/table-4-3/result.json")
    before = read(kept)
    assert before["verdict"] == "differs"
    asked = {"unit": "%", "source": "table 4.3"}
    files("table-4-3", goals=[
        {"quantity": "one", "value": 0, "tolerance": 1, "better": "higher"} | asked,
        {"quantity": "three", "value": 1} | asked,
    ])  # fmt: skip
    assert run("reproduce", "fig-2-1", "--quick", "--write").exit_code == 0
    after = read(kept)
    assert after["verdict"] == "better"
    assert [goal["quantity"] for goal in after["goals"]] == ["one"]
    assert {**after, "goals": before["goals"], "verdict": "differs"} == before
    assert "quick only (better at reduced size)" in Path("docs/gallery.md").read_text()
