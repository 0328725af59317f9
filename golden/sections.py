"""The sections of a config but the device's: frozen dataclasses, each of which validates its own values.

`golden.config.Config` holds them together and validates what concerns several.
"""

from __future__ import annotations

from dataclasses import dataclass

from eqspike.golden.sources import allowed, is_source
from eqspike.golden.validation import fail, log2_exact, require_choice, require_range


@dataclass(frozen=True, kw_only=True)
class DatasetConfig:
    """Which images, and how they are split. `name` (`golden.sources`): digits; mnist5k (5,000 images of MNIST);
    drawings (these and Digits as the pad of a page gives them); fashion-mnist; iris, wine, breast-cancer (tables of
    numbers); random (for tests); or one's own (docs/your-data.md): idx:DIR for IDX files in DIR: images and labels, and
    t10k* files if it has a test part of its own; csv:FILE, a table; npz:FILE, arrays; images:DIR, a folder of pictures
    for each class."""

    name: str = "digits"
    label: str = ""
    """The column of a csv:FILE that holds the labels; empty: the one called label, class, target or species, else the
    last."""
    invert: bool = False
    """Black becomes white: for pictures of black ink on white paper."""
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

    @property
    def scored_part(self) -> str:
        """The part that accuracies are of: the test part, or the validation part where one is held out."""
        return "validation" if self.validation_fraction > 0 else "test"

    def validate(self) -> None:
        if not is_source(self.name):
            fail("dataset.name", self.name, allowed(self.name))
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
    """Membrane at the start of an image: `zero`; `golden` (multiples of the golden ratio, so that equal pixels do not
    all fire in the same step); or `random` (the same, and in each image as much more for all neurons as its draw says:
    an image looks a little different each time)."""

    def validate(self) -> None:
        require_range("input.full_scale", self.full_scale, 1, 65536)
        if log2_exact(self.full_scale) is None:
            fail("input.full_scale", self.full_scale, "a power of two, e.g. 16 or 256")
        require_choice("input.phase", self.phase, ("zero", "golden", "random"))


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
    """When synapses are programmed, and whether small changes are gathered before a device is.

    Sparse programming (section 3.6.2) says which spikes of the nudge phase send a programming pulse: every `every`-th
    of a neuron, or each with `probability`. The learning rate is multiplied by `every`, or by 1 / `probability`, so
    that the mean change stays.
    """

    every: int = 1
    probability: float = 1.0
    count_from: str = "nudge"
    """Where a neuron begins to count to `every`: at the start of the `nudge` phase (as in the thesis, where a neuron
    with fewer spikes than that never programs) or of the `image`."""
    when: str = "spike"
    """spike: a spike of the nudge phase programs at once (algorithm 2). image_end: nothing is programmed in the phases;
    each neuron counts its spikes of the nudge phase (n) and sums its rho-bar over it (R), and one sweep at the image's
    end changes every synapse by learning_rate * (n_i R_j, plus n_j R_i where it is two-way) / steps."""
    accumulator: int | None = None
    """Bits of a digital accumulator beside each synapse, 2 to 8: changes are gathered in it, and the device gets one
    pulse when a whole `step` has come together. None: the device gets every change."""
    step: float = 2.0**-5
    """Size of that pulse, as a part of the weight's full width; a power of two."""

    @property
    def sparse(self) -> bool:
        """Are there spikes of the nudge phase that program nothing?"""
        return self.every > 1 or self.probability < 1

    @property
    def gathers(self) -> bool:
        """Have synapses accumulators?"""
        return self.accumulator is not None

    @property
    def rest_bits(self) -> int:
        """Bits of a synapse's accumulator, which stands below its weight in the weight memory; 0: there is none."""
        return self.accumulator or 0

    @property
    def own_steps(self) -> bool:
        """Does every synapse make a step of its own, whatever draws it is given?"""
        return self.gathers or self.image_end

    @property
    def image_end(self) -> bool:
        """Is the whole change of an image made at its end?"""
        return self.when == "image_end"

    def validate(self) -> None:
        require_choice("programming.when", self.when, ("spike", "image_end"))
        if self.image_end and self.sparse:
            key = "every" if self.every > 1 else "probability"
            fail(f"programming.{key}", getattr(self, key), "1 with programming.when image_end: spikes send no pulses")
        if self.accumulator is not None:
            require_range("programming.accumulator", self.accumulator, 2, 8)
        require_range("programming.step", self.step, 2.0**-16, 0.5)
        if log2_exact(self.step) is None:
            fail("programming.step", self.step, "a power of two, e.g. 2^-5")
        require_range("programming.every", self.every, 1, 64)
        if not 2.0**-10 <= self.probability <= 1:
            fail("programming.probability", self.probability, "above 0 (at least 2^-10) and at most 1, e.g. 0.0667")
        if self.every > 1 and self.probability < 1:
            fail(
                "programming.probability", self.probability, "1 while programming.every is above 1: use one of the two"
            )
        require_choice("programming.count_from", self.count_from, ("nudge", "image"))


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
    feedback: float | None = None
    """The neurons above drive those below with this part of the weight, a power of two, at most 1. None: 0.5 between
    two hidden layers, which else drive each other to fire always or never, and 1 from the outputs. The inputs'
    synapses have none."""

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
        if self.feedback is not None:
            require_range(f"{key}.feedback", self.feedback, 2.0**-8, 1)
            if log2_exact(self.feedback) is None:
                fail(f"{key}.feedback", self.feedback, "a power of two, e.g. 0.5 or 1")


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
    eager: bool = False
    """Input neurons pass over words of black pixels, and make spikes up to two steps before their rows are served."""
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
