"""The learning law's pair on the RTL against `golden.law.run_pair`, on both simulators."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from eqspike.golden.configfile import load_config, resolve_preset
from eqspike.golden.law import law_config, run_pair
from eqspike.golden.number import fixed_numbers
from eqspike.sim import harness
from eqspike.sim.engine import run_pair_rtl

LENGTH = 20
"""Steps of a pulse of A-EqSpike."""
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


A_EQSPIKE = {
    "naive": {},
    "synch": {},
    "desynch": {},
    "desynch-proba": {},
    "desynch-collision": {},
    "desynch-faults": {"slope_spread": 0.3, "nonlinearity_up": 1.0, "nonlinearity_down": 0.6, "write_noise": 1e-3},
}
"""Variant (a preset of Digits) -> faults of the devices."""


@pytest.mark.parametrize("case", A_EQSPIKE)
@pytest.mark.parametrize("simulator", ["icarus", pytest.param("verilator", marks=pytest.mark.soak)])
def test_a_eqspike(simulator: str, case: str) -> None:
    """The tails of the neurons' own pulses in the place of rho-bar; several pulses' lengths."""
    preset = load_config(resolve_preset(f"digits-aeqspike-{case.removesuffix('-faults')}"))
    device = dataclasses.replace(preset.device, **A_EQSPIKE[case])
    synapse = preset.synapses[-1]
    if not device.ideal:
        synapse = dataclasses.replace(synapse, draw="synapse")
    config = law_config(preset.replace(synapses=(synapse, synapse), device=device), real=False, length=LENGTH)
    assert config.pulses
    scale = 2**config.membrane_fraction_bits
    generator = np.random.default_rng(6)
    runs, steps = 2, 8 * LENGTH
    pre = generator.integers(-scale // 8, scale, (runs, steps))
    post = np.repeat(generator.integers(scale // 4, scale, (runs, 1)), steps, axis=1)
    golden = run_pair(config, pre, post)
    for name, values in run_pair_rtl(config, pre, post, simulator).items():
        np.testing.assert_array_equal(values, getattr(golden, name), err_msg=name)
    assert golden.spikes.sum() > 50
    assert np.ptp(golden.filtered) > 0
    assert len(np.unique(golden.weight)) > 10
