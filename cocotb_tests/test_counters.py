"""rtl.counters against integers of Python."""

import pytest

from cocotb_tests import sim_counters
from cocotb_tests.bench import simulate
from eqspike.sim.harness import SIMULATORS


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", sim_counters.JOBS)
def test_counters(job, simulator):
    report = simulate("sim_counters", job, simulator)
    names = ("stages", "rows", "row_cycles") if "measures" in sim_counters.JOBS[job] else ("counters",)
    assert min(report["compared"][name] for name in names) >= sim_counters.CYCLES
    if "end" in sim_counters.JOBS[job]:
        assert report["seen"]["all wrapped"] > 100
    else:
        assert report["seen"]["clear"] > 5
    if "measures" not in sim_counters.JOBS[job]:
        assert report["seen"]["decided"] > 50
