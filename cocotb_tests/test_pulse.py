"""rtl.pulse against golden.pulse."""

import pytest

from cocotb_tests import sim_pulse
from cocotb_tests.bench import simulate
from eqspike.sim.harness import SIMULATORS


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", sim_pulse.JOBS)
def test_pulse(job, simulator):
    report = simulate("sim_pulse", job, simulator)
    vectors = sim_pulse.STEPS * len(sim_pulse.TRAINS)
    assert report["compared"] == dict.fromkeys(("next_filtered", "next_integrator", "pulse"), vectors)
    assert min(report["seen"][sign] for sign in ("positive", "negative", "zero")) > 50
    assert report["seen"]["at the bound"] > 0
