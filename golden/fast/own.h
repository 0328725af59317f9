/* golden/crossbar.py and golden/accumulator.py where each synapse makes a step of its own: with one draw a synapse, on
 * devices with faults, with accumulators, at an image's end, and in A-EqSpike naive.
 *
 * All of these are one row's work on what was prepared for its columns: a signal times a count from either side.
 */
#pragma once
#include "crossbar.h"

/* What the synapses of one row are programmed with; arrays have one entry a column. */
typedef struct {
    number_t ALIGNED first[WIDEST], second[WIDEST]; /* the signal of above times the count of below, and the reverse */
    count_t ALIGNED below[WIDEST], above[WIDEST];   /* pulses of the row's neuron, and of the columns' */
    uint32_t ALIGNED draws[WIDEST], noise[WIDEST];
} Row;

#if ANY_OWN
/* One-way synapses of row `i`, whose neuron sends `count` pulses; with A-EqSpike naive those above send theirs too. */
INLINE void prepare_row(Row *row, const State *st, int s, int i, count_t count, const number_t *signal, Moment moment) {
    const uint32_t drawn = row_word(moment.word, NUMBER[s] + i);
    const uint32_t noise = NOISY ? noise_row(moment.word, NUMBER[s] + i) : 0;
    for (int n = 0; n < PADDED[s + 1]; n++) {
        const int at = PLACE[s + 1] + n;
        row->draws[n] = rotate_right(drawn, st->rotation[at]);
        row->noise[n] = noise ^ st->key[at];
        row->first[n] = NAIVE ? signal[at] : (number_t)count * signal[at];
        row->second[n] = 0;
        row->below[n] = count;
        row->above[n] = NAIVE ? st->pulses[at] : 0;
    }
}

/* The words of this step that the columns of two-way layer s draw from. */
INLINE void prepare_columns(State *st, int s, Moment moment) {
    for (int k = 0; k < SIZE[s + 1]; k++) {
        const int at = PLACE[s + 1] + k, number = NUMBER[s + 1] + k;
        st->column_word[at] = row_word(moment.word, number);
        st->column_noise[at] = NOISY ? noise_row(moment.word, number) : 0;
    }
}

/* Two-way synapses of row `i`: each takes both sides' `counts` times the other's `signal`. At an image's end a column
 * whose neuron has neither counts nor signal is not visited. */
INLINE void prepare_pair_row(Row *row, const State *st, int s, int i, const count_t *counts, const number_t *signal) {
    const int below = PLACE[s] + i;
    for (int k = 0; k < PADDED[s + 1]; k++) {
        const int at = PLACE[s + 1] + k;
        const count_t own = IMAGE_END && counts[at] == 0 && signal[at] == 0 ? 0 : counts[below];
        row->draws[k] = rotate_right(st->column_word[at], st->rotation[below]);
        row->noise[k] = st->column_noise[at] ^ st->key[below];
        row->first[k] = NAIVE ? signal[below] + signal[at] : (number_t)own * signal[at];
        row->second[k] = NAIVE ? 0 : (number_t)counts[at] * signal[below];
        row->below[k] = own;
        row->above[k] = counts[at];
    }
}

/* golden.crossbar.program_rows_drawing, program_pairs_drawing, and program_alone where devices are alike. Returns
 * saturations. */
INLINE int64_t program_drawing(weight_t *restrict w, const Row *row, int width, Programming g, int sign) {
    const uint32_t bits = low_bits(g.shift);
    count_t met = 0;
    for (int n = 0; n < width; n++) {
        count_t pulses = row->below[n] + row->above[n];
        number_t value = NAIVE ? (number_t)pulses * row->first[n] : row->first[n] + row->second[n];
        number_t exact = w[n] + sign * weight_step(value, g, row->draws[n] & bits);
        number_t new = MIN(MAX(exact, g.low), g.high);
        met += (pulses != 0) & (new != exact);
        w[n] = (weight_t)(pulses != 0 ? new : w[n]);
    }
    return met;
}

#if !ALIKE
/* What the pulses at column n leave over the device's thresholds, of both halves (golden.crossbar.program_*_devices,
 * and program_alone in A-EqSpike naive and at an image's end, where the signals of both sides are one voltage). */
INLINE void over_thresholds(const Row *row, int n, const Job *job, int64_t at, Programming g, int sign, volt_t *up,
                            volt_t *down) {
    const volt_t offset_up = job->offset_up[at], offset_down = job->offset_down[at];
    if (NAIVE || IMAGE_END) {
        const volt_t x = (volt_t)sign * half_volts(row->first[n] + row->second[n], g);
        const volt_t pulses = NAIVE ? (volt_t)(row->below[n] + row->above[n]) : 1;
        *up = pulses * MAX(x - offset_up, 0);
        *down = pulses * MIN(x + offset_down, 0);
        return;
    }
    const volt_t x = (volt_t)sign * half_volts(row->first[n], g), y = (volt_t)sign * half_volts(row->second[n], g);
    *up = (row->below[n] ? MAX(x - offset_up, 0) : 0) + (row->above[n] ? MAX(y - offset_up, 0) : 0);
    *down = (row->below[n] ? MIN(x + offset_down, 0) : 0) + (row->above[n] ? MIN(y + offset_down, 0) : 0);
}

/* The devices of one row, which begins at `at` in golden's arrays. Returns saturations. */
INLINE int64_t program_devices(weight_t *w, const Row *row, int64_t at, int width, const Job *job, int s, Programming g,
                               int sign) {
    const uint32_t bits = low_bits(g.shift);
    int64_t met = 0;
    for (int n = 0; n < width; n++) {
        if (row->below[n] + row->above[n] == 0)
            continue;
        volt_t up, down;
        over_thresholds(row, n, job, at + n, g, sign, &up, &down);
        Draws draws = {row->draws[n] & bits, row->noise[n]};
        met += write_device(w + n, at + n, up, down, draws, job, s, g);
    }
    return met;
}
#endif

#if GATHERS
/* golden.accumulator.gather, of the synapses of one row that begins at `at` in golden's arrays: what is asked for goes
 * to the accumulators, and a device whose accumulator is full gets a pulse. Returns saturations; `*given` grows by the
 * pulses. */
INLINE int64_t gather(weight_t *restrict w, number_t *restrict rests, const Row *row, int64_t at, int width,
                      const Job *job, int s, Programming g, int sign, int64_t *given) {
    const uint32_t bits = low_bits(g.shift);
    const number_t most = g.full - g.least, least = g.least - g.full;
    count_t ALIGNED full[WIDEST];
    count_t any = 0;
    for (int n = 0; n < width; n++) {
        number_t rest = rests[n] + sign * weight_step(row->first[n] + row->second[n], g, row->draws[n] & bits);
        count_t pulses = row->below[n] + row->above[n];
        count_t direction = (count_t)(rest >= g.full) - (count_t)(rest <= -g.full);
        rest -= (number_t)direction * g.full;
        /* Of a change of more than two steps at once, what does not fit is lost. */
        rests[n] = pulses != 0 ? MIN(MAX(rest, least), most) : rests[n];
        full[n] = pulses != 0 ? direction : 0;
        any |= full[n];
    }
    int64_t met = 0;
    for (int n = 0; any && n < width; n++) {
        if (full[n] == 0)
            continue;
        ++*given;
#if ALIKE
        (void)at, (void)job, (void)s;
        number_t exact = w[n] + (number_t)full[n] * g.pulse;
        number_t new = MIN(MAX(exact, g.low), g.high);
        w[n] = (weight_t)new;
        met += new != exact;
#else
        const volt_t x = (volt_t)full[n] * g.pulse;
        const volt_t over = x - job->offset_up[at + n], under = x + job->offset_down[at + n];
        const volt_t up = MAX(over, 0 * x), down = MIN(under, 0 * x);
        Draws draws = {(uint32_t)((uint64_t)row->draws[n] >> (32 - g.write_shift)), row->noise[n]};
        met += write_device(w + n, at + n, up, down, draws, job, s, g);
#endif
    }
    return met;
}
#endif

/* golden.accumulator.change, for one row of layer s: row `i`, to whom `row` happens. Counts pulses and saturations. */
INLINE void change(State *st, const Row *row, int s, int i, const Job *job, Programming g, Moment moment) {
    weight_t *w = row_of(st, s, i);
    const int width = SIZE[s + 1];
#if GATHERS
    number_t *rests = st->accumulators + MATRIX[s] + (int64_t)i * PADDED[s + 1];
    st->weight_saturations += gather(w, rests, row, golden_row(s, i), width, job, s, g, moment.sign, &st->programmed[s]);
#else
    for (int n = 0; n < width; n++) {
        count_t pulses = row->below[n] + row->above[n];
        st->programmed[s] += IMAGE_END ? pulses != 0 : pulses;
    }
#if ALIKE
    st->weight_saturations += program_drawing(w, row, width, g, moment.sign);
#else
    st->weight_saturations += program_devices(w, row, golden_row(s, i), width, job, s, g, moment.sign);
#endif
#endif
}
#endif
