"""A-EqSpike: the tails of a neuron's own pulses in place of the rho-bar block (chapter 4, eqs 4.1 to 4.4, fig 4.2).

Each spike sends a shaped pulse of L = 2 h steps; what the tails of all its pulses add up to is the neuron's signal, an
integer S that stands where rho-bar stood. The tail K(a) of a spike that is a steps old is odd about its middle, age h,
where the programming pulse stands:

- saw: rises by 1 a step from 0, jumps to -(h - 1) after the programming pulse, and rises to 0 again;
- square: +1 before the programming pulse, -1 after it, 0 under it.

So the sum over all spikes is proportional to the change of the rate: (h^3 - h) / 3 (saw) or h (h + 1) (square) times
d rho / dt. It is exact: running sums fed with the spikes of a few fixed ages, which the delay line holds anyway, with
no rounding, no leak and no multiplier, and 0 again once 2 h + 1 steps pass without a spike.

Input neurons and biases have a constant rate: their signal is 0, and they program in the step of their spike.
"""

from __future__ import annotations

from typing import NamedTuple

from eqspike.golden.config import Config
from eqspike.golden.draw import collides
from eqspike.golden.kernel import inlined


def densest(values: list[int], refractory: int) -> int:
    """Greatest sum of `values` at places that are at least `refractory` apart."""
    best = [0] * (len(values) + refractory)
    for at in range(len(values) - 1, -1, -1):
        best[at] = max(best[at + 1], values[at] + best[at + refractory])
    return best[0]


def tail_values(config: Config) -> list[int]:
    """A-EqSpike: the tail of one spike at ages 0 to 2 h, in units of pulse.amplitude (`golden.pulse`)."""
    half = config.pulse.half
    if config.pulse.shape == "square":
        return [1] * half + [0] + [-1] * half
    return [*range(half), 0, *range(1 - half, 1)]


SAW, SQUARE = 0, 1
SHAPES = {"saw": SAW, "square": SQUARE}


class Tail(NamedTuple):
    """Constants of the pulses' tails."""

    half: int
    """h: steps from the spike to its programming pulse."""
    shape: int
    """SAW or SQUARE."""
    clip: float | int
    """The signal is clipped to -clip..clip."""
    collision_limit: int
    """Of 2^16: how often the tail is gone under the neuron's own programming pulse."""


@inlined
def tail_step(layer, width, rows, tail, history, count, signal, pulses):
    """One step of the tails of `layer`; arrays have shape (layers, neurons).

    `history` has shape (depth, layers, neurons); `rows` (`golden.state.HistoryRows`) are its rows that hold the spikes
    of this step and of 1, h, h + 1 and 2 h + 1 steps ago. Writes `count` (the saw's spikes of the last 2 h
    steps, this one's not counted), `signal` (S) and `pulses` (the neurons whose programming pulse stands in this step).
    """
    now, previous, middle, after, old = rows.now, rows.leaving, rows.delayed, rows.delayed_leaving, rows.old
    if tail.shape == SAW:
        for n in range(width):
            count[layer, n] += history[previous, layer, n] - history[old, layer, n]
            ends = history[middle, layer, n] + history[after, layer, n]
            signal[layer, n] += count[layer, n] - tail.half * ends
    else:
        for n in range(width):
            ends = history[middle, layer, n] + history[after, layer, n]
            signal[layer, n] += history[now, layer, n] - ends + history[old, layer, n]
    for n in range(width):
        pulses[layer, n] = history[middle, layer, n]


@inlined
def emit(layer, width, number, word, tail, signal, pulses, emitted):
    """What the neurons of `layer` put on their side in this step: their signal, clipped to -clip..clip.

    Under a neuron's own programming pulse the clipped sum has no room for the tail: it is 0 there, in each step with
    probability `collision_limit` / 2^16. `number` is that of the layer's first neuron.
    """
    clip, limit = tail.clip, tail.collision_limit
    for n in range(width):
        emitted[layer, n] = min(max(signal[layer, n], -clip), clip)
        if pulses[layer, n] and (limit == 1 << 16 or (limit > 0 and collides(word, number + n, limit))):
            emitted[layer, n] = 0
