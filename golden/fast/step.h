/* golden/step.py: one step t of an image, in the order that is said there. */
#pragma once
#include "neuron.h"
#include "nudge.h"
#include "pulse.h"
#include "rate.h"
#include "sweep.h"

/* Inputs that have a pixel: which they are, and where their membranes begin (the end of golden.step.reset). The arrays
 * are filled to whole vectors with inputs that do nothing. */
INLINE void drive_pixels(State *st, const Numbers *p, const pixel_t *pixels, uint32_t key) {
    const uint32_t threshold = (uint32_t)p->input_threshold, phase = (uint32_t)p->phase_step;
    /* golden.draw.first_phase */
    const uint32_t first = p->random_phase ? (uint32_t)(((uint64_t)(key >> 16) * threshold) >> 16) : 0;
    int driven = 0;
    for (int n = 0; n < INPUTS; n++) {
        if (pixels[n] == 0)
            continue;
        st->pixel[driven] = (input_t)pixels[n];
        st->input_membrane[driven] = (input_t)((first + (uint64_t)n * phase) % threshold);
        st->row[driven++] = n;
    }
    for (; driven % 64; driven++) {
        st->pixel[driven] = 0;
        st->input_membrane[driven] = 0;
        st->row[driven] = 0;
    }
    st->driven = driven;
}

/* golden.step.reset. The history needs none: a row is written before it is read, and those before the image stay 0. */
INLINE void reset(State *st, const Numbers *p, const pixel_t *pixels, uint32_t key) {
    memset(st->membrane, 0, sizeof st->membrane);
    memset(st->refractory, 0, sizeof st->refractory);
    st->spikes = history_row(st, p, -1);
    memset(st->filtered, 0, sizeof st->filtered);
    memset(st->integrator, 0, sizeof st->integrator);
    memset(st->counts, 0, sizeof st->counts);
    memset(st->mask, 0, sizeof st->mask);
    memset(st->pulses, 0, sizeof st->pulses);
    memset(st->pulse_count, 0, sizeof st->pulse_count);
    if (EVERY)
        memset(st->input_pulse_count, 0, sizeof st->input_pulse_count);
#if IMAGE_END
    clear_sums(st);
#endif
    memset(st->firing, 0, sizeof st->firing);
    st->fired = st->pulsed = st->signal_step = 0;
    drive_pixels(st, p, pixels, key);
}

/* -------------------------------------------------------------------------------------------------------------------
 * The pass
 */

/* golden.step.draw_pulses */
INLINE void draw_pulses(State *st, const Numbers *p, uint32_t word) {
    int count = 0;
    for (int j = 0; j < st->fired; j++)
        if (sends_pulse(word, st->input_place[st->fired_list[j]], p->pulse_limit))
            st->pulse_list[count++] = st->fired_list[j];
    st->pulsed = count;
    if (PULSE_TAILS) {
        for (int n = 0; n < TOTAL; n++)
            st->pulses[n] = st->pulses[n] && sends_pulse(word, st->place[n], p->pulse_limit);
        return;
    }
    memset(st->pulses, 0, sizeof st->pulses);
    for (int from = 0; from < WORDS; from++)
        for (uint64_t bits = st->mask[from]; bits; bits &= bits - 1) {
            const int n = 64 * from + __builtin_ctzll(bits);
            st->pulses[n] = sends_pulse(word, st->place[n], p->pulse_limit);
        }
}

/* golden.step.bias_sends_pulse */
INLINE int bias_sends_pulse(const Numbers *p, int layer, Moment moment) {
    if (BY_CHANCE)
        return sends_pulse(moment.word, spread(NUMBER[layer] + SIZE[layer]), p->pulse_limit);
    if (!EVERY)
        return 1;
    const int64_t period = p->period;
    int64_t fired = (moment.t - 1) / period - (p->pulse_from + period - 1) / period + 1;
    return fired % p->pulse_every == 0;
}

/* golden.step.put_signals */
INLINE void put_signals(State *st, const Numbers *p, Moment moment) {
    if (BY_CHANCE)
        draw_pulses(st, p, moment.word);
    if (PULSE_TAILS)
        emit(st, p, moment.word);
#define FORWARD(layer) neuron_steps(st, layer, layer - 1, p, moment, st->steps_forward);
#define BACKWARD(layer)            \
    if (any_pulse(st, layer + 1))  \
        neuron_steps(st, layer, layer, p, moment, st->steps_backward);
    if (SHARED_STEPS) {
        EACH_LAYER(FORWARD)
        EACH_HIDDEN(BACKWARD)
    }
#undef FORWARD
#undef BACKWARD
}

#if ANY_OWN
/* One-way rows whose synapses make steps of their own (golden.step.program_one_way, gather_rows,
 * program_one_way_naive). */
INLINE void change_rows(State *st, int s, const int32_t *list, int count, int bias_fires, const Job *job,
                        Moment moment) {
    const Programming g = programming_of(job->numbers, s);
    Row row;
    if (NAIVE) {
        memset(st->sends, 0, sizeof st->sends);
        for (int j = 0; s == 0 && j < st->fired; j++)
            st->sends[st->fired_list[j]] = 1;
        for (int i = 0; s == 0 && i < INPUTS; i++) {
            prepare_row(&row, st, s, i, st->sends[i], signals_of(st), moment);
            change(st, &row, s, i, job, g, moment);
        }
        prepare_row(&row, st, s, SIZE[s], bias_fires, signals_of(st), moment);
        change(st, &row, s, SIZE[s], job, g, moment);
        return;
    }
    for (int j = 0; j < count; j++) {
        prepare_row(&row, st, s, list[j], 1, signals_of(st), moment);
        change(st, &row, s, list[j], job, g, moment);
    }
}

/* A two-way layer of such synapses (golden.crossbar.program_two_way, golden.step.gather_pairs). */
INLINE void change_pairs(State *st, int s, const Job *job, Moment moment) {
    const Programming g = programming_of(job->numbers, s);
    Row row;
    const int above = any_pulse(st, s + 1);
    if (!above && !any_pulse(st, s))
        return;
    prepare_columns(st, s, moment);
    for (int i = 0; i < SIZE[s]; i++)
        if (above || pulses_of(st)[PLACE[s] + i]) {
            prepare_pair_row(&row, st, s, i, pulses_of(st), signals_of(st));
            change(st, &row, s, i, job, g, moment);
        }
}
#endif

/* Step 1 for a two-way layer's pairs. */
INLINE void serve_pairs(State *st, int s, int learn, const Job *job, Moment moment) {
    const Numbers *p = job->numbers;
    const int own = OWN_DRAWS[s] || !SHARED_STEPS;
    st->synops += pair_operations(st->firing[s], st->firing[s + 1], s);
    read_columns(st, s);
    if (learn && !own && !SEPARATE && st->firing[s + 1] == 0) {
        st->programmed[s] += pair_operations(st->firing[s], 0, s);
        pair_rows(st, s, p, 1);
        return;
    }
    pair_rows(st, s, p, 0);
    if (learn && !own) {
        int64_t below = 0, above = 0;
        for (int i = 0; i < SIZE[s]; i++)
            below += pulses_of(st)[PLACE[s] + i];
        for (int k = 0; k < SIZE[s + 1]; k++)
            above += pulses_of(st)[PLACE[s + 1] + k];
        st->programmed[s] += pair_operations(below, above, s);
        if (below + above)
            program_pairs(st, s, p);
    }
#if ANY_OWN
    if (learn && own)
        change_pairs(st, s, job, moment);
#endif
}

/* Step 1 for layer s of synapses: read what fired, and program if `learn`. */
INLINE void serve_layer(State *st, int s, int learn, int bias_fires, const Job *job, Moment moment) {
    const Numbers *p = job->numbers;
    const int own = OWN_DRAWS[s] || !SHARED_STEPS;
    int32_t *pulse_list = SPARSE ? st->pulse_list : st->fired_list;
    int rows = s == 0 ? st->fired : 0, pulsed = s == 0 ? (SPARSE ? st->pulsed : st->fired) : 0;
    if (bias_fires) {
        st->fired_list[rows++] = SIZE[s];
        if (learn && bias_sends_pulse(p, s, moment))
            pulse_list[pulsed++] = SIZE[s];
    }
    st->synops += (int64_t)SIZE[s + 1] * rows;
    memset(st->forward + PLACE[s + 1], 0, PADDED[s + 1] * sizeof *st->forward);
    if (learn && !own && !SPARSE) {
        program_rows(st, s, pulse_list, pulsed, p, 1);
    } else {
        read_rows(st, s, st->fired_list, rows);
        if (learn && !own)
            program_rows(st, s, pulse_list, pulsed, p, 0);
    }
    if (learn && !own)
        st->programmed[s] += (int64_t)SIZE[s + 1] * pulsed;
#if ANY_OWN
    if (learn && own)
        change_rows(st, s, pulse_list, pulsed, bias_fires, job, moment);
#endif
    if (s > 0)
        serve_pairs(st, s, learn, job, moment);
}

/* golden.step.synapse_pass: serve the spikes of step t-1, which are of the nudge phase if `served`. */
INLINE void synapse_pass(State *st, int served, const Job *job, Moment moment) {
    if (moment.t == 0) {
        memset(st->forward, 0, sizeof st->forward);
        memset(st->backward, 0, sizeof st->backward);
        return;
    }
    const int learn = served && !IMAGE_END;
    if (learn)
        put_signals(st, job->numbers, moment);
#if IMAGE_END
    if (served)
        sum_step(st);
#endif
    const int bias_fires = (moment.t - 1) % (int)job->numbers->period == 0;
#define SERVE(s) serve_layer(st, s, learn, bias_fires, job, moment);
    EACH_MATRIX(SERVE)
#undef SERVE
}

/* -------------------------------------------------------------------------------------------------------------------
 * The update
 */

/* golden.step.update_inputs */
INLINE void update_inputs(State *st, const Numbers *p, int t) {
    drive_inputs(st, p);
    st->fired_in[0] += st->fired;
    if (!EVERY)
        return;
    st->pulsed = 0;
    for (int j = 0; j < (t >= p->pulse_from ? st->fired : 0); j++) {
        const int n = st->fired_list[j];
        if (++st->input_pulse_count[n] >= p->pulse_every) {
            st->input_pulse_count[n] = 0;
            st->pulse_list[st->pulsed++] = n;
        }
    }
}

/* golden.step.sum_currents, one layer */
INLINE void sum_currents(State *st, int layer, const Numbers *p) {
    const gain_t below = (gain_t)p->align[layer - 1];
    const gain_t above = (gain_t)p->align_down[layer < LAYERS - 1 ? layer : layer - 1];
    for (int n = PLACE[layer]; n < PLACE[layer] + PADDED[layer]; n++) {
        number_t current = scale(st->forward[n], below);
        st->current[n] = layer < LAYERS - 1 ? current + scale(st->backward[n], above) : current;
    }
}

/* Sparse programming: every N-th spike of a neuron sends a pulse (golden.step.neuron_update). */
INLINE void count_pulses(State *st, const Numbers *p, int t) {
    const count_t every = (count_t)p->pulse_every;
    const int counting = t >= p->pulse_from;
    for (int n = 0; n < TOTAL; n++) {
        count_t count = st->pulse_count[n] + (counting ? st->spikes[n] : 0);
        count_t pulse = count >= every;
        st->pulses[n] = pulse;
        st->pulse_count[n] = pulse ? 0 : count;
    }
}

/* golden.step.update_signal, of the steps before `end` that it was not done for. Signals are asked for in the nudge
 * phase alone, and follow from the history of spikes: so those of the free phase wait until there is a nudge phase. */
INLINE void catch_up(State *st, const Numbers *p, int end) {
    for (int at = 0; at < TOTAL; at += LANES)
        if (PULSE_TAILS)
            tail_steps(st, p, at, LANES, st->signal_step, end);
        else
            rate_steps(st, p, at, LANES, st->signal_step, end);
    st->signal_step = end;
}

/* golden.step.neuron_update: steps 2 and 3, every neuron and its signal */
INLINE void neuron_update(State *st, const Numbers *p, Moment moment, int label, int nudging) {
    const int t = moment.t;
    update_inputs(st, p, t);
#define CURRENTS(layer) sum_currents(st, layer, p);
    EACH_LAYER(CURRENTS)
#undef CURRENTS
    if (nudging)
        nudge_current(st, p, label, moment.sign);
    count_t *now = st->spikes = history_row(st, p, t);
    integrate_and_fire(st, p, now);
    gather_spikes(st, now);
    if (EVERY)
        count_pulses(st, p, t);
    if (nudging) {
        catch_up(st, p, t + 1);
        count_step(st, now, history_row(st, p, t - (int)p->window));
    }
}
