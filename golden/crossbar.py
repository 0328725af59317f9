"""The synapses: one spike reads its row (or column), which is the communication pulse, and then programs it.

Programming is the second pulse: not every spike sends it (`golden.step`, sparse programming). Where all devices make
the step they are given, the step is rounded once for all of them (`program_rows`, `program_pairs`) or once for each
(`..._drawing`); devices with faults each make their own (`..._devices`, `golden.device`).

All layers' matrices stand below each other in one array of shape (rows, columns): the matrix of a layer begins at row
`base`, has one row for each presynaptic neuron and a last row for the bias, and one column for each postsynaptic
neuron. `synapses` is the layer's `golden.synapses.Synapses`, `moment` the step's `golden.state.Moment`.
A spike's current is the weights as they stood before this spike's programming pulse. Per-neuron arrays have shape
(layers, neurons), as in `golden.state`; loops over padded widths take in neurons that do not exist: their weights and
steps are 0. `signal` is what the neurons put on their side: rho-bar, or the sum of the tails.
"""

from eqspike.golden.device import half_volts, write
from eqspike.golden.draw import neuron_draw, noise_row, row_word
from eqspike.golden.kernel import inlined, kernel
from eqspike.golden.number import weight_step


@inlined
def neuron_steps(layer, width, signal, word, programming, steps):
    """The weight step of every neuron of `layer`, one draw a neuron: all synapses it meets in this step share it."""
    factor, gain, shift, rounding = programming.factor, programming.gain, programming.shift, programming.rounding
    for n in range(width):
        draw = neuron_draw(word, layer, n, shift)
        steps[layer, n] = weight_step(signal[layer, n], factor, gain, shift, rounding, draw)


@inlined
def read_rows(weights, synapses, fired, count, forward):
    """One-way synapses: every presynaptic spike i adds row base + i to the currents `forward` of the layer above.

    The first `count` entries of `fired` number the neurons that fired.
    """
    layer, width = synapses.layer + 1, synapses.padded
    for j in range(count):
        row = synapses.base + fired[j]
        for n in range(width):
            forward[layer, n] += weights[row, n]


@inlined
def program_rows(weights, synapses, pulses, count, sign, steps):
    """Every presynaptic programming pulse i programs row base + i with the steps of the layer above times the image's
    sign.

    The first `count` entries of `pulses` number the neurons that send one. Returns the number of saturations.
    """
    layer, width = synapses.layer + 1, synapses.padded
    low, high = synapses.programming.low, synapses.programming.high
    saturations = 0
    for j in range(count):
        row = synapses.base + pulses[j]
        for n in range(width):
            exact = weights[row, n] + sign * steps[layer, n]
            new = min(max(exact, low), high)
            saturations += 1 if new != exact else 0
            weights[row, n] = new
    return saturations


@kernel
def program_rows_drawing(weights, synapses, pulses, count, moment, signal):
    """As `program_rows`, with one draw a synapse."""
    layer, programming = synapses.layer + 1, synapses.programming
    factor, gain, shift, rounding = programming.factor, programming.gain, programming.shift, programming.rounding
    low, high = programming.low, programming.high
    saturations = 0
    for j in range(count):
        row = synapses.base + pulses[j]
        drawn = row_word(moment.word, synapses.number_below + pulses[j])
        for n in range(synapses.above):
            draw = neuron_draw(drawn, layer, n, shift)
            exact = weights[row, n] + moment.sign * weight_step(signal[layer, n], factor, gain, shift, rounding, draw)
            new = min(max(exact, low), high)
            saturations += 1 if new != exact else 0
            weights[row, n] = new
    return saturations


@kernel
def program_rows_devices(weights, synapses, pulses, count, moment, signal, devices):
    """As `program_rows_drawing`, on devices with faults."""
    layer, programming = synapses.layer + 1, synapses.programming
    saturations = 0
    for j in range(count):
        row = synapses.base + pulses[j]
        drawn = row_word(moment.word, synapses.number_below + pulses[j])
        noise = noise_row(moment.word, synapses.number_below + pulses[j])
        for n in range(synapses.above):
            x = moment.sign * half_volts(signal[layer, n], programming.factor, programming.gain)
            up = max(x - devices.offset_up[row, n], 0)
            down = min(x + devices.offset_down[row, n], 0)
            draws = neuron_draw(drawn, layer, n, programming.shift), noise ^ devices.key[layer, n]
            saturations += write(weights, (row, n), up, down, draws, programming, devices)
    return saturations


@inlined
def read_pairs(weights, synapses, spikes, forward, backward):
    """Two-way synapses: spikes of the layer below add their rows to `forward` of the layer above, spikes of the layer
    above add their columns to `backward` of the layer below. Returns the number of synaptic operations."""
    layer, base = synapses.layer, synapses.base
    before, after, padded = synapses.below, synapses.above, synapses.padded
    operations = 0
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
def program_pairs(weights, synapses, pulses, sign, steps_backward, steps_forward):
    """Program two-way synapses: a pulse of i (below) writes the step of k (above), a pulse of k writes the step of i;
    where both send one, their exact sum is added before saturation. `pulses` has shape (layers, neurons). Returns
    saturations."""
    layer, base, before = synapses.layer, synapses.base, synapses.below
    low, high = synapses.programming.low, synapses.programming.high
    padded = min(synapses.padded, weights.shape[1])
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
def program_pairs_drawing(weights, synapses, pulses, moment, signal):
    """As `program_pairs`, with one draw a synapse: the exact sum of both signals is rounded once."""
    layer, base, programming = synapses.layer, synapses.base, synapses.programming
    factor, gain, shift, rounding = programming.factor, programming.gain, programming.shift, programming.rounding
    saturations = 0
    for k in range(synapses.above):
        drawn = row_word(moment.word, synapses.number_above + k)
        for i in range(synapses.below):
            if pulses[layer, i] or pulses[layer + 1, k]:
                both = pulses[layer, i] * signal[layer + 1, k] + pulses[layer + 1, k] * signal[layer, i]
                step = weight_step(both, factor, gain, shift, rounding, neuron_draw(drawn, layer, i, shift))
                exact = weights[base + i, k] + moment.sign * step
                new = min(max(exact, programming.low), programming.high)
                saturations += 1 if new != exact else 0
                weights[base + i, k] = new
    return saturations


@kernel
def program_pairs_devices(weights, synapses, pulses, moment, signal, devices):
    """As `program_pairs_drawing`, on devices with faults: what the pulses of both sides leave over a device's
    thresholds is added, and written once (with one draw of noise)."""
    layer, base, programming = synapses.layer, synapses.base, synapses.programming
    factor, gain = programming.factor, programming.gain
    saturations = 0
    for k in range(synapses.above):
        drawn = row_word(moment.word, synapses.number_above + k)
        noise = noise_row(moment.word, synapses.number_above + k)
        for i in range(synapses.below):
            if pulses[layer, i] or pulses[layer + 1, k]:
                offset_up, offset_down = devices.offset_up[base + i, k], devices.offset_down[base + i, k]
                none = 0 * offset_up
                up, down = none, none
                if pulses[layer, i]:
                    x = moment.sign * half_volts(signal[layer + 1, k], factor, gain)
                    up, down = max(x - offset_up, none), min(x + offset_down, none)
                if pulses[layer + 1, k]:
                    x = moment.sign * half_volts(signal[layer, i], factor, gain)
                    up, down = up + max(x - offset_up, none), down + min(x + offset_down, none)
                draws = neuron_draw(drawn, layer, i, programming.shift), noise ^ devices.key[layer, i]
                saturations += write(weights, (base + i, k), up, down, draws, programming, devices)
    return saturations


@kernel
def program_alone(weights, place, pulses, voltage, sign, draws, programming, devices):
    """A-EqSpike naive: `pulses` programming pulses (1 or 2) at the synapse at `place`, each of which stands on the sum
    `voltage` of both sides' signals (eq 4.3). `draws` are as `write` takes them. Returns 1 if the weight met a bound,
    else 0."""
    factor, gain = programming.factor, programming.gain
    if devices.alike:
        step = weight_step(pulses * voltage, factor, gain, programming.shift, programming.rounding, draws[0])
        exact = weights[place] + sign * step
        new = min(max(exact, programming.low), programming.high)
        weights[place] = new
        return 1 if new != exact else 0
    x = sign * half_volts(voltage, factor, gain)
    up = pulses * max(x - devices.offset_up[place], 0)
    down = pulses * min(x + devices.offset_down[place], 0)
    return write(weights, place, up, down, draws, programming, devices)


@kernel
def program_row_naive(weights, synapses, below, sends, moment, signal, pulses, devices):
    """A-EqSpike naive, one-way synapses of row base + below, whose neuron sends a pulse if `sends`: they are programmed
    by its pulse, and by the pulse of each neuron above. Returns (synapses programmed, saturations)."""
    layer, programming = synapses.layer + 1, synapses.programming
    row = synapses.base + below
    drawn = row_word(moment.word, synapses.number_below + below)
    noise = 0 if devices.alike else noise_row(moment.word, synapses.number_below + below)
    programmed, saturations = 0, 0
    for n in range(synapses.above):
        count = sends + pulses[layer, n]
        programmed += count
        if count > 0:
            draws = neuron_draw(drawn, layer, n, programming.shift), noise ^ devices.key[layer, n]
            saturations += program_alone(
                weights, (row, n), count, signal[layer, n], moment.sign, draws, programming, devices
            )
    return programmed, saturations


@kernel
def program_pairs_naive(weights, synapses, pulses, moment, signal, devices):
    """A-EqSpike naive, two-way synapses. Returns saturations."""
    layer, base, programming = synapses.layer, synapses.base, synapses.programming
    saturations = 0
    for k in range(synapses.above):
        drawn = row_word(moment.word, synapses.number_above + k)
        noise = 0 if devices.alike else noise_row(moment.word, synapses.number_above + k)
        for i in range(synapses.below):
            count = pulses[layer, i] + pulses[layer + 1, k]
            if count > 0:
                draws = neuron_draw(drawn, layer, i, programming.shift), noise ^ devices.key[layer, i]
                voltage = signal[layer, i] + signal[layer + 1, k]
                saturations += program_alone(
                    weights, (base + i, k), count, voltage, moment.sign, draws, programming, devices
                )
    return saturations


@inlined
def pair_operations(synapses, pulses):
    """How many two-way synapses are programmed, those with two pulses counted twice."""
    below = 0
    for i in range(synapses.below):
        below += pulses[synapses.layer, i]
    above = 0
    for k in range(synapses.above):
        above += pulses[synapses.layer + 1, k]
    return below * synapses.above + above * synapses.below


@inlined
def program_two_way(weights, synapses, naive, moment, state, devices):
    """Program a layer of two-way synapses: naive (A-EqSpike), with faults, with one draw a synapse, or with the steps
    of the neurons. Returns saturations."""
    pulses, signal = state.pulses, state.emitted
    if naive:
        return program_pairs_naive(weights, synapses, pulses, moment, signal, devices)
    if not devices.alike:
        return program_pairs_devices(weights, synapses, pulses, moment, signal, devices)
    if synapses.per_synapse:
        return program_pairs_drawing(weights, synapses, pulses, moment, signal)
    return program_pairs(weights, synapses, pulses, moment.sign, state.steps_backward, state.steps_forward)
