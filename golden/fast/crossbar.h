/* golden/crossbar.py: one spike reads its row (or column), which is the communication pulse, and then programs it.
 *
 * Layer s of synapses stands between neurons of layer s (rows) and s + 1 (columns). Here a row is the unit of all work:
 * its weights lie side by side, LANES of them in a vector. No result depends on the order, since sums are exact and
 * draws are hashed; in real numbers sums are taken in golden's order.
 */
#pragma once
#include "device.h"

/* Everything that sends a programming pulse is what fired, unless SEPARATE: then pulses have an array of their own, and
 * where SPARSE the inputs' a list. */
enum { SPARSE = EVERY || BY_CHANCE, SEPARATE = SPARSE || PULSE_TAILS };

/* The row of neuron `i` of layer s; the bias is the last. */
INLINE weight_t *row_of(State *st, int s, int i) {
    return st->weights + MATRIX[s] + (int64_t)i * PADDED[s + 1];
}

/* The same row in golden's arrays. */
INLINE int64_t golden_row(int s, int i) {
    return (int64_t)(BASE[s] + i) * COLUMNS;
}

/* What programs a neuron's synapses from its own side: its spikes, or the pulses that come later or more seldom. */
INLINE count_t *pulses_of(State *st) {
    return SEPARATE ? st->pulses : st->spikes;
}

/* What a neuron puts on its side while the other programs. */
INLINE number_t *signals_of(State *st) {
    return PULSE_TAILS ? st->emitted : st->integrator;
}

/* golden.crossbar.neuron_steps, the image's sign included: one draw a neuron */
INLINE void neuron_steps(State *st, int layer, int s, const Numbers *p, Moment moment, weight_t *steps) {
    const Programming g = programming_of(p, s);
    const uint32_t bits = low_bits(g.shift);
    for (int n = PLACE[layer]; n < PLACE[layer] + PADDED[layer]; n++) {
        uint32_t draw = rotate_right(moment.word, st->rotation[n]) & bits;
        steps[n] = (weight_t)(moment.sign * weight_step(signals_of(st)[n], g, draw));
    }
}

/* Over the columns of layer s in parts of a known width, so that the loops over rows keep a part's sums in registers:
 * all columns at once, or MOST and what is left. */
enum { MOST = 128 };
#define EACH_PART(s, part, ...)                                                      \
    do {                                                                             \
        int c_ = 0;                                                                  \
        for (; c_ + MOST <= PADDED[(s) + 1]; c_ += MOST)                             \
            part(st, s, c_, MOST, __VA_ARGS__);                                      \
        if (PADDED[(s) + 1] % MOST)                                                  \
            part(st, s, c_, PADDED[(s) + 1] % MOST, __VA_ARGS__);                    \
    } while (0)

/* Rows are summed in groups of BLOCK, in partial_t: so many weights fit there, whatever they are. */
INLINE void read_part(State *st, int s, int c, int lanes, const int32_t *list, int count) {
    const weight_t *restrict part = row_of(st, s, 0) + c;
    number_t *restrict forward = st->forward + PLACE[s + 1] + c;
    for (int from = 0; from < count; from += BLOCK) {
        const int end = MIN(from + BLOCK, count);
        partial_t sum[MOST] = {0};
        for (int j = from; j < end; j++) {
            const weight_t *w = part + (int64_t)list[j] * PADDED[s + 1];
            for (int n = 0; n < lanes; n++)
                sum[n] += w[n];
        }
        for (int n = 0; n < lanes; n++)
            forward[n] += sum[n];
    }
}

/* golden.crossbar.read_rows */
INLINE void read_rows(State *st, int s, const int32_t *list, int count) {
    EACH_PART(s, read_part, list, count);
}

INLINE void program_part(State *st, int s, int c, int lanes, const int32_t *list, int count, const Numbers *p,
                         int reading) {
    const weight_t low = (weight_t)p->weight_low[s], high = (weight_t)p->weight_high[s];
    weight_t *restrict part = row_of(st, s, 0) + c;
    const int at = PLACE[s + 1] + c;
    weight_t step[MOST];
    tally_t met[MOST] = {0};
    memcpy(step, st->steps_forward + at, lanes * sizeof *step);
    for (int from = 0; from < count; from += BLOCK) {
        const int end = MIN(from + BLOCK, count);
        partial_t sum[MOST] = {0};
        for (int j = from; j < end; j++) {
            weight_t *w = part + (int64_t)list[j] * PADDED[s + 1];
            for (int n = 0; n < lanes; n++) {
                sum[n] += w[n];
                weight_t exact = (weight_t)(w[n] + step[n]);
                weight_t new = MIN(MAX(exact, low), high);
                met[n] += new != exact;
                w[n] = new;
            }
        }
        for (int n = 0; reading && n < lanes; n++)
            st->forward[at + n] += sum[n];
    }
    for (int n = 0; n < lanes; n++)
        st->saturated_weights[at + n] += met[n];
}

/* golden.crossbar.program_rows, and read_rows where `reading`: each row is fetched once. */
INLINE void program_rows(State *st, int s, const int32_t *list, int count, const Numbers *p, int reading) {
    EACH_PART(s, program_part, list, count, p, reading);
}

/* golden.crossbar.read_pairs, the columns: spikes of the layer above add theirs to `backward` below. */
INLINE void read_columns(State *st, int s) {
    number_t *restrict backward = st->backward + PLACE[s];
    for (int i = 0; i < PADDED[s]; i++)
        backward[i] = 0;
    if (st->firing[s + 1] == 0)
        return;
    for (int word = 0; word * 64 < SIZE[s + 1]; word++)
        for (uint64_t bits = spikes_of(st, s + 1, word); bits; bits &= bits - 1) {
            const weight_t *restrict w = row_of(st, s, 0) + 64 * word + __builtin_ctzll(bits);
            for (int i = 0; i < SIZE[s]; i++)
                backward[i] += w[i * PADDED[s + 1]];
        }
}

/* golden.crossbar.read_pairs, the rows: spikes of the layer below add theirs to `forward` above. Where `learn`, no
 * neuron above sends a pulse, and each row is programmed as it is fetched (golden.crossbar.program_pairs). */
INLINE void pair_rows_part(State *st, int s, int c, int lanes, const Numbers *p, int learn) {
    const weight_t low = (weight_t)p->weight_low[s], high = (weight_t)p->weight_high[s];
    const int at = PLACE[s + 1] + c;
    number_t sum[MOST];
    weight_t step[MOST];
    tally_t met[MOST] = {0};
    memcpy(sum, st->forward + at, lanes * sizeof *sum);
    memcpy(step, st->steps_forward + at, lanes * sizeof *step);
    for (int word = 0; word * 64 < SIZE[s]; word++) {
        weight_t *restrict part = row_of(st, s, 64 * word) + c;
        for (uint64_t bits = spikes_of(st, s, word); bits; bits &= bits - 1) {
            weight_t *w = part + (int64_t)__builtin_ctzll(bits) * PADDED[s + 1];
            for (int k = 0; k < lanes; k++) {
                sum[k] += w[k];
                if (learn) {
                    weight_t exact = (weight_t)(w[k] + step[k]);
                    weight_t new = MIN(MAX(exact, low), high);
                    met[k] += new != exact;
                    w[k] = new;
                }
            }
        }
    }
    memcpy(st->forward + at, sum, lanes * sizeof *sum);
    for (int k = 0; learn && k < lanes; k++)
        st->saturated_weights[at + k] += met[k];
}

INLINE void pair_rows(State *st, int s, const Numbers *p, int learn) {
    EACH_PART(s, pair_rows_part, p, learn);
}

/* golden.crossbar.program_pairs: a pulse of i (below) writes the steps of all k above,
 * the pulses of k write the step of i. */
INLINE void program_pairs_part(State *st, int s, int c, int lanes, const Numbers *p) {
    const weight_t low = (weight_t)p->weight_low[s], high = (weight_t)p->weight_high[s];
    const count_t *below = pulses_of(st) + PLACE[s];
    const int at = PLACE[s + 1] + c;
    weight_t *restrict part = row_of(st, s, 0) + c;
    weight_t step[MOST], above[MOST];
    tally_t met[MOST] = {0};
    for (int k = 0; k < lanes; k++) {
        step[k] = st->steps_forward[at + k];
        above[k] = (weight_t)pulses_of(st)[at + k];
    }
    for (int i = 0; i < SIZE[s]; i++) {
        weight_t *w = part + i * PADDED[s + 1];
        const weight_t own = st->steps_backward[PLACE[s] + i], sends = (weight_t)below[i];
        for (int k = 0; k < lanes; k++) {
            weight_t exact = (weight_t)(w[k] + (weight_t)(sends * step[k] + above[k] * own));
            weight_t new = MIN(MAX(exact, low), high);
            met[k] += new != exact;
            w[k] = new;
        }
    }
    for (int k = 0; k < lanes; k++)
        st->saturated_weights[at + k] += met[k];
}

INLINE void program_pairs(State *st, int s, const Numbers *p) {
    EACH_PART(s, program_pairs_part, p);
}

/* Does any neuron of a layer send a programming pulse? */
INLINE int any_pulse(State *st, int layer) {
    if (!SEPARATE)
        return st->firing[layer] != 0;
    count_t any = 0;
    for (int n = 0; n < PADDED[layer]; n++)
        any |= st->pulses[PLACE[layer] + n];
    return any != 0;
}

/* golden.crossbar.pair_operations, of the spikes of the layers below and above */
INLINE int64_t pair_operations(int64_t below, int64_t above, int s) {
    return below * SIZE[s + 1] + above * SIZE[s];
}
