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

from golden.number import collides, inlined

SAW, SQUARE = 0, 1
SHAPES = {"saw": SAW, "square": SQUARE}


@inlined
def tail_step(layer, width, now, previous, middle, after, old, half, shape, history, count, signal, pulses):
    """One step of the tails of `layer`; arrays have shape (layers, neurons).

    `history` has shape (depth, layers, neurons); the five integers after `width` are the rows of it that hold the
    spikes of this step and of 1, h, h + 1 and 2 h + 1 steps ago. Writes `count` (the saw's spikes of the last 2 h
    steps, this one's not counted), `signal` (S) and `pulses` (the neurons whose programming pulse stands in this step).
    """
    if shape == SAW:
        for n in range(width):
            count[layer, n] += history[previous, layer, n] - history[old, layer, n]
            ends = history[middle, layer, n] + history[after, layer, n]
            signal[layer, n] += count[layer, n] - half * ends
    else:
        for n in range(width):
            ends = history[middle, layer, n] + history[after, layer, n]
            signal[layer, n] += history[now, layer, n] - ends + history[old, layer, n]
    for n in range(width):
        pulses[layer, n] = history[middle, layer, n]


@inlined
def emit(layer, width, number, word, clip, limit, signal, pulses, emitted):
    """What the neurons of `layer` put on their side in this step: their signal, clipped to -clip..clip.

    Under a neuron's own programming pulse the clipped sum has no room for the tail: it is 0 there, in each step with
    probability `limit` / 2^16. `number` is that of the layer's first neuron.
    """
    for n in range(width):
        emitted[layer, n] = min(max(signal[layer, n], -clip), clip)
        if pulses[layer, n] and (limit == 1 << 16 or (limit > 0 and collides(word, number + n, limit))):
            emitted[layer, n] = 0
