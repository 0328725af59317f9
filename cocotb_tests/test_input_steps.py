"""rtl.input_steps against its definition."""

import pytest

from cocotb_tests import sim_input_steps
from cocotb_tests.bench import simulate
from eqspike.sim.harness import SIMULATORS


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_input_steps(simulator):
    report = simulate("sim_input_steps", "steps", simulator)
    compared, seen = report["compared"], report["seen"]
    assert compared["steps"] == sim_input_steps.IMAGES
    assert compared["start"] > 1000
    assert min(seen[name] for name in ("start", "no room", "started and closed", "alone", "ahead", "nudged")) > 10, seen
