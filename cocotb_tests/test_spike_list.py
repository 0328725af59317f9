"""rtl.spike_list against lists of Python."""

import pytest

from cocotb_tests import sim_spike_list
from cocotb_tests.bench import simulate
from eqspike.sim.harness import SIMULATORS


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", ["full", "pulses", "second_bank"])
def test_spike_list(job, simulator):
    report = simulate("sim_spike_list", job, simulator)
    compared, seen = report["compared"], report["seen"]
    assert min(compared[name] for name in ("place", "more", "entry", "fired")) > 300
    assert min(seen[name] for name in ("served", "left", "full", "empty", "some", "restart")) > 5, seen


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_queue_of_lists(simulator):
    report = simulate("sim_spike_list", "queue", simulator)
    compared, seen = report["compared"], report["seen"]
    assert min(compared[name] for name in ("place", "more", "last", "entry", "fired", "ready")) > 500
    events = ("full", "empty", "some", "restart", "closed with a spike", "closed and ended", "no room")
    assert min(seen[name] for name in events) > 4, seen
    assert seen["made and served"] > 300


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_fired_inputs_of_several_steps(simulator):
    report = simulate("sim_spike_list", "fired_ahead", simulator)
    assert report["compared"]["served"] == sim_spike_list.CYCLES // 4
    assert min(report["seen"]["both banks"], report["seen"]["steps"]) > 100


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_fired_inputs(simulator):
    report = simulate("sim_spike_list", "fired", simulator)
    assert report["compared"]["served"] == sim_spike_list.STEPS
    assert report["seen"]["both banks"] > 100
