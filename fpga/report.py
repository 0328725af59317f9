"""Reads what the tools report: nextpnr's JSON (use and timing) and the netlist that Yosys wrote."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from eqspike.fpga.boards import Board

_KINDS = (
    ("ff", re.compile(r"SB_DFF\w*|TRELLIS_FF|DFF[A-Z]*")),
    ("lut", re.compile(r"SB_LUT4|LUT[1-4]")),
    ("carry", re.compile(r"SB_CARRY|CCU2C|ALU")),
    ("bram", re.compile(r"SB_RAM40_4K\w*|DP16KD|(SDP|DP|SP|pROM)(B|X9|X9B)?")),
    ("small_ram", re.compile(r"TRELLIS_DPR16X4|RAM16SD?P[124]")),
    ("dsp", re.compile(r"SB_MAC16|MULT18X18D|MULT(9X9|18X18|36X36)")),
)


def kind_of(cell_type: str) -> str | None:
    """What a cell of the netlist is: ff, lut, carry, bram, small_ram, dsp, or None for anything else."""
    return next((kind for kind, pattern in _KINDS if pattern.fullmatch(cell_type)), None)


def resources(board: Board, report: dict[str, Any], netlist: Counter[str]) -> dict[str, dict[str, int]]:
    """Resource -> used and total, from nextpnr's report; from the netlist what nextpnr does not count."""
    use = report.get("utilization", {})
    found = {}
    for name, total in board.totals.items():
        cells = board.cells.get(name)
        used = sum(use.get(cell, {}).get("used", 0) for cell in cells) if cells else netlist[name]
        found[name] = {"used": used, "total": total}
    return found


def too_much(resources: dict[str, dict[str, int]]) -> list[str]:
    """One phrase for each resource of which the design needs more than there is."""
    return [
        f"{entry['used']} of {entry['total']} {name}"
        for name, entry in resources.items()
        if entry["used"] > entry["total"]
    ]


def clocks(report: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Clock -> MHz achieved and required. nextpnr's net names are shortened to the signal's own."""
    found = {}
    for net, entry in report.get("fmax", {}).items():
        name = net.removesuffix("$glb_clk").removesuffix("_$glb_clk")
        name = re.sub(r"[_$]*(SB_IO_IN|glb_clk|TRELLIS_IO_IN)[_$]*$", "", name).rstrip("$_").split(".")[-1]
        found[name] = {
            "achieved_mhz": round(float(entry["achieved"]), 2), "required_mhz": round(float(entry["constraint"]), 2)
        }  # fmt: skip
    return found


def slack(clocks: dict[str, dict[str, float]]) -> float:
    """The worst clock's achieved over required frequency; at least 1 when timing is met."""
    return min((c["achieved_mhz"] / c["required_mhz"] for c in clocks.values()), default=0.0)


def count_cells(netlist: dict[str, Any], top: str = "top") -> Counter[str]:
    """How many cells of each kind the flattened netlist holds."""
    return Counter(kind for cell in netlist["modules"][top]["cells"].values() if (kind := kind_of(cell["type"])))


def by_part(netlist: dict[str, Any], top: str = "top") -> dict[str, dict[str, int]]:
    """Cells by part of the design, the largest first.

    Synthesis flattens the design and names a cell after a nearby signal, so the borders between parts are not exact;
    lanes' parts (lif_0, lif_1, ...) are added up.
    """
    parts: dict[str, Counter[str]] = {}
    for name, cell in netlist["modules"][top]["cells"].items():
        if (kind := kind_of(cell["type"])) is None:
            continue
        path = name.split("_SB_")[0].split("_TRELLIS_")[0].split(".")
        part = ".".join(re.sub(r"_\d+$", "", p) for p in path[:-1] if not p.isdigit()) or "(top)"
        part = re.sub(r"\[.*?\]", "", part)
        parts.setdefault(part, Counter())[kind] += 1
    ordered = sorted(parts.items(), key=lambda item: -(item[1]["lut"] + item[1]["ff"]))
    return {part: dict(sorted(counts.items())) for part, counts in ordered}


__all__ = ["by_part", "clocks", "count_cells", "kind_of", "resources", "slack", "too_much"]
