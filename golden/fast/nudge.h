/* golden/nudge.py: output rates, error, skip rule and prediction. `counts` are the outputs' spikes in the window. */
#pragma once
#include "state.h"

enum { OUTPUTS_LAYER = LAYERS - 1 };

/* golden.nudge.count_step */
INLINE void count_step(State *st, const count_t *restrict now, const count_t *restrict leaving) {
    for (int k = 0; k < LAST; k++)
        st->counts[k] += now[PLACE[OUTPUTS_LAYER] + k] - leaving[PLACE[OUTPUTS_LAYER] + k];
}

/* The same for the steps before `end` at once: the sum over the window. */
INLINE void count_window(State *st, const Numbers *p, int end) {
    count_t counts[LAST] = {0};
    for (int t = end - (int)p->window; t < end; t++)
        for (int k = 0; k < LAST; k++)
            counts[k] += history_row(st, p, t)[PLACE[OUTPUTS_LAYER] + k];
    memcpy(st->counts, counts, sizeof counts);
}

/* golden.nudge.error: target minus rate of output k */
INLINE count_t error(const State *st, const Numbers *p, int k, int label) {
    return (k == label ? (count_t)p->target : 0) - st->counts[k];
}

/* golden.nudge.nudge_current */
INLINE void nudge_current(State *st, const Numbers *p, int label, int sign) {
    for (int k = 0; k < LAST; k++) /* outputs that do not exist have no counts */
        st->current[PLACE[OUTPUTS_LAYER] + k] +=
            scale((number_t)(sign * error(st, p, k, label)), (gain_t)p->nudge_gain);
}

/* golden.nudge.within_tolerance */
INLINE int within_tolerance(const State *st, const Numbers *p, int label) {
    int far = 0;
    for (int k = 0; k < SIZE[OUTPUTS_LAYER]; k++) {
        count_t off = error(st, p, k, label);
        far += (off < 0 ? -off : off) > (count_t)p->skip_counts;
    }
    return far == 0;
}

/* golden.nudge.highest: the lowest index where several are */
INLINE int highest(const State *st) {
    int best = 0;
    for (int k = 1; k < SIZE[OUTPUTS_LAYER]; k++)
        if (st->counts[k] > st->counts[best])
            best = k;
    return best;
}

/* golden.nudge.first_spike: -1 for none */
INLINE int first_spike(const State *st) {
    for (int word = 0; word * 64 < SIZE[OUTPUTS_LAYER]; word++)
        if (spikes_of(st, OUTPUTS_LAYER, word))
            return 64 * word + __builtin_ctzll(spikes_of(st, OUTPUTS_LAYER, word));
    return -1;
}
