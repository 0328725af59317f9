"""Programming at an image's end (programming.when image_end): sums over the nudge phase, and one sweep over all words.

A spike i of the nudge phase would program its synapse to j with eta rho-bar_j. Over the phase that comes to about
eta n_i R_j / T: n_i spikes times the mean of rho-bar_j. The sweep makes that change at once, so weights are the same
all through an image. T is the number of steps that are summed; eta / T is in the layers' `Programming`.
"""

from eqspike.golden.accumulator import change_column, change_row
from eqspike.golden.counters import PROGRAMMED, SPIKES, WEIGHT_SATURATIONS
from eqspike.golden.kernel import inlined, kernel
from eqspike.golden.synapses import synapses_of


@inlined
def clear_sums(state):
    """An image begins."""
    state.input_count[:] = 0
    state.spike_count[:] = 0
    state.rate_sum[:] = 0


@inlined
def sum_step(p, state):
    """Add the step whose spikes are being served: who fired, and every neuron's rho-bar."""
    for j in range(state.fired[0]):
        state.input_count[state.fired_list[j]] += 1
    for layer in range(1, p.widths.shape[0]):
        for n in range(p.widths[layer]):
            state.spike_count[layer, n] += state.spikes[layer, n]
            state.rate_sum[layer, n] += state.integrator[layer, n]


@kernel
def sweep(moment, p, state, weights, counters, devices):
    """Program every synapse whose factors are not 0: rows of inputs that fired and of biases, columns of neurons above
    that fired or whose rho-bar does not sum to 0. Counts pulses given and saturations."""
    accumulators = state.accumulators
    counts = state.spike_count
    sums = state.rate_sum
    layers = p.widths.shape[0]
    saturations = 0
    for s in range(layers - 1):
        synapses, pulses = synapses_of(p, s), 0
        for row in range(p.widths[s] + 1):
            is_bias = row == p.widths[s]
            if not is_bias and (s > 0 or state.input_count[row] == 0):
                continue
            count = p.bias_count if is_bias else state.input_count[row]
            if count == 0:
                continue
            given, met = change_row(weights, accumulators, synapses, row, count, moment, sums, devices)
            pulses += given
            saturations += met
        for k in range(p.widths[s + 1] if s > 0 else 0):
            if counts[s + 1, k] or sums[s + 1, k]:
                given, met = change_column(weights, accumulators, synapses, k, moment, counts, sums, devices)
                pulses += given
                saturations += met
        counters[PROGRAMMED] += pulses
        counters[SPIKES + layers + s] += pulses
    counters[WEIGHT_SATURATIONS] += saturations
