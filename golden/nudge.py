"""Output rates, targets, the error that nudges, the skip rule and the prediction. `counts` has shape (outputs,)."""

from eqspike.golden.kernel import inlined, kernel
from eqspike.golden.number import scale


@inlined
def count_step(now, leaving, layer, history, counts):
    """Spikes of each output in the last `window` steps: those of row `now` of `history` (shape (depth, layers,
    neurons)) come in, those of row `leaving`, `window` steps ago, go out."""
    for k in range(counts.shape[0]):
        counts[k] += history[now, layer, k] - history[leaving, layer, k]


@kernel
def error(k, label, target, counts):
    """Target minus rate of output k, in spikes of the window: the label's target is f_max, all others' is 0."""
    return (target if k == label else 0) - counts[k]


@inlined
def nudge_current(label, target, counts, sign, gain, current):
    """Add sign * beta * (target - rate) to the outputs' `current`."""
    for k in range(counts.shape[0]):
        current[k] += scale(sign * error(k, label, target, counts), gain)


@kernel
def within_tolerance(label, target, counts, tolerance):
    """The skip rule: is every output within `tolerance` spikes of its target?"""
    far = 0
    for k in range(counts.shape[0]):
        far += 1 if abs(error(k, label, target, counts)) > tolerance else 0
    return far == 0


@kernel
def highest(values):
    """Index of the greatest value, the lowest index where several are."""
    best = 0
    for k in range(1, values.shape[0]):
        if values[k] > values[best]:
            best = k
    return best


@kernel
def first_spike(spikes, layer, width):
    """Index of the first set spike of `layer` (`spikes` has shape (layers, neurons)), or -1."""
    for k in range(width):
        if spikes[layer, k]:
            return k
    return -1
