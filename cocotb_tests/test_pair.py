"""The learning law's pair on the RTL against `golden.law.run_pair`, on both simulators."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from cocotb_tests import harness
from cocotb_tests.engine import run_pair_rtl
from golden.config import load_config, resolve_preset
from golden.law import law_config, run_pair
from golden.number import fixed_numbers

DEVICES = {
    "neuron": {},
    "synapse": {},
    "faults": {
        "slope_spread": 0.3,
        "threshold_spread": 0.05,
        "speed": 1e-2,
        "nonlinearity_up": 1.0,
        "nonlinearity_down": 0.6,
        "write_noise": 1e-3,
    },
    "stuck": {"stuck_on": 1.0},
}


@pytest.mark.parametrize("case", DEVICES)
@pytest.mark.parametrize("simulator", harness.SIMULATORS)
def test_pair(simulator: str, case: str) -> None:
    """Random drives, some of them negative or beyond f_max."""
    preset = load_config(resolve_preset("digits"))
    synapse = dataclasses.replace(preset.synapses[-1], draw="neuron" if case == "neuron" else "synapse")
    device = dataclasses.replace(preset.device, **DEVICES[case])
    config = law_config(preset.replace(synapses=(synapse, synapse), device=device), real=False)
    scale = 2**config.membrane_fraction_bits
    generator = np.random.default_rng(5)
    runs, steps = (3, 250) if config.device.ideal else (2, 120)
    pre = generator.integers(-scale // 8, scale, (runs, steps))
    post = np.repeat(generator.integers(0, scale, (runs, 1)), steps, axis=1)
    golden = run_pair(config, pre, post)
    rtl = run_pair_rtl(config, pre, post, simulator)
    for name, values in rtl.items():
        np.testing.assert_array_equal(values, getattr(golden, name), err_msg=name)
    assert golden.spikes.sum() > 50
    assert (np.ptp(golden.weight) > 0) == (case != "stuck")
    assert golden.weight[0, 0] == (fixed_numbers(config).synapses[1].weight.high if case == "stuck" else 0)
