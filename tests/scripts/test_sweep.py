"""Sweeps: what they store, that they go on, and what becomes of a run that fails, is killed or interrupted."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from eqspike.base.errors import UsageProblem
from eqspike.lab import runner, runs
from eqspike.lab.experiments.kinds.sweep import row_jobs
from eqspike.lab.experiments.spec import FOLDER, SWEEPS
from eqspike.scripts import sweep as sweeping
from tests.scripts.processes import HeldElsewhere, freeze, interrupt, start, stop, wait_for

TOP = ("title", "kind", "seeds", "colour")
SPEC: dict[str, Any] = {
    "title": "A few rows",
    "kind": "sweep",
    "seeds": [0, 1],
    "config": "../tiny.yaml",
    "epochs": 2,
    "set": ["synapses.0.draw=synapse", "synapses.1.draw=synapse"],
    "reference": "plain",
    "xlabels": {"noise": "deviation"},
    "rows": [
        {"name": "plain", "group": "basis", "accuracy": 50, "source": "fig 1"},
        {"name": "same", "group": "basis", "set": ["hardware.lanes=4"], "thesis": "as plain"},
        {"name": "noise 1e-3", "group": "noise", "x": "1e-3", "set": ["device.write_noise=1e-3"], "loss": 0},
        {"name": "noise 1e-1", "group": "noise", "x": 0.1, "set": ["device.write_noise=0.1"]},
    ],
}


def sweep_text(**changes: Any) -> str:
    """The sweep above as a file's text, changed by keywords; what is not one of `TOP` stands in its parameters."""
    told = SPEC | changes
    top = {name: told.pop(name) for name in TOP if name in told}
    return yaml.safe_dump(top | {"parameters": told})


def read(path: str | Path) -> Any:
    return json.loads(Path(path).read_text())


@pytest.fixture
def spec(tiny: str) -> Callable[..., str]:
    """Writes the sweep above, changed by keywords, and returns its name."""

    def write(**changes: Any) -> str:
        Path("few.yaml").write_text(sweep_text(**changes))
        return "few.yaml"

    return write


@pytest.mark.parametrize("workers", [1, 2])
def test_a_sweep(workers: int, spec, run) -> None:
    result = run("sweep", spec(), "--workers", workers)
    assert result.exit_code == 0, result.output
    assert {path.name for path in Path("runs/few").iterdir()} == {
        "partial", "runs", "summary.json", "sweep.png",
    }  # fmt: skip
    assert not list(Path("runs/few/partial").iterdir())
    assert len(list(Path("runs/few/runs").glob("*.json"))) == 6  # "same" is the same run
    assert Path("runs/few/sweep.png").read_bytes().startswith(b"\x89PNG")
    summary = read("runs/few/summary.json")
    assert (summary["kind"], summary["finished"], summary["seeds"], summary["epochs"]) == ("sweep", True, [0, 1], 2)
    assert summary["errors"] == []
    rows = {row["name"]: row for row in summary["rows"]}
    assert list(rows) == [row["name"] for row in SPEC["rows"]]
    assert rows["same"]["accuracy"] == rows["plain"]["accuracy"]
    assert rows["same"]["loss"] == 0
    assert rows["plain"]["loss"] is None
    assert rows["noise 1e-3"]["x"] == 1e-3
    expected = 100 * (rows["plain"]["accuracy"]["mean"] - rows["noise 1e-1"]["accuracy"]["mean"])
    assert rows["noise 1e-1"]["loss"] == pytest.approx(expected)
    for name in rows:
        assert name in result.stdout
    assert "fig 1" in result.stdout


def test_a_run_is_that_of_train(spec, run) -> None:
    assert run("sweep", spec(), "--rows", "noise 1e-3", "--seeds", 1).exit_code == 0
    change = [text for key in (*SPEC["set"], "device.write_noise=1e-3") for text in ("--set", key)]
    assert run("train", "../tiny.yaml", *change, "--seed", 1, "--epochs", 2, "--out", "a").exit_code == 0
    metrics = read("a/metrics.json")
    stored = [read(path) for path in Path("runs/few/runs").glob("*.json")]
    (own,) = [r for r in stored if r["config"]["device"]["write_noise"] == 1e-3]
    entries = metrics["epochs"]
    assert own["mean_last_5_test_accuracy"] == metrics["mean_last_5_test_accuracy"]
    assert own["last_test_accuracy"] == metrics["last_test_accuracy"]
    assert own["last_train_accuracy"] == entries[-1]["train_accuracy"]
    assert own["programming_pulses"] == sum(e["counters"]["programming_pulses"] for e in entries)
    assert own["nudged_share"] == pytest.approx(np.mean([e["nudged_fraction"] for e in entries]))
    assert (own["number_format"], own["seed"], own["epochs"]) == ("fixed", 1, 2)
    assert own["seconds"] > 0


def test_it_goes_on(spec, run) -> None:
    run("sweep", spec())
    first = {path: path.stat().st_mtime_ns for path in Path("runs/few/runs").glob("*.json")}
    before = read("runs/few/summary.json")["rows"]
    lost = sorted(first)[2]
    lost.unlink()
    sorted(first)[3].write_text("{")  # as no crash leaves it
    Path("runs/few/runs/.x.json.1.tmp").write_text("left by a crash")
    result = run("sweep", spec(title="Other words"))
    assert "6 runs, 4 of them stored" in result.stdout
    now = {path: path.stat().st_mtime_ns for path in Path("runs/few/runs").glob("*.json")}
    assert set(now) == set(first)
    assert sum(now[path] == first[path] for path in first) == 4
    after = read("runs/few/summary.json")["rows"]
    for old, new in zip(before, after, strict=True):
        assert old["accuracy"] == new["accuracy"]


def test_other_sources_are_said(spec, run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("sweep", spec(), "--rows", "plain")
    assert "other sources" not in run("sweep", spec(), "--rows", "plain").stdout
    monkeypatch.setattr(runs, "golden_state", lambda: "new")
    assert "2 of these were made with other sources of golden/" in run("sweep", spec(), "--rows", "plain").stdout


def test_rows_seeds_and_list(spec, run, fails) -> None:
    listed = run("sweep", spec(), "--list")
    assert listed.exit_code == 0
    assert not Path("runs").exists()
    assert [line.split("  ")[0] for line in listed.stdout.splitlines()] == [row["name"] for row in SPEC["rows"]]
    assert run("sweep", spec(), "--rows", "noise*", "--seeds", "3-4,9", "--epochs", 1).exit_code == 0
    summary = read("runs/few/summary.json")
    assert [row["name"] for row in summary["rows"]] == ["plain", "noise 1e-3", "noise 1e-1"]
    assert (summary["seeds"], summary["epochs"]) == ([3, 4, 9], 1)
    assert " 3/3 " in run("sweep", spec(), "--list", "--seeds", "3,4,9", "--epochs", 1).stdout
    assert "--rows nothing: no such row" in fails(2, "sweep", spec(), "--rows", "nothing")
    for text in ("a", "4-1", "1-", ""):
        assert fails(2, "sweep", spec(), "--seeds", text).startswith(f"--seeds {text}:")


def test_the_validation_part_is_named(spec, run) -> None:
    run("sweep", spec(set=[*SPEC["set"], "dataset.validation_fraction=0.2"]), "--rows", "plain", "--epochs", 1)
    assert read("runs/few/summary.json")["test_part"] == "validation"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"colour": 1}, "few.yaml: colour: unknown key; known here: title, kind"),
        ({"rows": [{"name": "plain", "colour": 1}]}, "parameters.rows[0].colour: unknown key"),
        ({"rows": []}, "parameters.rows: [] is not valid; a list with at least one row"),
        ({"rows": [{"set": []}]}, "parameters.rows[0].name: '' is not valid"),
        ({"rows": [{"name": "plain"}, {"name": "plain"}]}, "rows[0].name: 'plain' is not valid; a name that no other"),
        ({"rows": [{"name": "other"}]}, "rows[0].reference: 'plain' is not valid; one of other"),
        ({"rows": [{"name": "plain", "set": "a=1"}]}, "parameters.rows[0].set: 'a=1' is not valid; a list"),
        ({"rows": [{"name": "plain", "set": ["a"]}]}, "parameters.rows[0].set: 'a' is not valid; a list of key=value"),
        ({"rows": [{"name": "plain", "x": "far"}]}, "parameters.rows[0].x: 'far' is not valid"),
        ({"rows": [{"name": "plain", "gain": 1}]}, "parameters.rows[0].gain: unknown key"),
        ({"rows": [{"name": "plain", "loss": 1, "accuracy": 2}]}, "'plain' is not valid; at most one of accuracy"),
        ({"rows": [{"name": "plain", "set": ["device.colour=1"]}]}, "device.colour: unknown key"),
        ({"rows": [{"name": "plain", "set": ["programming.probability=0"]}]}, "programming.probability: 0"),
        ({"rows": [{"name": "plain", "set": ["programming.every=0"]}]}, "programming.every: 0"),
        ({"config": None}, "parameters.config: None is not valid"),
        ({"config": "nowhere.yaml"}, "nowhere.yaml: cannot be read"),
        ({"kind": "transfer"}, "reference: is missing"),
        ({"kind": None}, "kind: None is not valid"),
        ({"seeds": [1.5]}, "seeds[0]: 1.5 is not valid"),
        ({"seeds": []}, "seeds: [] is not valid"),
        ({"epochs": 0}, "parameters.epochs: 0 is not valid"),
        ({"set": ["epochs"]}, "parameters.set: 'epochs' is not valid"),
        ({"xlabels": 3}, "parameters.xlabels: 3 is not valid; a mapping"),
    ],
)
def test_a_wrong_file(changes: dict[str, Any], words: str, spec, fails) -> None:
    assert words in fails(2, "sweep", spec(**changes))
    assert not Path("runs").exists()


def test_no_file(tiny: str, fails) -> None:
    assert fails(2, "sweep", "nowhere.yaml") == "nowhere.yaml: cannot be read: No such file or directory"
    Path("a.yaml").write_text("[1, 2")
    assert fails(2, "sweep", "a.yaml").startswith("a.yaml: line 1 is not valid YAML: expected ',' or ']'")
    Path("a.yaml").write_text("3")
    assert "a.yaml: the file: a mapping" in fails(2, "sweep", "a.yaml")
    assert "fig-2-1.yaml: kind: 'transfer' is not valid; allowed: sweep" in fails(
        2, "sweep", str(FOLDER / "fig-2-1.yaml")
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_that_fails_does_not_stop_the_others(workers: int, spec, run, fails) -> None:
    rows = [*SPEC["rows"], {"name": "measured", "set": ["device.file=chip.csv"]}]
    line = fails(1, "sweep", spec(rows=rows), "--workers", workers)
    assert line.startswith("2 of 8 runs failed, the first measured, seed 0: device.file: chip.csv: cannot be read")
    summary = read("runs/few/summary.json")
    assert not summary["finished"]
    assert [(e["row"], e["seed"]) for e in summary["errors"]] == [("measured", 0), ("measured", 1)]
    assert [row["finished"] for row in summary["rows"]] == [True, True, True, True, False]
    devices = [(s, r, c) for s, (n, m) in enumerate(((9, 5), (5, 3))) for r in range(n + 1) for c in range(m)]
    Path("chip.csv").write_text("layer,row,column\n" + "".join("{},{},{}\n".format(*d) for d in devices))
    result = run("sweep", spec(rows=rows))
    assert result.exit_code == 0
    assert "8 runs, 6 of them stored" in result.stdout
    assert read("runs/few/summary.json")["errors"] == []


def test_a_changed_default_is_another_run(spec, run) -> None:
    """Keys that are new since are as by default; a key with another value than then makes the run anew."""
    run("sweep", spec(), "--rows", "plain", "--seeds", 0)
    (path,) = Path("runs/few/runs").glob("*.json")
    record = read(path)
    del record["config"]["programming"]
    del record["config"]["synapses"][1]["draw"]
    path.write_text(json.dumps(record))
    assert "1 runs, 1 of them stored" in run("sweep", spec(), "--rows", "plain", "--seeds", 0).stdout
    record["config"]["device"]["speed"] = 0.5
    path.write_text(json.dumps(record))
    assert "1 runs, 0 of them stored" in run("sweep", spec(), "--rows", "plain", "--seeds", 0).stdout
    assert read(path)["config"]["device"]["speed"] == 1e-4


def test_a_folder_in_use(spec, run, fails) -> None:
    with HeldElsewhere("runs/few"):
        assert fails(2, "sweep", spec()) == "runs/few: another command is at work there"
    run("train", "../tiny.yaml", "--seeds", 2, "--epochs", 1, "--out", "many")
    assert "many: holds a run of 'eqspike train'" in fails(2, "sweep", spec(), "--out", "many")


def test_unwritable(spec, fails) -> None:
    Path("file").write_text("")
    assert fails(1, "sweep", spec(), "--out", "file/below").startswith("file/below")


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c(workers: int, spec, run) -> None:
    """SIGINT with some runs done: status 130, one line, whole files, and the rest is done by the same command."""
    long = {"name": "long", "set": ["training.epochs=99999", "device.write_noise=1e-2"]}
    name = spec(rows=[*SPEC["rows"][:2], long], epochs=None)
    folder = Path("runs/few")
    process = start("sweep", name, "--workers", workers)
    stderr = interrupt(
        process, lambda: len(list(folder.glob("runs/*.json"))) == 2 and any(folder.glob("partial/*/*.npz"))
    )
    assert process.returncode == 130
    assert stderr == "eqspike: interrupted; 2 of 4 runs are stored in runs/few; the same command goes on\n"
    summary = read(folder / "summary.json")
    assert [row["finished"] for row in summary["rows"]] == [True, True, False]
    assert not list(folder.rglob(".*.tmp"))
    result = run("sweep", spec(rows=SPEC["rows"][:2], epochs=None))
    assert "2 runs, 2 of them stored" in result.stdout


def test_ctrl_c_before_a_run_was_heard_of(spec, fails, monkeypatch: pytest.MonkeyPatch) -> None:
    """What workers have stored is counted, though the message of it came too late."""
    run_jobs = runner.run_jobs

    def stopped(missing, store, workers, heard, dask) -> None:
        run_jobs(missing, store, workers, lambda key, problem: None, dask)
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "run_jobs", stopped)
    said = fails(130, "sweep", spec(), "--rows", "plain", "--seeds", 0)
    assert said == "interrupted; 1 of 1 runs are stored in runs/few; the same command goes on"
    assert [row["finished"] for row in read(Path("runs/few/summary.json"))["rows"]] == [True]


def test_a_killed_worker_loses_its_run_only(spec) -> None:
    """SIGKILL to one of two workers: its run and its neighbour's are done again, and nothing is missing."""
    name = spec(epochs=60)
    process = start("sweep", name, "--workers", 2)
    folder = Path("runs/few")

    def workers() -> list[int]:
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                command = path.read_bytes()
                parent = (path.parent / "stat").read_text().rpartition(")")[2].split()[1]
            except OSError:
                continue
            if int(parent) == process.pid and b"popen_loky" in command:
                found.append(int(path.parent.name))
        return found

    try:
        wait_for(process, lambda: len(workers()) == 2 and len(list(folder.glob("partial/*/weights.npz"))) == 2)
        os.kill(workers()[0], signal.SIGKILL)
        _, stderr = process.communicate(timeout=240)
    finally:
        stop(process)
    assert process.returncode == 0, stderr
    assert read(folder / "summary.json")["finished"]


def test_killed_half_way_and_started_again(spec, run, tmp_path: Path) -> None:
    """SIGKILL to the whole sweep: what was stored stays as it is, what was under way goes on from its checkpoint, and
    the numbers are those of a sweep that nobody killed."""
    name = spec(seeds=[0, 1, 2], epochs=12)
    folder = Path("runs/few")

    def ready() -> bool:
        """Three runs are stored, and one is under way with two epochs behind it."""
        try:
            under_way = any(len(read(path)["epochs"]) >= 2 for path in folder.glob("partial/*/metrics.json"))
        except FileNotFoundError:  # it is done
            return False
        return under_way and 3 <= len(list(folder.glob("runs/*.json"))) < 9

    process = start("sweep", name, "--rows", "noise*")  # with its reference: 9 runs
    try:
        freeze(process, ready)
    finally:
        stop(process)
    assert process.returncode == -signal.SIGKILL
    stored = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.glob("runs/*.json")}
    (partial,) = folder.glob("partial/*")
    assert 3 <= len(stored) < 9
    reached = read(partial / "metrics.json")["epochs"]
    result = run("sweep", name, "--rows", "noise*")
    assert result.exit_code == 0, result.output
    assert f"9 runs, {len(stored)} of them stored" in result.stdout
    assert [line.split("]")[0] for line in result.stdout.splitlines() if line.startswith("[")] == [
        f"[{n}/9" for n in range(len(stored) + 1, 10)
    ]
    assert all((path.stat().st_mtime_ns, path.read_bytes()) == before for path, before in stored.items())
    now = {path.stem: read(path) for path in folder.glob("runs/*.json")}
    assert now[partial.name]["test_accuracies"][: len(reached)] == [entry["test_accuracy"] for entry in reached]
    # The seconds of the epochs before are kept as they were measured: that run did not begin anew. The last one is done
    # again when the kill came before its weights were stored.
    whole = [entry["seconds"] for entry in reached[:-1]]
    assert [entry["seconds"] for entry in now[partial.name]["curves"][: len(whole)]] == whole
    assert run("sweep", name, "--rows", "noise*", "--out", "whole").exit_code == 0
    assert now.keys() == {path.stem for path in Path("whole/runs").glob("*.json")}
    for key, record in now.items():
        assert timeless(record) == timeless(read(f"whole/runs/{key}.json"))


def timeless(record: dict[str, Any]) -> dict[str, Any]:
    """A run's record without the time that it took."""
    kept = {name: value for name, value in record.items() if not name.endswith("seconds")}
    return kept | {"curves": [{k: v for k, v in entry.items() if k != "seconds"} for entry in record["curves"]]}


def test_time_left(spec, run) -> None:
    lines = [line for line in run("sweep", spec(), "--rows", "plain").stdout.splitlines() if line.startswith("[")]
    assert re.fullmatch(r"\[1/2\] plain, seed 0: [0-9.]+ %; \d\d:\d\d left", lines[0])
    assert re.fullmatch(r"\[2/2\] plain, seed 1: [0-9.]+ %", lines[1])


def test_seeds_of_a_text() -> None:
    assert sweeping.parse_seeds("0-2,7,1") == (0, 1, 2, 7)
    with pytest.raises(UsageProblem):
        sweeping.parse_seeds("0-99999")


def test_the_projects_sweeps_can_be_read() -> None:
    names = [path.stem for path in SWEEPS.glob("*.yaml")]
    assert len(names) == 5
    for name in names:
        sweep = sweeping.read_sweep(name)
        row_jobs(sweep.full, sweep.header.seeds[:1])


def test_a_grid(tiny: str, run) -> None:
    """A row that goes over the values of two keys is one row for each combination, placed in the plot by the first."""
    over = {"device.write_noise": [0.001, 0.1], "programming.probability": [1, "2^-1"]}
    Path("grid.yaml").write_text(
        sweep_text(seeds=[0], epochs=1, reference=None, rows=[{"name": "grid", "over": over}, {"name": "plain"}])
    )
    result = run("sweep", "grid.yaml")
    assert result.exit_code == 0, result.output
    rows = read("runs/grid/summary.json")["rows"]
    assert [row["name"] for row in rows] == [
        "grid, write_noise=0.001, probability=1", "grid, write_noise=0.001, probability=2^-1",
        "grid, write_noise=0.1, probability=1", "grid, write_noise=0.1, probability=2^-1", "plain",
    ]  # fmt: skip
    assert [row["x"] for row in rows] == [0.001, 0.001, 0.1, 0.1, None]
    assert [row["series"] for row in rows[:2]] == ["probability=1", "probability=2^-1"]
    assert rows[2]["set"] == ["device.write_noise=0.1", "programming.probability=1"]
    # No row has a number of the thesis, nor one to be compared with: the table has no columns for them.
    assert "pulses/image" in result.stdout
    assert not any(word in result.stdout for word in ("thesis", "verdict", "points lost"))
    assert run("report", "runs/grid").exit_code == 0
    page = Path("runs/grid/report.html").read_text()
    assert "<th>pulses/image</th>" in page
    assert not any(word in page for word in ("<th>verdict</th>", "<th>thesis</th>", "Open diamonds"))


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ({"device.write_noise": []}, "parameters.rows[0].over.device.write_noise: [] is not valid"),
        ({"device.write_noise": [0, 0]}, "a list of different values"),
        ({"device.write_noise": 0.1}, "parameters.rows[0].over.device.write_noise: 0.1 is not valid; a list"),
        ({"device.write_noise": [[1]]}, "a number or a word"),
        ({"a": list(range(40)), "b": list(range(40))}, "at most 1,000 combinations"),
    ],
)
def test_a_grid_that_is_none(over: dict[str, Any], said: str, tiny: str, fails) -> None:
    Path("grid.yaml").write_text(sweep_text(rows=[{"name": "plain", "over": over}]))
    assert said in fails(2, "sweep", "grid.yaml")
