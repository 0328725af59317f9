"""rtl.products against integers of Python."""

import pytest

from cocotb_tests import sim_products
from cocotb_tests.bench import simulate
from eqspike.sim.harness import SIMULATORS


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", sim_products.JOBS)
def test_products(job, simulator):
    report = simulate("sim_products", job, simulator)
    assert report["compared"]["products"] >= sim_products.PRODUCTS * sim_products.JOBS[job]["lanes"]
    assert report["seen"]["at an end"] > 3
