"""rtl.current against plain sums."""

import pytest

from cocotb_tests import sim_current
from cocotb_tests.bench import simulate
from eqspike.sim.harness import SIMULATORS


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", sim_current.JOBS)
def test_current(job, simulator):
    report = simulate("sim_current", job, simulator)
    assert report["compared"]["current"] == sim_current.OPERATIONS * sim_current.JOBS[job]["lanes"]
    assert min(report["seen"]["cleared"], report["seen"]["from above"]) > 100
    if sim_current.JOBS[job]["banks"] > 1:
        assert min(report["seen"]["rows without a word"], report["seen"]["word and rows"]) > 50
