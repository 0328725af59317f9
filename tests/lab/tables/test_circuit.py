"""Tables of synthesis and of the RTL against the model."""

from __future__ import annotations

from typing import Any

from eqspike.lab.experiments.spec import read_tables
from eqspike.lab.tables.circuit import Comparisons, _comparison_claims


def synthesis(lanes: int, lut: int, carry: int, ff: int, **more: int) -> dict[str, Any]:
    parts = {"selftest.core.crossbar.weights": {"bram": 11}, "selftest.core.crossbar.devices.measured": {"bram": 27}}
    cells = {"lut": lut, "carry": carry, "ff": ff, **more}
    return {"cells": cells, "parts": parts, "weight_words": 76, "lanes": lanes}


def test_tables_of_memristors() -> None:
    rows = [
        {"name": "p=1/15", "seconds": 1.0, "result": synthesis(8, 1000, 100, 50, bram=13)},
        {"name": "all at once", "seconds": 2.0, "result": synthesis(8, 5000, 200, 40, bram=40, dsp=128)},
        {"name": "p=1/15, 32 lanes", "seconds": 1.0, "result": synthesis(32, 4000, 400, 150)},
        {"name": "all on 32", "seconds": 1.0, "result": synthesis(32, 9000, 500, 160)},
    ]
    (file,) = [own for own in read_tables() if own.header.kind == "device_cost"]
    table = file.kind.table(file.full, {"device-cost": {"result": {"rows": rows}}})
    assert table[0][1:] == ["8", "1,000", "100", "50", "13", "11", "27", "0", "76", "+0", "+0"]
    assert table[1] == ["all at once", "8", "5,000", "200", "40", "40", "11", "27", "128", "76", "+4,200", "-10"]
    assert table[3][-2:] == ["+5,200", "+10"]
    assert ["every=5", "not measured"] in [row[:2] for row in table[4:]]
    assert len(file.header.head) == len(table[0])
    for other in read_tables():
        if other.header.title.startswith("Memristors"):
            assert other.kind.table(other.full, {}) == []


def test_cost_of_learning() -> None:
    """Every way is measured by a synthesis and by counted cycles, and compared with the base."""
    (file,) = [own for own in read_tables() if own.header.kind == "learning_cost"]
    names = file.full.rows
    known = {own.name: own for own in file.header.measure}
    for name in (file.full.synthesis, file.full.cycles):
        assert tuple(row.name for row in known[name].rows) == names
    costs = [(1000, 100, 50, {"bram": 2}), (1100, 150, 60, {"bram": 3, "dsp": 4})]
    built = [
        {"name": name, "result": synthesis(32, *cost[:3], **cost[3])} for name, cost in zip(names, costs, strict=False)
    ]
    counted = [
        {"name": names[0], "result": {"training": {"cycles_of_images": {"nudged": 8000.0, "skipped": 3000.0}}}},
        {"name": names[1], "result": {"training": {"cycles_of_images": {"nudged": 8100.0}}}},
    ]
    found = {file.full.synthesis: {"result": {"rows": built}}, file.full.cycles: {"result": {"rows": counted}}}
    base, other, *rest = file.kind.table(file.full, found)
    assert base[1:] == ["32", "1,200", "50", "2", "36,864", "0", "8,000", "3,000", "+0 (+0 %)", "+0.0 %"]
    assert other[1:] == ["32", "1,400", "60", "3", "55,296", "4", "8,100", "not counted", "+200 (+17 %)", "+1.2 %"]
    assert all(row[1] == "not measured" and len(row) == len(file.header.head) for row in rest)
    assert len(rest) == len(names) - 2
    assert file.kind.table(file.full, {file.full.synthesis: {"result": {"rows": built}}})[1][-1] == "-"
    assert file.kind.table(file.full, {}) == []


def test_all_comparisons_are_one_claim() -> None:
    """A single wrong word in any of them is seen."""
    one = {"simulator": "Verilator", "images": 20, "words_compared": 1000, "mismatches": 0}
    other = one | {"simulator": "Icarus Verilog", "images": 3, "mismatches": 1}
    found = {"a": {"result": one}, "b": {"result": {"rows": [{"result": other}]}}}
    (claim,) = _comparison_claims(Comparisons(measurements=("a", "c")), found)
    assert claim[1:] == ("0 of 1,000 words differ", "1 comparisons, 20 images, Verilator", "0", "met")
    (claim,) = _comparison_claims(Comparisons(measurements=("a",), rows="b"), found)
    assert claim.measured == "1 of 2,000 words differ"
    assert claim.basis == "2 comparisons, 23 images, Verilator and Icarus Verilog"
    assert claim.status == "missed"
