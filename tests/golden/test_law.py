"""The learning law on two neurons: linear in the rate and in its derivative, and programmed as the chip does it."""

from __future__ import annotations

import numpy as np
import pytest

from eqspike.golden.configfile import load_config, resolve_preset
from eqspike.golden.draw import neuron_draw
from eqspike.golden.law import STEPS, drive, law_config, ramp_sweep, rate_sweep, run_pair, weight_change
from eqspike.golden.number import ROUNDING, weight_step


@pytest.mark.parametrize(("real", "required"), [(True, 0.99), (False, 0.95)])
@pytest.mark.parametrize("sweep", [rate_sweep, ramp_sweep])
@pytest.mark.parametrize("preset", ["digits", "digits-image-end"])
def test_linear(preset: str, sweep, real: bool, required: float) -> None:
    """Programmed at every spike, and once at the end."""
    config = law_config(load_config(resolve_preset(preset)), real)
    x, pre, post = sweep(100)
    trace = run_pair(config, drive(config, pre), drive(config, post))
    assert not trace.saturations.any()
    change = weight_change(config, trace)
    assert np.corrcoef(x, change)[0, 1] ** 2 >= required
    assert np.polyfit(x, change, 1)[0] > 0


@pytest.mark.parametrize("real", [True, False])
def test_drives_give_their_rates(real: bool) -> None:
    config = law_config(load_config(resolve_preset("digits")), real)
    rates, pre, post = rate_sweep(11)
    trace = run_pair(config, drive(config, pre), drive(config, post))
    counts = trace.spikes[:, :, 1].sum(axis=1)
    assert counts[0] == 0
    assert counts[-1] >= STEPS // 2 - 1
    assert np.abs(counts - rates * STEPS / 2).max() <= 2
    assert np.abs(trace.spikes[:, :, 0].sum(axis=1) - (50 + 75 + 100)).max() <= 2


def test_sweeps() -> None:
    rates, pre, post = rate_sweep(5)
    assert rates.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert pre.shape == post.shape == (5, STEPS)
    assert (pre[:, :200] == 0.5).all()
    assert (pre[:, 400:] == 1).all()
    assert np.diff(pre[0, 200:400]) == pytest.approx(0.5 / 200)
    slopes, pre, post = ramp_sweep(3)
    assert slopes == pytest.approx([-0.005, 0, 0.005])  # a change of 0.5 in 100 T_refract
    assert pre[:, -1] == pytest.approx([0, 0.5, 1])
    assert (post == 0.5).all()


@pytest.mark.parametrize("rounding", ["stochastic", "nearest"])
def test_weight_follows_from_spikes_and_rho_bars(rounding: str) -> None:
    config = load_config(resolve_preset("digits"), [f"synapses.1.rounding={rounding}", "synapses.1.draw=neuron"])
    config = law_config(config, real=False)
    _, pre, post = rate_sweep(4)
    trace = run_pair(config, drive(config, pre), drive(config, post))
    shift, mode = config.step_shift(1), ROUNDING[rounding]
    for run in range(4):
        weight = 0
        for t in range(1, STEPS):
            steps = [
                weight_step(
                    int(trace.integrator[run, t - 1, side]), 1, 0, shift, mode,
                    neuron_draw(int(trace.word[run, t]), side + 1, 0, shift),
                )
                for side in (0, 1)
            ]  # fmt: skip
            spikes = trace.spikes[run, t - 1]
            weight += spikes[0] * steps[1] + spikes[1] * steps[0]
            assert trace.weight[run, t] == weight


def test_runs_are_independent() -> None:
    """A run does not depend on the runs before it but through its key."""
    config = law_config(load_config(resolve_preset("digits"), ["synapses.1.rounding=nearest"]), real=False)
    _, pre, post = rate_sweep(4)
    together = run_pair(config, drive(config, pre), drive(config, post))
    alone = run_pair(config, drive(config, pre[2:3]), drive(config, post[2:3]))
    assert together.weight[2].tolist() == alone.weight[0].tolist()
    with pytest.raises(ValueError, match="both need"):
        run_pair(config, drive(config, pre), drive(config, post[:2]))


@pytest.mark.parametrize("real", [True, False])
def test_stuck_pair(real: bool) -> None:
    """A stuck device has its own weight from the start, and does not change."""
    preset = load_config(
        resolve_preset("digits"), ["device.stuck_off=1", "synapses.0.draw=synapse", "synapses.1.draw=synapse"]
    )
    config = law_config(preset, real)
    _, pre, post = rate_sweep(2)
    trace = run_pair(config, drive(config, pre), drive(config, post))
    assert (trace.weight == (-16 if real else -2048)).all()
    assert (weight_change(config, trace) == 0).all()
