/* golden/rate.py: the rho-bar block of all neurons, one step. */
#pragma once
#include "state.h"

/* golden.rate.rate_step, of `width` neurons from place `at` on: of the steps from `from` to `end` - 1, one after the
 * other. */
INLINE void rate_steps(State *st, const Numbers *p, int at, int width, int from, int end) {
    const gain_t gain = (gain_t)p->rate_gain;
    const leak_t leak = (leak_t)p->rate_leak;
    const number_t ones = (number_t)p->rate_ones;
    count_t filtered[LANES];
    number_t integrator[LANES];
    memcpy(filtered, st->filtered + at, width * sizeof *filtered);
    memcpy(integrator, st->integrator + at, width * sizeof *integrator);
    for (int t = from; t < end; t++) {
        const count_t *now = history_row(st, p, t) + at, *leaving = now - p->leaving * TOTAL;
        const count_t *delayed = now - p->delayed * TOTAL, *delayed_leaving = now - p->delayed_leaving * TOTAL;
        for (int n = 0; n < width; n++) {
            /* Of one step the running difference needs no memory. */
            filtered[n] = now[n] - delayed[n] + (FILTERS ? filtered[n] - leaving[n] + delayed_leaving[n] : 0);
            integrator[n] = leak_to_zero(integrator[n] + scale((number_t)filtered[n], gain), leak, ones);
        }
    }
    memcpy(st->filtered + at, filtered, width * sizeof *filtered);
    memcpy(st->integrator + at, integrator, width * sizeof *integrator);
}
