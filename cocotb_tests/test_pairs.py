"""rtl.pairs against its definition."""

import pytest

from cocotb_tests import sim_pairs
from cocotb_tests.bench import simulate
from eqspike.sim.harness import SIMULATORS


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", sim_pairs.JOBS)
def test_pairs(job, simulator):
    report = simulate("sim_pairs", job, simulator)
    assert report["compared"]["post"] > 500
    assert min(report["seen"][name] for name in ("all", "some", "none")) > 20, report["seen"]
