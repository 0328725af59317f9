"""rtl.nudge against golden.nudge."""

import pytest

from cocotb_tests import sim_nudge
from cocotb_tests.bench import simulate
from eqspike.sim.harness import SIMULATORS


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", sim_nudge.JOBS)
def test_output_rates(job, simulator):
    report = simulate("sim_nudge", job, simulator)
    compared, seen = report["compared"], report["seen"]
    assert compared["prediction"] == compared["within"] == 2 * sim_nudge.IMAGES
    assert min(compared[name] for name in ("counts", "drive", "first_spike")) > 200
    assert seen["not within"] > 10
    if job == "never_skip":
        assert "within" not in seen
    else:
        assert min(seen["within"], seen["tie"], seen["at the edge"], seen["one past"]) >= 5, seen
