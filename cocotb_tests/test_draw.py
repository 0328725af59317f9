"""rtl.draw against golden.draw."""

import pytest

from cocotb_tests import sim_draw
from cocotb_tests.bench import simulate
from eqspike.sim.harness import SIMULATORS


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", sim_draw.JOBS)
def test_draw(job, simulator):
    report = simulate("sim_draw", job, simulator)
    vectors = sim_draw.JOBS[job]["vectors"]
    assert report["compared"] == {
        "next_word": vectors,
        "warm_word": vectors,
        "row_word": vectors,
        "draws": vectors * len(sim_draw.PLACES),
        "mixed": vectors,
        "spread": vectors,
        "spread_narrow": vectors,
        "noise": vectors,
        "deviate": vectors * 2,
    }
