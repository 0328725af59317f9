"""rtl.inputs against golden.neuron."""

import pytest

from cocotb_tests import sim_inputs
from cocotb_tests.bench import simulate
from eqspike.sim.harness import SIMULATORS


def _jobs(part):
    return [name for name, job in sim_inputs.JOBS.items() if job["part"] == part]


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", [job for job in _jobs("inputs") if not job.startswith("eager")])
def test_input_neurons(job, simulator):
    report = simulate("sim_inputs", job, simulator)
    compared, seen = report["compared"], report["seen"]
    assert compared["spikes"] == seen["spike"] > 100
    assert compared["pulses"] == seen["spike"]
    assert min(seen["gap"], seen["no spike"]) > 20
    assert seen.get("given up", 0) == (0 if job == "prefetch" else sim_inputs.IMAGES // 4)
    assert min(seen["pulse"], seen["not counted"]) > 20
    if job.startswith("every") or job == "prefetch":
        assert seen["pulse"] < seen["spike"] - seen["not counted"]
    else:
        assert seen["pulse"] == seen["spike"]
    if job == "one_lane":
        assert seen["many at once"] > 20


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", ["eager", "eager_prefetch"])
def test_input_neurons_that_hurry(job, simulator):
    report = simulate("sim_inputs", job, simulator)
    assert report["compared"]["spikes of a step"] >= sim_inputs.IMAGES * sim_inputs.STEPS
    seen = report["seen"]
    assert min(seen[name] for name in ("spike", "no spike", "pulse", "overlap")) > 20, seen
    assert seen["beside the end"] > 20 or job == "eager", seen


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_pixel_gatherer(simulator):
    report = simulate("sim_inputs", "gatherer", simulator)
    words = -(-len(sim_inputs.JOBS["gatherer"]["neurons"]) // sim_inputs.JOBS["gatherer"]["lanes"])
    whole = sim_inputs.IMAGES - report["seen"]["given up"]
    assert report["compared"]["address"] >= whole * words
    assert report["seen"]["given up"] == sim_inputs.IMAGES // 4
    assert report["seen"]["gap"] > 100


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", _jobs("serialiser"))
def test_spike_serialiser(job, simulator):
    report = simulate("sim_inputs", job, simulator)
    assert report["compared"]["spike"] > sim_inputs.WORDS // 2
    assert report["seen"]["no spike"] > 100
    if job == "serialiser":
        assert min(report["seen"]["back-pressure"], report["seen"]["held"]) > 100
