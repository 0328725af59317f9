"""The self-test of fpga.selftest in the simulator: it passes, and fails for each kind of mistake."""

from __future__ import annotations

import pytest

from cocotb_tests import networks
from eqspike.fpga.selftest import SelfTest
from eqspike.golden.configfile import config_from_dict
from eqspike.sim import harness

IMAGES, PASSES = 3, 2


@pytest.mark.parametrize("network", ["16-9-9-4", "7-5-3"])
def test_passes(network: str) -> None:
    build = harness.build(SelfTest(networks.odd(network), count=IMAGES, passes=PASSES), "selftest", "verilator")
    assert build.run("cocotb_tests.sim_selftest", {"passes": True}) == {"passed": 1, "failed": 0}


def test_passes_with_a_first_spike_in_the_nudge_phase() -> None:
    """The signature is the golden model's own: no number of it is cut to what the circuit has bits for."""
    test = SelfTest(config_from_dict(networks.LATE), count=IMAGES, passes=PASSES)
    build = harness.build(test, "selftest", "icarus")
    assert build.run("cocotb_tests.sim_selftest", {"passes": True}) == {"passed": 1, "failed": 0}


@pytest.mark.parametrize("mistake", ["pixel", "weight", "signature"])
def test_fails(mistake: str) -> None:
    test = SelfTest(networks.odd("7-5-3"), count=IMAGES, passes=PASSES)
    test.plan = {
        "pixel": lambda: test.plan.with_wrong_pixel(1, 2),
        "weight": lambda: test.plan.with_wrong_weight(1, 0, 0),
        "signature": test.plan.with_wrong_signature,
    }[mistake]()
    build = harness.build(test, "selftest", "verilator")
    assert build.run("cocotb_tests.sim_selftest", {"passes": False}) == {"passed": 0, "failed": 1}
