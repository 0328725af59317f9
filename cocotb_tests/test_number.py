"""rtl.number against golden.number."""

import pytest

from cocotb_tests import sim_number
from cocotb_tests.bench import simulate
from eqspike.sim.harness import SIMULATORS


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", sim_number.JOBS)
def test_number(job, simulator):
    report = simulate("sim_number", job, simulator)
    vectors = sim_number.JOBS[job]["vectors"]
    assert report["compared"] == {
        "step": vectors,
        "saturated": vectors * len(sim_number.RANGES),
        "outside": vectors * len(sim_number.RANGES),
        "not_leaked": vectors,
        "leaked_down": vectors * len(sim_number.LEAKS),
        "leaked_to_zero": vectors * len(sim_number.LEAKS),
        "looked_up": vectors * len(sim_number.TABLES),
        "layer_saturated": vectors * len(sim_number.FORMATS),
        "layer_outside": vectors * len(sim_number.FORMATS),
    }
    seen = report["seen"]
    assert all(seen[f"layer {s}"] > vectors // 10 for s in sim_number.JOBS[job]["layers"])
    assert all(seen[f"format {layer} {what}"] > 50 for layer in range(4) for what in ("saturated", "kept"))
    assert min(seen["negative"], seen["positive"], seen["zero"], seen["rounded up by the draw"]) > 20
