"""rtl.crossbar against golden.crossbar."""

import pytest

from cocotb_tests import sim_crossbar
from cocotb_tests.bench import simulate
from cocotb_tests.harness import SIMULATORS


def _jobs(part):
    return [name for name, job in sim_crossbar.JOBS.items() if job["part"] == part]


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", _jobs("tree"))
def test_adder_tree(job, simulator):
    report = simulate("sim_crossbar", job, simulator)
    assert report["compared"] == {"sum": sim_crossbar.SUMS}
    assert min(report["seen"]["negative"], report["seen"]["positive"]) > 50


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", _jobs("crossbar"))
def test_crossbar(job, simulator):
    report = simulate("sim_crossbar", job, simulator)
    compared, seen = report["compared"], report["seen"]
    # Every weight was written, and read at the end.
    weights = 7 * 5 + 6 * 4 + 5 * 3
    assert min(seen["poke"], compared["peek_data"]) > weights
    assert compared["write_data"] > 1000
    assert min(compared["current"], compared["forward"]) > 100
    assert all(seen[f"layer {s} {way}"] > 10 for s in range(3) for way in ("up", "down")), seen
    assert min(seen["saturated high"], seen["saturated low"], seen["both sides"]) > 10, seen
