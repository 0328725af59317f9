"""rtl.rate against golden.rate."""

import pytest

from cocotb_tests import sim_rate
from cocotb_tests.bench import simulate
from eqspike.sim.harness import SIMULATORS


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", sim_rate.JOBS)
def test_rate(job, simulator):
    report = simulate("sim_rate", job, simulator)
    vectors = sim_rate.STEPS * len(sim_rate.TRAINS) + sim_rate.VECTORS
    assert report["compared"] == dict.fromkeys(("next_filtered", "next_integrator", "pulse"), vectors)
    assert min(report["seen"][sign] for sign in ("positive", "negative", "zero")) > 50
