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
    assert (seen["never fires"] > 5) == (job == "gains")
    # The threshold and both ends of the membrane: exactly there, one below, one above.
    assert all(seen[f"{place} {delta:+d}"] > 10 for place in ("threshold", "low", "high") for delta in (-1, 0, 1)), seen


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", _jobs("inputs"))
def test_input_neurons(job, simulator):
    report = simulate("sim_neuron", job, simulator)
    compared, seen = report["compared"], report["seen"]
    assert compared["spikes"] == seen["spike"] > 100
    assert compared["pulses"] == seen["spike"]
    assert min(seen["gap"], seen["no spike"]) > 20
    assert seen.get("given up", 0) == (0 if job == "prefetch" else sim_neuron.IMAGES // 4)
    assert min(seen["pulse"], seen["not counted"]) > 20
    if job.startswith("every") or job == "prefetch":
        assert seen["pulse"] < seen["spike"] - seen["not counted"]
    else:
        assert seen["pulse"] == seen["spike"]
    if job == "one_lane":
        assert seen["many at once"] > 20
