"""The table of presets and boards."""

from __future__ import annotations

from typing import Any

import pytest

from fpga.boards import BOARDS
from golden.config import load_config, resolve_preset
from scripts import board_table, results

USED = {"lut": {"used": 1200, "total": 24288}, "ff": {"used": 800, "total": 24288}, "bram": {"used": 60, "total": 56}}


def build(config: str, board: str, achieved: float | None, **more: Any) -> dict[str, Any]:
    clocks = {"clocks": {"clk": {"achieved_mhz": achieved, "required_mhz": 50.0}}} if achieved else {}
    sizes = {"lanes": 32, "input_lanes": 4, "banks": 1}
    return {"config": config, "board": board, **sizes, "resources": USED, **clocks, **more}


def measured(*results: dict[str, Any]) -> dict[str, Any]:
    return {"result": {"rows": [{"name": "row", "result": result} for result in results]}}


def test_rows_say_what_fits_how_fast() -> None:
    cycles = {name: {"cycles_per_image": count} for name, count in (("training", 10_000), ("inference", 5_000))}
    counted = {"config": "digits", "lanes": 32, "input_lanes": 4, "banks": 1, **cycles}
    found = {
        board_table.BUILDS: measured(
            build("digits", "ulx3s-12f", 60.0), build("digits", "orangecrab", 45.0), build("mnist", "ulx3s-12f", None)
        ),
        board_table.CYCLES: measured(counted),
        "build-icebreaker": {"result": build("digits", "icebreaker", 60.0, lanes=8)},
    }
    rows = {(row[0].strip("`"), row[1]): row for row in board_table.table(found)}
    assert list(rows) == [("digits", b) for b in ("icebreaker", "ulx3s-12f", "orangecrab")] + [("mnist", "ulx3s-12f")]
    assert {len(row) for row in rows.values()} == {len(board_table.HEAD)}
    assert rows["digits", "ulx3s-12f"][4:6] == ["yes", "1,200 of 24,288"]
    assert rows["digits", "ulx3s-12f"][-3:] == ["60.0 (runs at 50)", "5,000", "10,000"]
    assert rows["digits", "orangecrab"][-3:] == ["45.0, misses 50", "4,500", "9,000"]
    # Cycles of 32 lanes say nothing of 8.
    assert rows["digits", "icebreaker"][-2:] == ["not counted"] * 2
    assert rows["mnist", "ulx3s-12f"][4:] == ["no", "1,200 of 24,288", "800 of 24,288", "60 of 56", "-", "-", "-", "-"]
    assert board_table.table({}) == []


@pytest.mark.parametrize("preset", board_table.PRESETS)
def test_every_pair_has_one_measurement(preset: str) -> None:
    load_config(resolve_preset(preset))
    measurements = results.measurements()
    own = {name for name, _ in board_table.build_commands()}
    for board in board_table.BOARDS:
        assert board in BOARDS
        elsewhere = board_table.ELSEWHERE.get((preset, board))
        assert (f"{preset} on {board}" in own) == (elsewhere is None)
        if elsewhere:
            row = measurements[elsewhere]
            assert row.arguments.startswith(("build " + preset + " ", f"build {preset} --board {board}"))
            assert f"--board {board}" in row.arguments
