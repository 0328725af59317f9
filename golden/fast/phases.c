/* golden/phases.py: an image's phases, and many images in a row. The library's one entry is `present_all`. */
#include "step.h"

enum { STEPS, SYNOPS, PROGRAMMED, MEMBRANE_SATURATIONS, WEIGHT_SATURATIONS, NUDGED, SKIPPED, IMAGES, SPIKES };
enum { INFER, LEARN, INFER_FIRST_SPIKE }; /* golden/modes.py */

/* golden.phases.present: one image; `result` takes prediction, first output to spike or -1, its step or -1, nudged. */
static void present(State *st, const Job *job, const pixel_t *pixels, int label, uint32_t key, int64_t *result) {
    const Numbers *p = job->numbers;
    const int free_steps = (int)p->free_steps;
    reset(st, p, pixels, key);
    job->counters[IMAGES]++;
    uint32_t word = image_word(key);
    const int sign = p->random_sign && (word & 1) ? -1 : 1;
    int prediction = 0, first = -1, first_step = -1, nudged = 0, end = free_steps, t = 0;
    while (t < end) {
        word = xorshift32(word);
        const Moment moment = {t, sign, word};
        synapse_pass(st, t > free_steps, job, moment);
        neuron_update(st, p, moment, label, t >= free_steps);
        if (first < 0) {
            first = first_spike(st);
            if (first >= 0) {
                first_step = t;
                if (job->mode == INFER_FIRST_SPIKE)
                    end = t + 1;
            }
        }
        t++;
        if (t == end && !nudged) {
            count_window(st, p, end);
            for (int k = 0; k < SIZE[OUTPUTS_LAYER]; k++)
                job->free_counts[k] = st->counts[k];
            prediction = highest(st);
            if (job->mode == LEARN) {
                nudged = !within_tolerance(st, p, label);
                job->counters[nudged ? NUDGED : SKIPPED]++;
                end = nudged ? free_steps + (int)p->nudge_steps : end;
            }
        }
    }
    st->steps += t;
#if IMAGE_END
    if (nudged) {
        const Moment moment = {t, sign, xorshift32(word)};
#define SWEEP(s) sweep_layer(st, s, job, moment);
        EACH_MATRIX(SWEEP)
#undef SWEEP
    }
#endif
    result[0] = prediction, result[1] = first, result[2] = first_step, result[3] = nudged;
}

/* What is in golden's arrays into this program's, and back. */
static void copy_layer(State *st, const Job *job, int s, int back) {
    for (int i = 0; i <= SIZE[s]; i++)
        for (int n = 0; n < SIZE[s + 1]; n++) {
            const int64_t there = golden_row(s, i) + n, here = MATRIX[s] + (int64_t)i * PADDED[s + 1] + n;
            if (back)
                job->weights[there] = (golden_t)st->weights[here];
            else
                st->weights[here] = (weight_t)job->weights[there];
#if GATHERS
            if (back)
                job->accumulators[there] = (golden_t)st->accumulators[here];
            else
                st->accumulators[here] = (number_t)job->accumulators[there];
#endif
        }
}

static void copy_neurons(State *st, const Job *job) {
    for (int n = 0; n < INPUTS; n++)
        st->input_place[n] = spread(NUMBER[0] + n);
    for (int layer = 1; layer < LAYERS; layer++)
        for (int n = 0; n < PADDED[layer]; n++) {
            const int at = PLACE[layer] + n, there = layer * COLUMNS + n;
            st->threshold[at] = (number_t)job->threshold[there];
            st->place[at] = spread(NUMBER[layer] + n);
            st->key[at] = (uint32_t)job->key[there];
            st->rotation[at] = (uint32_t)(ROTATE_NEURON * n + ROTATE_LAYER * layer);
        }
}

static void add_counters(State *st, const Job *job) {
    for (int n = 0; n < TOTAL; n++) {
        st->membrane_saturations += st->saturated[n];
        st->weight_saturations += st->saturated_weights[n];
        st->saturated[n] = st->saturated_weights[n] = 0;
    }
    job->counters[STEPS] += st->steps;
    job->counters[SYNOPS] += st->synops;
    job->counters[MEMBRANE_SATURATIONS] += st->membrane_saturations;
    job->counters[WEIGHT_SATURATIONS] += st->weight_saturations;
    st->steps = st->synops = st->membrane_saturations = st->weight_saturations = 0;
    for (int layer = 0; layer < LAYERS; layer++) {
        job->counters[SPIKES + layer] += st->fired_in[layer];
        st->fired_in[layer] = 0;
    }
    for (int s = 0; s < LAYERS - 1; s++) {
        job->counters[PROGRAMMED] += st->programmed[s];
        job->counters[SPIKES + LAYERS + s] += st->programmed[s];
        st->programmed[s] = 0;
    }
}

/* Zeroed memory, aligned; NULL where there is none. */
static void *room(size_t bytes) {
    size_t whole = (bytes + HOLD - 1) / HOLD * HOLD;
    void *place = aligned_alloc(HOLD, whole ? whole : HOLD);
    return place ? memset(place, 0, whole) : NULL;
}

/* golden.phases.present_all. Returns 0, or 1 where memory is short: then nothing has happened. */
int present_all(Job *job) {
    const Numbers *p = job->numbers;
    State *st = room(sizeof *st);
    count_t *history = room(sizeof *history * TOTAL * (size_t)(p->depth + p->free_steps + p->nudge_steps));
    weight_t *weights = room(sizeof *weights * SYNAPSES);
    number_t *accumulators = room(sizeof *accumulators * (GATHERS ? SYNAPSES : 0));
    const int failed = !st || !history || !weights || !accumulators;
    if (!failed) {
        st->history = history, st->weights = weights, st->accumulators = accumulators;
        copy_neurons(st, job);
        for (int s = 0; s < LAYERS - 1; s++)
            copy_layer(st, job, s, 0);
        for (int64_t i = 0; i < job->count; i++) {
            const pixel_t *pixels = job->images + i * INPUTS;
            present(st, job, pixels, (int)job->labels[i], (uint32_t)job->stream_key, job->results + 4 * i);
            add_counters(st, job);
            if (job->mode == LEARN)
                job->stream_key = (uint32_t)job->stream_key + WEYL;
        }
        if (job->mode == LEARN)
            for (int s = 0; s < LAYERS - 1; s++)
                copy_layer(st, job, s, 1);
    }
    free(st), free(history), free(weights), free(accumulators);
    return failed;
}
