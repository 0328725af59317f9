"""What follows from a config in any number format: counts of spikes, ages, limits of draws, numbers of neurons."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from eqspike.golden.config import Config
from eqspike.golden.draw import seed_word


def first_key(config: Config) -> int:
    """Stream key of the first image that is learned; `golden.draw.next_key` gives the following ones."""
    return seed_word(config.training.seed)


def input_phase_step(config: Config) -> int:
    """Odd integer nearest 0.618 of the input threshold: equal pixels spread over all phases; 0 for phase `zero`."""
    threshold = config.input.full_scale * config.neuron.refractory
    return 0 if config.input.phase == "zero" else (int(threshold * 0.6180339887) | 1) % threshold


def target_counts(config: Config) -> int:
    """Spikes in the window of a neuron that fires at f_max."""
    return config.learning.window // config.neuron.refractory


def skip_counts(config: Config) -> int:
    """The skip rule's tolerance in spikes of the window; -1: never skip."""
    tolerance = config.learning.skip_tolerance
    return -1 if tolerance is None else int(tolerance * target_counts(config) + 1e-9)


def pulse_limit(config: Config) -> int:
    """Sparse programming: a 16-bit draw below this sends a programming pulse."""
    return max(1, round(config.programming.probability * 2**16))


class TapAges(NamedTuple):
    """How old, in steps, the spikes are that a neuron's signal reads from its delay line.

    rho-bar (`golden.rate`): N_filt, tau, tau + N_filt. The tails of A-EqSpike (`golden.pulse`): 1, h, h + 1, 2 h + 1.
    """

    leaving: int
    delayed: int
    delayed_leaving: int
    old: int
    """0 with rho-bar, which has no use for it."""


def tap_ages(config: Config) -> TapAges:
    """`TapAges` of the config's signal."""
    if config.pulses:
        half = config.pulse.half
        return TapAges(1, half, half + 1, 2 * half + 1)
    delay, steps = config.rate.delay, config.rate.filter
    return TapAges(steps, delay, delay + steps, 0)


def history_depth(config: Config) -> int:
    """Steps of spikes that a neuron must remember, the present one included."""
    return 1 + max(*tap_ages(config), config.learning.window)


def bias_spikes(config: Config) -> int:
    """Spikes of a bias in the steps of the nudge phase that are served: one every T_refract steps from step 0 on."""
    first, period = config.learning.free_steps, config.neuron.refractory
    return (first + config.summed_steps - 1) // period - (first - 1) // period


def halvings(epochs: Iterable[int], epoch: int) -> int:
    """How often a learning rate that is halved at the start of `epochs` (counted from 0) has been halved in `epoch`."""
    return sum(1 for at in epochs if at <= epoch)


def collision_limit(config: Config) -> int:
    """Of a 16-bit draw, what a programming pulse collides below when the other side's coincides with it."""
    if config.pulse.variant == "desynch_collision":
        return round(config.pulse.collision_probability * 2**16)
    return 2**16 if config.pulse.variant in ("desynch", "desynch_proba") else 0


def neuron_numbers(layers: tuple[int, ...]) -> list[int]:
    """Number of each layer's first neuron among all neurons, which draws are tied to.

    The bias neuron that drives layer s + 1 stands behind the neurons of layer s. A one-way row has the number of the
    neuron (or bias) below, the column of a two-way layer that of the neuron above.
    """
    numbers, at = [], 0
    for size in layers:
        numbers.append(at)
        at += size + 1
    return numbers
