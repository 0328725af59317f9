"""The rho-bar block, one a neuron (eqs 2.7 to 2.12, fig 2.4): tau / gamma_LI times the derivative of the rate.

V_LI is a linear filter of the neuron's spikes, so V_LI(t) - V_LI(t - tau) is one integrator fed with the spikes of now
minus those of tau steps ago, and the moving average of the output is the same average of the input (the thesis holds
the two places to be equivalent, figs 2.5c and d). So the delay line holds one bit a step, not a word.
"""

from eqspike.golden.kernel import inlined
from eqspike.golden.number import leak_to_zero, scale


@inlined
def rate_step(layer, width, rows, history, gain, leak, filtered, integrator):
    """One step of the rho-bar blocks of `layer`; arrays have shape (layers, neurons).

    `history` has shape (depth, layers, neurons); `rows` (`golden.state.HistoryRows`) are its rows that hold the spikes
    of this step, of N_filt steps ago, of tau and of tau + N_filt steps ago (0 where that was before the image began).
    Writes `filtered`, the spikes of the last N_filt steps minus those of the N_filt steps that ended tau ago, and
    `integrator`, rho-bar itself.
    """
    now, leaving, delayed, delayed_leaving = rows.now, rows.leaving, rows.delayed, rows.delayed_leaving
    # Two loops: compilers turn each into vector instructions, but not both at once.
    for n in range(width):
        filtered[layer, n] += (
            history[now, layer, n]
            - history[leaving, layer, n]
            - history[delayed, layer, n]
            + history[delayed_leaving, layer, n]
        )
    for n in range(width):
        integrator[layer, n] = leak_to_zero(integrator[layer, n] + scale(filtered[layer, n], gain), leak)
