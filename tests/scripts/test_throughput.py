"""`eqspike throughput`: cycles of the RTL and where they go."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cocotb_tests import networks
from eqspike.golden.data import epoch_order, load_split
from eqspike.golden.modes import INFER, LEARN
from eqspike.golden.network import Network
from eqspike.lab.throughput import run_throughput

BUILT = {
    "board": "icebreaker", "layers": [41, 7, 7, 3], "lanes": 7, "banks": 3,
    "clocks": {"clk": {"achieved_mhz": 30.0, "required_mhz": 24.0}},
}  # fmt: skip


def test_cycles_are_those_of_the_rtl() -> None:
    """Steps and nudges are the golden model's; stages fill all cycles; banks move what the spikes ask for."""
    config = networks.odd("banks-41-7-7-3")
    images = 5
    result = run_throughput(config, epochs=1, images=images, built=BUILT)
    part, network = load_split(config), Network(config)
    order = epoch_order(config, 0, len(part.train_labels))
    network.present_all(part.train_images[order], part.train_labels[order], LEARN)
    weights = [w.copy() for w in network.weights]
    network.set_epoch(1)
    order = epoch_order(config, 1, len(part.train_labels))[:images]
    for name, shown, labels, mode in (
        ("training", part.train_images[order], part.train_labels[order], LEARN),
        ("inference", part.test_images[:images], part.test_labels[:images], INFER),
    ):
        network.load_weights(weights)
        network.clear_counters()
        network.present_all(shown, labels, mode)
        counters, measured = network.counter_values(), result[name]
        assert measured["steps_per_image"] * images == counters["steps"]
        assert measured["nudged_fraction"] * images == counters["nudged"]
        assert sum(measured["stage_shares"].values()) == pytest.approx(1, abs=0.01)
        assert len(measured["rows_of_banks"]) == 3
        assert min(measured["rows_of_banks"]) > 0
        # Each spike of an input is a row, but those of an image's last step.
        assert 0.9 * counters["spikes"][0] < measured["rows_per_image"] * images
        assert measured["row_cycle_share"] <= 1
        assert measured["rows_per_cycle"] <= 3
        assert measured["images_per_second_at_required"] == pytest.approx(24e6 / measured["cycles_per_image"])


def test_a_build_of_other_hardware_is_refused(fails, tmp_path: Path) -> None:
    path = tmp_path / "build.json"
    path.write_text(json.dumps({**BUILT, "layers": [64, 32, 10], "lanes": 8}))
    said = fails(2, "throughput", "digits", "--build", path)
    assert "banks is 3, but digits on icebreaker has 1" in said


def test_a_build_that_does_not_fit_is_refused(fails, tmp_path: Path) -> None:
    path = tmp_path / "build.json"
    kept = {key: value for key, value in BUILT.items() if key != "clocks"}
    path.write_text(json.dumps({**kept, "config": "mnist", "fits": False}))
    assert f"mnist does not fit {BUILT['board']}: it has no clock" in fails(2, "throughput", "digits", "--build", path)
