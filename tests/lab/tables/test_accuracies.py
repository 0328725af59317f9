"""Tables of trainings: what is met, what is missed, and what is not measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from eqspike.lab.experiments.spec import SWEEPS, read_experiment, read_tables
from eqspike.lab.tables import Found


def project_table(name: str) -> Callable[[Found], list[list[str]]]:
    """Makes the rows of the project's table of that name."""
    (file,) = [own for own in read_tables() if own.name.partition("-")[2] == name]
    return lambda found: file.kind.table(file.full, found)


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
    table = project_table("accuracy-images")
    moved, still = table(found)
    assert moved[1:4] == ["moved", "3", ">= 94.5 %, within 1 point of real numbers"]
    assert moved[4] == f"{100 * fixed:.2f} ± 0.20 %"
    assert moved[-1] == status
    assert still[1:5] == ["as they are", "1", "-", "93.00 %"]
    assert still[-1] == "measured"


def reached(mean: float, count: int = 5) -> dict[str, Any]:
    value = {"count": count, "mean": mean, "standard_error": 0.002}
    return {"command": "eqspike baseline", "seconds": 1.0, "result": {"mean_last_5_test_accuracy": value}}


def test_baselines() -> None:
    found = {"baseline-bp-adam-digits": reached(0.9701), "baseline-bp-adam-digits64": reached(0.9699)}
    found |= {"baseline-bptt-digits": reached(0.9), "train-digits-fixed": reached(0.9763, 10)}
    rows = {row[0]: row[1:] for row in project_table("baselines")(found)}
    assert rows["EqSpike, 64-32-10, 12-bit weights"] == ["10", "-", "97.63 ± 0.20 %", "-", "see above"]
    assert rows["BPTT, 64-32-10"] == ["5", "-", "90.00 ± 0.20 %", "-", "measured"]
    assert rows["BP-ADAM on ideal memristors, 64-32-10"] == ["5", ">= 97.0 %", "97.01 ± 0.20 %", "-", "met"]
    assert rows["BP-ADAM on ideal memristors, 64-64-10"][-1] == "missed"


@pytest.mark.parametrize(("mean", "status"), [(0.951, "met: -0.90"), (0.949, "missed: -1.10"), (0.98, "met: +2.00")])
def test_eqspike_against_bptt(mean: float, status: str) -> None:
    found = {"baseline-bptt-mnist5k": reached(0.96, 3), "train-mnist-fixed": reached(mean, 3)}
    rows = [row for row in project_table("baselines")(found) if row[0] == "EqSpike, 784-100-10, mnist5k, fixed"]
    assert [row[-1] for row in rows] == [f"{status} points against BPTT"]
    assert project_table("baselines")({"train-mnist-fixed": reached(mean)}) == []


def test_baselines_with_faults() -> None:
    (file,) = [own for own in read_tables() if own.name.endswith("baselines-on-memristors")]
    faults, name = [fault.name for fault in file.full.faults], file.full.measurement
    rows = [
        {"name": f"{kind}, {fault}", **reached(0.97 - 0.01 * at - (0.1 if kind == "bp-sgd" else 0), 3)}
        for kind in ("bp-sgd", "bp-adam")
        for at, fault in enumerate(faults)
    ]
    lines = file.kind.table(file.full, {name: {"result": {"rows": rows}}})
    assert [line[0] for line in lines] == faults
    assert lines[0][1:5] == ["87.00 ± 0.20 %", "0.0", "97.00 ± 0.20 %", "0.0"]
    assert lines[3][1:5] == ["84.00 ± 0.20 %", "3.0", "94.00 ± 0.20 %", "3.0"]
    assert file.kind.table(file.full, {}) == []


def row_of_sweep(name: str, mean: float, count: int = 10) -> dict[str, Any]:
    accuracy = {"count": count, "mean": mean, "standard_deviation": 0.004, "standard_error": 0.002}
    return {
        "name": name, "group": "a fault", "seeds": list(range(count)), "accuracy": accuracy, "loss": None,
        "verdict": None, "better_by": None, "thesis": None, "source": "", "programming_pulses_per_image": 3,
        "nudged_share": 0.1,
    }  # fmt: skip


def test_a_sweep_with_bars() -> None:
    """Every fault that accumulators are to cure has its row in the sweep, and is judged by its own bar."""
    (file,) = [own for own in read_tables() if own.name.endswith("-accumulators")]
    sweep = read_experiment(SWEEPS / "accumulators.yaml")
    bars = {own.row: own.bar for own in file.full.reached}
    names = [row.name for row in sweep.full.rows]
    assert set(bars) < set(names)
    for name, bar in bars.items():
        for mean, status in ((bar / 100, "met"), (bar / 100 - 1e-4, "missed")):
            measured = {"sweep-accumulators": {"result": {"rows": [row_of_sweep(name, mean), row_of_sweep("x", 0.9)]}}}
            judged, other = file.kind.table(file.full, measured)
            assert len(judged) == len(other) == len(file.header.head)
            assert judged[-2:] == [f">= {bar} %", status]
            assert other[-2:] == ["-", "measured"]
            (claim,) = file.kind.claims(file.full, measured)
            assert claim.status == status
    assert file.kind.table(file.full, {}) == []


def test_healing_with_a_bar() -> None:
    (file,) = [own for own in read_tables() if own.name.endswith("healing")]
    (bar,) = file.full.reached
    value = {"count": 10, "mean": 0.95, "standard_error": 0.002}
    line = {
        "number_format": "fixed", "stuck": 0.2, "rates": "restart", "seeds": list(range(10)), "before": value,
        "after": value | {"mean": 0.3}, "healed": value, "lost_for_good": value,
    }  # fmt: skip
    result = {"config": "digits-image-end", "summary": [line, line | {"stuck": 0.0}]}
    found = {bar.measurement: {"result": result}}
    judged, whole = file.kind.table(file.full, found)
    assert len(judged) == len(file.header.head)
    assert judged[:3] == ["`digits-image-end`", "fixed", "20 %"]
    assert (judged[-2:], whole[-2:]) == ([">= 95.0 %", "met"], ["-", "measured"])
    (claim,) = file.kind.claims(file.full, found)
    assert (claim.measured, claim.wanted, claim.status) == ("95.00 ± 0.20 %", ">= 95.0 %", "met")
    line["healed"] = value | {"mean": 0.9499}
    assert file.kind.table(file.full, found)[0][-1] == "missed"
    assert file.kind.claims(file.full, {}) == []


@pytest.mark.parametrize(
    ("mean", "writes", "status"),
    [(0.97, 40.0, "met"), (0.97, 40.1, "missed"), (0.9699, 30.0, "missed"), (0.98, None, "met")],
)
def test_accuracy_at_few_writes(mean: float, writes: float | None, status: str) -> None:
    measured = reached(mean, 2)
    measured["result"]["runs"] = [{} if writes is None else {"writes_a_synapse": writes + more} for more in (-1, 1)]
    (row,) = project_table("classes-of-devices")({"train-digits-rram": measured})
    assert row[2] == ">= 97.0 %, <= 40 writes a synapse"
    assert row[4] == ("-" if writes is None else "40" if writes >= 40 else "30")
    assert row[-1] == status


def test_upsets() -> None:
    """A line for each place, layer and number of flips: the mean over its bits, the worst of them, the slowest."""

    def line(bit: int, lost: float, misread: float | None, back: int | None) -> dict[str, Any]:
        value = {"count": 3, "mean": lost, "standard_error": 0.1}
        return {
            "place": "membrane", "layer": 1, "bit": bit, "flips": 10, "seeds": [0, 1, 2], "lost": value,
            "misread": misread, "images_back": back,
        }  # fmt: skip

    rows = project_table("upsets")
    assert rows({}) == []
    summary = [line(0, 0.5, 0.25, 0), line(1, 3.5, 0.75, 200)]
    found = {"upset-digits": {"command": "", "seconds": 1.0, "result": {"summary": summary}}}
    assert rows(found) == [["membrane", "1", "10", "2", "2.00", "1", "3.50", "50.0", "200"]]
    summary[0]["images_back"] = None
    assert rows(found)[0][-1] == "not back"
    for entry in summary:
        entry["misread"] = None
    assert rows(found)[0][-2] == "-"


def test_upsets_in_the_rtl() -> None:
    rows = project_table("upsets-in-the-rtl")
    assert rows({}) == []
    check = {"flips": 100, "fallen": 96, "felt": 80, "mismatches": 0}
    found = {"upset-checks": {"result": {"rows": [{"name": "7-5-3", "result": {"check": check}}]}}}
    assert rows(found) == [["7-5-3", "100", "96", "80", "0"]]
