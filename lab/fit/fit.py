"""The section `device` of a config from pulse-response curves, with a standard error for each number.

The model is eq 3.2 as `golden.device` has it: a pulse moves a device by step * slope * exp(a + b g) and a noise that is
the same for every write, where g is the conductance as a part of the device's own range. The step is the nominal
device's in the direction of slope 1, where the exponential is 1; so `slope_up` is 1, and the pulse's size stands beside
the section.
"""

from __future__ import annotations

from dataclasses import replace

from eqspike.base.errors import UsageProblem
from eqspike.lab.fit.curves import Curves, Train
from eqspike.lab.fit.devices import Sorted, sort_devices
from eqspike.lab.fit.direction import NAMES, Direction, Form, fit_direction
from eqspike.lab.fit.noise import noise_of_steps, noisy_devices
from eqspike.lab.fit.parameters import Fit, parameters_of
from eqspike.lab.fit.ranges import Ranges, find_ranges

ETA_MOST = 4.0
"""What a config can say."""
FORMED = 0.2
"""Correlation of residuals that follow each other, above which the curves have another form than eq 3.2."""


def fit_curves(curves: Curves, given: tuple[float, float] | None = None) -> Fit:
    """Fit a set of curves; `given` are Gmin and Gmax in the file's unit, where they are known.

    Raises `UsageProblem` where no device can be fitted.
    """
    found = sort_devices(curves.trains)
    _require_devices(found, curves)
    ranges, up, down = _first(found.used, given)
    if noisy := noisy_devices(up, down):
        names = [found.used[at].name for at in noisy]
        found.noisy += names
        found.left_out |= dict.fromkeys(names, "noisy: its steps scatter far more than those of the others")
        found.used = [train for at, train in enumerate(found.used) if at not in noisy]
        ranges, up, down = _first(found.used, given)
    saturates = down.slopes.exponent >= up.slopes.exponent
    form = Form("saturating" if saturates else "accelerating", noise_of_steps(up, down).read > 0)
    notes: list[str] = []
    directions = tuple(_of_form(found.used, ranges, half, form, notes) for half in (0, 1))
    for direction in directions:
        if not direction.slopes.mean() > 0:
            name = NAMES[direction.half]
            raise UsageProblem(f"steps {name} are not told from noise: {direction.slopes.mean():.2g} of the range")
        if direction.at_once:
            notes.append(
                f"steps {NAMES[direction.half]} reach the end of the range at once: what is written is the least"
            )
    noise = noise_of_steps(*directions)
    if noise.write > 0 and noise.correlation > FORMED:
        notes.append(
            f"residuals that follow each other are correlated by {noise.correlation:.2f}: the curves are not quite "
            "of the form of eq 3.2, and write_noise has what it leaves"
        )
    return parameters_of(found, ranges, directions, noise, form, notes)


def _require_devices(found: Sorted, curves: Curves) -> None:
    if not found.used:
        first = curves.trains[0].name
        reason = found.left_out.get(first, "its readings do not follow its pulses step by step")
        raise UsageProblem(f"no device of {len(curves.trains)} can be fitted, e.g. device {first}: {reason}")


def _first(trains: list[Train], given: tuple[float, float] | None) -> tuple[Ranges, Direction, Direction]:
    """Ranges, and both directions with exponents of any sign."""
    ranges = find_ranges(trains, given)
    return ranges, *(fit_direction(trains, ranges, half, Form()) for half in (0, 1))


def _of_form(trains: list[Train], ranges: Ranges, half: int, form: Form, notes: list[str]) -> Direction:
    """A direction with an exponent that a config can say: of the form's sign, and at most `ETA_MOST`."""
    found = fit_direction(trains, ranges, half, form)
    rises = form.exponents(half)[1]
    eta, error = rises * found.slopes.exponent, found.slopes.exponent_error
    if 0 <= eta <= ETA_MOST:
        return found
    allowed = 0.0 if eta < 0 else ETA_MOST
    if eta > ETA_MOST or eta < -2 * error:
        why = f"a config has one form for both, {form.name}" if eta < 0 else f"a config's is at most {ETA_MOST:g}"
        notes.append(f"eta {NAMES[half]} is {eta:.3g} ± {error:.2g}; {allowed:g} is written: {why}")
    fixed = fit_direction(trains, ranges, half, form, rises * allowed)
    return replace(fixed, slopes=replace(fixed.slopes, exponent_error=error))
