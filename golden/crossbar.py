"""The synapses: one spike reads its row (or column), which is the communication pulse, and then programs it.

Programming is the second pulse: not every spike sends it (`golden.network`, sparse programming). Where all devices
make the step they are given, the step is rounded once for all of them (`program_rows`, `program_pairs`) or once for
each (`..._drawing`); devices with faults each make their own (`..._devices`, `golden.device`).

All layers' matrices stand below each other in one array of shape (rows, columns): the matrix of a layer begins at row
`base`, has one row for each presynaptic neuron and a last row for the bias, and one column for each postsynaptic
neuron.
A spike's current is the weights as they stood before this spike's programming pulse. Per-neuron arrays have shape
(layers, neurons), as in `golden.network`; `width` and `padded` are padded widths, which take in neurons that do not
exist: their weights and steps are 0.
"""

from golden.device import half_volts, write
from golden.number import inlined, kernel, neuron_draw, noise_row, row_word, weight_step


@inlined
def neuron_steps(layer, width, integrator, word, factor, gain, shift, rounding, steps):
    """The weight step of every neuron of `layer`, one draw a neuron: all synapses it meets in this step share it."""
    for n in range(width):
        draw = neuron_draw(word, layer, n, shift)
        steps[layer, n] = weight_step(integrator[layer, n], factor, gain, shift, rounding, draw)


@inlined
def read_rows(weights, base, fired, count, layer, width, forward):
    """One-way synapses: every presynaptic spike i adds row base + i to the currents `forward` of `layer`.

    The first `count` entries of `fired` number the neurons that fired.
    """
    for j in range(count):
        row = base + fired[j]
        for n in range(width):
            forward[layer, n] += weights[row, n]


@inlined
def program_rows(weights, base, pulses, count, layer, width, sign, steps, low, high):
    """Every presynaptic programming pulse i programs row base + i with the steps of `layer` times the image's sign.

    The first `count` entries of `pulses` number the neurons that send one. Returns the number of saturations.
    """
    saturations = 0
    for j in range(count):
        row = base + pulses[j]
        for n in range(width):
            exact = weights[row, n] + sign * steps[layer, n]
            new = min(max(exact, low), high)
            saturations += 1 if new != exact else 0
            weights[row, n] = new
    return saturations


@kernel
def program_rows_drawing(
    weights, base, pulses, count, layer, width, sign, integrator, number, factor, gain, shift, rounding, word, low, high
):
    """As `program_rows`, with one draw a synapse: `number` is that of the first neuron below (`neuron_numbers`)."""
    saturations = 0
    for j in range(count):
        row = base + pulses[j]
        drawn = row_word(word, number + pulses[j])
        for n in range(width):
            draw = neuron_draw(drawn, layer, n, shift)
            exact = weights[row, n] + sign * weight_step(integrator[layer, n], factor, gain, shift, rounding, draw)
            new = min(max(exact, low), high)
            saturations += 1 if new != exact else 0
            weights[row, n] = new
    return saturations


@kernel
def program_rows_devices(
    weights, base, pulses, count, layer, width, sign, integrator, number, factor, gain, shift, rounding, word, low,
    high, devices,
):  # fmt: skip
    """As `program_rows_drawing`, on devices with faults."""
    saturations = 0
    for j in range(count):
        row = base + pulses[j]
        drawn = row_word(word, number + pulses[j])
        noise = noise_row(word, number + pulses[j])
        for n in range(width):
            x = sign * half_volts(integrator[layer, n], factor, gain)
            up = max(x - devices.offset_up[row, n], 0)
            down = min(x + devices.offset_down[row, n], 0)
            saturations += write(
                weights, row, n, layer - 1, up, down, noise ^ devices.key[layer, n], shift, rounding,
                neuron_draw(drawn, layer, n, shift), low, high, devices,
            )  # fmt: skip
    return saturations


@inlined
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


@inlined
def program_pairs(weights, base, layer, before, padded, pulses, sign, steps_backward, steps_forward, low, high):
    """Program two-way synapses from `layer` up: a pulse of i writes the step of k, a pulse of k writes the step of i;
    where both send one, their exact sum is added before saturation. `pulses` has shape (layers, neurons), `before` is
    the width of `layer`, `padded` the padded width of the layer above. Returns saturations."""
    saturations = 0
    for i in range(before):
        if pulses[layer, i]:
            step = steps_backward[layer, i]
            for k in range(padded):
                exact = weights[base + i, k] + sign * (steps_forward[layer + 1, k] + pulses[layer + 1, k] * step)
                new = min(max(exact, low), high)
                saturations += 1 if new != exact else 0
                weights[base + i, k] = new
    for k in range(padded):
        if pulses[layer + 1, k]:
            for i in range(before):
                if not pulses[layer, i]:
                    exact = weights[base + i, k] + sign * steps_backward[layer, i]
                    new = min(max(exact, low), high)
                    saturations += 1 if new != exact else 0
                    weights[base + i, k] = new
    return saturations


@kernel
def program_pairs_drawing(
    weights, base, layer, widths, pulses, sign, integrator, number, factor, gain, shift, rounding, word, low, high
):
    """As `program_pairs`, with one draw a synapse: the exact sum of both rho-bars is rounded once.

    `number` is that of the first neuron above (`neuron_numbers`).
    """
    saturations = 0
    for k in range(widths[layer + 1]):
        drawn = row_word(word, number + k)
        for i in range(widths[layer]):
            if pulses[layer, i] or pulses[layer + 1, k]:
                rhobar = pulses[layer, i] * integrator[layer + 1, k] + pulses[layer + 1, k] * integrator[layer, i]
                step = weight_step(rhobar, factor, gain, shift, rounding, neuron_draw(drawn, layer, i, shift))
                exact = weights[base + i, k] + sign * step
                new = min(max(exact, low), high)
                saturations += 1 if new != exact else 0
                weights[base + i, k] = new
    return saturations


@kernel
def program_pairs_devices(
    weights, base, layer, widths, pulses, sign, integrator, number, factor, gain, shift, rounding, word, low, high,
    devices,
):  # fmt: skip
    """As `program_pairs_drawing`, on devices with faults: what the pulses of both sides leave over a device's
    thresholds is added, and written once (with one draw of noise)."""
    saturations = 0
    for k in range(widths[layer + 1]):
        drawn = row_word(word, number + k)
        noise = noise_row(word, number + k)
        for i in range(widths[layer]):
            if pulses[layer, i] or pulses[layer + 1, k]:
                offset_up, offset_down = devices.offset_up[base + i, k], devices.offset_down[base + i, k]
                none = 0 * offset_up
                up, down = none, none
                if pulses[layer, i]:
                    x = sign * half_volts(integrator[layer + 1, k], factor, gain)
                    up, down = max(x - offset_up, none), min(x + offset_down, none)
                if pulses[layer + 1, k]:
                    x = sign * half_volts(integrator[layer, i], factor, gain)
                    up, down = up + max(x - offset_up, none), down + min(x + offset_down, none)
                saturations += write(
                    weights, base + i, k, layer, up, down, noise ^ devices.key[layer, i], shift, rounding,
                    neuron_draw(drawn, layer, i, shift), low, high, devices,
                )  # fmt: skip
    return saturations


@kernel
def program_alone(
    weights, row, column, s, pulses, voltage, sign, factor, gain, shift, rounding, draw, noise_word, low, high, devices
):
    """A-EqSpike naive: `pulses` programming pulses (1 or 2) at one synapse, each of which stands on the sum `voltage`
    of both sides' signals (eq 4.3). Returns 1 if the weight met a bound, else 0."""
    if devices.alike:
        step = weight_step(pulses * voltage, factor, gain, shift, rounding, draw)
        exact = weights[row, column] + sign * step
        new = min(max(exact, low), high)
        weights[row, column] = new
        return 1 if new != exact else 0
    x = sign * half_volts(voltage, factor, gain)
    up = pulses * max(x - devices.offset_up[row, column], 0)
    down = pulses * min(x + devices.offset_down[row, column], 0)
    return write(weights, row, column, s, up, down, noise_word, shift, rounding, draw, low, high, devices)


@kernel
def program_row_naive(
    weights, base, below, sends, layer, width, sign, signal, pulses, number, factor, gain, shift, rounding, word, low,
    high, devices,
):  # fmt: skip
    """A-EqSpike naive, one-way synapses of row base + below, whose neuron sends a pulse if `sends`: they are programmed
    by its pulse, and by the pulse of each neuron of `layer`. Returns (synapses programmed, saturations)."""
    row = base + below
    drawn = row_word(word, number + below)
    noise = 0 if devices.alike else noise_row(word, number + below)
    programmed, saturations = 0, 0
    for n in range(width):
        count = sends + pulses[layer, n]
        programmed += count
        if count > 0:
            saturations += program_alone(
                weights, row, n, layer - 1, count, signal[layer, n], sign, factor, gain, shift, rounding,
                neuron_draw(drawn, layer, n, shift), noise ^ devices.key[layer, n], low, high, devices,
            )  # fmt: skip
    return programmed, saturations


@kernel
def program_pairs_naive(
    weights, base, layer, widths, pulses, sign, signal, number, factor, gain, shift, rounding, word, low, high, devices
):
    """A-EqSpike naive, two-way synapses from `layer` up. Returns saturations."""
    saturations = 0
    for k in range(widths[layer + 1]):
        drawn = row_word(word, number + k)
        noise = 0 if devices.alike else noise_row(word, number + k)
        for i in range(widths[layer]):
            count = pulses[layer, i] + pulses[layer + 1, k]
            if count > 0:
                saturations += program_alone(
                    weights, base + i, k, layer, count, signal[layer, i] + signal[layer + 1, k], sign, factor, gain,
                    shift, rounding, neuron_draw(drawn, layer, i, shift), noise ^ devices.key[layer, i], low, high,
                    devices,
                )  # fmt: skip
    return saturations


@inlined
def pair_operations(layer, widths, pulses):
    """How many two-way synapses from `layer` up are programmed, those with two pulses counted twice."""
    below = 0
    for i in range(widths[layer]):
        below += pulses[layer, i]
    above = 0
    for k in range(widths[layer + 1]):
        above += pulses[layer + 1, k]
    return below * widths[layer + 1] + above * widths[layer]


@inlined
def program_two_way(weights, s, p, pulses, sign, signal, steps_backward, steps_forward, word, devices):
    """Program the two-way synapses of synapse layer s as `p` (`golden.network.Parameters`) says: naive, with faults,
    with one draw a synapse, or with the steps of the neurons. Returns saturations."""
    base, low, high = p.base[s], p.weight_low[s], p.weight_high[s]
    factor, gain, shift, rounding = p.step_factor[s], p.step_gain[s], p.step_shift[s], p.rounding[s]
    if p.naive:
        return program_pairs_naive(
            weights, base, s, p.widths, pulses, sign, signal, p.number[s + 1],
            factor, gain, shift, rounding, word, low, high, devices,
        )  # fmt: skip
    if not devices.alike:
        return program_pairs_devices(
            weights, base, s, p.widths, pulses, sign, signal, p.number[s + 1],
            factor, gain, shift, rounding, word, low, high, devices,
        )  # fmt: skip
    if p.per_synapse[s]:
        return program_pairs_drawing(
            weights, base, s, p.widths, pulses, sign, signal, p.number[s + 1],
            factor, gain, shift, rounding, word, low, high,
        )  # fmt: skip
    width = min(p.padded[s + 1], weights.shape[1])
    return program_pairs(weights, base, s, p.widths[s], width, pulses, sign, steps_backward, steps_forward, low, high)
