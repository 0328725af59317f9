"""rtl.bias against its definition."""

import pytest

from cocotb_tests import sim_bias
from cocotb_tests.bench import simulate
from eqspike.sim.harness import SIMULATORS


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", sim_bias.JOBS)
def test_bias(job, simulator):
    report = simulate("sim_bias", job, simulator)
    assert report["compared"]["spike"] > 300
    assert report["seen"]["spike"] > 50
    if job != "every_spike":
        assert report["compared"]["pulse"] > 300
        assert 10 < report["seen"]["pulse"] < report["seen"]["spike"]
