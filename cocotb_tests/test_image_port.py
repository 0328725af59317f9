"""rtl.image_port against its definition."""

import pytest

from cocotb_tests import sim_image_port
from cocotb_tests.bench import simulate
from eqspike.sim.harness import SIMULATORS


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", sim_image_port.JOBS)
def test_image_port(job, simulator):
    report = simulate("sim_image_port", job, simulator)
    checked = "results__valid" if job == "results" else "offered"
    assert report["compared"][checked] == sim_image_port.CYCLES
    seen = ("first spike", "offered") if job == "results" else ("begin",)
    assert min(report["seen"][what] for what in seen) > 100
