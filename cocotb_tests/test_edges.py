"""What a core does when it is reset in an image, is never reset, or gets another learning rate in an image."""

from __future__ import annotations

import pytest

from cocotb_tests import bench, networks
from eqspike.golden.config import Config
from eqspike.golden.configfile import config_to_dict
from eqspike.golden.data import load_split
from eqspike.golden.modes import LEARN
from eqspike.rtl.core import Core
from eqspike.sim import harness

IMAGES = 8
NETWORKS = ("7-5-3", "banks-41-7-7-3", "pulse-7-5-3")
"""One input memory, or two that are exchanged and several banks, or the tails of A-EqSpike's pulses."""
SIMULATORS = ["verilator", pytest.param("icarus", marks=pytest.mark.soak)]


def run(config: Config, simulator: str, test: str, **more: object) -> dict:
    """One of the tests of `sim_edges` on the first images of the training part."""
    part = load_split(config)
    job = {
        "config": config_to_dict(config),
        "images": part.train_images[:IMAGES],
        "labels": part.train_labels[:IMAGES],
        "modes": [LEARN] * IMAGES,
        "epochs": [0] * IMAGES,
        **more,
    }
    with bench.plain_python():
        report = harness.build(Core(config), "core", simulator).run("cocotb_tests.sim_edges", job, testcase=test)
    assert report["mismatches"] == 0, report["first_mismatch"]
    return report


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("network", NETWORKS)
def test_reset_in_an_image(network: str, simulator: str) -> None:
    """At random times, each followed by a whole image that is learned as by a core that never saw the other."""
    resets = 24 if simulator == "verilator" else 8
    report = run(networks.odd(network), simulator, "reset_in_image", resets=resets, seed=7)
    # Where a reset falls is chance: it is to meet the steps often, not always.
    assert report["seen"]["steps"] > resets / 3
    assert sum(report["seen"].values()) == resets
    assert report["compared"]["weights left"] > 40 * resets


def test_reset_meets_all_of_an_image() -> None:
    """With few steps, also its pixels and its result."""
    config = networks.odd("33-17-10", input_lanes=1)
    seen = run(config, "verilator", "reset_in_image", resets=16, seed=3)["seen"]
    assert min(seen.values()) > 0, seen


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("simulator", harness.SIMULATORS)
def test_no_reset(network: str, simulator: str) -> None:
    """Flip-flops and memories come up with initial values: on an ECP5 nothing else begins the work."""
    config = networks.odd(network)
    report = run(config, simulator, "without_reset", images=load_split(config).train_images[:2], labels=[0, 1])
    assert report["compared"]["weights"] > 1000


@pytest.mark.parametrize("network", ["7-5-3", "pulse-7-5-3"])
@pytest.mark.parametrize("simulator", SIMULATORS)
def test_another_learning_rate_in_an_image(network: str, simulator: str) -> None:
    report = run(networks.odd(network), simulator, "halvings_in_image")
    assert report["changed"] > 3
