"""rtl.spike_list against lists of Python."""

import pytest

from cocotb_tests import sim_spike_list
from cocotb_tests.bench import simulate
from eqspike.sim.harness import SIMULATORS


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", [name for name, job in sim_spike_list.JOBS.items() if "fired" not in job])
def test_spike_list(job, simulator):
    report = simulate("sim_spike_list", job, simulator)
    compared, seen = report["compared"], report["seen"]
    assert min(compared[name] for name in ("place", "more", "entry", "fired")) > 300
    assert min(seen[name] for name in ("served", "left", "full", "empty", "some", "restart")) > 5, seen


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_fired_inputs(simulator):
    report = simulate("sim_spike_list", "fired", simulator)
    assert report["compared"]["served"] == sim_spike_list.STEPS
    assert report["seen"]["both banks"] > 100
