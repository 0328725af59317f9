"""Configuration: frozen, validated dataclasses read from YAML presets.

Every number that the golden model and the RTL share stands here (what the user chooses) or in `golden.number` (what
follows from it). A mistake raises `ConfigError`, whose one line names file, key, value and what would be right.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path

import yaml


class ConfigError(ValueError):
    """A config that cannot be built. The message is one line: file, key, value, what is allowed."""


def fail(key: str, value: object, allowed: str) -> typing.NoReturn:
    """Raise `ConfigError` for `key` (dotted path) with the offending `value` and what is `allowed`."""
    raise ConfigError(f"{key}: {value!r} is not valid; {allowed}")


def log2_exact(value: float) -> int | None:
    """The integer k with value == 2**k, or None."""
    if not value > 0 or not math.isfinite(value):
        return None
    mantissa, exponent = math.frexp(value)
    return exponent - 1 if mantissa == 0.5 else None


def require_range(key: str, value: float, low: float, high: float) -> None:
    """Raise `ConfigError` unless low <= value <= high (which also refuses NaN)."""
    if not low <= value <= high:
        fail(key, value, f"allowed: {low:g} to {high:g}")


def require_choice(key: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise `ConfigError` unless value is one of choices."""
    if value not in choices:
        fail(key, value, "allowed: " + ", ".join(choices))


def require_power_of_two(key: str, value: float, zero: bool = False) -> None:
    """Raise `ConfigError` unless value is a power of two (fixed point shifts instead of multiplying)."""
    if (zero and value == 0) or log2_exact(value) is not None:
        return
    near = f"2^{round(math.log2(value))}" if value > 0 and math.isfinite(value) else "2^-7"
    extra = " or 0" if zero else ""
    fail(key, value, f"fixed point needs a power of two{extra}, e.g. {near} (or number.format: real)")


DATASETS = ("digits", "mnist5k", "fashion-mnist", "random")
"""Data sets with a name; golden.data reads them."""


@dataclass(frozen=True, kw_only=True)
class DatasetConfig:
    """Which images, and how they are split. `name`: digits; mnist5k (5,000 images of MNIST); fashion-mnist; random (for
    tests); or idx:DIR for IDX files in DIR: images and labels, and t10k* files if it has a test part of its own."""

    name: str = "digits"
    test_fraction: float = 0.2
    """Part of every class held out for testing; without effect on a data set with a test part of its own."""
    validation_fraction: float = 0.0
    """Part of the *training* split held out; when > 0 it takes the place of the test split (for tuning)."""
    train_limit: int | None = None
    test_limit: int | None = None
    """At most so many images for training (before the validation part is cut out) and testing, drawn from the seed,
    every class in proportion; None: all."""
    brightness: float = 1.0
    """White pixels fire at this part of f_max: darker images have fewer input spikes, which are the chip's work."""
    shift: int = 0
    """Training images are moved by up to so many pixels both ways, anew in every epoch (of square images)."""

    def validate(self) -> None:
        if self.name not in DATASETS and not (self.name.startswith("idx:") and len(self.name) > 4):
            fail("dataset.name", self.name, f"allowed: {', '.join(DATASETS)}, idx:DIR")
        require_range("dataset.test_fraction", self.test_fraction, 0.01, 0.9)
        require_range("dataset.validation_fraction", self.validation_fraction, 0.0, 0.9)
        require_range("dataset.brightness", self.brightness, 0.01, 1.0)
        require_range("dataset.shift", self.shift, 0, 8)
        for name in ("train_limit", "test_limit"):
            if (limit := getattr(self, name)) is not None:
                require_range(f"dataset.{name}", limit, 1, 2**32)


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """Layer sizes, input first, output last: at least one hidden layer."""

    layers: tuple[int, ...] = (64, 32, 10)

    def validate(self) -> None:
        if len(self.layers) < 3:
            fail("network.layers", list(self.layers), "give at least three sizes: inputs, hidden, outputs")
        for size in self.layers:
            if not 1 <= size <= 4096:
                fail("network.layers", list(self.layers), "each layer needs 1 to 4096 neurons")
        if sum(self.layers) + len(self.layers) > 2**16:
            fail("network.layers", list(self.layers), "at most 65,536 neurons and biases: draws tell so many apart")


@dataclass(frozen=True, kw_only=True)
class InputConfig:
    """Input neurons: IF neurons driven by a constant current, pixel / full_scale * f_max a step."""

    full_scale: int = 16
    """The pixel value that fires at f_max; a power of two. Pixels are integers 0..full_scale."""
    phase: str = "golden"
    """Membrane at the start of an image: `zero`, or `golden` (multiples of the golden ratio, so that equal pixels do
    not all fire in the same step)."""

    def validate(self) -> None:
        require_range("input.full_scale", self.full_scale, 1, 65536)
        if log2_exact(self.full_scale) is None:
            fail("input.full_scale", self.full_scale, "a power of two, e.g. 16 or 256")
        require_choice("input.phase", self.phase, ("zero", "golden"))


@dataclass(frozen=True, kw_only=True)
class NeuronConfig:
    """LIF neurons of the hidden and output layers (eq 2.5)."""

    threshold: float = 1.0
    leak: float = 2.0**-7
    """gamma_LIF a step; 0 makes an IF neuron."""
    refractory: int = 2
    """T_refract in steps; f_max = 1 / T_refract."""
    membrane_limit: float = 2.0
    """The membrane saturates to [-limit, limit)."""
    fraction_bits: int | None = None
    """Fraction bits of the membrane; None: as many as the finest synapse needs, at least 12."""
    gain_spread: float = 0.0
    """Standard deviation of the neurons' gain alpha ~ N(1, gain_spread) (section 3.8.1): neuron n fires above
    threshold / alpha_n. A gain of 0 or less, or one whose threshold lies above membrane_limit, never fires."""

    def validate(self) -> None:
        require_range("neuron.gain_spread", self.gain_spread, 0, 2)
        require_range("neuron.threshold", self.threshold, 2.0**-8, 128)
        require_range("neuron.leak", self.leak, 0, 0.5)
        require_range("neuron.refractory", self.refractory, 2, 8)
        require_range("neuron.membrane_limit", self.membrane_limit, 2 * self.threshold, 1024)
        if log2_exact(self.membrane_limit) is None:
            fail("neuron.membrane_limit", self.membrane_limit, "a power of two, at least twice the threshold")
        if self.fraction_bits is not None:
            require_range("neuron.fraction_bits", self.fraction_bits, 1, 32)


@dataclass(frozen=True, kw_only=True)
class RateConfig:
    """The rho-bar block (eqs 2.7 to 2.12)."""

    leak: float = 0.125
    """gamma_LI a step."""
    delay: int = 96
    """tau in steps."""
    filter: int = 1
    """N_filt: moving average over this many steps (1: none)."""
    fraction_bits: int = 6
    integer_bits: int = 4
    """Bits left of the binary point, sign included."""

    def validate(self) -> None:
        require_range("rate.leak", self.leak, 2.0**-8, 0.5)
        require_range("rate.delay", self.delay, 1, 1024)
        require_range("rate.filter", self.filter, 1, 64)
        require_range("rate.fraction_bits", self.fraction_bits, 0, 16)
        require_range("rate.integer_bits", self.integer_bits, 2, 10)


PULSE_VARIANTS = ("naive", "desynch", "desynch_proba", "desynch_collision", "synch")


@dataclass(frozen=True, kw_only=True)
class PulseConfig:
    """A-EqSpike: the tails of a neuron's own pulses take the place of the rho-bar block (chapter 4, golden.pulse)."""

    variant: str = "synch"
    """naive: a neuron's programming pulse stands on its own tail too, and programs alone. desynch: under a neuron's own
    programming pulse there is no tail (the sum is clipped to +-Vth), so that two that coincide write nothing.
    desynch_proba: the same, with programming.probability below 1. desynch_collision: pulses of the same step really
    collide only with probability `collision_probability`. synch: interleaved, they never meet."""
    shape: str = "saw"
    """saw (fig 4.2a) or square."""
    length: int = 40
    """gamma_len in steps, even; the programming pulse stands in the middle."""
    amplitude: float = 2.0**-14
    """Rise of the saw a step, or height of the square, as a part of Vth: gamma_amp is length / 2 times as much for the
    saw. The weight change is learning_rate times this, a unit of the signal."""
    collision_probability: float = 1 / 6

    @property
    def half(self) -> int:
        """h: steps from the spike to its programming pulse."""
        return self.length // 2

    def validate(self) -> None:
        require_choice("pulse.variant", self.variant, PULSE_VARIANTS)
        require_choice("pulse.shape", self.shape, ("saw", "square"))
        require_range("pulse.length", self.length, 4, 256)
        if self.length % 2:
            fail("pulse.length", self.length, "an even number of steps, e.g. 40")
        require_range("pulse.amplitude", self.amplitude, 2.0**-24, 1)
        require_range("pulse.collision_probability", self.collision_probability, 0, 1)


@dataclass(frozen=True, kw_only=True)
class LearningConfig:
    """The two phases and the nudge (algorithm 2)."""

    signal: str = "rho_bar"
    """What a neuron puts on its side while the other programs: `rho_bar` (chapter 2), or with `pulse` the tails of its
    own pulses (A-EqSpike, chapter 4)."""

    free_steps: int = 150
    nudge_steps: int = 125
    window: int = 64
    """Output rates are spikes in the last `window` steps."""
    beta: float = 0.5
    """Nudge of (target - rate) a step, rates normalised to f_max = 1."""
    skip_tolerance: float | None = 0.04
    """No nudge phase when every |target - rate| is at most this (rates normalised to f_max = 1); None: never skip."""
    random_sign: bool = True
    """Flip the sign of beta and of the learning rate together with probability 1/2 for each image."""

    def validate(self) -> None:
        require_choice("learning.signal", self.signal, ("rho_bar", "pulse"))
        require_range("learning.free_steps", self.free_steps, 1, 4096)
        require_range("learning.nudge_steps", self.nudge_steps, 1, 4096)
        require_range("learning.window", self.window, 2, 1024)
        if self.window > self.free_steps:
            fail("learning.window", self.window, f"at most learning.free_steps = {self.free_steps}")
        require_range("learning.beta", self.beta, 2.0**-10, 16)
        if self.skip_tolerance is not None:
            require_range("learning.skip_tolerance", self.skip_tolerance, 0, 1)


@dataclass(frozen=True, kw_only=True)
class ProgrammingConfig:
    """Sparse programming (section 3.6.2): which spikes of the nudge phase send a programming pulse.

    Either every `every`-th spike of a neuron, or each with `probability`. The learning rate is multiplied by `every`,
    or by 1 / `probability`, so that the mean change stays.
    """

    every: int = 1
    probability: float = 1.0
    count_from: str = "nudge"
    """Where a neuron begins to count to `every`: at the start of the `nudge` phase (as in the thesis, where a neuron
    with fewer spikes than that never programs) or of the `image`."""

    @property
    def sparse(self) -> bool:
        """Are there spikes of the nudge phase that program nothing?"""
        return self.every > 1 or self.probability < 1

    @property
    def compensation(self) -> float:
        """What the learning rate is multiplied by."""
        return self.every / self.probability

    @property
    def compensation_parts(self) -> tuple[int, int]:
        """(odd factor f, right shift k): the compensation to the nearest eighth is f / 2^k (k may be negative)."""
        factor, shift = round(8 * self.compensation), 3
        while factor % 2 == 0:
            factor, shift = factor // 2, shift - 1
        return factor, shift

    def validate(self) -> None:
        require_range("programming.every", self.every, 1, 64)
        if not 2.0**-10 <= self.probability <= 1:
            fail("programming.probability", self.probability, "above 0 (at least 2^-10) and at most 1, e.g. 0.0667")
        if self.every > 1 and self.probability < 1:
            fail(
                "programming.probability", self.probability, "1 while programming.every is above 1: use one of the two"
            )
        require_choice("programming.count_from", self.count_from, ("nudge", "image"))


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
    states: int | None = None
    """Number of conductance states, evenly spaced, a power of two; None: as many as the layer's bits have. A change is
    rounded to whole states as the layer's `rounding` says, so in fixed point `bits` becomes log2(states)."""
    seed: int | None = None
    """Seed of the deviations: the same seed is the same chip. None: training.seed."""
    file: str | None = None
    """Measured devices, CSV or NPZ (docs/devices.md), in place of the drawn deviations."""

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
        if self.states is not None:
            require_range("device.states", self.states, 4, 2**24)
            if log2_exact(self.states) is None:
                fail("device.states", self.states, "a power of two, e.g. 64")
        if self.seed is not None:
            require_range("device.seed", self.seed, 0, 2**32 - 1)


@dataclass(frozen=True, kw_only=True)
class SynapseConfig:
    """One layer of synapses: format, learning rate and its schedule, rounding, initial weights."""

    bits: int = 12
    range: float = 0.5
    """Weights lie in [-range, range); a power of two: the binary point of this layer."""
    learning_rate: float = 2.0**-15
    """eta_lr, multiplies the rho-bar block's output."""
    halve_at: tuple[int, ...] = ()
    """Epochs (counted from 0) at whose start the learning rate is halved."""
    rounding: str = "stochastic"
    """truncate (toward zero), nearest (half away from zero) or stochastic."""
    draw: str = "neuron"
    """Stochastic rounding draws once a `neuron` and step, or once a `synapse` and step."""
    init: float = 0.5
    """Initial weights are normal with standard deviation init / sqrt(fan-in)."""

    @property
    def fraction_bits(self) -> int:
        """Fraction bits of a weight: its LSB is 2^-fraction_bits."""
        return self.bits - 1 - log2_exact(self.range)

    def validate(self, key: str) -> None:
        require_range(f"{key}.bits", self.bits, 2, 24)
        require_range(f"{key}.range", self.range, 2.0**-8, 16)
        if log2_exact(self.range) is None:
            fail(f"{key}.range", self.range, "a power of two, e.g. 0.25, 0.5 or 1")
        require_range(f"{key}.learning_rate", self.learning_rate, 2.0**-30, 1)
        if list(self.halve_at) != sorted(set(self.halve_at)) or any(e < 0 for e in self.halve_at):
            fail(f"{key}.halve_at", list(self.halve_at), "epochs in rising order, e.g. [15, 23]")
        if len(self.halve_at) > 7:
            fail(f"{key}.halve_at", list(self.halve_at), "at most 7 halvings")
        require_choice(f"{key}.rounding", self.rounding, ("truncate", "nearest", "stochastic"))
        require_choice(f"{key}.draw", self.draw, ("neuron", "synapse"))
        require_range(f"{key}.init", self.init, 0, 4)


@dataclass(frozen=True, kw_only=True)
class NumberConfig:
    """`fixed`: the hardware's integers. `real`: the thesis's real numbers (float64), golden only."""

    format: str = "fixed"

    def validate(self) -> None:
        require_choice("number.format", self.format, ("fixed", "real"))


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Length of a run and its seed (split, initial weights, order, random draws)."""

    epochs: int = 30
    seed: int = 0

    def validate(self) -> None:
        require_range("training.epochs", self.epochs, 0, 100000)
        require_range("training.seed", self.seed, 0, 2**32 - 1)


@dataclass(frozen=True, kw_only=True)
class HardwareConfig:
    """Parallelism. Results do not depend on it."""

    lanes: int = 32
    """P: neurons updated and synapses served a cycle."""
    input_lanes: int = 4
    """Input neurons updated a cycle, in each bank."""
    banks: int = 1
    """Memories that the rows of the inputs are spread over: so many rows are served a cycle."""
    prefetch: bool = False
    """The next image is taken while one is being presented; needs a second memory for pixels."""
    deep: bool = False
    """A pipeline stage more where weights are programmed, for the clock of a chip with many lanes."""
    clock: float | None = None
    """MHz on a board; None: the board's own (`fpga.boards`)."""
    placement: int = 1
    """The first seed of place and route: one that is known to meet the clock."""

    def validate(self, key: str = "hardware") -> None:
        require_range(f"{key}.lanes", self.lanes, 1, 1024)
        require_range(f"{key}.input_lanes", self.input_lanes, 1, 64)
        require_range(f"{key}.banks", self.banks, 1, 8)
        if self.clock is not None:
            require_range(f"{key}.clock", self.clock, 1, 400)
        require_range(f"{key}.placement", self.placement, 1, 1 << 30)


@dataclass(frozen=True, kw_only=True)
class Config:
    """A whole experiment: network, arithmetic, learning, data and hardware."""

    name: str = "unnamed"
    dataset: DatasetConfig = field(default_factory=DatasetConfig)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    input: InputConfig = field(default_factory=InputConfig)
    neuron: NeuronConfig = field(default_factory=NeuronConfig)
    rate: RateConfig = field(default_factory=RateConfig)
    pulse: PulseConfig = field(default_factory=PulseConfig)
    learning: LearningConfig = field(default_factory=LearningConfig)
    synapses: tuple[SynapseConfig, ...] = ()
    """One entry for each layer of synapses, input side first; a single entry serves all."""
    programming: ProgrammingConfig = field(default_factory=ProgrammingConfig)
    device: DeviceConfig = field(default_factory=DeviceConfig)
    number: NumberConfig = field(default_factory=NumberConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    hardware: HardwareConfig = field(default_factory=HardwareConfig)
    boards: dict[str, HardwareConfig] = field(default_factory=dict)
    """Hardware settings that replace `hardware` when building for that board."""

    def __post_init__(self) -> None:
        layers = len(self.network.layers) - 1
        if len(self.synapses) in (0, 1) and layers > 0:
            single = self.synapses or (SynapseConfig(),)
            object.__setattr__(self, "synapses", single * layers)
        self.validate()
        if self.device.states is not None:
            bits = log2_exact(self.device.states)
            limited = tuple(dataclasses.replace(s, bits=min(s.bits, bits)) for s in self.synapses)
            object.__setattr__(self, "synapses", limited)
            if self.number.format == "fixed":
                self._validate_fixed()

    def validate(self) -> None:
        """Raise `ConfigError` for the first value that cannot be built."""
        for section in dataclasses.fields(self):
            if section.name not in ("name", "synapses", "boards"):
                getattr(self, section.name).validate()
        self._validate_banks("hardware", self.hardware)
        for name, board in self.boards.items():
            board.validate(f"boards.{name}")
            self._validate_banks(f"boards.{name}", board)
        layers = len(self.network.layers) - 1
        if len(self.synapses) != layers:
            fail("synapses", f"{len(self.synapses)} entries", f"one for all, or {layers}: one a layer of synapses")
        for index, synapse in enumerate(self.synapses):
            synapse.validate(f"synapses[{index}]")
            if not self.device.ideal and synapse.rounding == "stochastic" and synapse.draw != "synapse":
                fail(
                    f"synapses[{index}].draw",
                    synapse.draw,
                    "synapse, where devices are not ideal: each makes a step of its own",
                )
        if self.pulses:
            self._validate_pulses()
        if self.number.format == "fixed":
            self._validate_fixed()

    def _validate_banks(self, key: str, hardware: HardwareConfig) -> None:
        """What only one row a cycle can do."""
        if hardware.banks == 1:
            return
        if hardware.banks > self.network.layers[0]:
            fail(f"{key}.banks", hardware.banks, f"at most {self.network.layers[0]}, the number of inputs")
        for what, wanted in (
            ("devices that are not ideal", not self.device.ideal),
            ("learning.signal pulse", self.pulses),
            ("programming.probability below 1", self.programming.probability < 1),
        ):
            if wanted:
                fail(f"{key}.banks", hardware.banks, f"1, with {what}")

    @property
    def pulses(self) -> bool:
        """Is this A-EqSpike?"""
        return self.learning.signal == "pulse"

    @property
    def naive(self) -> bool:
        """Is this A-EqSpike whose programming pulses write by themselves?"""
        return self.pulses and self.pulse.variant == "naive"

    def _validate_pulses(self) -> None:
        proba = self.pulse.variant == "desynch_proba"
        if proba != (self.programming.probability < 1):
            allowed = (
                "below 1, e.g. 0.5, with pulse.variant" if proba else "1, but with pulse.variant desynch_proba, not"
            )
            fail("programming.probability", self.programming.probability, f"{allowed} {self.pulse.variant}")
        if self.programming.every > 1:
            fail("programming.every", self.programming.every, "1, with learning.signal pulse")
        for index, synapse in enumerate(self.synapses):
            if self.naive and synapse.rounding == "stochastic" and synapse.draw != "synapse":
                fail(f"synapses[{index}].draw", synapse.draw, "synapse, with pulse.variant naive")

    def _validate_fixed(self) -> None:
        require_power_of_two("neuron.leak", self.neuron.leak, zero=True)
        require_power_of_two("neuron.threshold", self.neuron.threshold)
        require_power_of_two("rate.leak", self.rate.leak)
        require_power_of_two("rate.filter", self.rate.filter)
        require_power_of_two("learning.beta", self.learning.beta)
        if log2_exact(self.learning.window / self.neuron.refractory) is None:
            near = 2 ** round(math.log2(self.learning.window / self.neuron.refractory)) * self.neuron.refractory
            fail("learning.window", self.learning.window, f"refractory times a power of two, e.g. {near}")
        if log2_exact(self.rate.filter) > self.rate.fraction_bits:
            fail("rate.filter", self.rate.filter, "at most 2^rate.fraction_bits")
        if self.pulses:
            require_power_of_two("pulse.amplitude", self.pulse.amplitude)
        bound = rate_bound(self.rate, self.neuron.refractory)
        if bound >= 2 ** (self.rate.integer_bits + self.rate.fraction_bits - 1):
            bits = bound.bit_length() + 1 - self.rate.fraction_bits
            fail(
                "rate.integer_bits", self.rate.integer_bits, f"at least {bits}, so that the integrator never overflows"
            )
        fraction = self.neuron.fraction_bits
        for index, synapse in enumerate(self.synapses):
            key = f"synapses[{index}]"
            require_power_of_two(f"{key}.learning_rate", synapse.learning_rate)
            if synapse.fraction_bits > 28:
                fail(f"{key}.bits", synapse.bits, "weight bits - 1 - log2(range) must be at most 28")
            if fraction is not None and synapse.fraction_bits > fraction:
                fail("neuron.fraction_bits", fraction, f"at least {synapse.fraction_bits}, as {key} has")
            if self.step_shift(index) + len(synapse.halve_at) > 24:
                fail(
                    f"{key}.learning_rate",
                    synapse.learning_rate,
                    "too small: rho-bar's fraction_bits - log2(learning_rate) + halvings - weight fraction bits "
                    "must be at most 24",
                )
            if self.step_shift(index) < -16:
                fail(f"{key}.learning_rate", synapse.learning_rate, "too large for this weight format")
        if self.membrane_fraction_bits < 1 - log2_exact(self.neuron.threshold):
            fail("neuron.threshold", self.neuron.threshold, "too fine for the membrane's fraction bits")
        finest = self.learning.beta / (self.learning.window / self.neuron.refractory)
        if -log2_exact(finest) > self.membrane_fraction_bits:
            fail("learning.beta", self.learning.beta, "too small for the membrane's fraction bits")

    @property
    def membrane_fraction_bits(self) -> int:
        """Fraction bits of the membrane: as set, or the finest synapse's, at least 12."""
        if self.neuron.fraction_bits is not None:
            return self.neuron.fraction_bits
        return max(12, *(synapse.fraction_bits for synapse in self.synapses))

    def step_shift(self, layer: int) -> int:
        """Right shift that turns rho-bar times `compensation_parts`' factor into weight LSBs of `layer`, before any
        halving (may be negative)."""
        synapse = self.synapses[layer]
        shift = self.programming.compensation_parts[1]
        if self.pulses:
            fraction = -log2_exact(self.pulse.amplitude)
        else:
            fraction = self.rate.fraction_bits
        return fraction - log2_exact(synapse.learning_rate) - synapse.fraction_bits + shift

    def replace(self, **sections: object) -> Config:
        """A copy with whole sections replaced (validated anew)."""
        return dataclasses.replace(self, **sections)


def rate_bound(rate: RateConfig, refractory: int) -> int:
    """An upper bound of |integrator| in its LSBs, over all spike trains that obey the refractory period.

    The integrator's drive is a difference of moving averages of spikes, each at most the densest train's; the bound
    is the densest train from rest (one spike every T_refract steps), plus one LSB a step of rounding.
    """
    keep = 1 - rate.leak
    densest = 1 / (1 - keep**refractory)
    return math.ceil(densest * 2**rate.fraction_bits + 1 / rate.leak)


# ---------------------------------------------------------------------------------------------------------------------
# Reading


def _number(key: str, value: object) -> float:
    """A number; the text "2^-15" is one too."""
    if isinstance(value, str):
        base, caret, exponent = value.partition("^")
        try:
            number = float(base) ** float(exponent) if caret else float(value)
        except (ValueError, ArithmeticError):
            fail(key, value, "a number such as 0.5 or 2^-15")
        if isinstance(number, complex):
            fail(key, value, "a number such as 0.5 or 2^-15")
        return number
    if isinstance(value, bool) or not isinstance(value, int | float):
        fail(key, value, "a number such as 0.5 or 2^-15")
    return float(value)


def _parse(key: str, value: object, kind: object) -> object:
    """`value` from YAML as `kind` (a type of a dataclass field), or `ConfigError`."""
    origin = typing.get_origin(kind)
    if origin is types.UnionType or origin is typing.Union:
        if value is None:
            return None
        kind = next(k for k in typing.get_args(kind) if k is not type(None))
        origin = typing.get_origin(kind)
    if dataclasses.is_dataclass(kind):
        return _parse_section(key, value, kind)
    if origin is tuple:
        item = typing.get_args(kind)[0]
        if dataclasses.is_dataclass(item) and isinstance(value, dict):
            value = [value]
        if not isinstance(value, list | tuple):
            fail(key, value, "a list")
        return tuple(_parse(f"{key}[{i}]", v, item) for i, v in enumerate(value))
    if origin is dict:
        if not isinstance(value, dict):
            fail(key, value, "a mapping")
        item = typing.get_args(kind)[1]
        return {str(k): _parse(f"{key}.{k}", v, item) for k, v in value.items()}
    if kind is bool:
        if not isinstance(value, bool):
            fail(key, value, "true or false")
        return value
    if kind is int:
        number = _number(key, value)
        if not math.isfinite(number) or number != int(number):
            fail(key, value, "a whole number")
        return int(number)
    if kind is float:
        return _number(key, value)
    if not isinstance(value, str):
        fail(key, value, "a word")
    return value


def _parse_section(key: str, value: object, kind: type) -> object:
    if not isinstance(value, dict):
        fail(key or "the file", value, "a mapping of keys to values")
    hints = typing.get_type_hints(kind)
    known = {f.name: hints[f.name] for f in dataclasses.fields(kind)}
    prefix = f"{key}." if key else ""
    for name in value:
        if name not in known:
            raise ConfigError(f"{prefix}{name}: unknown key; known here: {', '.join(known)}")
    return kind(**{name: _parse(f"{prefix}{name}", v, known[name]) for name, v in value.items()})


def section_from_dict(key: str, data: object, kind: type) -> typing.Any:
    """A dataclass `kind` from plain data that stands at `key`. Raises `ConfigError`, which names the key."""
    return _parse_section(key, data, kind)


def config_from_dict(data: dict) -> Config:
    """A `Config` from plain data, as YAML gives it. Raises `ConfigError`."""
    return _parse_section("", data, Config)


def config_to_dict(config: Config) -> dict:
    """Plain data for YAML or JSON; `config_from_dict` reads it back to an equal `Config`."""

    def plain(value: object) -> object:
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [plain(v) for v in value]
        return value

    return plain(dataclasses.asdict(config))


def apply_override(data: dict, assignment: str) -> None:
    """Apply one `key=value` (dotted key, list items by number, value in YAML) to plain config data, in place."""
    path, equals, text = assignment.partition("=")
    if not equals or not path:
        raise ConfigError(f"--set {assignment}: write key=value, e.g. number.format=real")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise ConfigError(f"--set {assignment}: the value is not valid YAML") from None
    keys = path.replace("[", ".").replace("]", "").split(".")
    node = data
    for depth, key in enumerate(keys):
        last = depth == len(keys) - 1
        if isinstance(node, list):
            if not key.isdigit() or int(key) >= len(node):
                raise ConfigError(f"--set {assignment}: {'.'.join(keys[:depth])} has items 0 to {len(node) - 1}")
            key = int(key)
        elif not isinstance(node, dict):
            raise ConfigError(f"--set {assignment}: {'.'.join(keys[:depth])} has no keys below it")
        if last:
            node[key] = value
        else:
            if isinstance(node, dict):
                node.setdefault(key, {})
            node = node[key]


def load_config(path: str | Path, overrides: typing.Iterable[str] = ()) -> Config:
    """Read a YAML preset and apply `--set`-style overrides.

    Overrides see the resolved config (defaults filled in), so any known key can be set; a list such as
    `synapses` is addressed by number: `synapses.0.bits=8`. Raises `ConfigError` naming the file.
    """
    path = Path(path)
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not a text file") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{path}:{where} is not valid YAML: {getattr(error, 'problem', error)}") from None
    try:
        config = config_from_dict(data)
        if overrides := list(overrides):
            data = config_to_dict(config)
            for assignment in overrides:
                apply_override(data, assignment)
            config = config_from_dict(data)
        return config
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def save_config(config: Config, path: str | Path) -> None:
    """Write the resolved config as YAML."""
    Path(path).write_text(yaml.safe_dump(config_to_dict(config), sort_keys=False), encoding="utf-8")


def hardware_for(config: Config, board: str | None) -> HardwareConfig:
    """The hardware settings for `board`, or the config's own."""
    return config.boards.get(board, config.hardware) if board else config.hardware


def resolve_preset(name: str) -> Path:
    """A path as given, or `configs/NAME.yaml` beside the package when only the preset's name is given."""
    path = Path(name)
    if path.exists() or path.parent != Path():
        return path
    preset = Path(__file__).resolve().parent.parent / "configs" / f"{path.stem}.yaml"
    return preset if preset.exists() else path
