"""The fit finds devices that are known, within its standard errors; what cannot be fitted is counted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eqspike.base.errors import UsageProblem
from eqspike.golden.configfile import load_config, resolve_preset
from eqspike.lab.fit.curves import Curves, Train, read_curves
from eqspike.lab.fit.fit import fit_curves
from eqspike.lab.fit.made import curves_text, made_curves
from eqspike.lab.fit.parameters import Fit
from tests.lab.fit.sets import Known, make, train_of

SETS = {
    "saturating": (0.012, {"slope_down": 0.8, "nonlinearity_up": 0.8, "nonlinearity_down": 1.1}),
    "almost straight": (0.015, {"slope_down": 1.5, "nonlinearity_up": 0.3, "nonlinearity_down": 0.1}),
    "accelerating": (0.008, {"slope_down": 0.6, "nonlinearity_up": 2.0, "nonlinearity_down": 1.5}),
}
"""Size of a pulse, and the devices."""


def within(fit: Fit, key: str, true: float, most: float) -> None:
    """Within 3 standard errors, which are no more than `most`."""
    value, error = (fit.step if key == "step" else fit.values[key]), fit.errors[key]
    assert abs(value - true) <= 3 * error, (key, value, error)
    assert 0 < error <= most, (key, error)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", SETS)
def test_devices_of_the_golden_model_are_found(name: str, seed: int, tmp_path: Path) -> None:
    """10 % spread, 5 % noise, 100 pulses up and 100 down."""
    step, devices = SETS[name]
    form = "accelerating" if name == "accelerating" else "saturating"
    true: dict[str, Any] = devices | {"slope_spread": 0.1, "write_noise": 0.05 * step}
    more = {"nonlinearity_form": form, "conductance_min": 10, "conductance_max": 100, "seed": seed}
    changes = [f"device.{key}={value}" for key, value in (true | more).items()]
    config = load_config(resolve_preset("digits-memristor"), changes)
    path = tmp_path / "pulses.csv"
    path.write_text(curves_text(made_curves(config, 40, 100, step, seed), "uS"))
    fit = fit_curves(read_curves(path))
    assert len(fit.sorted.used) == 40
    assert (fit.values["nonlinearity_form"], fit.values["slope_up"]) == (form, 1)
    assert fit.values["conductance_min"] == pytest.approx(10, abs=0.01)
    assert fit.values["conductance_max"] == pytest.approx(100, abs=0.01)
    for key, most in (("nonlinearity_up", 0.01), ("nonlinearity_down", 0.01), ("slope_spread", 0.02)):
        within(fit, key, true[key], most)
    within(fit, "slope_down", true["slope_down"], 0.04 * true["slope_down"])
    within(fit, "write_noise", true["write_noise"], 0.03 * true["write_noise"])
    within(fit, "step", step, 0.04 * step)
    assert fit.noise.read == 0
    assert not fit.notes


def test_standard_errors_are_those_of_repeated_sets() -> None:
    """Over twelve sets, errors over standard errors deviate by about 1: neither far too small nor far too large."""
    known = Known(slope_down=0.8, eta_up=0.8, eta_down=1.1)
    true = {"slope_down": 0.8, "nonlinearity_up": 0.8, "nonlinearity_down": 1.1, "slope_spread": 0.1,
            "write_noise": 0.05 * known.step}  # fmt: skip
    fits = [fit_curves(make(known, 30, seed)) for seed in range(12)]
    for key, value in true.items():
        scores = np.array([(fit.values[key] - value) / fit.errors[key] for fit in fits])
        assert 0.5 < np.sqrt(np.mean(scores**2)) < 1.7, key
        assert abs(scores).max() < 4, key


@pytest.mark.parametrize(
    "known",
    [
        Known(eta_up=1, eta_down=0.5, range_spread=0.1),
        Known(eta_up=1, eta_down=0.5, read_noise=0.5),
        Known(eta_up=1, eta_down=1, write_noise=0.5),
        Known(step=0.03, eta_up=2, eta_down=2),
        Known(step=0.0101),
    ],
    ids=["ranges of their own", "noise of readings", "much noise", "few steps", "a bound that is hardly reached"],
)
def test_less_ideal_sets(known: Known) -> None:
    fit = fit_curves(make(known, 30, 3))
    for key, true in (("nonlinearity_up", known.eta_up), ("nonlinearity_down", known.eta_down), ("slope_down", 1.0),
                      ("slope_spread", 0.1), ("write_noise", known.write_noise * known.step)):  # fmt: skip
        assert abs(fit.values[key] - true) <= 3 * fit.errors[key], key
    assert (fit.noise.read > 0) == (known.read_noise > 0)
    if known.read_noise:
        assert fit.noise.read == pytest.approx(known.read_noise * known.step, rel=0.1)


def test_a_range_that_no_device_reaches() -> None:
    """Then it is that of the readings, unless it is given; eta belongs to the range."""
    curves = make(Known(step=0.004, eta_up=1, eta_down=1), 30, 0)
    seen, given = fit_curves(curves), fit_curves(curves, (10.0, 100.0))
    assert (seen.ranges.source, given.ranges.source) == ("seen", "given")
    share = (seen.values["conductance_max"] - seen.values["conductance_min"]) / 90
    assert 0.5 < share < 0.9
    assert seen.values["nonlinearity_up"] == pytest.approx(share, abs=0.02)
    within(given, "nonlinearity_up", 1, 0.02)
    within(given, "slope_spread", 0.1, 0.02)
    assert (given.values["conductance_min"], given.values["conductance_max"]) == (10, 100)


def test_slopes_that_are_one_draw() -> None:
    curves = make(Known(), 30, 0)
    assert not fit_curves(curves).values["slope_symmetric"]
    draw = np.random.default_rng(0)
    directions = np.repeat([1, -1], 60)
    trains = []
    for number in range(20):
        slope = 1 + 0.1 * draw.standard_normal()
        readings = np.concatenate([[10], 10 + np.cumsum(directions * slope + 0.02 * draw.standard_normal(120))])
        trains.append(train_of(str(number), readings, directions))
    fit = fit_curves(Curves(trains, "", []), (0.0, 100.0))
    assert fit.values["slope_symmetric"]
    assert fit.correlation == pytest.approx(1, abs=0.05)


def test_steep_steps_one_way() -> None:
    """A config's slopes are at most 4: then the nominal step is the larger one."""
    fit = fit_curves(make(Known(slope_down=6, eta_up=1), 30, 0))
    assert fit.values["slope_down"] == 1
    within(fit, "slope_up", 1 / 6, 0.01)
    within(fit, "step", 6 * 0.012, 0.004)
    ratio = f"{1 / fit.values['slope_up']:.3g}"
    assert fit.notes == [f"steps down are {ratio} times those up: slope_down is 1, and slope_up 1/{ratio}"]


def test_an_eta_that_a_config_cannot_say() -> None:
    fit = fit_curves(make(Known(eta_up=1, eta_down=-0.3), 30, 0))
    assert fit.values["nonlinearity_down"] == 0
    assert fit.notes[0].startswith("eta down is -0.3")
    assert fit.notes[0].endswith("0 is written: a config has one form for both, saturating")


def other_form(pulses: int, decay: float, seed: int = 0) -> Curves:
    """Curves that approach their ends as exponentials of the pulse's number, as many models of devices have them."""
    draw = np.random.default_rng(seed)
    rise = (1 - np.exp(-np.arange(pulses + 1) / decay)) / (1 - np.exp(-pulses / decay))
    g = np.concatenate([rise, 1 - rise[1:]])
    directions = np.repeat([1, -1], pulses)
    noise = [0.0005 * np.cumsum(draw.standard_normal(len(g))) for _ in range(10)]
    return Curves([train_of(str(at), 10 + 90 * (g + n), directions) for at, n in enumerate(noise)], "", [])


def test_curves_of_another_form() -> None:
    """The nearest eta, and a word that it is not their form; the range is where their steps fade."""
    fit = fit_curves(other_form(100, 20))
    assert fit.ranges.source == "reached"
    assert fit.values["conductance_max"] == pytest.approx(100, abs=2)
    assert 1.5 < fit.values["nonlinearity_up"] < 3
    assert len(fit.notes) == 1
    assert fit.notes[0].startswith("residuals that follow each other are correlated by 0.")
    gentle = fit_curves(other_form(100, 200))
    assert gentle.values["nonlinearity_up"] == pytest.approx(0.5, abs=0.1)
    assert not gentle.notes


def test_abrupt_devices() -> None:
    """One pulse resets them: a step down is at least the range."""
    fit = fit_curves(make(Known(step=0.02, slope_down=100), 12, 0))
    assert len(fit.sorted.used) == 12
    assert fit.values["slope_down"] == 1
    assert fit.step == pytest.approx(1, abs=0.05)
    assert fit.values["slope_up"] == pytest.approx(0.02, rel=0.1)
    within(fit, "nonlinearity_up", 0, 0.05)
    assert fit.notes[0] == "steps down reach the end of the range at once: what is written is the least"


def test_one_device() -> None:
    curves = make(Known(eta_up=1, eta_down=1, spread=0), 1, 0)
    fit = fit_curves(curves)
    within(fit, "nonlinearity_up", 1, 0.1)
    within(fit, "slope_down", 1, 0.1)
    assert fit.values["slope_spread"] == 0
    assert fit.notes == ["slope_spread: fewer than 3 devices (1) do not tell it; 0 is written"]


# ---------------------------------------------------------------------------------------------------------------------
# Devices that are not like the others


def changed(curves: Curves, at: int, **change: Any) -> None:
    curves.trains[at] = replace(curves.trains[at], **change)


def cut(train: Train, count: int) -> Train:
    return Train(train.name, train.conductance[:count], train.direction[:count], train.follows[:count])


def test_devices_that_are_not_like_the_others() -> None:
    curves = make(Known(eta_up=0.5, eta_down=0.5), 30, 0)
    draw = np.random.default_rng(1)
    shape = curves.trains[0].conductance.shape
    changed(curves, 0, direction=-curves.trains[0].direction)  # reversed
    changed(curves, 1, conductance=np.full(shape, 100.0))
    changed(curves, 2, conductance=10 + 0.1 * draw.random(shape))
    changed(curves, 3, conductance=50 + 0.1 * draw.random(shape))
    changed(curves, 4, conductance=10 + 90 * draw.random(shape))  # no reading tells of the pulses
    changed(curves, 5, conductance=curves.trains[5].conductance + 0.3 * draw.standard_normal(shape))
    curves.trains[6] = cut(curves.trains[6], 104)  # too few pulses down
    curves.trains[7] = cut(curves.trains[7], 150)
    lost = curves.trains[8].conductance.copy()
    lost[[20, 40, 120]] = np.nan
    changed(curves, 8, conductance=lost)
    once = curves.trains[9].conductance.copy()
    once[30] += 25  # one wrong reading, which is in two steps
    changed(curves, 9, conductance=once)
    only = curves.trains[10].conductance.copy()
    only[101:] = only[100]
    changed(curves, 10, conductance=only)

    fit = fit_curves(curves)
    found = fit.sorted
    assert found.reversed == ["d1"]
    assert found.stuck_on == ["d2"]
    assert found.stuck_off == ["d3", "d4"]
    assert found.stuck_between == ["d4"]
    assert found.noisy == ["d5", "d6"]
    assert found.ragged == ["d8", "d9"]
    assert found.left_out == {
        "d5": "noisy: its readings do not follow its pulses step by step",
        "d6": "noisy: its steps scatter far more than those of the others",
        "d7": "100 usable pulses up and 3 down; at least 5 of each",
        "d11": found.left_out["d11"],
    }
    assert found.left_out["d11"].startswith("moves up alone: its mean step up is 0.9")
    assert len(found.used) == 30 - 3 - 4
    assert fit.directions[0].jumps == 2
    assert fit.values["stuck_on"] == pytest.approx(1 / 28)
    assert fit.values["stuck_off"] == pytest.approx(2 / 28)
    within(fit, "nonlinearity_up", 0.5, 0.02)
    within(fit, "write_noise", 0.05 * 0.012, 2e-5)


def test_sets_without_a_device_to_fit() -> None:
    curves = make(Known(), 3, 0)
    still = Curves([replace(t, conductance=np.full(t.conductance.shape, 10.0)) for t in curves.trains], "", [])
    with pytest.raises(UsageProblem, match=r"no device of 3 can be fitted, e\.g\. device d1: its readings do not"):
        fit_curves(still)
    short = Curves([cut(train, 20) for train in curves.trains], "", [])
    with pytest.raises(UsageProblem, match=r"e\.g\. device d1: 19 usable pulses up and 0 down; at least 5 of each"):
        fit_curves(short)


# ---------------------------------------------------------------------------------------------------------------------
# States


def on_grid(curves: Curves, states: int, low: float = 10.0, span: float = 90.0) -> Curves:
    def rounded(g: np.ndarray) -> np.ndarray:
        return low + span / states * np.rint((g - low) / span * states)

    return Curves([replace(t, conductance=rounded(t.conductance)) for t in curves.trains], "", [])


def test_states_that_readings_stand_on() -> None:
    """The grid of the readings tells them."""
    found = fit_curves(on_grid(make(Known(step=0.03), 20, 0), 64)).states
    assert found.count == 64
    assert found.reason.startswith("readings stand on a grid of 64 parts")


def test_states_from_the_smallest_step() -> None:
    found = fit_curves(make(Known(step=0.012, eta_up=1, slope_down=0.5), 20, 0)).states
    assert found.count == 128  # of about 1/0.006
    assert found.reason.startswith("the smallest mean step is 1/17")
    noisy = fit_curves(make(Known(step=0.012, write_noise=2, pulses=200), 20, 0)).states
    assert noisy.count == 32  # 1/0.024 is 42
    assert "write noise" in noisy.reason


def test_states_that_are_left_out() -> None:
    coarse = fit_curves(make(Known(step=0.3, pulses=10), 20, 0)).states
    assert coarse == (None, coarse.reason)
    assert coarse.reason.endswith("too coarse")
    fine = fit_curves(make(Known(step=4e-4), 20, 0), (10.0, 1000.0)).states
    assert fine.count is None
    assert fine.reason.endswith("finer than counts")
