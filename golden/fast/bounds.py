"""How wide each number of a network can become, and which C types hold all of them.

Plain interval arithmetic over what the kernels are given (`golden.parameters.Parameters`): no state, sum or product can
leave these bounds, whatever images and weights come. They lie a little above those of `golden.number.fixed_numbers`,
which count spikes more closely; a test holds both against each other.
"""

from __future__ import annotations

from dataclasses import dataclass

from eqspike.golden.parameters import Parameters

BITS = (16, 32, 64)
"""Of the C types of integers."""
LEAST_BLOCK = 8
"""Fewer weights are not worth a sum of their own."""


class TooWide(ValueError):
    """A number may leave 64 bits."""


def holder(*bounds: int, least: int = 16) -> int:
    """Bits of the smallest C type that holds -b..b for all bounds b, at least `least`."""
    widest = max(bounds)
    for bits in BITS:
        if bits >= least and widest < 1 << (bits - 1):
            return bits
    raise TooWide(f"{widest} needs more than 64 bits")


def signal_bound(p: Parameters) -> int:
    """Greatest |rho-bar|, or sum of tails, on the way too."""
    if p.tails:
        # At most one spike a step; each adds at most h, and h once more as it passes the middle.
        return (2 * p.tail.half + 2) * (2 * p.tail.half + 2)
    # The leak is rounded toward zero: x grows until x / 2^leak - 1 is what a step adds.
    return ((p.ages.leaving << p.rate_gain) + 1) << p.rate_leak


def value_bound(p: Parameters) -> int:
    """Greatest |signal times count| that one synapse is programmed with, of both sides together."""
    signal = signal_bound(p)
    if p.image_end:
        spikes = p.nudge_steps // p.membrane.period + 1
        return 2 * max(spikes, p.bias_count) * signal * p.nudge_steps
    # In A-EqSpike naive two pulses may stand on the sum of two signals.
    return 4 * signal


def product_bound(p: Parameters, s: int) -> int:
    """Greatest |value times factor and learning rate|, the draw for rounding added."""
    return ((value_bound(p) * int(p.step_factor[s])) << int(p.step_gain[s])) + (1 << int(p.step_shift[s]))


def step_bound(p: Parameters, s: int) -> int:
    """Greatest |weight step| of one value."""
    return (product_bound(p, s) >> int(p.step_shift[s])) + 1


def weight_bound(p: Parameters, s: int) -> int:
    """Greatest |weight|."""
    return max(-int(p.weight_low[s]), int(p.weight_high[s]))


def current_bound(p: Parameters, layer: int) -> int:
    """Greatest |current| of a neuron of `layer`, all that spike at once, and the nudge."""
    layers = len(p.widths)
    total = (int(p.widths[layer - 1]) + 1) * weight_bound(p, layer - 1) << int(p.align[layer - 1])
    if layer < layers - 1:
        return total + (int(p.widths[layer + 1]) * weight_bound(p, layer) << int(p.align_down[layer]))
    return total + ((p.target + p.window) << p.nudge_gain)


@dataclass(frozen=True)
class Types:
    """Bits of the C types of golden/fast/number.h."""

    weight: int
    partial: int
    block: int
    """So many weights are summed in the type of `partial` bits."""
    number: int
    product: int
    input: int


def input_bits(p: Parameters) -> int:
    """Bits of pixels and of input neurons' membranes."""
    return holder(2 * p.input_threshold, p.nudge_steps + p.free_steps)


def real_types(p: Parameters) -> Types:
    """Of real numbers: integers beside them are as wide."""
    return Types(weight=64, partial=64, block=1 << 30, number=64, product=64, input=input_bits(p))


def fixed_types(p: Parameters, shared_steps: bool) -> Types:
    """The narrowest types; `shared_steps`: steps are rounded once a neuron, and added in the weights' own type. Raises
    `TooWide`."""
    layers = range(len(p.widths) - 1)
    weights = max(weight_bound(p, s) for s in layers)
    steps = max(step_bound(p, s) for s in layers)
    membrane = max(-int(p.membrane.low), int(p.membrane.high))
    currents = max(current_bound(p, layer + 1) for layer in layers)
    gathered = max(int(p.full[s]) + int(p.pulse[s]) for s in layers)
    weight = holder(weights + 2 * steps if shared_steps else weights, int(p.widths[0]) + 1)
    number = holder(
        2 * membrane + currents, value_bound(p), 2 * weights + 2 * steps, 2 * gathered + 2 * steps, least=32
    )
    # Sums of a few weights fit in the weights' own narrow type, and are half as much work.
    few = ((1 << (weight - 1)) - 1) // weights
    partial, block = (weight, few) if few >= LEAST_BLOCK else (max(weight, number), 1 << 30)
    return Types(
        weight=weight,
        partial=partial,
        block=block,
        number=number,
        product=holder(*(product_bound(p, s) for s in layers), least=32),
        input=input_bits(p),
    )
