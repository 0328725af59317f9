"""What all simulations of the tests share, and which of them are slow."""

import os
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent
# A test presents a few images: compiling takes longer than running.
os.environ.setdefault("EQSPIKE_OPTIMISE", "-O0")

WHOLE = {
    "test_board",
    "test_core",
    "test_edges",
    "test_gates",
    "test_pair",
    "test_selftest",
    "test_timing",
    "test_tops",
}
"""Files whose tests build whole cores and boards."""
QUICK = {"test_every_state_of_every_step[7-5-3-icarus]", "test_a_difference_is_found"}
"""Their tests of one small core."""
SOAK = {
    "test_core.py::test_weights_do_not_depend_on_lanes[banks-33-17-10-verilator-9-3]",
    "test_core.py::test_weights_do_not_depend_on_lanes[devices-16-9-9-4-verilator-2-16]",
    "test_core.py::test_every_state_of_every_step[banks-24-18-3-icarus]",
    "test_coverage.py::test_a_component",
    "test_crossbar.py::test_crossbar_of_devices[devices_all-verilator]",
    "test_crossbar.py::test_crossbar_of_devices[devices_all_alike-icarus]",
    "test_crossbar.py::test_crossbar_of_devices[devices_measured-icarus]",
    "test_crossbar.py::test_crossbar_of_devices[devices_saturating-icarus]",
    "test_edges.py::test_reset_meets_all_of_an_image",
    "test_link.py::test_frames_of_more_than_255_bytes[byte-verilator]",
    "test_mutations.py::test_planted_bugs_are_found[sim_crossbar-both-chance-devices_slopes-devices_stuck]",
    "test_mutations.py::test_planted_bugs_are_found[sim_device-all-all_alike-measured-noise-saturating]",
    "test_link.py::test_link[rushed-icarus]",
    "test_recorder.py::test_both_find_the_same_bug[window off by one]",
    "test_timing.py::test_roles[every spike programs]",
    "test_timing.py::test_roles[every third]",
    "test_upset.py::test_another_flip_is_found",
}
"""Tests that take long, most more than ten seconds, and whose like is in the default run."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow are whole cores and what is compiled by Verilator; components in Icarus are not."""
    for item in items:
        if item.path.parent == FOLDER and f"{item.path.name}::{item.name}" in SOAK:
            item.add_marker(pytest.mark.soak)
        if item.path.parent == FOLDER and item.name not in QUICK:
            parameters = item.callspec.params if hasattr(item, "callspec") else {}
            if item.path.stem in WHOLE or parameters.get("simulator") == "verilator":
                item.add_marker(pytest.mark.slow)
