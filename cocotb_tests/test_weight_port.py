"""rtl.weight_port against its definition."""

import pytest

from cocotb_tests import sim_weight_port
from cocotb_tests.bench import simulate
from eqspike.sim.harness import SIMULATORS


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", sim_weight_port.JOBS)
def test_weight_port(job, simulator):
    report = simulate("sim_weight_port", job, simulator)
    assert report["compared"]["ready"] == sim_weight_port.CYCLES
    assert min(report["seen"][what] for what in ("read", "write", "a word waits", "a read is under way")) > 100
    assert report["compared"].get("devices", 0) > 100 or job != "devices"
