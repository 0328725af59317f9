"""The host link: UART, COBS, frames, and the whole with the core behind it."""

from __future__ import annotations

import pytest

from cocotb_tests import sim_check_sum, sim_cobs, sim_frame, sim_link, sim_long, sim_numbers, sim_uart
from cocotb_tests.bench import simulate
from eqspike.sim import harness
from eqspike.sim.harness import SIMULATORS

LINKS = {("mixed", "verilator"), ("rushed", "icarus"), ("wide", "icarus")}
"""Of the whole link; the other pairs of job and simulator are soak tests."""


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", sim_uart.JOBS)
def test_uart(job, simulator):
    report = simulate("sim_uart", job, simulator)
    if sim_uart.JOBS[job]["end"] == "receiver":
        assert min(report["seen"][kind] for kind in ("glitch", "no stop", "gap", "none")) > 5
    else:
        assert report["seen"]["byte"] == sim_uart.BYTES


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", sim_cobs.JOBS)
def test_cobs(job, simulator):
    report = simulate("sim_cobs", job, simulator)
    if job == "encoder":
        assert report["seen"] == {"encoded": sim_cobs.FRAMES}
    else:
        assert min(report["seen"][kind] for kind in ("whole", "broken")) > 10


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", sim_check_sum.JOBS)
def test_check_sum(job, simulator):
    seen = simulate("sim_check_sum", job, simulator)["seen"]
    assert min(seen[kind] for kind in ("whole", "not whole")) >= sim_check_sum.FRAMES


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", sim_numbers.JOBS)
def test_numbers(job, simulator):
    seen = simulate("sim_numbers", job, simulator)["seen"]
    wrong_weights = [] if job == "byte" else ["weights wrong", "no neuron"]
    assert min(seen[kind] for kind in ("pixels right", "pixels wrong", "weights right", *wrong_weights)) > 10


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", sim_frame.JOBS)
def test_frame(job, simulator):
    seen = simulate("sim_frame", job, simulator)["seen"]
    kinds = ("whole", "again", *sim_frame.KINDS, *(["overflow"] if job == "flooded" else []))
    assert min(seen[kind] for kind in kinds) > 5


@pytest.mark.parametrize(
    ("job", "simulator"),
    [
        pytest.param(job, simulator, marks=() if (job, simulator) in LINKS else pytest.mark.soak)
        for job in sim_link.JOBS
        for simulator in SIMULATORS
    ],
)
def test_link(job, simulator):
    seen = simulate("sim_link", job, simulator)["seen"]
    if job == "rushed":
        assert seen["repeated"] > 10
        return
    if job == "wide":
        assert min(seen[kind] for kind in ("ok", "damaged", "presented", "wrong number")) > 2
        return
    kinds = (
        "ok", "damaged", "length", "sequence", "command", "argument", "repeated", "presented", "wrong number",
        "identify with a payload",
    )  # fmt: skip
    assert min(seen.get(kind, 0) for kind in kinds) > 0


@pytest.mark.parametrize(
    ("job", "simulator"),
    [
        ("byte", "verilator"),
        pytest.param("byte", "icarus", marks=pytest.mark.soak),
        pytest.param("two_bytes", "verilator", marks=pytest.mark.soak),
    ],
)
def test_frames_of_more_than_255_bytes(simulator, job):
    seen = simulate("sim_long", job, simulator)["seen"]
    images = 4 + len(sim_long.RUNS)
    assert seen["presented"] == images
    assert seen["damaged"] + seen["length"] == 4 * images
    assert seen["argument"] > 2
    assert seen["bytes"] > 5 * images * sim_long.INPUTS


@pytest.mark.soak
def test_link_survives_a_million_bytes_of_noise():
    """Nothing hangs, every whole frame is answered, and no bad one changes anything: two minutes."""
    build = harness.build(sim_link.make(sim_link.FUZZ), "sim_link_mixed", "verilator")
    report = build.run("cocotb_tests.sim_link", sim_link.FUZZ)
    assert report["seen"]["hurt"] >= 10_000
    assert report["seen"]["bytes"] >= 1_000_000
    assert report["compared"]["answer"] > 30_000
