"""The synapses: one spike reads its row (or column), which is the communication pulse, and then programs it.

All layers' matrices stand below each other in one array of shape (rows, columns): the matrix of a layer begins at row
`base`, has one row for each presynaptic neuron and a last row for the bias, and one column for each postsynaptic
neuron.
A spike's current is the weights as they stood before this spike's programming pulse. Per-neuron arrays have shape
(layers, neurons), as in `golden.network`; `width` and `padded` are padded widths, which take in neurons that do not
exist: their weights and steps are 0.
"""

from golden.number import kernel, neuron_draw, row_word, weight_step


@kernel
def neuron_steps(layer, width, integrator, word, gain, shift, rounding, steps):
    """The weight step of every neuron of `layer`, one draw a neuron: all synapses it meets in this step share it."""
    for n in range(width):
        steps[layer, n] = weight_step(integrator[layer, n], gain, shift, rounding, neuron_draw(word, layer, n, shift))


@kernel
def read_rows(weights, base, fired, count, layer, width, forward):
    """One-way synapses: every presynaptic spike i adds row base + i to the currents `forward` of `layer`.

    The first `count` entries of `fired` number the neurons that fired.
    """
    for j in range(count):
        row = base + fired[j]
        for n in range(width):
            forward[layer, n] += weights[row, n]


@kernel
def program_rows(weights, base, fired, count, layer, width, sign, steps, low, high):
    """Every presynaptic spike i programs row base + i with the steps of `layer` times the image's sign.

    Returns the number of saturations.
    """
    saturations = 0
    for j in range(count):
        row = base + fired[j]
        for n in range(width):
            exact = weights[row, n] + sign * steps[layer, n]
            new = min(max(exact, low), high)
            saturations += 1 if new != exact else 0
            weights[row, n] = new
    return saturations


@kernel
def program_rows_drawing(
    weights, base, fired, count, layer, width, sign, integrator, row_number, gain, shift, rounding, word, low, high
):
    """As `program_rows`, with one draw a synapse: `row_number` numbers row `base` among all rows of the network."""
    saturations = 0
    for j in range(count):
        row = base + fired[j]
        drawn = row_word(word, row_number + fired[j])
        for n in range(width):
            step = weight_step(integrator[layer, n], gain, shift, rounding, neuron_draw(drawn, layer, n, shift))
            exact = weights[row, n] + sign * step
            new = min(max(exact, low), high)
            saturations += 1 if new != exact else 0
            weights[row, n] = new
    return saturations


@kernel
def read_pairs(weights, base, layer, widths, padded, spikes, forward, backward):
    """Two-way synapses from `layer` up: spikes of `layer` add their rows to `forward` of the layer above, spikes of
    the layer above add their columns to `backward` of `layer`. `padded` is the padded width of the layer above.
    Returns the number of synaptic operations."""
    operations = 0
    before, after = widths[layer], widths[layer + 1]
    for i in range(before):
        if spikes[layer, i]:
            for k in range(padded):
                forward[layer + 1, k] += weights[base + i, k]
            operations += after
    for k in range(after):
        if spikes[layer + 1, k]:
            for i in range(before):
                backward[layer, i] += weights[base + i, k]
            operations += before
    return operations


@kernel
def program_pairs(weights, base, layer, before, padded, spikes, sign, steps_backward, steps_forward, low, high):
    """Program two-way synapses from `layer` up: a spike of i writes the step of k, a spike of k writes the step of i;
    where both fire, their exact sum is added before saturation. `before` is the width of `layer`, `padded` the padded
    width of the layer above. Returns saturations."""
    saturations = 0
    for i in range(before):
        if spikes[layer, i]:
            step = steps_backward[layer, i]
            for k in range(padded):
                exact = weights[base + i, k] + sign * (steps_forward[layer + 1, k] + spikes[layer + 1, k] * step)
                new = min(max(exact, low), high)
                saturations += 1 if new != exact else 0
                weights[base + i, k] = new
    for k in range(padded):
        if spikes[layer + 1, k]:
            for i in range(before):
                if not spikes[layer, i]:
                    exact = weights[base + i, k] + sign * steps_backward[layer, i]
                    new = min(max(exact, low), high)
                    saturations += 1 if new != exact else 0
                    weights[base + i, k] = new
    return saturations


@kernel
def program_pairs_drawing(
    weights, base, layer, widths, spikes, sign, integrator, row_number, gain, shift, rounding, word, low, high
):
    """As `program_pairs`, with one draw a synapse: the exact sum of both rho-bars is rounded once.

    `row_number` numbers column 0 among all rows and columns of the network.
    """
    saturations = 0
    for k in range(widths[layer + 1]):
        drawn = row_word(word, row_number + k)
        for i in range(widths[layer]):
            if spikes[layer, i] or spikes[layer + 1, k]:
                rhobar = spikes[layer, i] * integrator[layer + 1, k] + spikes[layer + 1, k] * integrator[layer, i]
                step = weight_step(rhobar, gain, shift, rounding, neuron_draw(drawn, layer, i, shift))
                exact = weights[base + i, k] + sign * step
                new = min(max(exact, low), high)
                saturations += 1 if new != exact else 0
                weights[base + i, k] = new
    return saturations
