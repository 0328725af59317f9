/* golden/pulse.py: A-EqSpike, the tails of a neuron's own pulses in place of rho-bar. */
#pragma once
#include "state.h"

enum { SAW, SQUARE };

/* golden.pulse.tail_step, of `width` neurons from place `at` on: of the steps from `from` to `end` - 1. Each reads the
 * spikes of now and of 1, h, h + 1 and 2 h + 1 steps ago. */
INLINE void tail_steps(State *st, const Numbers *p, int at, int width, int from, int end) {
    const count_t half = (count_t)p->tail_half;
    for (int t = from; t < end; t++) {
        const count_t *restrict now = history_row(st, p, t) + at, *restrict previous = now - p->leaving * TOTAL;
        const count_t *restrict middle = now - p->delayed * TOTAL, *restrict after = now - p->delayed_leaving * TOTAL;
        const count_t *restrict old = now - p->old * TOTAL;
        for (int n = 0; n < width; n++) {
            count_t ends = middle[n] + after[n];
            if (SHAPE == SAW) {
                count_t count = st->filtered[at + n] + (previous[n] - old[n]);
                st->filtered[at + n] = count;
                st->integrator[at + n] += (number_t)(count - half * ends);
            } else {
                st->integrator[at + n] += (number_t)(now[n] - ends + old[n]);
            }
            st->pulses[at + n] = middle[n];
        }
    }
}

/* golden.pulse.emit, of all layers */
INLINE void emit(State *st, const Numbers *p, uint32_t word) {
    const number_t clip = (number_t)p->tail_clip;
    for (int n = 0; n < TOTAL; n++)
        st->emitted[n] = MIN(MAX(st->integrator[n], -clip), clip);
    const int64_t limit = p->collision_limit;
    if (limit == 0)
        return;
    for (int layer = 1; layer < LAYERS; layer++)
        for (int n = 0; n < SIZE[layer]; n++)
            if (st->pulses[PLACE[layer] + n] && (limit == 1 << 16 || collides(word, NUMBER[layer] + n, limit)))
                st->emitted[PLACE[layer] + n] = 0;
}
