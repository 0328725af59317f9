"""Digital accumulators, one a synapse: changes come together in it, and the device gets one pulse for a whole step.

A device is written with an error that does not shrink with the change (noise, a threshold's deviation, the next state
far off): many small writes drown in it, one large write does not. Where a config has no accumulators the change goes
to the device at once, so that the kernels here serve both.
"""

from eqspike.golden.crossbar import program_alone
from eqspike.golden.device import write
from eqspike.golden.draw import neuron_draw, noise_row, row_word
from eqspike.golden.kernel import kernel
from eqspike.golden.number import weight_step


@kernel
def gather(weights, accumulators, place, value, sign, draws, programming, devices):
    """`value` times the learning rate into the accumulator at `place` (row, column); when that is full, its device gets
    a pulse, and what is over stays.

    `draws` are a word of 32 bits, whose low bits round what is gathered and whose high bits round the device's change,
    and the word that write noise is hashed from. Returns (pulses given, saturations), 0 or 1 each.
    """
    shift, full, width = programming.shift, programming.full, programming.write_shift
    draw = draws[0] & ((1 << shift) - 1)
    step = weight_step(value, programming.factor, programming.gain, shift, programming.rounding, draw)
    rest = accumulators[place] + sign * step
    direction = (1 if rest >= full else 0) - (1 if rest <= -full else 0)
    rest -= direction * full
    # Of a change of more than two steps at once, what does not fit is lost.
    accumulators[place] = min(max(rest, programming.least - full), full - programming.least)
    if direction == 0:
        return 0, 0
    if devices.alike:
        exact = weights[place] + direction * programming.pulse
        new = min(max(exact, programming.low), programming.high)
        weights[place] = new
        return 1, (1 if new != exact else 0)
    x = direction * programming.pulse
    up, down = max(x - devices.offset_up[place], 0 * x), min(x + devices.offset_down[place], 0 * x)
    return 1, write(weights, place, up, down, (draws[0] >> (32 - width), draws[1]), programming, devices)


@kernel
def change(weights, accumulators, place, value, sign, draws, programming, devices):
    """`value` times the learning rate into the synapse at `place`, by its accumulator if it has one. Arguments and
    result as `gather`."""
    if programming.full > 0:
        return gather(weights, accumulators, place, value, sign, draws, programming, devices)
    own = draws[0] & ((1 << programming.shift) - 1), draws[1]
    return 1, program_alone(weights, place, 1, value, sign, own, programming, devices)


@kernel
def change_row(weights, accumulators, synapses, below, count, moment, signal, devices):
    """One-way synapses of row base + below: each takes `count` times the `signal` (layers, neurons) of its neuron
    above. Returns (pulses given, saturations)."""
    layer, programming = synapses.layer + 1, synapses.programming
    drawn = row_word(moment.word, synapses.number_below + below)
    noise = noise_row(moment.word, synapses.number_below + below) if devices.noisy else 0
    given, saturations = 0, 0
    for n in range(synapses.above):
        draws = neuron_draw(drawn, layer, n, 32), noise ^ devices.key[layer, n]
        one, met = change(
            weights, accumulators, (synapses.base + below, n), count * signal[layer, n], moment.sign, draws,
            programming, devices,
        )  # fmt: skip
        given += one
        saturations += met
    return given, saturations


@kernel
def change_column(weights, accumulators, synapses, above, moment, counts, signal, devices):
    """Two-way synapses with neuron `above`: each takes the sum of both sides' `counts` times the other's `signal`,
    both of shape (layers, neurons), where one of the counts is not 0. Returns (pulses given, saturations)."""
    layer, programming = synapses.layer, synapses.programming
    drawn = row_word(moment.word, synapses.number_above + above)
    noise = noise_row(moment.word, synapses.number_above + above) if devices.noisy else 0
    given, saturations = 0, 0
    for i in range(synapses.below):
        if counts[layer, i] or counts[layer + 1, above]:
            both = counts[layer, i] * signal[layer + 1, above] + counts[layer + 1, above] * signal[layer, i]
            draws = neuron_draw(drawn, layer, i, 32), noise ^ devices.key[layer, i]
            one, met = change(
                weights, accumulators, (synapses.base + i, above), both, moment.sign, draws, programming, devices
            )
            given += one
            saturations += met
    return given, saturations
