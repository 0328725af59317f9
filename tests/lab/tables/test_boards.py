"""The table of presets and boards."""

from __future__ import annotations

from typing import Any

from eqspike.fpga.boards import BOARDS
from eqspike.golden.configfile import load_config, resolve_preset
from eqspike.lab.experiments.spec import Experiment, measurements, read_tables

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
        "boards": measured(
            build("digits", "ulx3s-12f", 60.0), build("digits", "orangecrab", 45.0), build("mnist", "ulx3s-12f", None)
        ),
        "boards-cycles": measured(counted),
        "build-icebreaker": {"result": build("digits", "icebreaker", 60.0, lanes=8)},
    }
    file = presets()
    rows = {(row[0].strip("`"), row[1]): row for row in file.kind.table(file.full, found)}
    assert list(rows) == [("digits", b) for b in ("icebreaker", "ulx3s-12f", "orangecrab")] + [("mnist", "ulx3s-12f")]
    assert {len(row) for row in rows.values()} == {len(file.header.head)}
    assert rows["digits", "ulx3s-12f"][4:6] == ["yes", "1,200 of 24,288"]
    assert rows["digits", "ulx3s-12f"][-3:] == ["60.0 (runs at 50)", "5,000", "10,000"]
    assert rows["digits", "orangecrab"][-3:] == ["45.0, misses 50", "4,500", "9,000"]
    # Cycles of 32 lanes say nothing of 8.
    assert rows["digits", "icebreaker"][-2:] == ["not counted"] * 2
    assert rows["mnist", "ulx3s-12f"][4:] == ["no", "1,200 of 24,288", "800 of 24,288", "60 of 56", "-", "-", "-", "-"]
    assert file.kind.table(file.full, {}) == []


def presets() -> Experiment:
    """The project's table."""
    (file,) = [own for own in read_tables() if own.header.kind == "presets_on_boards"]
    return file


def test_every_pair_has_one_measurement() -> None:
    file, known = presets(), measurements(read_tables())
    own = {row.name for row in known[file.full.builds].rows}
    elsewhere = {(pair.preset, pair.board): pair.measurement for pair in file.full.elsewhere}
    for preset in file.full.presets:
        load_config(resolve_preset(preset))
        for board in file.full.boards:
            assert board in BOARDS
            assert (f"{preset} on {board}" in own) == ((preset, board) not in elsewhere)
            if (preset, board) in elsewhere:
                command = known[elsewhere[preset, board]].command
                assert command.startswith((f"build {preset} ", f"build {preset} --board {board}"))
                assert f"--board {board}" in command
