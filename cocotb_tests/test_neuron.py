"""rtl.neuron against golden.neuron."""

import pytest

from cocotb_tests import sim_neuron
from cocotb_tests.bench import simulate
from cocotb_tests.harness import SIMULATORS


def _jobs(part):
    return [name for name, job in sim_neuron.JOBS.items() if job["part"] == part]


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", _jobs("lif"))
def test_lif(job, simulator):
    report = simulate("sim_neuron", job, simulator)
    outputs = ("next_membrane", "next_refractory", "spike", "saturated")
    assert report["compared"] == dict.fromkeys(outputs, sim_neuron.VECTORS)
    seen = report["seen"]
    assert seen["spike"] > 300
    assert seen["held back"] > 100
    # The threshold and both ends of the membrane: exactly there, one below, one above.
    assert all(seen[f"{place} {delta:+d}"] > 10 for place in ("threshold", "low", "high") for delta in (-1, 0, 1)), seen


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", _jobs("inputs"))
def test_input_neurons(job, simulator):
    report = simulate("sim_neuron", job, simulator)
    seen = report["seen"]
    assert report["compared"]["spikes"] == seen["spike"] > 150
    assert min(seen["gap"], seen["no spike"]) > 20
    assert seen["given up"] == sim_neuron.IMAGES // 4
    if job == "one_lane":
        assert seen["many at once"] > 20
