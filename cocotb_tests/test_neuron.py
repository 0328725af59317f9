"""rtl.neuron against golden.neuron."""

import pytest

from cocotb_tests import sim_neuron
from cocotb_tests.bench import simulate
from eqspike.sim.harness import SIMULATORS


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", sim_neuron.JOBS)
def test_lif(job, simulator):
    report = simulate("sim_neuron", job, simulator)
    outputs = ("next_membrane", "next_refractory", "spike", "saturated")
    assert report["compared"] == dict.fromkeys(outputs, sim_neuron.VECTORS)
    seen = report["seen"]
    assert seen["spike"] > 300
    assert seen["held back"] > 100
    assert (seen["never fires"] > 5) == (job == "gains")
    # The threshold and both ends of the membrane: exactly there, one below, one above.
    assert all(seen[f"{place} {delta:+d}"] > 10 for place in ("threshold", "low", "high") for delta in (-1, 0, 1)), seen
