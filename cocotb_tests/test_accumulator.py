"""rtl.accumulator against golden.accumulator."""

import pytest

from cocotb_tests import sim_accumulator
from cocotb_tests.bench import simulate
from eqspike.sim.harness import SIMULATORS


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", sim_accumulator.JOBS)
def test_accumulators(job, simulator):
    report = simulate("sim_accumulator", job, simulator)
    compared, seen, lanes = report["compared"], report["seen"], sim_accumulator.JOBS[job]["lanes"]
    assert compared["new"] == sim_accumulator.OPERATIONS * lanes
    situations = [f"layer {s} {way}" for s in range(3) for way in ("up", "down", "no pulse")]
    situations += ["all that fits", "both sides"]
    if not sim_accumulator.JOBS[job]["alone"]:
        situations.append("saturated")
    assert min(seen.get(what, 0) for what in situations) >= 5, seen
