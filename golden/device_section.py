"""The section `device` of a config: the memristor of every synapse and its faults."""

from __future__ import annotations

import math
from dataclasses import dataclass

from eqspike.golden.validation import fail, log2_exact, require_choice, require_range

FREE, STUCK_ON, STUCK_OFF = 0, 1, 2
"""What a device does: take changes, stay at Gmax, stay at Gmin."""


@dataclass(frozen=True, kw_only=True)
class DeviceConfig:
    """The memristor of every synapse (section 3.2, eq 3.2) and its faults (section 3.8); the defaults are ideal.

    A weight is W = (G+ - G-) / (Gmax - Gmin) times the layer's full range, with G- fixed mid-range. Deviations are
    drawn once a device, from `seed` and its place, or read from `file`.
    """

    conductance_min: float = 0.001
    conductance_max: float = 1.0
    """Gmin and Gmax, in any unit. They scale what is shown; weights are relative to Gmax - Gmin."""
    slope_up: float = 1.0
    slope_down: float = 1.0
    """S+ and S- over the nominal slope: what a step up, a step down is multiplied by."""
    slope_spread: float = 0.0
    """Standard deviation of a device's slopes, as a part of the slope; a slope never falls below 0."""
    slope_symmetric: bool = False
    """One draw for S+ and S- of a device, instead of one each."""
    threshold_up: float = 1.0
    threshold_down: float = 1.0
    """Vth+ and -Vth- in volts. The programming pulse is as high as these; what a device deviates is left over."""
    threshold_spread: float = 0.0
    """Standard deviation of a device's thresholds, as a part of the threshold (eq 3.14)."""
    threshold_symmetric: bool = False
    """One draw for both thresholds of a device, instead of one each."""
    speed: float = 1e-4
    """Part of Gmax - Gmin that 50 ns at 1 V over the threshold move: S * 50 ns * 1 V / (Gmax - Gmin) (eq 3.16)."""
    pulse_ns: float = 50.0
    """Length of either half of the programming pulse. With `speed` it says what a threshold's deviation costs."""
    nonlinearity_up: float = 0.0
    nonlinearity_down: float = 0.0
    """eta+ and eta-: the exponents of eq 3.2."""
    nonlinearity_form: str = "saturating"
    """saturating: steps up are largest at Gmin, steps down at Gmax, as the text of section 3.8.3 says. accelerating:
    steps up are largest at Gmax, steps down at Gmin, as eq 3.2 is printed."""
    write_noise: float = 0.0
    """Standard deviation of the noise of every write, as a part of Gmax - Gmin (section 3.8.2)."""
    stuck_on: float = 0.0
    stuck_off: float = 0.0
    """Part of the devices that stay at Gmax, at Gmin, whatever is written."""
    compensate: str = "none"
    """What the driver's pulses make up for, by one factor a direction: `nominal`, that the mean step up differs from
    the mean step down, 1 / (slope exp(eta / 2)); `measured`, the same by the means of `file`."""
    states: int | None = None
    """Number of conductance states, evenly spaced, a power of two; None: as many as the layer's bits have. A change is
    rounded to whole states as the layer's `rounding` says, so in fixed point `bits` becomes log2(states)."""
    seed: int | None = None
    """Seed of the deviations: the same seed is the same chip. None: training.seed."""
    file: str | None = None
    """Measured devices, CSV or NPZ (docs/devices.md), in place of the drawn deviations."""
    file_spread: float = 1.0
    """How far the devices of `file` are from their mean, as a part of what was measured: 1 as measured, 0 all alike.
    Slopes and thresholds; stuck devices stay stuck."""

    @property
    def ideal(self) -> bool:
        """Does every device make exactly the step that it is given? Then `draw: neuron` is possible."""
        faults = (self.slope_spread, self.threshold_spread, self.nonlinearity_up, self.nonlinearity_down,
                  self.write_noise, self.stuck_on, self.stuck_off)  # fmt: skip
        return self.slope_up == self.slope_down == 1 and not any(faults) and self.file is None

    def validate(self) -> None:
        require_range("device.conductance_min", self.conductance_min, 0, 1e12)
        if not self.conductance_min < self.conductance_max < math.inf:
            fail(
                "device.conductance_max",
                self.conductance_max,
                f"above device.conductance_min = {self.conductance_min:g}",
            )
        for name in ("slope_up", "slope_down"):
            require_range(f"device.{name}", getattr(self, name), 0, 4)
        require_range("device.slope_spread", self.slope_spread, 0, 2)
        for name in ("threshold_up", "threshold_down"):
            require_range(f"device.{name}", getattr(self, name), 1e-3, 100)
        require_range("device.threshold_spread", self.threshold_spread, 0, 1)
        require_range("device.speed", self.speed, 1e-9, 10)
        require_range("device.pulse_ns", self.pulse_ns, 1e-3, 1e9)
        for name in ("nonlinearity_up", "nonlinearity_down"):
            require_range(f"device.{name}", getattr(self, name), 0, 4)
        require_choice("device.nonlinearity_form", self.nonlinearity_form, ("saturating", "accelerating"))
        require_range("device.write_noise", self.write_noise, 0, 1)
        for name in ("stuck_on", "stuck_off"):
            require_range(f"device.{name}", getattr(self, name), 0, 1)
        if self.stuck_on + self.stuck_off > 1:
            fail("device.stuck_off", self.stuck_off, f"at most 1 - device.stuck_on = {1 - self.stuck_on:g}")
        require_choice("device.compensate", self.compensate, ("none", "nominal", "measured"))
        if self.compensate == "measured" and self.file is None:
            fail("device.compensate", self.compensate, "nominal, or a device.file")
        if self.states is not None:
            require_range("device.states", self.states, 4, 2**24)
            if log2_exact(self.states) is None:
                fail("device.states", self.states, "a power of two, e.g. 64")
        require_range("device.file_spread", self.file_spread, 0, 10)
        if self.file is None and self.file_spread != 1:
            fail("device.file_spread", self.file_spread, "1 without device.file: it scales the spread of its devices")
        if self.seed is not None:
            require_range("device.seed", self.seed, 0, 2**32 - 1)
