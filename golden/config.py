"""A whole experiment's configuration: its sections together, and what concerns several of them.

Every number that the golden model and the RTL share stands in a section (what the user chooses), or in `golden.derived`
and `golden.number` (what follows from it). A mistake raises `golden.validation.ConfigError`, whose one line names key,
value and what would be right.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field

from eqspike.golden.device_section import DeviceConfig
from eqspike.golden.sections import (
    DatasetConfig,
    HardwareConfig,
    InputConfig,
    LearningConfig,
    NetworkConfig,
    NeuronConfig,
    NumberConfig,
    ProgrammingConfig,
    PulseConfig,
    RateConfig,
    SynapseConfig,
    TrainingConfig,
)
from eqspike.golden.validation import fail, log2_exact, require_name, require_power_of_two


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
        if self.number.format == "fixed" and not self.device.ideal:
            self._validate_devices()

    def _validate_devices(self) -> None:
        """What fixed point cannot hold of devices that are not ideal, with as many bits as their states leave."""
        # Here, as they need the compiler's types and this module.
        from eqspike.golden.device_numbers import fixed_devices
        from eqspike.golden.number import fixed_numbers

        fixed_devices(self, fixed_numbers(self))

    def validate(self) -> None:
        """Raise `ConfigError` for the first value that cannot be built."""
        require_name("name", self.name)
        for section in dataclasses.fields(self):
            if section.name not in ("name", "synapses", "boards"):
                getattr(self, section.name).validate()
        self._validate_banks("hardware", self.hardware)
        for name, board in self.boards.items():
            require_name("boards", name)
            board.validate(f"boards.{name}")
            self._validate_banks(f"boards.{name}", board)
        layers = len(self.network.layers) - 1
        if len(self.synapses) != layers:
            fail(
                "synapses",
                f"{len(self.synapses)} entries",
                f"one for all, or {layers}: one a layer of synapses",
            )
        for index, synapse in enumerate(self.synapses):
            synapse.validate(f"synapses[{index}]")
        self._validate_draws()
        if self.pulses:
            self._validate_pulses()
        self._validate_programming()
        if self.number.format == "fixed":
            self._validate_fixed()

    def _validate_draws(self) -> None:
        if not self.device.ideal:
            self._require_own_draws("where devices are not ideal")

    def _require_own_draws(self, where: str) -> None:
        """Raise `ConfigError`, with the cure, where synapses share a draw though each makes a step of its own."""
        shared = [i for i, s in enumerate(self.synapses) if s.rounding == "stochastic" and s.draw != "synapse"]
        if shared:
            cure = " ".join(f"--set synapses.{index}.draw=synapse" for index in shared)
            fail(
                f"synapses[{shared[0]}].draw",
                self.synapses[shared[0]].draw,
                f"synapse, {where}, for each makes a step of its own: {cure}",
            )

    def _validate_banks(self, key: str, hardware: HardwareConfig) -> None:
        """What only one row a cycle can do, and what an image must wait for."""
        if hardware.prefetch and self.input.phase == "random":
            fail(f"{key}.prefetch", "true", "false, with input.phase random: the next image's draw is not known yet")
        if hardware.banks == 1:
            return
        if hardware.banks > self.network.layers[0]:
            fail(f"{key}.banks", hardware.banks, f"at most {self.network.layers[0]}, the number of inputs")
        for what, wanted in (
            ("devices that are not ideal", not self.device.ideal),
            ("learning.signal pulse", self.pulses),
            ("programming.probability below 1", self.programming.probability < 1),
            ("programming.accumulator", self.programming.gathers),
            ("programming.when image_end", self.programming.image_end),
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

    def _validate_programming(self) -> None:
        """Accumulators, and one sweep an image."""
        programming = self.programming
        if programming.image_end and self.pulses:
            # A tail rises before its pulse and falls behind it: its mean, which is all that a sum keeps, is none.
            fail("programming.when", programming.when, "spike, with learning.signal pulse: it learns from time alone")
        if programming.image_end and self.learning.nudge_steps < 2:
            fail("learning.nudge_steps", self.learning.nudge_steps, "at least 2, with programming.when image_end")
        if programming.gathers and self.naive:
            fail("programming.accumulator", programming.accumulator, "none, with pulse.variant naive")
        if not programming.own_steps:
            return
        key = "programming.accumulator" if programming.gathers else "programming.when"
        self._require_own_draws(f"with {key}")

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
            finest = synapse.fraction_bits + self.feedback_shift(index)
            if fraction is not None and finest > fraction:
                fail("neuron.fraction_bits", fraction, f"at least {finest}, as {key} has")
            if self.programming.gathers and self.pulse_lsbs(index) < 1:
                fail("programming.step", self.programming.step, f"at least 2^-{synapse.bits}, one state of {key}")
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
        return max(12, *(s.fraction_bits + self.feedback_shift(index) for index, s in enumerate(self.synapses)))

    @property
    def feedback(self) -> tuple[float, ...]:
        """Of each layer of synapses, the part of the weights with which the neurons above drive those below; 0 for the
        inputs', which nothing drives."""
        last = len(self.synapses) - 1
        own = (0.5 if s.feedback is None and at < last else s.feedback or 1.0 for at, s in enumerate(self.synapses))
        return (0.0, *list(own)[1:])

    def feedback_shift(self, layer: int) -> int:
        """Right shift of what spikes bring down through `layer` of synapses: feedback = 2^-shift."""
        return -log2_exact(self.feedback[layer]) if layer > 0 else 0

    @property
    def summed_steps(self) -> int:
        """Steps of the nudge phase whose spikes are served, which is all but its last."""
        return self.learning.nudge_steps - 1

    @property
    def compensation(self) -> float:
        """What the learning rate is multiplied by: for the spikes that program nothing; or one over the steps that are
        summed, as the product of two sums is so many times the sum of products."""
        if self.programming.image_end:
            return 1 / self.summed_steps
        return self.programming.every / self.programming.probability

    @property
    def compensation_parts(self) -> tuple[int, int]:
        """(odd factor f, right shift k): the compensation is f / 2^k to the nearest eighth, if it is below 1 of the
        power of two below it (k may be negative)."""
        shift = 3 + max(0, math.ceil(-math.log2(self.compensation)))
        factor = round(2**shift * self.compensation)
        while factor % 2 == 0:
            factor, shift = factor // 2, shift - 1
        return factor, shift

    def pulse_lsbs(self, layer: int) -> float:
        """The pulse of a full accumulator in weight LSBs."""
        return self.programming.step * 2.0 ** self.synapses[layer].bits

    def step_fraction_bits(self, layer: int) -> int:
        """Fraction bits of what a change is rounded to: the weight's LSB, or the accumulator's."""
        synapse, programming = self.synapses[layer], self.programming
        if not programming.gathers:
            return synapse.fraction_bits
        return synapse.fraction_bits - log2_exact(self.pulse_lsbs(layer)) + programming.rest_bits - 1

    def step_shift(self, layer: int) -> int:
        """Right shift that turns rho-bar times `compensation_parts`' factor into LSBs of what `layer` rounds to, before
        any halving (may be negative)."""
        synapse = self.synapses[layer]
        shift = self.compensation_parts[1]
        if self.pulses:
            fraction = -log2_exact(self.pulse.amplitude)
        else:
            fraction = self.rate.fraction_bits
        return fraction - log2_exact(synapse.learning_rate) - self.step_fraction_bits(layer) + shift

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


def hardware_for(config: Config, board: str | None) -> HardwareConfig:
    """The hardware settings for `board`, or the config's own."""
    return config.boards.get(board, config.hardware) if board else config.hardware
