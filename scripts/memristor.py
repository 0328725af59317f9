"""What `eqspike results` measures of the memristors' circuit: its cost on a board, and RTL against golden model.

Both take `digits-memristor` row by row: sparse programming, each fault alone, all at once. One row is one command.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

PRESET = "digits-memristor"
BOARD = "ulx3s-85f"
COST, COMPARE, BUILD = "device-cost", "compare-memristor", "build-ulx3s-85f-memristor"
"""Names of the measurements."""
CLOCK = 50.0
"""MHz to reach."""
BASE = "p=1/15"
BASE_ON_32 = f"{BASE}, 32 lanes"
"""The rows that costs are counted from: the preset, ideal devices."""

SPARSE = {
    "p=1": ("programming.probability=1",),
    BASE: (),
    "every=5": ("programming.probability=1", "programming.every=5"),
}
FAULTS = {
    "slope spread": ("device.slope_spread=0.05",),
    "threshold spread": ("device.threshold_spread=0.01",),
    "non-linearity": ("device.nonlinearity_up=0.5", "device.nonlinearity_down=0.3"),
    "write noise": ("device.write_noise=1e-4",),
    "stuck devices": ("device.stuck_on=0.01", "device.stuck_off=0.01"),
}
"""Each makes devices differ from ideal ones."""
GAIN = ("neuron.gain_spread=0.1",)
STATES = ("device.states=64",)
ALL = tuple(change for changes in FAULTS.values() for change in changes) + GAIN
MEASURED = Path("runs") / "results" / "measured-devices.csv"
"""The table of measured devices that the rows use; `write_measured` makes it."""

COST_LANES = f"--set boards.{BOARD}.lanes=8"
"""Costs are those of lanes: eight tell them, in a quarter of the time that the preset's 32 take."""
_ON_32 = f"boards.{BOARD}.lanes=32"
"""So do two rows."""
COST_ROWS: dict[str, tuple[str, ...]] = {
    **SPARSE,
    "neuron gain": GAIN,
    "slope spread, up and down apart": FAULTS["slope spread"],
    "slope spread, up and down alike": (*FAULTS["slope spread"], "device.slope_symmetric=true"),
    "threshold spread": FAULTS["threshold spread"],
    "non-linearity, eta 1": ("device.nonlinearity_up=1", "device.nonlinearity_down=1"),
    "non-linearity, eta 0.5 up, 0.3 down": FAULTS["non-linearity"],
    "write noise": FAULTS["write noise"],
    "stuck devices": FAULTS["stuck devices"],
    "64 states": STATES,
    "measured devices": (f"device.file={MEASURED}",),
    "all at once": ALL,
    "all at once, 64 states": (*ALL, *STATES),
    BASE_ON_32: (_ON_32,),
    "all at once, 32 lanes": (*ALL, _ON_32),
}
"""Row -> changes to the preset."""

FULL = f"all at once, {BASE}"
_EIGHT = "--set hardware.lanes=8"
COMPARE_ROWS: dict[str, tuple[str, tuple[str, ...]]] = {
    **{name: (f"--images 5 {_EIGHT}", changes) for name, changes in SPARSE.items()},
    "neuron gain": (f"--images 5 {_EIGHT}", GAIN),
    **{name: (f"--images 5 {_EIGHT}", changes) for name, changes in FAULTS.items()},
    "slope spread, up and down alike": (f"--images 5 {_EIGHT}", COST_ROWS["slope spread, up and down alike"]),
    "64 states": (f"--images 5 {_EIGHT}", STATES),
    "measured devices": (f"--images 5 {_EIGHT}", COST_ROWS["measured devices"]),
    FULL: ("--images 50", (*ALL, *STATES)),
    f"{FULL}, Icarus": ("--images 3 --simulator icarus", (*ALL, *STATES)),
    "all at once, every=5": (f"--images 50 {_EIGHT}", (*ALL, *STATES, *SPARSE["every=5"])),
    "all at once, 12-bit weights": (f"--images 50 {_EIGHT}", ALL),
}
"""Row -> (options of `compare`, changes to the preset)."""


def settings(changes: Sequence[str]) -> str:
    """Changes as options of a command."""
    return "".join(f" --set {change}" for change in changes)


def cost_commands() -> tuple[tuple[str, str], ...]:
    """(row, options beside the measurement's own) of the costs."""
    return tuple((name, settings(changes).strip()) for name, changes in COST_ROWS.items())


def compare_commands() -> tuple[tuple[str, str], ...]:
    """The same of the comparisons."""
    return tuple((name, options + settings(changes)) for name, (options, changes) in COMPARE_ROWS.items())


def write_measured(path: Path = MEASURED) -> None:
    """A table of devices as a wafer might have them: the faults of `FAULTS`, drawn. The same bytes every time."""
    import numpy as np

    from golden.config import load_config, resolve_preset
    from scripts.files import write_text

    layers = load_config(resolve_preset(PRESET)).network.layers
    draw = np.random.default_rng(1)
    lines = ["layer,row,column,slope_up,slope_down,threshold_up,threshold_down,stuck"]
    for layer in range(len(layers) - 1):
        for row in range(layers[layer] + 1):
            for column in range(layers[layer + 1]):
                slopes = np.maximum(1 + 0.05 * draw.standard_normal(2), 0)
                thresholds = 1 + 0.01 * draw.standard_normal(2)
                stuck = draw.choice((0, 1, 2), p=(0.98, 0.01, 0.01))
                numbers = (f"{value:.4f}" for value in (*slopes, *thresholds))
                lines.append(f"{layer},{row},{column},{','.join(numbers)},{stuck}")
    write_text(path, "\n".join(lines) + "\n")


# ---------------------------------------------------------------------------------------------------------------------
# Tables

Found = dict[str, dict[str, Any]]
"""Name of a measurement -> what was kept of it."""

BUILD_TEXT = (
    f"`{PRESET}` with all of this at once: a pulse with probability 1/15, neuron gain 0.1, slope spread 0.05 (up and "
    "down apart), threshold spread 0.01, eta 0.5 up and 0.3 down, write noise 1e-4, 1 % stuck on and 1 % off; 12-bit "
    "weights. With the self-test around it."
)
COST_TEXT = (
    f"What Yosys makes for the ULX3S-85F (synth_ecp5, no place and route) of the self-test's top with `{PRESET}`, "
    "64-32-10 on 8 lanes: ideal devices with dense and with sparse programming, then p=1/15 with each fault alone, "
    "and all at once; last the preset's 32 lanes, since nearly all of the cost is in the lanes. LUT4, pairs of carries "
    "(CCU2C, each in the place of two LUT4s), flip-flops (FF), block RAMs (DP16KD) and multipliers (MULT18X18D); the "
    "last two columns are LUT4 + 2 CCU2C and FF against p=1/15 with ideal devices on as many lanes. The weight memory "
    "has the same words in every line of as many lanes, one for each row or two-way neuron of a chunk, with one weight "
    "for each synapse: deviations are hashed, not stored. (With 64 states a weight has 6 bits, not 12.) Only measured "
    "devices bring memories of their own, beside the weights: one of slopes and offsets and one of stuck devices, with "
    "as many words."
)
COST_HEAD = ("devices", "lanes", "LUT4", "CCU2C", "FF", "DP16KD", "of these weights", "of these devices", "MULT18X18D",
             "weight words", "LUTs against p=1/15", "FFs against p=1/15")  # fmt: skip
COMPARE_TEXT = (
    f"`{PRESET}`, every state of every step as above, on devices with faults: each alone, then all at once (64 states "
    "with it). Results do not depend on the number of lanes, so most lines run on 8, which simulators build faster. "
    f"Each line's command is in results/{COMPARE}.json."
)
COMPARE_HEAD = ("devices", "lanes", "simulator", "images", "words compared", "mismatches", "time")


def _rows(found: Found, name: str) -> list[dict[str, Any]]:
    return found[name]["result"]["rows"] if name in found else []


def block_rams(result: dict[str, Any], part: str) -> int:
    """Block RAMs in a part of the crossbar and below."""
    inside = f".crossbar.{part}"
    return sum(cells.get("bram", 0) for name, cells in result["parts"].items() if inside in name)


def luts(cells: dict[str, int]) -> int:
    """LUT4s, and the two that each pair of carries takes the place of."""
    return cells.get("lut", 0) + 2 * cells.get("carry", 0)


def cost_table(found: Found) -> list[list[str]]:
    """A line a row of `COST_ROWS`; one that was not measured says so."""
    rows = {row["name"]: row["result"] for row in _rows(found, COST)}
    if BASE not in rows:
        return []
    bases = {rows[name]["lanes"]: rows[name]["cells"] for name in (BASE, BASE_ON_32) if name in rows}
    missing = [[name, "not measured", *["-"] * (len(COST_HEAD) - 2)] for name in COST_ROWS if name not in rows]
    measured = [
        [
            name,
            str(result["lanes"]),
            *(f"{cells.get(kind, 0):,}" for kind in ("lut", "carry", "ff", "bram")),
            str(block_rams(result, "weights")),
            str(block_rams(result, "devices")),
            str(cells.get("dsp", 0)),
            str(result["weight_words"]),
            f"{luts(cells) - luts(base):+,}",
            f"{cells.get('ff', 0) - base.get('ff', 0):+,}",
        ]
        for name, result in rows.items()
        for cells, base in ((result["cells"], bases[result["lanes"]]),)
    ]
    return measured + missing


def compare_table(found: Found) -> list[list[str]]:
    """A line a row of `COMPARE_ROWS`."""
    return [
        [row["name"], str(r["lanes"]), r["simulator"], f"{r['images']:,}", f"{r['words_compared']:,}",
         f"{r['mismatches']:,}", f"{row['seconds']:.0f} s"]
        for row in _rows(found, COMPARE)
        for r in (row["result"],)
    ]  # fmt: skip


def build_table(found: Found) -> list[list[str]]:
    """The one build."""
    if BUILD not in found:
        return []
    b = found[BUILD]["result"]
    slowest = min(b["clocks"].values(), key=lambda clock: clock["achieved_mhz"] / clock["required_mhz"])
    met = slowest["achieved_mhz"] >= max(CLOCK, slowest["required_mhz"])
    used = [f"{b['resources'][name]['used']:,} of {b['resources'][name]['total']:,}" for name in b["resources"]]
    return [
        [b["device"], "-".join(map(str, b["layers"])), str(b["lanes"]), *used,
         f"{slowest['achieved_mhz']:.1f} MHz (runs at {slowest['required_mhz']:g})", f">= {CLOCK:g} MHz",
         "met" if met else "missed"]
    ]  # fmt: skip


def readme_rows(found: Found) -> list[list[str]]:
    """(what, measured, to reach, status) for the README: all faults at once."""
    rows = [
        [f"RTL = golden, memristors, {row['name']}, {r['images']} images, {r['simulator']}",
         f"{r['mismatches']} of {r['words_compared']:,} words differ", "0", "met" if r["mismatches"] == 0 else "missed"]
        for row in _rows(found, COMPARE)
        if row["name"].startswith(FULL)
        for r in (row["result"],)
    ]  # fmt: skip
    for row in build_table(found):
        rows.append([f"{row[0]}, memristors with all faults, {row[1]}, {row[2]} lanes",
                     f"{row[7]}; LUTs {row[3]}, block RAMs {row[5]}, DSPs {row[6]}", row[8], row[9]])  # fmt: skip
    return rows
