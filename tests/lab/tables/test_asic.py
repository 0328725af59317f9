"""Tables of standard cells."""

from __future__ import annotations

from typing import Any

from eqspike.lab.experiments.spec import read_tables

TABLES = {own.header.kind: own for own in read_tables() if own.header.page == "asic"}


def measured(gated: int = 0, mismatches: int = 0, swapped: int | None = None, pj: float = 90.0) -> dict[str, Any]:
    part = {"cell_count": 500, "flip_flops": 60, "area_um2": {"all": 20_000.0}}
    check = {
        "images": 4, "words_compared": 1000, "mismatches": mismatches, "simulator": "Verilator",
        "passed": not mismatches,
    }  # fmt: skip
    bare = {"nj_a_cycle": 1.5, "nj_an_image": 2500.0, "shares": dict.fromkeys("abcde", 0.2)}
    wires = [bare | {"wire_ff": wire, "pj_a_synop": pj + wire} for wire in (0, 5, 10)]
    result = {
        "config": "digits", "layers": [64, 32, 10], "lanes": 32, "cell_count": 50_000, "flip_flops": 8000,
        "gated_clocks": gated, "gated_flip_flops": gated * 20, "area_um2": {"all": 2e6}, "memory_bits": 40_512,
        "memory_um2": [0.5e6, 4.6e6], "timing": [{"wire_ff": w, "ns": 6 + w / 10, "mhz": 160.0} for w in (0, 5, 10)],
        "neurons": {"lif": part, "lane": part | {"area_um2": {"all": 30_000.0}}}, "check": check,
        "swapped": None if swapped is None else {"gate": "NOR for NAND x", "mismatches": swapped, "found": swapped > 0},
        "energy": None if mismatches else {"images": 4, "cycles": 4000, "synops": 100_000, "wires": wires},
    }  # fmt: skip
    return {"command": "asic digits", "seconds": 1.0, "result": result}


FOUND = {
    "asic-digits": measured(),
    "asic-digits-gated": measured(gated=200, pj=79.0),
    "asic-toy-swapped": measured(swapped=7),
}


def rows(kind: str) -> list[list[str]]:
    table = TABLES[kind]
    found = table.kind.table(table.full, FOUND)
    assert all(len(row) == len(table.header.head) for row in found)
    assert table.kind.table(table.full, {}) == []
    return found


def test_cores() -> None:
    plain, gated, _ = [*rows("asic_cores"), None]
    assert plain[:5] == ["`digits`, 64-32-10, 32 lanes", "plain", "50,000", "8,000", "2.00"]
    assert plain[5:9] == ["6.00", "6.50", "7.00", "160"]
    assert plain[9:] == ["40,512", "0.50 to 4.60", "<= 6.5 ns", "met"]
    assert gated[1] == "gated, 50% of flip-flops"
    assert gated[-2:] == ["-", "measured"]


def test_checks() -> None:
    """Of a swapped gate, mismatches are what is wanted."""
    found = rows("asic_checks")
    assert [row[-1] for row in found] == ["met", "met", "met"]
    assert found[-1][0].endswith(", NOR for NAND")
    assert found[-1][3:5] == ["-", "7"]
    table = TABLES["asic_checks"]
    claims = table.kind.claims(table.full, FOUND)
    assert [claim.measured for claim in claims] == ["0 of 2,000 words differ", "7 mismatches"]
    wrong = FOUND | {"asic-digits": measured(mismatches=1), "asic-toy-swapped": measured(swapped=0)}
    assert [claim.status for claim in table.kind.claims(table.full, wrong)] == ["missed", "missed"]


def test_energies() -> None:
    plain, gated = rows("asic_energy")
    assert plain[2:6] == ["1,000", "25,000", "2.50", "1.50"]
    assert plain[6:] == ["20.0%"] * 5 + ["90", "-", "measured", "95", "100"]
    assert gated[11:14] == ["79", "<= 80 pJ", "met"]


def test_layouts() -> None:
    table = TABLES["asic_layouts"]
    result = {
        "component": "lane",
        "config": "toy",
        "cells": 1744,
        "width_um": 218.4,
        "height_um": 156,
        "wire_um": 23_600,
    }
    found = table.kind.table(table.full, {"asic-lane": {"result": result}})
    assert found == [["lane of `toy`", "1,744", "218", "156", "23.6"]]
    assert len(found[0]) == len(table.header.head)


def test_neurons() -> None:
    (row, *_) = rows("asic_neurons")
    assert row == ["`digits`", "rho-bar", "500", "60", "20,000", "500", "60", "30,000", "10,000 (+50%)"]
