"""One step t of an image: its kernels.

In order (docs/number-formats.md draws it):

1. The pass: every spike of step t-1 reads its synapses, which become currents; in the nudge phase it also programs
   them with the other side's rho-bar of step t-1. Inputs and biases serve their row; the two sides of a two-way layer
   serve rows and columns of the same matrix. The bias neuron fires in steps 0, T_refract, 2 T_refract, ... With sparse
   programming only some spikes of the nudge phase send a programming pulse: every N-th of a neuron, which is counted
   when it fires, or each with probability p, which is drawn here.
2. In the nudge phase, the outputs also receive sign * beta * (target - rate).
3. The update: every neuron leaks, integrates, saturates, fires, resets; its rho-bar block takes the step's spike.

The spikes of the last step of an image are not served. A spike is "of the nudge phase", and programs, from step T_free.
"""

from __future__ import annotations

from eqspike.golden import crossbar, nudge
from eqspike.golden.accumulator import change_column, change_row
from eqspike.golden.counters import MEMBRANE_SATURATIONS, PROGRAMMED, SPIKES, SYNOPS, WEIGHT_SATURATIONS
from eqspike.golden.draw import first_phase, sends_pulse
from eqspike.golden.kernel import inlined, kernel
from eqspike.golden.neuron import drive_inputs, integrate_and_fire
from eqspike.golden.number import scale
from eqspike.golden.pulse import emit, tail_step
from eqspike.golden.rate import rate_step
from eqspike.golden.state import HistoryRows
from eqspike.golden.sweep import clear_sums, sum_step
from eqspike.golden.synapses import synapses_of


@inlined
def reset(state, p, key):
    """Forget the last image (weights stay); `key` is the stream key of the next one."""
    state.refractory[:] = 0
    state.membrane[:] = 0
    state.spikes[:] = 0
    state.filtered[:] = 0
    state.integrator[:] = 0
    state.history[:] = 0
    state.counts[:] = 0
    state.input_spikes[:] = 0
    state.pulses[:] = 0
    state.pulse_count[:] = 0
    state.input_pulse_count[:] = 0
    if p.image_end:
        clear_sums(state)
    first = first_phase(key, p.input_threshold) if p.random_phase else 0
    for n in range(state.input_membrane.shape[0]):
        state.input_membrane[n] = (first + n * p.phase_step) % p.input_threshold


# ---------------------------------------------------------------------------------------------------------------------
# The pass


@inlined
def draw_pulses(word, p, state):
    """Sparse programming with probability p: which neurons' programming pulses of step t-1 are sent."""
    if p.pulse_limit == 1 << 16:
        return
    candidates = state.pulses if p.tails else state.spikes
    count = 0
    for j in range(state.fired[0]):
        state.pulse_list[count] = state.fired_list[j]
        count += 1 if sends_pulse(word, state.fired_list[j], p.pulse_limit) else 0
    state.pulsed[0] = count
    for layer in range(1, p.widths.shape[0]):
        for n in range(p.widths[layer]):
            pulse = 0
            if candidates[layer, n]:
                pulse = 1 if sends_pulse(word, p.number[layer] + n, p.pulse_limit) else 0
            state.pulses[layer, n] = pulse


@kernel
def bias_sends_pulse(t, layer, word, p):
    """Does the bias neuron that stands behind `layer` send a programming pulse, having fired in step t-1?"""
    if p.pulse_limit < 1 << 16:
        return sends_pulse(word, p.number[layer] + p.widths[layer], p.pulse_limit)
    # Its spikes so far, from step `pulse_from`.
    period = p.membrane.period
    fired = (t - 1) // period - (p.pulse_from + period - 1) // period + 1
    return fired % p.pulse_every == 0


@inlined
def put_signals(moment, p, state, alike):
    """What stands on the neurons' sides while others program: pulses that are sent, signals, and the weight steps that
    they ask for where all devices make the step they are given (`alike`)."""
    outputs = p.widths.shape[0] - 1
    draw_pulses(moment.word, p, state)
    if p.tails:
        for layer in range(1, outputs + 1):
            emit(
                layer, p.widths[layer], p.number[layer], moment.word, p.tail, state.integrator, state.pulses,
                state.emitted,
            )  # fmt: skip
    if alike:
        for layer in range(1, outputs + 1):
            programming = synapses_of(p, layer - 1).programming
            crossbar.neuron_steps(layer, p.padded[layer], state.emitted, moment.word, programming, state.steps_forward)
        for layer in range(1, outputs):
            programming = synapses_of(p, layer).programming
            crossbar.neuron_steps(layer, p.padded[layer], state.emitted, moment.word, programming, state.steps_backward)


@inlined
def program_one_way(weights, synapses, pulsed, moment, state, devices):
    """Program the rows of the first `pulsed` entries of `state.pulse_list`. Returns saturations."""
    if not devices.alike:
        return crossbar.program_rows_devices(
            weights, synapses, state.pulse_list, pulsed, moment, state.emitted, devices
        )
    if synapses.per_synapse:
        return crossbar.program_rows_drawing(weights, synapses, state.pulse_list, pulsed, moment, state.emitted)
    return crossbar.program_rows(weights, synapses, state.pulse_list, pulsed, moment.sign, state.steps_forward)


@inlined
def program_one_way_naive(weights, synapses, bias_fires, moment, state, devices):
    """A-EqSpike naive: a neuron above may program any row by itself, whether or not the neuron below fired. Returns
    (synapses programmed, saturations)."""
    programmed, saturations = 0, 0
    for row in range(synapses.below if synapses.layer == 0 else 0):
        more, met = crossbar.program_row_naive(
            weights, synapses, row, state.input_spikes[row], moment, state.emitted, state.pulses, devices
        )
        programmed += more
        saturations += met
    more, met = crossbar.program_row_naive(
        weights, synapses, synapses.below, 1 if bias_fires else 0, moment, state.emitted, state.pulses, devices
    )
    return programmed + more, saturations + met


@inlined
def gather_rows(weights, synapses, pulsed, moment, state, devices):
    """With accumulators: the rows of the first `pulsed` entries of `state.pulse_list`. Returns (pulses given,
    saturations)."""
    given, saturations = 0, 0
    for j in range(pulsed):
        more, met = change_row(
            weights, state.accumulators, synapses, state.pulse_list[j], 1, moment, state.emitted, devices
        )
        given += more
        saturations += met
    return given, saturations


@inlined
def gather_pairs(weights, synapses, moment, state, devices):
    """With accumulators: a layer of two-way synapses. Returns (pulses given, saturations)."""
    given, saturations = 0, 0
    for k in range(synapses.above):
        more, met = change_column(
            weights, state.accumulators, synapses, k, moment, state.pulses, state.emitted, devices
        )
        given += more
        saturations += met
    return given, saturations


@inlined
def synapse_pass(served, moment, p, state, weights, counters, devices):
    """Step 1: serve the spikes of step t-1, which are of the nudge phase if `served`."""
    outputs = p.widths.shape[0] - 1
    state.forward[:] = 0
    state.backward[:] = 0
    if moment.t == 0:
        return
    learn = served and not p.image_end
    if learn:
        put_signals(moment, p, state, devices.alike and not p.gathers)
    elif served:
        sum_step(p, state)
    bias_fires = (moment.t - 1) % p.membrane.period == 0
    operations, saturations = 0, 0
    for s in range(outputs):
        synapses, programmed = synapses_of(p, s), 0
        # One-way rows: the inputs' and the biases', which stand last in each matrix.
        fired = state.fired_list
        rows = state.fired[0] if s == 0 else 0
        pulsed = state.pulsed[0] if s == 0 else 0
        if bias_fires:
            fired[rows] = p.widths[s]
            rows += 1
            if learn and bias_sends_pulse(moment.t, s, moment.word, p):
                state.pulse_list[pulsed] = p.widths[s]
                pulsed += 1
        crossbar.read_rows(weights, synapses, fired, rows, state.forward)
        operations += synapses.above * rows
        if learn and p.naive:
            more, met = program_one_way_naive(weights, synapses, bias_fires, moment, state, devices)
            programmed += more
            saturations += met
        elif learn and p.gathers:
            more, met = gather_rows(weights, synapses, pulsed, moment, state, devices)
            programmed += more
            saturations += met
        elif learn:
            programmed += synapses.above * pulsed
            saturations += program_one_way(weights, synapses, pulsed, moment, state, devices)
        if s > 0:
            operations += crossbar.read_pairs(weights, synapses, state.spikes, state.forward, state.backward)
        if learn and s > 0 and p.gathers:
            more, met = gather_pairs(weights, synapses, moment, state, devices)
            programmed += more
            saturations += met
        elif learn and s > 0:
            programmed += crossbar.pair_operations(synapses, state.pulses)
            saturations += crossbar.program_two_way(weights, synapses, p.naive, moment, state, devices)
        counters[PROGRAMMED] += programmed
        counters[SPIKES + outputs + 1 + s] += programmed
    counters[SYNOPS] += operations
    counters[WEIGHT_SATURATIONS] += saturations


# ---------------------------------------------------------------------------------------------------------------------
# The update


@kernel
def before(row, steps, depth):
    """The row of the history `steps` (at most `depth`) steps before `row`."""
    row -= steps
    return row + depth if row < 0 else row


@inlined
def history_rows(t, ages, depth):
    """The rows of a history of `depth` rows that step t reads. Those not yet written in this image hold 0: no special
    case for steps before the image."""
    now = t % depth
    return HistoryRows(
        now,
        before(now, ages.leaving, depth),
        before(now, ages.delayed, depth),
        before(now, ages.delayed_leaving, depth),
        before(now, ages.old, depth),
    )


@kernel
def count_to(every, layer, n, counts):
    """Count one spike of neuron n; 1 and back to 0 when it is the `every`-th, else 0."""
    counts[layer, n] += 1
    if counts[layer, n] < every:
        return 0
    counts[layer, n] = 0
    return 1


@inlined
def update_inputs(t, p, pixels, state, counters):
    """The input neurons, and which of their spikes send a programming pulse where each `pulse_every`-th does."""
    fired = drive_inputs(pixels, p.input_threshold, state.input_membrane, state.input_spikes, state.fired_list)
    state.fired[0] = fired
    counters[SPIKES] += fired
    if p.pulse_every > 1:
        pulsed = 0
        for j in range(fired if t >= p.pulse_from else 0):
            n = state.fired_list[j]
            state.pulse_list[pulsed] = n
            pulsed += count_to(p.pulse_every, 0, n, state.input_pulse_count)
        state.pulsed[0] = pulsed


@inlined
def sum_currents(layer, outputs, p, state):
    """Currents from both sides into the neurons of `layer`, aligned to membranes, in `state.current`."""
    width, below = p.padded[layer], p.align[layer - 1]
    current = state.current
    if layer < outputs:
        above = p.align_down[layer]
        for n in range(width):
            current[n] = scale(state.forward[layer, n], below) + scale(state.backward[layer, n], above)
    else:
        for n in range(width):
            current[n] = scale(state.forward[layer, n], below)


@inlined
def update_signal(layer, width, rows, p, state):
    """rho-bar of the neurons of `layer`, or the tails of their pulses."""
    if p.tails:
        tail_step(
            layer, width, rows, p.tail, state.history, state.filtered, state.integrator, state.pulses
        )  # fmt: skip
    else:
        rate_step(
            layer, width, rows, state.history, p.rate_gain, p.rate_leak, state.filtered, state.integrator
        )  # fmt: skip


@inlined
def neuron_update(moment, label, nudging, p, pixels, state, counters):
    """Steps 2 and 3: every neuron and its rho-bar block."""
    outputs = p.widths.shape[0] - 1
    t = moment.t
    update_inputs(t, p, pixels, state, counters)
    depth = state.history.shape[0]
    rows = history_rows(t, p.ages, depth)
    for layer in range(1, outputs + 1):
        width = p.padded[layer]
        sum_currents(layer, outputs, p, state)
        if layer == outputs and nudging:
            nudge.nudge_current(label, p.target, state.counts, moment.sign, p.nudge_gain, state.current)
        fired, saturated = integrate_and_fire(
            layer, width, state.current, p.membrane, state.membrane, state.refractory, state.spikes
        )
        counters[SPIKES + layer] += fired
        counters[MEMBRANE_SATURATIONS] += saturated
        for n in range(width):
            state.history[rows.now, layer, n] = state.spikes[layer, n]
        if p.pulse_every > 1:
            for n in range(width):
                state.pulses[layer, n] = 0
                if state.spikes[layer, n] and t >= p.pulse_from:
                    state.pulses[layer, n] = count_to(p.pulse_every, layer, n, state.pulse_count)
        update_signal(layer, width, rows, p, state)
    nudge.count_step(rows.now, before(rows.now, p.window, depth), outputs, state.history, state.counts)


# ---------------------------------------------------------------------------------------------------------------------
# The trace


@inlined
def record(moment, p, state, weights, trace):
    """Copy the state after step t into the trace, where the trace has room."""
    t = moment.t
    if t < trace.membrane.shape[0]:
        at = 0
        for layer in range(1, p.widths.shape[0]):
            for n in range(p.widths[layer]):
                trace.membrane[t, at] = state.membrane[layer, n]
                trace.refractory[t, at] = state.refractory[layer, n]
                trace.spikes[t, at] = state.spikes[layer, n]
                trace.filtered[t, at] = state.filtered[layer, n]
                trace.integrator[t, at] = state.integrator[layer, n]
                if t < trace.rate_sum.shape[0]:
                    trace.rate_sum[t, at] = state.rate_sum[layer, n]
                    trace.spike_count[t, at] = state.spike_count[layer, n]
                at += 1
        for k in range(state.counts.shape[0]):
            trace.counts[t, k] = state.counts[k]
        for n in range(state.input_spikes.shape[0]):
            trace.input_spikes[t, n] = state.input_spikes[n]
        trace.word[t] = moment.word
        record_weights(t, weights, state, trace)


@inlined
def record_weights(t, weights, state, trace):
    """Copy all weights and accumulators into the trace, where it has room: after the pass of step t, or after the sweep
    behind the last one."""
    if t < trace.weights.shape[0]:
        for row in range(weights.shape[0]):
            for column in range(weights.shape[1]):
                trace.weights[t, row, column] = weights[row, column]
    if t < trace.accumulators.shape[0]:
        for row in range(weights.shape[0]):
            for column in range(weights.shape[1]):
                trace.accumulators[t, row, column] = state.accumulators[row, column]
