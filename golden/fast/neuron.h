/* golden/neuron.py: input neurons and LIF neurons. */
#pragma once
#include "state.h"

/* golden.neuron.drive_inputs, for the inputs that have a pixel at all. Writes the list of those that fired. */
INLINE void drive_inputs(State *st, const Numbers *p) {
    int fired = 0;
    for (int from = 0; from < st->driven; from += 64) {
        const uint64_t bits = drive_64(st->input_membrane + from, st->pixel + from, (input_t)p->input_threshold);
        fired = append(st->fired_list, fired, bits, st->row + from);
    }
    st->fired = fired;
}

/* golden.neuron.integrate_and_fire, of all layers at once. A refractory neuron integrates but does not fire. */
INLINE void integrate_and_fire(State *st, const Numbers *p, count_t *restrict now) {
    const number_t low = (number_t)p->low, high = (number_t)p->high;
    const leak_t leak = (leak_t)p->leak;
    const count_t rest = (count_t)(p->period - 1);
    for (int n = 0; n < TOTAL; n++) {
        number_t exact = (LEAKS ? leak_down(st->membrane[n], leak) : st->membrane[n]) + st->current[n];
        number_t u = MIN(MAX(exact, low), high);
        st->saturated[n] += u != exact;
        count_t left = st->refractory[n];
        count_t spike = (u > st->threshold[n]) & (left == 0);
        st->membrane[n] = spike ? u - st->threshold[n] : u;
        st->refractory[n] = spike ? rest : (left > 0 ? left - 1 : 0);
        now[n] = spike;
    }
}

/* Spikes of the step as bits, and how many there are. */
INLINE void gather_spikes(State *st, const count_t *restrict now) {
    for (int word = 0; word < WORDS; word++)
        st->mask[word] = bits_of_spikes(now + 64 * word, MIN(64, TOTAL - 64 * word));
#define COUNT(layer)                                                                 \
    st->firing[layer] = 0;                                                           \
    for (int word = 0; word * 64 < SIZE[layer]; word++)                              \
        st->firing[layer] += __builtin_popcountll(spikes_of(st, layer, word));       \
    st->fired_in[layer] += st->firing[layer];
    EACH_LAYER(COUNT)
#undef COUNT
}
