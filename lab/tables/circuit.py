"""Tables of the circuit: the RTL against the golden model, and what synthesis makes of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from eqspike.golden.validation import fail
from eqspike.lab.tables import Claim, Found, Kind, Shown, no_claims, rows_of
from eqspike.lab.tables.boards import sizes, used
from eqspike.lab.verdict import clock, status


@dataclass(frozen=True, kw_only=True)
class Comparisons(Shown):
    """Measurements of `eqspike compare`, and those of several rows."""

    measurements: tuple[str, ...] = ()
    rows: str = ""


def _counts(r: dict[str, Any]) -> list[str]:
    return [r["simulator"], f"{r['images']:,}", f"{r['words_compared']:,}", f"{r['mismatches']:,}"]


def _comparisons(parameters: Comparisons, found: Found) -> list[list[str]]:
    rows = []
    for entry in (found[name] for name in parameters.measurements if name in found):
        r = entry["result"]
        pulses = r["config"].removeprefix("digits-aeqspike-") if "aeqspike" in r["config"] else ""
        name = f"A-EqSpike {pulses}, {sizes(r)}" if pulses else sizes(r)
        rows.append(
            [f"{name} on {r['lanes']} lanes", *_counts(r), f"{entry['seconds']:.0f} s", f"`{entry['command']}`"]
        )
    return rows


def _device_comparisons(parameters: Comparisons, found: Found) -> list[list[str]]:
    return [
        [row["name"], str(row["result"]["lanes"]), *_counts(row["result"]), f"{row['seconds']:.0f} s"]
        for row in rows_of(found, parameters.rows)
    ]


def _comparison_claims(parameters: Comparisons, found: Found) -> list[Claim]:
    """All comparisons in one line."""
    results = [found[name]["result"] for name in parameters.measurements if name in found]
    results += [row["result"] for row in rows_of(found, parameters.rows)]
    if not results:
        return []
    wrong, words, images = (sum(r[name] for r in results) for name in ("mismatches", "words_compared", "images"))
    simulators = " and ".join(sorted({r["simulator"] for r in results}, reverse=True))
    measured = f"{wrong:,} of {words:,} words differ"
    basis = f"{len(results)} comparisons, {images:,} images, {simulators}"
    what = "RTL = golden model, every state of every step"
    return [Claim(what + (", memristors" if parameters.rows else ""), measured, basis, "0", status(wrong == 0))]


# ---------------------------------------------------------------------------------------------------------------------
# Synthesis


def luts(cells: dict[str, int]) -> int:
    """LUT4s, and the two that each pair of carries takes the place of."""
    return cells.get("lut", 0) + 2 * cells.get("carry", 0)


def block_rams(result: dict[str, Any], part: str) -> int:
    """Block RAMs in a part of the crossbar and below."""
    inside = f".crossbar.{part}"
    return sum(cells.get("bram", 0) for name, cells in result["parts"].items() if inside in name)


@dataclass(frozen=True, kw_only=True)
class Lanes(Shown):
    """A synthesis of several rows, on a board that they may fit or not."""

    measurement: str
    board: str

    def validate(self, key: str) -> None:
        from eqspike.fpga.boards import BOARDS

        if self.board not in BOARDS:
            fail(f"{key}.board", self.board, f"one of {', '.join(BOARDS)}")


def _lanes(parameters: Lanes, found: Found) -> list[list[str]]:
    from eqspike.fpga.boards import BOARDS

    totals = BOARDS[parameters.board].totals
    rows = []
    for r in (row["result"] for row in rows_of(found, parameters.measurement)):
        need, brams = luts(r["cells"]), r["cells"]["bram"]
        fits = need <= totals["lut"] and brams <= totals["bram"]
        rows.append(
            [str(r["lanes"]), str(r["banks"]), str(r["lanes"] * r["banks"]), f"{need:,} of {totals['lut']:,}",
             f"{brams} of {totals['bram']}", "yes" if fits else "no"]
        )  # fmt: skip
    return rows


@dataclass(frozen=True, kw_only=True)
class DeviceCost(Shown):
    """A synthesis with a row for each fault; `bases` are rows of ideal devices, one for each number of lanes."""

    measurement: str
    rows: tuple[str, ...]
    bases: tuple[str, ...]

    def validate(self, key: str) -> None:
        if not self.bases or any(name not in self.rows for name in self.bases):
            fail(f"{key}.bases", list(self.bases), "some of the rows")


def _device_cost(parameters: DeviceCost, found: Found) -> list[list[str]]:
    """A line a row; one that was not measured says so."""
    rows = {row["name"]: row["result"] for row in rows_of(found, parameters.measurement)}
    if parameters.bases[0] not in rows:
        return []
    bases = {rows[name]["lanes"]: rows[name]["cells"] for name in parameters.bases if name in rows}
    lines = []
    for name, result in rows.items():
        cells, base = result["cells"], bases[result["lanes"]]
        lines.append(
            [name, str(result["lanes"]), *(f"{cells.get(kind, 0):,}" for kind in ("lut", "carry", "ff", "bram")),
             str(block_rams(result, "weights")), str(block_rams(result, "devices")), str(cells.get("dsp", 0)),
             str(result["weight_words"]), f"{luts(cells) - luts(base):+,}",
             f"{cells.get('ff', 0) - base.get('ff', 0):+,}"]
        )  # fmt: skip
    return lines + [[name, "not measured", *["-"] * 10] for name in parameters.rows if name not in rows]


@dataclass(frozen=True, kw_only=True)
class LearningCost(Shown):
    """Ways to program synapses on an ECP5, each with a synthesis and counted cycles: rows of the same names. `base` is
    the row that the others are compared with."""

    synthesis: str
    cycles: str
    rows: tuple[str, ...]
    base: str

    def validate(self, key: str) -> None:
        super().validate(key)
        if self.base not in self.rows:
            fail(f"{key}.base", self.base, "one of the rows")


def _learning_cost(parameters: LearningCost, found: Found) -> list[list[str]]:
    """A line a row: what it takes, its cycles, and how much more than the base; what was not measured says so."""
    from eqspike.fpga.memory import SHAPES

    built = {row["name"]: row["result"] for row in rows_of(found, parameters.synthesis)}
    counted = {row["name"]: row["result"] for row in rows_of(found, parameters.cycles)}
    if parameters.base not in built:
        return []
    bits = math.prod(SHAPES["ecp5"][0])
    cycles = {name: _image_cycles(result) for name, result in counted.items()}
    first, base = cycles.get(parameters.base, {}), luts(built[parameters.base]["cells"])
    lines = []
    for name in parameters.rows:
        if name not in built:
            lines.append([name, "not measured", *["-"] * 9])
            continue
        cells, own = built[name]["cells"], cycles.get(name, {})
        more, brams = luts(cells) - base, cells.get("bram", 0)
        lines.append(
            [name, str(built[name]["lanes"]), f"{luts(cells):,}", f"{cells.get('ff', 0):,}", str(brams),
             f"{bits * brams:,}", str(cells.get("dsp", 0)), _number(own.get("nudged")),
             _number(own.get("skipped")), f"{more:+,} ({100 * more / base:+.0f} %)",
             _more(own.get("nudged"), first.get("nudged"))]
        )  # fmt: skip
    return lines


def _image_cycles(result: dict[str, Any]) -> dict[str, float]:
    """Cycles of a training image, `nudged` and `skipped` as far as there were some."""
    return result["training"]["cycles_of_images"]


def _number(value: float | None) -> str:
    return "not counted" if value is None else f"{value:,.0f}"


def _more(value: float | None, base: float | None) -> str:
    return "-" if value is None or base is None else f"{100 * (value / base - 1):+.1f} %"


@dataclass(frozen=True, kw_only=True)
class Cost:
    """The same network on a board with another signal in it."""

    board: str
    signal: str
    measurement: str
    synthesised: bool = False
    """Not placed: the iCE40's cells are counted by their names."""


@dataclass(frozen=True, kw_only=True)
class Costs(Shown):
    """Builds side by side."""

    lines: tuple[Cost, ...]


def _costs(parameters: Costs, found: Found) -> list[list[str]]:
    rows = []
    for line in (line for line in parameters.lines if line.measurement in found):
        b = found[line.measurement]["result"]
        place = [line.board, line.signal, str(b["lanes"])]
        if line.synthesised:
            counts = [
                sum(count for cell, count in b["cells"].items() if cell.startswith(kind))
                for kind in ("SB_LUT4", "SB_DFF", "SB_RAM40_4K")
            ]
            rows.append([*place, *(f"{count:,}" for count in counts), "only synthesised"])
            continue
        slowest, met = clock(b["clocks"].values())
        misses = "" if met else f" (misses {slowest['required_mhz']:g})"
        rows.append(
            [*place, used(b, "lut", "lc"), used(b, "ff"), used(b, "bram"), f"{slowest['achieved_mhz']:.1f}{misses}"]
        )
    return rows


KINDS: dict[str, Any] = {
    "comparisons": Kind(Comparisons, _comparisons, _comparison_claims),
    "device_comparisons": Kind(Comparisons, _device_comparisons, _comparison_claims),
    "lanes": Kind(Lanes, _lanes, no_claims),
    "device_cost": Kind(DeviceCost, _device_cost, no_claims),
    "learning_cost": Kind(LearningCost, _learning_cost, no_claims),
    "circuit_cost": Kind(Costs, _costs, no_claims),
}
