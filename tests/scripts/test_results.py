"""law, report, demo and bench: the files they write and what they say when something is not there."""

from __future__ import annotations

import json
import os
import re
import sys
import types
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from golden.config import load_config, resolve_preset
from golden.law import run_pair
from golden.network import Network
from scripts import memristor, report, results
from scripts.errors import CommandError
from scripts.law import regression


def read(path: str | Path) -> Any:
    return json.loads(Path(path).read_text())


def test_regression() -> None:
    x = np.arange(5.0)
    line = regression(x, 3 * x - 1)
    assert line == pytest.approx({"slope": 3, "intercept": -1, "r2": 1, "noise": 0}, abs=1e-9)
    assert regression(x, np.array([0, 1, 0, 1, 0.0]))["r2"] == pytest.approx(0, abs=0.01)


def test_law(tiny: str, run) -> None:
    result = run("law", tiny, "--out", "law", "--points", 12)
    assert result.exit_code == 0
    law = read("law/law.json")
    assert law["passed"]
    for sweep in ("rate", "ramp"):
        assert set(law["sweeps"][sweep]["runs"]) == {"real", "fixed"}
        assert law["sweeps"][sweep]["runs"]["real"]["r2"] > 0.99
        assert len(law["sweeps"][sweep]["runs"]["fixed"]["weight_change"]) == 12
    assert law["fixed_point"]["step_shift"] == 6 + 5 - 5
    assert Path("law/law.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("wrong", [False, True])
def test_law_on_the_rtl(wrong: bool, tiny: str, run, fails, monkeypatch: pytest.MonkeyPatch) -> None:
    def run_pair_rtl(config: Any, pre: np.ndarray, post: np.ndarray) -> dict[str, np.ndarray]:
        trace = {k: v.copy() for k, v in run_pair(config, pre, post)._asdict().items() if k != "word"}
        if wrong:
            trace["membrane"][1, 400:, 1] += 1
        return trace

    engine = types.ModuleType("cocotb_tests.engine")
    engine.run_pair_rtl = run_pair_rtl
    monkeypatch.setitem(sys.modules, "cocotb_tests.engine", engine)
    arguments = ("law", tiny, "--engine", "golden,rtl", "--out", "law", "--points", 3)
    if wrong:
        assert "the RTL differs" in fails(1, *arguments)
    else:
        assert run(*arguments).exit_code == 0
    rtl = read("law/law.json")["sweeps"]["rate"]["runs"]["rtl"]
    assert rtl["mismatches"] == (200 if wrong else 0)
    assert rtl["states_compared"] == 3 * 600 * (5 * 2 + 1) + 3
    if wrong:
        first = rtl["first_mismatch"]
        assert (first["run"], first["step"], first["name"], first["index"]) == (1, 400, "membrane", [1])
        assert first["rtl"] == first["golden"] + 1


def test_law_without_the_rtl(tiny: str, fails, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cocotb_tests.engine", None)
    assert "not available" in fails(1, "law", tiny, "--engine", "golden,rtl", "--points", 3)


# ---------------------------------------------------------------------------------------------------------------------

BUILD = {
    "board": "icebreaker",
    "config": "tiny",
    "resources": {"LUT4": {"used": 1320, "total": 5280}, "odd": 3},
    "clocks": {"sync": {"achieved": 20.5, "required": 12.0}},
}


SWEEP: dict[str, Any] = {
    "name": "few",
    "title": "A few rows",
    "seeds": [0, 1],
    "epochs": 1,
    "set": ["synapses.0.draw=synapse", "synapses.1.draw=synapse"],
    "reference": "plain",
    "rows": [
        {"name": "plain", "group": "basis", "thesis": {"accuracy": 50}},
        {"name": "noise <1>", "group": "noise", "x": 1, "set": ["device.write_noise=1e-3"], "thesis": 3},
    ],
}


def test_report(tiny: str, run) -> None:
    run("train", tiny, "--seeds", 2, "--out", "many", "--epochs", 2)
    run("train", tiny, "--out", "real", "--set", "number.format=real", "--epochs", 2)
    run("law", tiny, "--out", "many/law", "--points", 3)
    Path("hw").mkdir()
    Path("hw/build.json").write_text(json.dumps(BUILD))
    compare = {"images": 20, "steps": 900, "compared": {"<spikes>": 12345}, "mismatches": 0, "first_mismatch": None}
    Path("hw/compare.json").write_text(json.dumps(compare))
    Path("few.yaml").write_text(yaml.safe_dump(SWEEP | {"base": tiny}))
    assert run("sweep", "few.yaml", "--out", "hw/sweep").exit_code == 0
    assert run("device", tiny, "--out", "hw/device", "--points", 11).exit_code == 0
    result = run("report", "many", "real", "hw")
    assert result.exit_code == 0, result.output
    page = Path("many/report.html").read_text()
    assert "many/report.html" in result.stdout
    assert "http" not in re.sub(r'src="data:[^"]*"', "", page)
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert page.count("<img") == 1 + 2 * 6 + 1 + 1 + 1
    assert "identical" in page
    assert "&lt;spikes&gt;" in page
    assert "1\u2009320" not in page.split("LUT4")[0]
    assert "25 %" in page
    assert "makes one" not in page
    data = read("many/report.json")
    assert [row["folder"] for row in data["runs"]] == ["many/seed-7", "many/seed-8", "real"]
    assert [detail["folder"] for detail in data["details"]] == ["many/seed-7", "real"]
    assert sum(map(sum, data["details"][0]["confusion"])) == 24
    assert data["builds"][0]["board"] == "icebreaker"
    assert data["devices"][0]["kind"] == "device"
    assert [row["name"] for row in data["sweeps"][0]["rows"]] == ["plain", "noise <1>"]
    assert len(data["summaries"]) == 1
    assert "noise &lt;1&gt;" in page
    assert "One write of synapse layer 1" in page


def test_report_says_how_to_make_what_is_missing(tiny: str, run) -> None:
    Path("hw").mkdir()
    Path("hw/compare.json").write_text(json.dumps({"mismatches": 3, "images": 1}))
    assert run("report", "hw", "--out", "page.html").exit_code == 0
    page = Path("page.html").read_text()
    assert "3 mismatches" in page
    for command in ("train", "build", "law", "sweep", "device"):
        assert f"eqspike {command}" in page
    assert Path("page.json").exists()


def test_report_of_a_run_that_lost_its_weights(tiny: str, run) -> None:
    run("train", tiny, "--out", "a", "--epochs", 1)
    Path("a/weights.npz").write_bytes(b"")
    assert run("report", "a").exit_code == 0
    assert "No pictures of the network" in Path("a/report.html").read_text()


def test_report_of_two_hidden_layers(tiny: str, run) -> None:
    change = ("--set", "network.layers=[9, 5, 4, 3]", "--set", "synapses=[{bits: 8}]")
    assert run("train", tiny, "--out", "a", "--epochs", 1, *change).exit_code == 0
    assert run("report", "a").exit_code == 0


def test_report_of_nothing(tiny: str, fails) -> None:
    assert "nowhere: is not a folder" in fails(2, "report", "nowhere")
    Path("empty").mkdir()
    assert "empty: no results here" in fails(2, "report", "empty")
    Path("empty/metrics.json").write_text("{")
    assert "empty/metrics.json: not valid JSON" in fails(2, "report", "empty")
    Path("empty/metrics.json").write_text("{}")
    assert "not of this version" in fails(1, "report", "empty")


def test_numbers_for_the_reader() -> None:
    assert [report.number(v) for v in (None, 1234567, 0.123456, 12345.6, True, 3)] == [
        "-", "1\u2009234\u2009567", "0.1235", "12\u2009346", "yes", "3",
    ]  # fmt: skip
    assert list(report.flat({"a": {"b": 1}, "c": [{"d": "x"}], "e": [1, 2]})) == [
        ("a.b", "1"), ("c[0].d", "x"), ("e", "[1, 2]"),
    ]  # fmt: skip


# ---------------------------------------------------------------------------------------------------------------------


def stand_in(monkeypatch: pytest.MonkeyPatch, mismatches: int) -> list[dict[str, Any]]:
    """Modules in place of scripts.compare and scripts.build; returns what they are called with."""
    calls: list[dict[str, Any]] = []

    def write(name: str, content: dict[str, Any]) -> Any:
        def function(config: Any, out: Path, **options: Any) -> dict[str, Any]:
            calls.append({"name": name, "config": config.name} | options)
            out.mkdir(parents=True, exist_ok=True)
            (out / f"{name}.json").write_text(json.dumps(content))
            return content

        return function

    compare = {"mismatches": mismatches, "passed": mismatches == 0, "images": 20, "words_compared": 99}
    for name, content in (("compare", compare), ("build", BUILD)):
        module = types.ModuleType(f"scripts.{name}")
        module.__spec__ = ModuleSpec(module.__name__, None)
        setattr(module, f"run_{name}", write(name, content))
        monkeypatch.setitem(sys.modules, f"scripts.{name}", module)
        monkeypatch.setattr(sys.modules["scripts"], name, module, raising=False)
    return calls


def test_demo(tiny: str, run, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = stand_in(monkeypatch, 0)
    result = run("demo", "--config", tiny, "--out", "demo")
    assert result.exit_code == 0, result.output
    assert calls == [
        {"name": "compare", "config": "tiny", "images": 20, "simulator": "verilator"},
        {"name": "build", "config": "tiny", "board": "icebreaker"},
    ]
    assert "demo/report.html" in result.stdout
    assert "identical" in Path("demo/report.html").read_text()
    weights = Path("demo/train/weights.npz").stat().st_mtime_ns
    again = run("demo", "--config", tiny, "--out", "demo")
    assert "reused" in again.stdout
    assert Path("demo/train/weights.npz").stat().st_mtime_ns == weights
    assert "trained" in run("demo", "--config", tiny, "--out", "demo", "--force").stdout


def test_demo_fails_with_its_parts(tiny: str, fails, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, 2)
    assert fails(1, "demo", "--config", tiny, "--out", "demo") == "demo: compare failed"
    assert "2 mismatches" in Path("demo/report.html").read_text()
    monkeypatch.setitem(sys.modules, "scripts.build", None)
    assert fails(1, "demo", "--config", tiny, "--out", "demo") == "demo: compare, build failed"


def test_bench_writes_json(tiny: str, run) -> None:
    assert run("bench", tiny, "--epochs", 1, "--out", "bench.json").exit_code == 0
    bench = read("bench.json")
    assert bench["training"]["images"] == 96
    assert bench["training_forced_nudge"]["nudged_fraction"] == 1
    assert bench["inference"]["images_per_second"] > 0


# ---------------------------------------------------------------------------------------------------------------------


def test_results_of_a_sweep(tiny: str, run, monkeypatch: pytest.MonkeyPatch) -> None:
    """results/sweep-nonidealities.json becomes a table of docs/results.md and lines of the README's table."""
    Path("few.yaml").write_text(yaml.safe_dump(SWEEP | {"base": tiny}))
    measured = results.Measurement(results.SWEEP, "sweep few.yaml --out {out}", "summary.json", ("last_accuracy",))
    work = Path.cwd()
    for name, value in (
        ("ROOT", work), ("RESULTS", work / "results"), ("PAGE", work / "docs" / "results.md"),
        ("README", work / "README.md"), ("MEMRISTORS", {"plain": ("Plain ones", 1.0), "none": ("None", 2.0)}),
        ("measurements", lambda: {measured.name: measured}),
    ):  # fmt: skip
        monkeypatch.setattr(results, name, value)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    Path("README.md").write_text(f"before\n{results.BEGIN}\n{results.END}\nafter\n")
    assert run("results", "--run", results.SWEEP).exit_code == 0
    kept = read(f"results/{results.SWEEP}.json")
    assert kept["seconds"] == round(kept["result"]["seconds_of_runs"], 1)
    assert "last_accuracy" not in kept["result"]["rows"][0]
    page = Path("docs/results.md").read_text()
    assert "| basis | plain | 2 |" in page
    assert "| noise | noise <1> | 2 |" in page
    readme = Path("README.md").read_text()
    assert readme.startswith("before")
    assert readme.endswith("after\n")
    assert "| Plain ones | " in readme
    assert "None" not in readme


def test_results_of_many_rows(tiny: str, run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row is stored when it is done, and is not run again while its command and its sources are the same."""
    Path("source.txt").write_text("one")
    rows = [("first", "--points 11"), ("Second, more", "--points 12")]
    prepared = []

    def measured() -> dict[str, results.Measurement]:
        row = results.Measurement(
            "many", f"device {tiny} --out {{out}}", "device.json", ("voltage", "conductance"), tuple(rows), ("*.txt",),
            lambda: prepared.append(1),
        )  # fmt: skip
        return {"many": row}

    work = Path.cwd()
    for name, value in (
        ("ROOT", work), ("RESULTS", work / "results"), ("PAGE", work / "docs" / "results.md"),
        ("README", work / "README.md"), ("measurements", measured),
    ):  # fmt: skip
        monkeypatch.setattr(results, name, value)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    Path("README.md").write_text(f"{results.BEGIN}\n{results.END}\n")
    rows.append(("wrong", "--points 0"))
    failed = run("results", "--run", "many")
    assert failed.exit_code == 1
    assert failed.stderr.splitlines()[-1].endswith("many: wrong failed; the other rows are stored")
    assert [row["name"] for row in read("results/many.json")["result"]["rows"]] == ["first", "Second, more"]
    rows.pop()
    again = run("results", "--run", "many")
    assert again.exit_code == 0
    assert "many: 1 of 2: first: stored" in again.stdout
    assert "many: 2 of 2: Second, more: stored" in again.stdout
    kept = read("results/many.json")
    assert kept["command"] == "eqspike results --run many"
    assert [row["name"] for row in kept["result"]["rows"]] == ["first", "Second, more"]
    assert kept["result"]["rows"][1]["command"].endswith("--out runs/results/many/second-more --points 12")
    assert "voltage" not in kept["result"]["rows"][0]["result"]
    Path("source.txt").write_text("two")
    rows[0] = ("first", "--points 13")
    assert "stored" not in run("results", "--run", "many").stdout
    assert len(prepared) == 3
    rows[:] = [("first", "--points 14"), ("Second, more", "--points 15")]
    assert run("results", "--run", "many", "--row", "Second*").exit_code == 0
    points = [row["command"].split()[-1] for row in read("results/many.json")["result"]["rows"]]
    assert points == ["13", "15"]
    for wrong in (["--run", "many", "--row", "third"], ["--row", "first"], ["--run", "all", "--row", "first"]):
        refused = run("results", *wrong)
        assert refused.exit_code == 2
        assert "needs one --run NAME with such a row" in refused.stderr


def synthesis(lanes: int, lut: int, carry: int, ff: int, **more: int) -> dict[str, Any]:
    parts = {"selftest.core.crossbar.weights": {"bram": 11}, "selftest.core.crossbar.devices.measured": {"bram": 27}}
    cells = {"lut": lut, "carry": carry, "ff": ff, **more}
    return {"cells": cells, "parts": parts, "weight_words": 76, "lanes": lanes}


def test_tables_of_memristors() -> None:
    rows = [
        {"name": memristor.BASE, "seconds": 1.0, "result": synthesis(8, 1000, 100, 50, bram=13)},
        {"name": "all at once", "seconds": 2.0, "result": synthesis(8, 5000, 200, 40, bram=40, dsp=128)},
        {"name": memristor.BASE_ON_32, "seconds": 1.0, "result": synthesis(32, 4000, 400, 150)},
        {"name": "all on 32", "seconds": 1.0, "result": synthesis(32, 9000, 500, 160)},
    ]
    table = memristor.cost_table({memristor.COST: {"result": {"rows": rows}}})
    assert table[0][1:] == ["8", "1,000", "100", "50", "13", "11", "27", "0", "76", "+0", "+0"]
    assert table[1] == ["all at once", "8", "5,000", "200", "40", "40", "11", "27", "128", "76", "+4,200", "-10"]
    assert table[3][-2:] == ["+5,200", "+10"]
    assert ["every=5", "not measured"] in [row[:2] for row in table[4:]]
    assert len(memristor.COST_HEAD) == len(table[0])
    assert memristor.cost_table({}) == memristor.compare_table({}) == memristor.build_table({}) == []


def test_rows_of_memristors_can_be_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every row's changes make a config, and each is another one."""
    monkeypatch.chdir(tmp_path)
    memristor.write_measured()
    first = memristor.MEASURED.read_bytes()
    memristor.write_measured()
    assert memristor.MEASURED.read_bytes() == first
    for all_changes in (memristor.COST_ROWS.values(), [c for _, c in memristor.COMPARE_ROWS.values()]):
        configs = [repr(load_config(resolve_preset(memristor.PRESET), changes)) for changes in all_changes]
        assert len({*configs}) >= len(configs) - 2  # the simulators run the same, and 32 lanes are the preset's
    Network(load_config(resolve_preset(memristor.PRESET), memristor.COST_ROWS["measured devices"]))


@pytest.mark.parametrize("status", [0, 1, 2])
@pytest.mark.parametrize("writes", [True, False])
@pytest.mark.parametrize("may_miss", [True, False])
def test_a_missed_clock_is_a_result(
    status: int, writes: bool, may_miss: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status 1 counts where it may, and only with a file of this run, not with one that was there before."""
    path = tmp_path / "runs" / "results" / "m" / "build.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"mhz": 0}')
    os.utime(path, (1, 1))

    def call(command: list[str], cwd: Path) -> int:
        if writes:
            path.write_text('{"mhz": 19}')
        return status

    monkeypatch.setattr(results, "ROOT", tmp_path)
    monkeypatch.setattr(results, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(results.subprocess, "call", call)
    monkeypatch.chdir(tmp_path)
    row = results.Measurement("m", "build x --out {out}", "build.json", may_miss=may_miss)
    if status == 0 or (status == 1 and may_miss and writes):
        assert results.run_measurement(row)["result"] == {"mhz": 19 if writes else 0}
        assert (tmp_path / "results" / "m.json").exists()
    else:
        with pytest.raises(CommandError, match=f"status {status}"):
            results.run_measurement(row)


# ---------------------------------------------------------------------------------------------------------------------


def accuracy(mean: float, error: float | None = 0.002) -> dict[str, Any]:
    value = {"count": 3 if error else 1, "mean": mean, "standard_error": error}
    return {"command": "eqspike train", "seconds": 1.0, "result": {"last_test_accuracy": value}}


@pytest.mark.parametrize(
    ("fixed", "real", "status"),
    [
        (0.951, 0.953, "met"),
        (0.944, 0.945, "missed"),  # under the bar
        (0.951, 0.962, "missed"),  # too far from real numbers, on either side
        (0.962, 0.951, "missed"),
        (0.951, None, "real numbers not measured"),
    ],
)
def test_accuracy_on_images(fixed: float, real: float | None, status: str) -> None:
    found = {"train-mnist-fixed": accuracy(fixed), "train-mnist-fixed-still": accuracy(0.93, None)}
    if real:
        found["train-mnist-real"] = accuracy(real)
    moved, still = results._images(found)
    assert moved[1:4] == ["moved", "3", ">= 94.5 %, within 1 point of real numbers"]
    assert moved[4] == f"{100 * fixed:.2f} ± 0.20 %"
    assert moved[-1] == status
    assert still[1:5] == ["as they are", "1", "-", "93.00 %"]
    assert still[-1] == "measured"
    (fashion,) = results._images({"train-fashion-fixed": accuracy(0.8), "train-fashion-real": accuracy(0.805)})
    assert fashion[1] == "as they are"
    assert fashion[3] == "within 1 point of real numbers"
    assert fashion[-1] == "met"


def test_work_of_an_image() -> None:
    counters = {
        "images": 200,
        "steps": 40000,
        "nudged": 50,
        "spikes": [2_000_000, 800_000, 20_000],
        "synops": 2 * 10**8,
    }
    epochs = [{}, {"counters": counters, "test_counters": counters | {"images": 100, "nudged": 0}}]
    training, inference = results._activity({"activity-mnist": {"result": {"epochs": epochs}}})
    assert training == ["`mnist`", "training", "25 %", "200", "10,000", "4,000", "100", "1.00 M"]
    assert inference == ["`mnist`", "inference", "-", "400", "20,000", "8,000", "200", "2.00 M"]


# ---------------------------------------------------------------------------------------------------------------------


def reached(mean: float, count: int = 5) -> dict[str, Any]:
    value = {"count": count, "mean": mean, "standard_error": 0.002}
    return {"command": "eqspike baseline", "seconds": 1.0, "result": {"mean_last_5_test_accuracy": value}}


def test_baselines() -> None:
    found = {"baseline-bp-adam-digits": reached(0.9701), "baseline-bp-adam-digits64": reached(0.9699)}
    found |= {"baseline-bptt-digits": reached(0.9), "train-digits-fixed": reached(0.9763, 10)}
    rows = {row[0]: row[1:] for row in results._baselines(found)}
    assert rows["EqSpike, 64-32-10, 12-bit weights"] == ["10", "-", "97.63 ± 0.20 %", "-", "see above"]
    assert rows["BPTT, 64-32-10"] == ["5", "-", "90.00 ± 0.20 %", "-", "measured"]
    assert rows["BP-ADAM on ideal memristors, 64-32-10"] == ["5", ">= 97.0 %", "97.01 ± 0.20 %", "-", "met"]
    assert rows["BP-ADAM on ideal memristors, 64-64-10"][-1] == "missed"


@pytest.mark.parametrize(("mean", "status"), [(0.951, "met: -0.90"), (0.949, "missed: -1.10"), (0.98, "met: +2.00")])
def test_eqspike_against_bptt(mean: float, status: str) -> None:
    found = {"baseline-bptt-mnist5k": reached(0.96, 3), "train-mnist-fixed": reached(mean, 3)}
    rows = [row for row in results._baselines(found) if row[0] == "EqSpike, 784-100-10, mnist5k, fixed"]
    assert [row[-1] for row in rows] == [f"{status} points against BPTT"]
    assert results._against_bptt({"train-mnist-fixed": reached(mean)}) == []


def test_baselines_with_faults() -> None:
    rows = [
        {"name": f"{kind}, {fault}", **reached(0.97 - 0.01 * at - (0.1 if kind == "bp-sgd" else 0), 3)}
        for kind in ("bp-sgd", "bp-adam")
        for at, fault in enumerate(results.FAULTS)
    ]
    lines = results._faulty_baselines({results.FAULTY: {"result": {"rows": rows}}})
    assert [line[0] for line in lines] == list(results.FAULTS)
    assert lines[0][1:5] == ["87.00 ± 0.20 %", "0.0", "97.00 ± 0.20 %", "0.0"]
    assert lines[3][1:5] == ["84.00 ± 0.20 %", "3.0", "94.00 ± 0.20 %", "3.0"]
    assert results._faulty_baselines({}) == []


def test_baselines_can_be_trained() -> None:
    """Every measurement's settings and config are valid together."""
    import click

    from golden.baselines import read_settings
    from scripts.baseline import command

    measured = [m for m in results.measurements().values() if m.arguments.split()[0] == "baseline"]
    commands = [m.arguments for m in measured if not m.rows]
    commands += [f"{m.arguments} {more}" for m in measured for _, more in m.rows]
    assert len(commands) > 25
    for text in commands:
        with command.make_context("baseline", text.format(out="x").split()[1:], resilient_parsing=False) as context:
            assert isinstance(context, click.Context)
            taken = context.params
        own = [o for o in taken["overrides"] if o.startswith("baseline.")]
        others = [o for o in taken["overrides"] if o not in own]
        config = load_config(resolve_preset(taken["config"]), others)
        read_settings(taken["name"], own).rates(config, 0)
