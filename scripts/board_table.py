"""Which preset fits which board: what it uses, its clock, and images a second, from builds and counted cycles.

Builds and cycles that other tables show are taken from there; the rest is measured by `BUILDS` and `CYCLES`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

BUILDS, CYCLES = "boards", "boards-cycles"
"""The measurements."""
PRESETS = ("digits", "digits-aeqspike-synch", "mnist", "mnist300", "digits-memristor")
BOARDS = ("icebreaker", "ulx3s-12f", "ulx3s-45f", "ulx3s-85f", "orangecrab")
"""A ULX3S-25F is the same as a 12F for the open tools."""
ELSEWHERE = {
    ("digits", "icebreaker"): "build-icebreaker",
    ("digits", "ulx3s-85f"): "build-ulx3s-85f",
    ("digits-aeqspike-synch", "icebreaker"): "build-digits-aeqspike-synch-icebreaker",
    ("digits-aeqspike-synch", "ulx3s-85f"): "build-digits-aeqspike-synch-ulx3s-85f",
    ("mnist", "ulx3s-85f"): "build-mnist-ulx3s-85f",
    ("mnist300", "ulx3s-85f"): "build-mnist300-ulx3s-85f",
}
"""Pairs that have a measurement of their own."""
COUNTED = (
    ("digits", "ulx3s-85f"),
    ("digits-aeqspike-synch", "icebreaker"),
    ("digits-aeqspike-synch", "ulx3s-85f"),
    ("mnist", "ulx3s-45f"),
    ("digits-memristor", "ulx3s-85f"),
)
"""Preset and a board that stands for all with the same hardware settings, where `throughput` has none."""

TEXT = (
    "Presets with the self-test around them, on each board at its own hardware settings (`boards:` in the preset, or "
    "`hardware:`). `fits` is what nextpnr says of the packed netlist; speeds are cycles counted in Verilator on a "
    "network that has learned for 5 epochs (30 for `digits` on the iCEBreaker) times the clock that the build runs at, "
    "or that it reached where it misses that one. A ULX3S-25F is a 12F to the open tools."
)
HEAD = (
    "preset", "board", "lanes", "banks", "fits", "LUTs", "FFs", "block RAMs", "DSPs", "MHz", "training, images/s",
    "inference, images/s",
)  # fmt: skip


def build_commands() -> tuple[tuple[str, str], ...]:
    """Rows of the measurement `BUILDS`: name and arguments of `eqspike build`."""
    return tuple(
        (f"{preset} on {board}", f"{preset} --board {board}")
        for preset in PRESETS
        for board in BOARDS
        if (preset, board) not in ELSEWHERE
    )


def cycle_commands() -> tuple[tuple[str, str], ...]:
    """Rows of the measurement `CYCLES`: name and arguments of `eqspike throughput`."""
    return tuple((f"{preset} on {board}", f"{preset} --board {board}") for preset, board in COUNTED)


def _rows(found: dict[str, dict[str, Any]], name: str) -> Iterable[dict[str, Any]]:
    return (row["result"] for row in found.get(name, {"result": {"rows": []}})["result"]["rows"])


def _hardware(result: dict[str, Any]) -> tuple[Any, ...]:
    """What cycles depend on."""
    return tuple(result[name] for name in ("config", "lanes", "input_lanes", "banks"))


def table(found: dict[str, dict[str, Any]]) -> list[list[str]]:
    """Rows of the page; `found`: results by measurement."""
    cycles = {_hardware(result): result for name in (CYCLES, "throughput") for result in _rows(found, name)}
    builds = {(result["config"], result["board"]): result for result in _rows(found, BUILDS)}
    builds |= {pair: found[name]["result"] for pair, name in ELSEWHERE.items() if name in found}
    lines = []
    for preset in PRESETS:
        for board in BOARDS:
            if (build := builds.get((preset, board))) is not None:
                lines.append(_line(preset, board, build, cycles.get(_hardware(build))))
    return lines


def _line(preset: str, board: str, build: dict[str, Any], counted: dict[str, Any] | None) -> list[str]:
    def used(*names: str) -> str:
        entry = next((build["resources"][name] for name in names if name in build["resources"]), None)
        return f"{entry['used']:,} of {entry['total']:,}" if entry else "-"

    line = [f"`{preset}`", board, str(build["lanes"]), str(build["banks"])]
    use = [used("lut", "lc"), used("ff"), used("bram"), used("dsp")]
    if "clocks" not in build:
        return [*line, "no", *use, "-", "-", "-"]
    clock = min(build["clocks"].values(), key=lambda c: c["achieved_mhz"] / c["required_mhz"])
    achieved, required = clock["achieved_mhz"], clock["required_mhz"]
    mhz = min(achieved, required)
    told = f"{achieved:.1f} (runs at {required:g})" if achieved >= required else f"{achieved:.1f}, misses {required:g}"
    speeds = [
        f"{1e6 * mhz / counted[what]['cycles_per_image']:,.0f}" if counted else "not counted"
        for what in ("training", "inference")
    ]
    return [*line, "yes", *use, told, *speeds]
