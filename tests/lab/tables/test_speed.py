"""Tables of speed: of the model, of the simulated RTL, and on boards."""

from __future__ import annotations

from typing import Any

from eqspike.lab.experiments.spec import Experiment, read_tables


def the_table(kind: str) -> Experiment:
    (file,) = [own for own in read_tables() if own.header.kind == kind]
    assert file.header.page == "performance"
    return file


def bench(steps: float, synops: float) -> dict[str, Any]:
    training = {"images_per_second": 2000.0, "steps_per_second": steps, "synops_per_second": synops}
    inference = {"images_per_second": 8000.0}
    return {"layers": [64, 32, 10], "number_format": "fixed", "training": training, "inference": inference}


def test_growth() -> None:
    file = the_table("growth")
    found = {"growth": {"result": {"rows": [{"name": "few", "result": bench(4e6, 1e9)}]}}}
    (row,) = file.kind.table(file.full, found)
    assert row == ["`few`", "64-32-10", "fixed", "2,000", "8,000", "0.25", "250", "1,000"]
    assert len(row) == len(file.header.head)
    assert file.kind.table(file.full, {}) == []


def test_speeds() -> None:
    file = the_table("speeds")
    epoch = {"cycles_per_image": 6740.4, "cycles_per_second": 80_000.0}
    found = {
        "bench": {"result": bench(1e6, 1e9)},
        "train-rtl": {"result": {"epochs": [epoch]}},
        "compare-speed": {"result": {"cycles_per_second": 4e5, "mismatches": 0}},
    }
    rows = file.kind.table(file.full, found)
    assert [row[1] for row in rows] == [
        "2,000 training images/s", "6,740 cycles a training image", "80,000 simulated cycles/s",
        "400,000 simulated cycles/s, 0 mismatches",
    ]  # fmt: skip
    assert rows[0][3] == "missed"
    assert file.kind.table(file.full, {}) == []


def test_images_a_second_on_boards() -> None:
    """What was to be reached is claimed, met or not."""
    file = the_table("throughputs")

    def counted(name: str, board: str, speed: float, **more: Any) -> dict[str, Any]:
        one = {
            "cycles_per_image": 1e3, "rows_per_image": 9e2, "rows_per_cycle": 0.9, "row_cycle_share": 0.9,
            "images_per_second_at_required": speed,
        }  # fmt: skip
        result = {"board": board, "lanes": 8, "banks": 1, "required_mhz": 24, "training": one, "inference": one}
        return {"name": name, "result": result | more}

    wanted = {own.preset: own for own in file.full.wanted}
    bars = wanted["mnist"].training, wanted["digits-fast"].seconds
    rows = [
        counted("mnist", "ulx3s-85f", bars[0] - 1),
        counted("digits-fast", "icebreaker", 1.0, seconds_of_training_at_required=bars[1] - 0.1,
                nudged_fraction_of_epochs=[1.0] * 30),
    ]  # fmt: skip
    found = {file.full.measurement: {"result": {"rows": rows}}}
    assert all(len(row) == len(file.header.head) for row in file.kind.table(file.full, found))
    claims = {claim.what: claim.status for claim in file.kind.claims(file.full, found)}
    assert claims == {
        "`mnist` on ULX3S-85F (ECP5), training": "missed",
        "`mnist` on ULX3S-85F (ECP5), inference": "met",
        "`digits-fast` on iCEBreaker (iCE40 UP5K), 30 epochs": "met",
    }
