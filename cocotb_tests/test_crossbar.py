"""rtl.crossbar against golden.crossbar."""

import pytest

from cocotb_tests import sim_crossbar
from cocotb_tests.bench import simulate
from eqspike.sim.harness import SIMULATORS


def _jobs(part):
    return [name for name, job in sim_crossbar.JOBS.items() if job["part"] == part]


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", _jobs("tree"))
def test_adder_tree(job, simulator):
    report = simulate("sim_crossbar", job, simulator)
    assert report["compared"] == {"sum": sim_crossbar.SUMS}
    assert min(report["seen"]["negative"], report["seen"]["positive"]) > 50


WEIGHTS = 7 * 5 + 6 * 4 + 5 * 3


def _run(job, simulator):
    report = simulate("sim_crossbar", job, simulator)
    compared, seen = report["compared"], report["seen"]
    # Every weight was written, and read at the end.
    assert min(seen["poke"], compared["peek_data"]) > WEIGHTS
    return compared, seen


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", [name for name in _jobs("crossbar") if not name.startswith("devices")])
def test_crossbar(job, simulator):
    compared, seen = _run(job, simulator)
    assert compared["write_data"] > 1000
    assert min(compared["current"], compared["forward"]) > 100
    assert all(seen[f"layer {s} {way}"] > 10 for s in range(3) for way in ("up", "down")), seen
    assert min(seen[what] for what in ("saturated high", "saturated low", "both sides", "no pulse")) > 5, seen


@pytest.mark.parametrize(
    ("job", "simulator"),
    [*((job, "icarus") for job in _jobs("crossbar") if job.startswith("devices")),
     ("devices_all", "verilator")],
)  # fmt: skip
def test_crossbar_of_devices(job, simulator):
    compared, seen = _run(job, simulator)
    assert compared["write_data"] > 300
    assert min(compared["current"], compared["forward"]) > 10
    # Few operations on Icarus: `test_device` has more.
    assert all(sum(seen.get(f"layer {s} {way}", 0) for s in range(3)) > 5 for way in ("up", "down")), seen
    assert seen["both sides"] > 0
    if simulator == "verilator":
        assert min(seen[what] for what in ("saturated high", "saturated low", "both sides")) > 5, seen
    if job in ("devices_stuck", "devices_all", "devices_measured"):
        assert seen["stuck device poked"] > 10
