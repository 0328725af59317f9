"""rtl.lane against golden.neuron, golden.rate and golden.pulse."""

import pytest

from cocotb_tests import sim_lane
from cocotb_tests.bench import simulate
from eqspike.sim.harness import SIMULATORS


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", sim_lane.JOBS)
def test_lane(job, simulator):
    report = simulate("sim_lane", job, simulator)
    outputs = ("next_state", "spike", "pulse", "saturated")
    assert report["compared"] == dict.fromkeys(outputs, sim_lane.VECTORS)
    assert min(report["seen"][name] for name in ("spike", "pulse", "saturated")) > 20, report["seen"]
