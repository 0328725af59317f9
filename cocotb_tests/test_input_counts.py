"""rtl.input_counts against a list of Python."""

import pytest

from cocotb_tests import sim_input_counts
from cocotb_tests.bench import simulate
from eqspike.sim.harness import SIMULATORS


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", sim_input_counts.JOBS)
def test_input_counts(job, simulator):
    report = simulate("sim_input_counts", job, simulator)
    assert report["compared"]["count"] >= 10
    assert report["seen"]["most"] > 3
    if job == "many":
        assert report["seen"]["cut off"] > 3
