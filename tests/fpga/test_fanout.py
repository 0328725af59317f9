"""Copied drivers: the netlist computes what it did, no driver has too many sinks, what belongs together stays so."""

from __future__ import annotations

import copy
import random
from collections import Counter
from typing import Any

import pytest

from eqspike.fpga import fanout
from eqspike.fpga.fanout import DRIVERS, FIXED, spread

INPUTS = {"LUT4": "ABCD", "TRELLIS_FF": ("DI", "CE", "CLK", "LSR"), "PFUMX": ("ALUT", "BLUT", "C0")}
OUTPUT = {**DRIVERS, "PFUMX": "Z"}
CLOCK, RESET = 2, 3


def cell(kind: str, output: int, **inputs: int | str) -> dict[str, Any]:
    directions = dict.fromkeys(INPUTS[kind], "input") | {OUTPUT[kind]: "output"}
    connections = {port: [inputs.get(port, "0")] for port in INPUTS[kind]} | {OUTPUT[kind]: [output]}
    parameters = {"INIT": f"{output:016b}"}
    return {"type": kind, "parameters": parameters, "port_directions": directions, "connections": connections}


def netlist(cells: dict[str, Any]) -> dict[str, Any]:
    return {"modules": {"other": {"cells": {}}, "top": {"cells": cells, "netnames": {}}}}


def random_netlist(seed: int) -> dict[str, Any]:
    """Some bits are taken much more often than others."""
    source = random.Random(seed)
    bits = list(range(4, 604))
    cells = {}
    for bit in bits:
        kind = source.choice(["LUT4", "LUT4", "TRELLIS_FF", "PFUMX"])
        ports = {port: source.choice([source.choice(bits), source.choice(bits[:6]), "1"]) for port in INPUTS[kind]}
        if kind == "TRELLIS_FF":
            ports |= {"CLK": CLOCK, "LSR": RESET if source.random() < 0.5 else source.choice(bits[:6])}
        cells[f"cell_{bit}"] = cell(kind, bit, **ports)
    return netlist(cells)


def contracted(cells: dict[str, Any]) -> dict[str, Any]:
    """Every copy in place of its original, which it must not differ from."""
    original = {}
    for name, found in cells.items():
        if "$copy" in name:
            first = cells[name.split("$copy")[0]]
            output = OUTPUT[found["type"]]
            original[found["connections"][output][0]] = first["connections"][output][0]
    merged: dict[str, Any] = {}
    for name, found in cells.items():
        ports = {p: [original.get(bit, bit) for bit in bits] for p, bits in found["connections"].items()}
        if (same := {**found, "connections": ports}) != merged.setdefault(name.split("$copy")[0], same):
            raise AssertionError(f"{name} differs from its original")
    return merged


def count_sinks(cells: dict[str, Any]) -> Counter[int]:
    return Counter(
        bit
        for found in cells.values()
        for port, bits in found["connections"].items()
        if found["port_directions"][port] == "input" and port not in FIXED
        for bit in bits
        if isinstance(bit, int)
    )


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("limit", [7, 40])
def test_copies_change_nothing_and_relieve_every_driver(seed: int, limit: int) -> None:
    design = random_netlist(seed)
    before = copy.deepcopy(design["modules"]["top"]["cells"])
    made = spread(design, limit)
    cells = design["modules"]["top"]["cells"]
    assert made == len(cells) - len(before) > 0
    assert contracted(cells) == before
    drivers = {found["connections"][OUTPUT[found["type"]]][0]: found["type"] for found in cells.values()}
    assert len(drivers) == len(cells)
    for bit, count in count_sinks(cells).items():
        if drivers.get(bit) in DRIVERS:
            assert count <= limit
    assert count_sinks(before).most_common(1)[0][1] > limit
    assert {bits["bits"][0] for bits in design["modules"]["top"]["netnames"].values()} == set(drivers) - set(range(604))


def test_what_belongs_together_shares_a_copy() -> None:
    """Chains of cells, all of which one flip-flop switches, in shuffled order: no chain is torn."""
    chains, length = 10, 12
    cells = {"switch": cell("TRELLIS_FF", 10, DI=11, CLK=CLOCK)}
    names = [(chain, at) for chain in range(chains) for at in range(length)]
    random.Random(5).shuffle(names)
    for chain, at in names:
        bit = 100 + chain * length + at
        cells[f"link_{chain}_{at}"] = cell("LUT4", bit, A=bit - 1 if at else "0", D=10)
    design = netlist(cells)
    assert spread(design, 2 * length) == chains // 2 - 1
    cells = design["modules"]["top"]["cells"]
    for chain in range(chains):
        assert len({cells[f"link_{chain}_{at}"]["connections"]["D"][0] for at in range(length)}) == 1


def test_clocks_and_the_reset_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = {"reset": cell("TRELLIS_FF", RESET, DI="1", CLK=CLOCK)}
    cells |= {f"ff_{n}": cell("TRELLIS_FF", 10 + n, DI=11 + (n < 20), CLK=CLOCK, LSR=RESET) for n in range(50)}
    design = netlist(cells)
    before = copy.deepcopy(design)
    monkeypatch.setattr(fanout, "GLOBAL", 50)
    assert spread(design, 20) == 2  # of what drives the others' DI
    after = design["modules"]["top"]["cells"]
    assert contracted(after) == before["modules"]["top"]["cells"]
    assert {found["connections"]["LSR"][0] for name, found in after.items() if name != "reset"} == {RESET}
    monkeypatch.setattr(fanout, "GLOBAL", 1000)
    assert spread(design, 20) == 2
    assert contracted(after) == before["modules"]["top"]["cells"]
