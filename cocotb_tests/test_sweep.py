"""rtl.sweep: the words of a pass at an image's end."""

import pytest

from cocotb_tests import sim_sweep
from cocotb_tests.bench import simulate
from eqspike.sim.harness import SIMULATORS


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", sim_sweep.JOBS)
def test_sweep(job, simulator):
    report = simulate("sim_sweep", job, simulator)
    assert report["compared"]["all words"] == sim_sweep.SWEEPS
    assert report["compared"]["operation"] > 100
    assert min(report["seen"]["nothing"], report["seen"]["all"]) > 2, report["seen"]
