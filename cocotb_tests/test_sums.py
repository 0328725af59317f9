"""rtl.sums against integers of Python."""

import pytest

from cocotb_tests import sim_sums
from cocotb_tests.bench import simulate
from eqspike.sim.harness import SIMULATORS


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", sim_sums.JOBS)
def test_sums(job, simulator):
    report = simulate("sim_sums", job, simulator)
    assert report["compared"]["sums"] == sim_sums.CYCLES
    assert min(report["seen"][name] for name in ("at an end", "ended", "restart")) > 2, report["seen"]
