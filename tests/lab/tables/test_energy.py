"""Energy and time: counters become joules, cycles seconds; scaling is as said; what is missing is not invented."""

from __future__ import annotations

from typing import Any

import pytest

from eqspike.lab.experiments.spec import read_tables
from eqspike.lab.tables import energy
from eqspike.lab.tables.energy import Work


def counters(images: int, steps: int, synops: int, nudged: int = 0, pulses: int = 0) -> dict[str, Any]:
    """Of so many images, each with these steps and SynOps."""
    spikes = [images * 894, images * 447, 0]  # of 784 + 100 + 10 neurons: 1.5 each
    return {
        "images": images, "steps": images * steps, "synops": images * synops, "nudged": nudged,
        "programming_pulses": images * pulses, "spikes": spikes,
    }  # fmt: skip


EPOCH = {
    # Of 200 images 100 had a nudge phase of 100 steps and 4,000 SynOps.
    "counters": counters(200, 150, 10_000, nudged=100, pulses=600),
    "test_counters": counters(50, 100, 8_000),
    "first_spike_test_counters": counters(50, 7, 300),
}
FOUND = {"activity-mnist": {"result": {"epochs": [EPOCH, EPOCH]}}}


def test_work() -> None:
    work = Work.of(EPOCH["counters"])
    assert work == Work(steps=150, spikes=1341, synops=10_000, pulses=600)
    assert work.joules == pytest.approx(1e-7)
    # The thesis's own numbers.
    joules = {synops: Work(0, 0, synops, 0).joules for synops in (150_000, 4.23e12)}
    assert joules == {150_000: pytest.approx(1.5e-6), 4.23e12: pytest.approx(42.3)}
    minutes = energy.THESIS_STEPS * 0.5 / energy.NEURON_HERTZ / 60
    assert minutes == pytest.approx(45, abs=1)


def test_shares() -> None:
    """The free phase costs 100 steps, 8,000 SynOps; at a quarter of nudged images half of the rest is left."""
    learned, free = Work.of(EPOCH["counters"]), Work.of(EPOCH["test_counters"])
    half = energy.at_share(learned, free, 0.5, 0.25)
    assert (half.steps, half.synops, half.pulses) == (125, 9_000, 300)
    assert energy.at_share(learned, free, 0.5, 0.5) == learned
    assert energy.at_share(learned, free, 0.5, 0) == free
    assert energy.at_share(free, free, 0, 0.2) == free  # no image was nudged: nothing is known of the nudge phase
    (measured, own), (share, scaled) = energy.scaled(EPOCH)
    assert (measured, own) == (0.5, learned)
    assert share == pytest.approx(0.163)
    assert scaled.synops == pytest.approx(8_000 + 2_000 * 0.163 / 0.5)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.5e-6, "1.5 µJ"), (42.3, "42.3 J"), (4.23e12, "4.23 TJ"), (2.53e-7, "253 nJ"), (0.0151, "15.1 mJ"), (0, "0 nJ")],
)
def test_quantity(value: float, text: str) -> None:
    assert energy.quantity(value, "J") == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(1e-4, "100 µs"), (1.5, "1.5 s"), (119, "119 s"), (2740, "45.7 min"), (36_000, "10 h")]
)
def test_duration(seconds: float, text: str) -> None:
    assert energy.duration(seconds) == text


def test_energy_table() -> None:
    rows = {(row[0], row[2]): row for row in energy.energy_rows(FOUND)}
    assert all(len(row) == energy.ENERGY_WIDTH for row in rows.values())
    full = rows["`mnist`, inference, whole free phase", "-"]
    assert full[1:9] == ["50", "-", "100.0", "1.5", "8 k", "-", "80 nJ", "10,000: 80 M SynOps, 800 µJ"]
    assert rows["`mnist`, inference, to the first output spike", "-"][-1] == "678 spikes an image; here 1341"
    trained = rows["`mnist`, training, as measured", "50.0 %"]
    assert trained[1:9] == [
        "2 epochs of 200", "50.0 %", "150.0", "1.5", "10 k", "600", "100 nJ", "400: 4 M SynOps, 40 µJ",
    ]  # fmt: skip
    assert rows["`mnist`, training, scaled", "50.0 %"][8] == "3,000,000: 30 G SynOps, 300 mJ"
    assert rows["`mnist`, training, scaled", "16.3 %"][8] == "3,000,000: 26 G SynOps, 260 mJ"
    missing = [row for row in rows.values() if row[1] == "not measured"]
    assert {row[0] for row in missing} >= {"`mnist`, inference, t = 10/f_max", "`digits`, training, as measured"}


@pytest.mark.parametrize(("pulses", "status"), [(30, "met"), (31, "missed")])
def test_programming_operations_are_judged(pulses: int, status: str) -> None:
    (table,) = [own for own in read_tables() if own.header.kind == "energy"]
    found = {
        f"activity-{preset}": {"result": {"epochs": [EPOCH | {"counters": counters(200, 150, 9, pulses=each)}] * 3}}
        for preset, each in (("digits", 600), ("digits-image-end", pulses))
    }
    rows = {row[0]: row for row in table.kind.table(table.full, found)}
    assert rows["`digits-image-end`, training, as measured"][6] == str(pulses)
    (claim,) = table.kind.claims(table.full, found)
    assert claim.measured == f"{pulses} of 600 an image, 1/{600 / pulses:.0f}"
    assert (claim.wanted, claim.status) == ("<= 1/20", status)
    assert table.kind.claims(table.full, FOUND) == []


def test_nothing_is_measured() -> None:
    for rows, width in ((energy.energy_rows({}), energy.ENERGY_WIDTH), (energy.time_rows({}), energy.TIME_WIDTH)):
        assert all(len(row) == width for row in rows)
        assert all(row[1] == "not measured" for row in rows if not row[0].startswith("the thesis"))


def test_time_table() -> None:
    row = {
        "board": "ulx3s-85f", "lanes": 100, "required_mhz": 50.0,
        "inference": {"cycles_per_image": 5_000},
        "training": {
            "cycles_per_image": 15_000, "nudged_fraction": 0.5,
            "cycles_of_images": {"nudged": 20_000, "skipped": 10_000},
        },
        "seconds_of_training_at_required": 24.0, "nudged_fraction_of_epochs": [0.9, 0.5],
    }  # fmt: skip
    found = FOUND | {"throughput": {"result": {"rows": [{"name": "mnist", "result": row}]}}}
    rows = [line for line in energy.time_rows(found) if line[0].startswith("`mnist`")]
    assert all(line[1] == "ulx3s-85f, 100 lanes, 50 MHz" for line in rows[:4])
    assert [line[2:4] for line in rows] == [
        ["100 µs", "10,000: 1 s"],
        ["-", "24 s"],
        ["300 µs", "15 min"],
        ["233 µs", "11.6 min"],  # 10,000 cycles, and 0.163 of 10,000 more
        # 5 µs a step: 150 steps, and 100 + 0.163 of 100.
        ["750 µs", "37.5 min"],
        ["582 µs", "29.1 min"],
    ]
    assert "16.3 % nudged" in rows[3][0]


def test_digits_from_its_first_images() -> None:
    """Without a measured throughput: what the RTL's first images took, on the board with as many lanes."""
    built = {"lanes": 32, "input_lanes": 4, "clocks": {"clk": {"required_mhz": 50.0, "achieved_mhz": 60.0}}}
    learned = {"images": {"train": 100}, "epochs": [{"cycles_per_image": 10_000}]}
    found = {"build-ulx3s-85f": {"result": built}, "train-rtl": {"result": learned}}
    (row,) = [line for line in energy.time_rows(found) if "first 100" in line[0]]
    assert row[1:] == ["ulx3s-85f, 32 lanes, 50 MHz", "200 µs", "-", "-"]
    trained = {"epochs": [EPOCH] * 30, "images": {"train": 1000}}
    more = found | {"activity-digits": {"result": trained}}
    (row,) = [line for line in energy.time_rows(more) if "first 100" in line[0]]
    assert row[3] == "6 s if all 30 epochs were like these"
    other = {"build-ulx3s-85f": {"result": built | {"lanes": 8}}, "train-rtl": {"result": learned}}
    assert not [line for line in energy.time_rows(other) if "first 100" in line[0]]


def test_work_of_an_image() -> None:
    counters = {
        "images": 200,
        "steps": 40000,
        "nudged": 50,
        "spikes": [2_000_000, 800_000, 20_000],
        "synops": 2 * 10**8,
    }
    epochs = [{}, {"counters": counters, "test_counters": counters | {"images": 100, "nudged": 0}}]
    training, inference = energy.activity_rows({"activity-mnist": {"result": {"epochs": epochs}}})
    assert training == ["`mnist`", "training", "25 %", "200", "10,000", "4,000", "100", "1.00 M"]
    assert inference == ["`mnist`", "inference", "-", "400", "20,000", "8,000", "200", "2.00 M"]
