"""The tool that unites Verilator's counts, on counts of one small component and on a few made ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from cocotb_tests import bench, sim_rate
from cocotb_tests.coverage import Point, explain, plain, summary, unite
from eqspike.sim import harness

MISSING = [
    Point("toggle", "rtl/rate.py", "integrator[11] 0->1 (line 30)"),
    Point("branch", "rtl/rate.py", "next_filtered: if 2"),
]


@pytest.mark.slow
def test_a_component(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its points are named by its source, and covered as far as its test goes."""
    monkeypatch.setattr(harness, "COVERAGE", str(tmp_path))
    job = next(iter(sim_rate.JOBS))
    text = harness.to_verilog(sim_rate.make(sim_rate.JOBS[job]), "rate")
    bench.run(harness.Build(text, "rate", "verilator"), "cocotb_tests.sim_rate", sim_rate.JOBS[job])
    united = unite(tmp_path)
    files = summary(united)
    assert "rtl/rate.py" in files
    covered, points = files["rtl/rate.py"]["toggle"]
    assert 0.5 * points < covered <= points
    assert any(point.what.startswith("integrator[0] 0->1") and there for point, there in united.items())
    # Counts of a run that did nothing take nothing away.
    counts = next(tmp_path.glob("*/*.dat"))
    empty = "\n".join(line.rpartition(" ")[0] + " 0" for line in counts.read_text(errors="replace").splitlines())
    counts.with_name("again.dat").write_text(empty)
    assert unite(tmp_path) == united
    counts.unlink()
    assert not any(unite(tmp_path).values())


def test_reasons() -> None:
    """What is not covered needs a reason, and a reason something that is not covered."""
    first = {"kind": "toggle", "file": "rtl/rate.py", "what": "integrator[11] *", "reason": "no such sum"}
    stale = first | {"what": "integrator[1] *"}
    assert explain(MISSING, [first]) == ([MISSING[1]], [])
    assert explain(MISSING, [first, stale]) == ([MISSING[1]], ["rtl/rate.py: integrator[1] *"])
    assert explain([], []) == ([], [])


def test_names() -> None:
    assert plain("\\passed$21 ") == "passed"
    assert plain("events__02espikes") == "events.spikes"
