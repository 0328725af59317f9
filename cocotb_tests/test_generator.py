"""rtl.generator against golden.draw."""

import pytest

from cocotb_tests import sim_generator
from cocotb_tests.bench import simulate
from eqspike.sim.harness import SIMULATORS


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", sim_generator.JOBS)
def test_generator(job, simulator):
    report = simulate("sim_generator", job, simulator)
    compared, seen = report["compared"], report["seen"]
    assert compared["word"] == 11 * sim_generator.IMAGES
    assert compared["key"] == sim_generator.IMAGES
    assert seen["key 0"] > 3
    assert (seen["negative"] > 10) == (job == "random_sign")
