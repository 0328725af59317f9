"""The host link: UART, COBS, frames, and the whole with the core behind it."""

from __future__ import annotations

import pytest

from cocotb_tests import harness, sim_cobs, sim_frame, sim_link, sim_uart
from cocotb_tests.bench import simulate
from cocotb_tests.harness import SIMULATORS


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
@pytest.mark.parametrize("job", sim_frame.JOBS)
def test_frame(job, simulator):
    seen = simulate("sim_frame", job, simulator)["seen"]
    kinds = (
        "whole",
        "flipped",
        "cut",
        "short",
        "long",
        "longest",
        "error",
        *(["overflow"] if job == "flooded" else []),
    )
    assert min(seen[kind] for kind in kinds) > 5


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("job", sim_link.JOBS)
def test_link(job, simulator):
    seen = simulate("sim_link", job, simulator)["seen"]
    if job == "rushed":
        assert seen["repeated"] > 10
        return
    if job == "wide":
        assert min(seen[kind] for kind in ("ok", "damaged", "presented")) > 5
        return
    kinds = ("ok", "damaged", "length", "sequence", "command", "argument", "repeated", "presented")
    assert min(seen.get(kind, 0) for kind in kinds) > 0


@pytest.mark.soak
def test_link_survives_a_million_bytes_of_noise():
    """Nothing hangs, every whole frame is answered, and no bad one changes anything: two minutes."""
    build = harness.build(sim_link.make(sim_link.FUZZ), "sim_link_mixed", "verilator")
    report = build.run("cocotb_tests.sim_link", sim_link.FUZZ)
    assert report["seen"]["hurt"] >= 10_000
    assert report["seen"]["bytes"] >= 1_000_000
    assert report["compared"]["answer"] > 30_000
