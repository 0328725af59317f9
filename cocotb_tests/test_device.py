"""rtl.device against golden.device."""

import pytest

from cocotb_tests import faults, sim_device
from cocotb_tests.bench import simulate


@pytest.mark.parametrize(
    ("job", "simulator"),
    [*((job, "icarus") for job in sim_device.JOBS), *((job, "verilator") for job in faults.COMBINED)],
)
def test_device(job, simulator):
    report = simulate("sim_device", job, simulator)
    compared, seen = report["compared"], report["seen"]
    operations = sim_device.OPERATIONS[simulator]
    assert compared["saturated"] == operations
    assert compared["new"] == compared["word"] == operations * faults.LANES
    situations = ["program", "poke", "none", "both sides", "both halves", "no half", "saturated high", "saturated low"]
    situations += [f"layer {s} {way}" for s in range(3) for way in ("up", "down", "same")]
    if job in ("stuck", "all_alike", *faults.COMBINED):
        situations += ["stuck", "stuck on", "stuck off"]
    assert min(seen.get(what, 0) for what in situations) >= 3, seen


def test_every_fault_has_a_job():
    """Alone and together with the others."""
    sections = [fault["device"] for fault in faults.FAULTS.values()]
    named = {name for device in sections for name in device if device[name]}
    assert named >= {
        "slope_up", "slope_down", "slope_spread", "slope_symmetric", "threshold_down", "threshold_spread",
        "threshold_symmetric", "nonlinearity_up", "nonlinearity_down", "nonlinearity_form", "write_noise",
        "stuck_on", "stuck_off", "states", "file",
    }  # fmt: skip
