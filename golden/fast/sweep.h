/* golden/sweep.py: programming at an image's end, by sums over the nudge phase. */
#pragma once
#include "own.h"

#if IMAGE_END
/* golden.sweep.clear_sums */
INLINE void clear_sums(State *st) {
    memset(st->input_count, 0, sizeof st->input_count);
    memset(st->spike_count, 0, sizeof st->spike_count);
    memset(st->rate_sum, 0, sizeof st->rate_sum);
}

/* golden.sweep.sum_step: the step whose spikes are being served */
INLINE void sum_step(State *st) {
    for (int j = 0; j < st->fired; j++)
        st->input_count[st->fired_list[j]]++;
    for (int n = 0; n < TOTAL; n++) {
        st->spike_count[n] += st->spikes[n];
        st->rate_sum[n] += st->integrator[n];
    }
}

/* golden.sweep.sweep, one layer of synapses */
INLINE void sweep_layer(State *st, int s, const Job *job, Moment moment) {
    const Numbers *p = job->numbers;
    const Programming g = programming_of(p, s);
    Row row;
    if (s == 0)
        for (int i = 0; i < INPUTS; i++)
            if (st->input_count[i]) {
                prepare_row(&row, st, s, i, (count_t)st->input_count[i], st->rate_sum, moment);
                change(st, &row, s, i, job, g, moment);
            }
    if (p->bias_count) {
        prepare_row(&row, st, s, SIZE[s], (count_t)p->bias_count, st->rate_sum, moment);
        change(st, &row, s, SIZE[s], job, g, moment);
    }
    if (s == 0)
        return;
    prepare_columns(st, s, moment);
    for (int i = 0; i < SIZE[s]; i++) {
        prepare_pair_row(&row, st, s, i, st->spike_count, st->rate_sum);
        change(st, &row, s, i, job, g, moment);
    }
}
#endif
