"""The learning law's pair on the RTL against `golden.law.run_pair`, on both simulators."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from cocotb_tests import harness
from cocotb_tests.engine import run_pair_rtl
from golden.config import load_config, resolve_preset
from golden.law import law_config, run_pair


@pytest.mark.parametrize("draw", ["neuron", "synapse"])
@pytest.mark.parametrize("simulator", harness.SIMULATORS)
def test_pair(simulator: str, draw: str) -> None:
    """Random drives, some of them negative or beyond f_max."""
    preset = load_config(resolve_preset("digits"))
    synapse = dataclasses.replace(preset.synapses[-1], draw=draw)
    config = law_config(preset.replace(synapses=(synapse, synapse)), real=False)
    scale = 2**config.membrane_fraction_bits
    generator = np.random.default_rng(5)
    pre = generator.integers(-scale // 8, scale, (3, 250))
    post = np.repeat(generator.integers(0, scale, (3, 1)), 250, axis=1)
    golden = run_pair(config, pre, post)
    rtl = run_pair_rtl(config, pre, post, simulator)
    for name, values in rtl.items():
        np.testing.assert_array_equal(values, getattr(golden, name), err_msg=name)
    assert golden.spikes.sum() > 100
    assert np.ptp(golden.weight) > 0
