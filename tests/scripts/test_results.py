"""law, report, demo and bench: the files they write and what they say when something is not there."""

from __future__ import annotations

import importlib
import json
import re
import sys
import types
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from eqspike.golden.configfile import load_config
from eqspike.golden.law import run_pair
from eqspike.lab import report_parts
from eqspike.lab.law import regression


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

    engine = types.ModuleType("eqspike.sim.engine")
    engine.run_pair_rtl = run_pair_rtl
    monkeypatch.setitem(sys.modules, "eqspike.sim.engine", engine)
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
    monkeypatch.setitem(sys.modules, "eqspike.sim.engine", None)
    assert "not available" in fails(1, "law", tiny, "--engine", "golden,rtl", "--points", 3)


# ---------------------------------------------------------------------------------------------------------------------

BUILD = {
    "board": "icebreaker",
    "config": "tiny",
    "resources": {"LUT4": {"used": 1320, "total": 5280}, "odd": 3},
    "clocks": {"sync": {"achieved": 20.5, "required": 12.0}},
}


SWEEP: dict[str, Any] = {
    "title": "A few rows",
    "kind": "sweep",
    "seeds": [0, 1],
    "parameters": {
        "config": "../tiny.yaml",
        "epochs": 1,
        "set": ["synapses.0.draw=synapse", "synapses.1.draw=synapse"],
        "reference": "plain",
        "rows": [
            {"name": "plain", "group": "basis", "accuracy": 50},
            {"name": "noise <1>", "group": "noise", "x": 1, "set": ["device.write_noise=1e-3"], "loss": 3},
        ],
    },
}


def test_report(tiny: str, run) -> None:
    run("train", tiny, "--seeds", 2, "--out", "many", "--epochs", 2)
    run("train", tiny, "--out", "real", "--set", "number.format=real", "--epochs", 2)
    run("law", tiny, "--out", "many/law", "--points", 3)
    Path("hw").mkdir()
    Path("hw/build.json").write_text(json.dumps(BUILD))
    compare = {"images": 20, "steps": 900, "compared": {"<spikes>": 12345}, "mismatches": 0, "first_mismatch": None}
    Path("hw/compare.json").write_text(json.dumps(compare))
    Path("few.yaml").write_text(yaml.safe_dump(SWEEP))
    assert run("sweep", "few.yaml", "--out", "hw/sweep").exit_code == 0
    assert run("device", tiny, "--out", "hw/device", "--points", 11).exit_code == 0
    result = run("report", "many", "real", "hw")
    assert result.exit_code == 0, result.output
    page = Path("many/report.html").read_text()
    assert "many/report.html" in result.stdout
    plain = re.sub(r'src="data:[^"]*"', "", page)
    assert "http://" not in plain.lower()
    assert "https://" not in plain.lower()
    assert not re.search(r'(src|href)="(?!data:|#)', page)
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
    first, second, every = data["details"][0]["writes"]
    assert page.count("What the devices endure") == 2
    assert (first["layer"], second["layer"], every["layer"]) == ("0", "1", "all")
    metrics = read("many/seed-7/metrics.json")
    assert first["writes"] == sum(entry["layer_writes"][0] for entry in metrics["epochs"]) > 0
    assert every["writes"] == first["writes"] + second["writes"]
    layers = load_config("many/seed-7/config.yaml").network.layers
    assert first["synapses"] == (layers[0] + 1) * layers[1]
    assert first["a_synapse"] == first["writes"] / first["synapses"]
    for entry in metrics["epochs"]:
        del entry["layer_writes"]  # as the RTL's
    Path("many/seed-7/metrics.json").write_text(json.dumps(metrics))
    assert run("report", "many", "--out", "rtl.html").exit_code == 0
    assert read("rtl.json")["details"][0]["writes"] == [every]


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
    assert [report_parts.number(v) for v in (None, 1234567, 0.123456, 12345.6, True, 3)] == [
        "-", "1\u2009234\u2009567", "0.1235", "12\u2009346", "yes", "3",
    ]  # fmt: skip
    assert list(report_parts.flat({"a": {"b": 1}, "c": [{"d": "x"}], "e": [1, 2]})) == [
        ("a.b", "1"), ("c[0].d", "x"), ("e", "[1, 2]"),
    ]  # fmt: skip


# ---------------------------------------------------------------------------------------------------------------------


def stand_in(monkeypatch: pytest.MonkeyPatch, mismatches: int) -> list[dict[str, Any]]:
    """Modules in place of lab.compare and fpga.build; returns what they are called with."""
    calls: list[dict[str, Any]] = []

    def write(name: str, content: dict[str, Any]) -> Any:
        def function(config: Any, out: Path, **options: Any) -> dict[str, Any]:
            asked = {key: value for key, value in options.items() if not callable(value)}  # without those who are told
            calls.append({"name": name, "config": config.name} | asked)
            out.mkdir(parents=True, exist_ok=True)
            (out / f"{name}.json").write_text(json.dumps(content))
            return content

        return function

    compare = {"mismatches": mismatches, "passed": mismatches == 0, "images": 20, "words_compared": 99}
    monkeypatch.setenv("ZIG", "no-such-zig")  # to compile the circuit takes minutes
    for name, content, floor in (("compare", compare, "lab"), ("build", BUILD, "fpga")):
        module = types.ModuleType(f"eqspike.{floor}.{name}")
        module.__spec__ = ModuleSpec(module.__name__, None)
        setattr(module, f"run_{name}", write(name, content))
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setattr(importlib.import_module(f"eqspike.{floor}"), name, module, raising=False)
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
    assert "left out: ZIG=no-such-zig is no executable" in result.stdout
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
    monkeypatch.setitem(sys.modules, "eqspike.fpga.build", None)
    assert fails(1, "demo", "--config", tiny, "--out", "demo") == "demo: compare, build failed"


def test_bench_writes_json(tiny: str, run) -> None:
    assert run("bench", tiny, "--epochs", 1, "--out", "bench.json").exit_code == 0
    bench = read("bench.json")
    assert bench["training"]["images"] == 96
    assert bench["training_forced_nudge"]["nudged_fraction"] == 1
    assert bench["inference"]["images_per_second"] > 0
