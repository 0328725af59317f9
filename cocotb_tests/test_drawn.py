"""Drawn networks: what the config accepts can be built, and does what the golden network does.

EQSPIKE_DRAWN sets how many are drawn by each test, EQSPIKE_DRAWN_SEED where chance begins.
"""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis import strategies as st

from cocotb_tests import bench, drawn
from eqspike.golden.configfile import config_from_dict, config_to_dict
from eqspike.golden.modes import INFER, INFER_FIRST_SPIKE, LEARN
from eqspike.golden.validation import ConfigError
from eqspike.rtl.core import Core
from eqspike.sim import harness

DRAWN = int(os.environ.get("EQSPIKE_DRAWN", "10"))
SEED = int(os.environ.get("EQSPIKE_DRAWN_SEED", "0"))
MODES = [LEARN, LEARN, INFER_FIRST_SPIKE, LEARN, INFER]
EPOCHS = [0, 0, 1, 2, 3]


def compare(data: drawn.Data, image_seed: int, simulator: str) -> dict:
    """Build the network, present images to both, compare everything; what is built goes again."""
    config = config_from_dict(data)
    random = np.random.default_rng(image_seed)
    job = {
        "config": config_to_dict(config),
        "images": random.integers(0, config.input.full_scale + 1, (len(MODES), config.network.layers[0])),
        "labels": random.integers(0, config.network.layers[-1], len(MODES)),
        "modes": MODES,
        "epochs": EPOCHS,
        "pause": 0.2,
        "ahead": config.hardware.prefetch,
    }
    text = harness.rtlil_to_verilog(harness.to_rtlil(Core(config), "core"), collisions=simulator == "icarus")
    build = harness.Build(text, "core", simulator)
    try:
        return bench.run(build, "eqspike.sim.jobs.compare", job)
    finally:
        shutil.rmtree(build.folder, ignore_errors=True)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("part", range(4))
def test_drawn_networks(part: int) -> None:
    """Every state of every step of a few images. A config that is refused must be refused when it is read."""

    @seed(SEED * 4 + part)
    @settings(
        max_examples=DRAWN, deadline=None, database=None, suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )  # fmt: skip
    @given(drawn.configs(), st.integers(0, 2**16))
    def check(data: drawn.Data, image_seed: int) -> None:
        try:
            config_from_dict(data)
        except ConfigError:
            assume(False)
        report = compare(data, image_seed, "icarus")
        assert report["mismatches"] == 0, report["first_mismatch"]
        assert report["images"] == len(MODES)
        count[0] += 1

    count = [0]
    check()
    assert count[0] >= DRAWN


def test_most_that_is_drawn_is_legal() -> None:
    """Else the drawing would be a search for what is allowed."""
    legal = []

    @seed(SEED)
    @settings(max_examples=200, deadline=None, database=None, phases=(Phase.generate,))
    @given(drawn.configs())
    def check(data: drawn.Data) -> None:
        try:
            config_from_dict(data)
        except ConfigError:
            legal.append(False)
        else:
            legal.append(True)

    check()
    assert sum(legal) > len(legal) / 2
