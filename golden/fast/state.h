/* golden/state.py, golden/phases.py (Chip): what one image changes, and what the host hands over.
 *
 * All neurons but the inputs stand in one row of TOTAL places: neuron n of layer l at PLACE[l] + n, each layer rounded
 * up to whole vectors of LANES. Neurons that do not exist have no weights and stay silent.
 */
#pragma once
#include "bits.h"
#include "draw.h"

enum { HOLD = 64 }; /* bytes that arrays are aligned to */
#define ALIGNED __attribute__((aligned(HOLD)))

static const int SIZE[LAYERS] = SIZES;     /* neurons of a layer, inputs first */
static const int PADDED[LAYERS] = PADDEDS; /* the same in whole vectors */
static const int PLACE[LAYERS] = PLACES;   /* first place in rows of TOTAL; the inputs have none */
static const int NUMBER[LAYERS] = NUMBERS; /* first neuron's number among all, for draws */
static const int MATRIX[LAYERS - 1] = MATRICES;   /* first weight of each layer of synapses */
static const int BASE[LAYERS - 1] = BASES;        /* first row of it in golden's array */
static const int ROUNDING[LAYERS - 1] = ROUNDINGS;
static const int OWN_DRAWS[LAYERS - 1] = OWN_DRAW; /* one draw a synapse */

/* What the host hands over: golden's arrays, whose rows have COLUMNS places; `numbers` are golden.parameters. */
typedef struct {
    const pixel_t *images; /* (images, INPUTS) */
    const int64_t *labels;
    int64_t *results;      /* (images, 4) */
    int64_t *free_counts;  /* (outputs,) */
    int64_t *counters;
    golden_t *weights, *accumulators;
    const golden_volt_t *slope_up, *slope_down, *offset_up, *offset_down;
    const int8_t *stuck;
    const int64_t *key; /* (layers, COLUMNS): column keys of the neurons */
    const golden_volt_t *threshold; /* (layers, COLUMNS): of the neurons, for fixed point as int64 */
    const Numbers *numbers;
    int64_t count, mode, stream_key;
} Job;

typedef struct {
    /* Input neurons whose pixel is not 0; the others never fire. `driven` of them, the rest of the arrays idle. */
    input_t ALIGNED pixel[DRIVEN], input_membrane[DRIVEN];
    int32_t ALIGNED row[DRIVEN]; /* which input it is */
    int driven;
    int fired, pulsed; /* entries of the two lists: inputs that fired, inputs that send a programming pulse */
    int32_t fired_list[DRIVEN + 64], pulse_list[DRIVEN + 64]; /* and the bias; `append` takes room */
    int signal_step;             /* the step up to which signals are computed (step.h: catch_up) */
    int32_t input_pulse_count[INPUTS], input_count[INPUTS]; /* the latter: spikes of the nudge phase, for image_end */
    uint8_t sends[INPUTS + 1];

    number_t ALIGNED membrane[TOTAL], threshold[TOTAL], integrator[TOTAL], emitted[TOTAL];
    number_t ALIGNED forward[TOTAL], backward[TOTAL], current[TOTAL];
    count_t ALIGNED refractory[TOTAL], filtered[TOTAL], pulses[TOTAL], pulse_count[TOTAL];
    count_t ALIGNED saturated[TOTAL], saturated_weights[TOTAL], spike_count[TOTAL];
    number_t ALIGNED rate_sum[TOTAL];
    weight_t ALIGNED steps_forward[TOTAL], steps_backward[TOTAL];
    uint32_t ALIGNED column_word[TOTAL], column_noise[TOTAL]; /* words of two-way columns in this step */
    uint32_t ALIGNED rotation[TOTAL]; /* how far each neuron rotates the step's word */
    count_t ALIGNED counts[LAST];     /* spikes of the outputs in the window, once the free phase is over */
    uint64_t mask[WORDS];             /* spikes of the last step, one bit a place */
    int firing[LAYERS];               /* how many that are, of each layer */
    uint32_t key[TOTAL];              /* column keys of the neurons */
    uint32_t input_place[INPUTS + 1], place[TOTAL + 1]; /* golden.draw.spread of all neurons' numbers, for draws */

    int64_t synops, membrane_saturations, weight_saturations, steps, fired_in[LAYERS], programmed[LAYERS - 1];
    count_t *history; /* (depth + steps, TOTAL) spikes: row depth + t is step t; the first `depth` rows stay 0 */
    count_t *spikes;  /* the row of the last step */
    weight_t *weights;
    number_t *accumulators;
} State;

/* One step of an image: golden.state.Moment. */
typedef struct {
    int t, sign;
    uint32_t word;
} Moment;

/* The spikes of step t; before the image there were none. */
INLINE count_t *history_row(const State *st, const Numbers *p, int t) {
    return st->history + ((int64_t)p->depth + t) * TOTAL;
}

/* The next word of a layer's spikes: neurons 64 `word` to 64 `word` + 63. */
INLINE uint64_t spikes_of(const State *st, int layer, int word) {
    int from = PLACE[layer] / 64 + word, shift = PLACE[layer] % 64;
    uint64_t bits = st->mask[from] >> shift;
    if (shift && from + 1 < WORDS)
        bits |= st->mask[from + 1] << (64 - shift);
    int left = SIZE[layer] - 64 * word;
    return left >= 64 ? bits : bits & (((uint64_t)1 << left) - 1);
}

/* golden.synapses.synapses_of: how layer s of synapses is programmed. */
INLINE Programming programming_of(const Numbers *p, int s) {
    return (Programming){
        (product_t)p->step_factor[s], (gain_t)p->step_gain[s], (int)p->step_shift[s], ROUNDING[s],
        (number_t)p->weight_low[s], (number_t)p->weight_high[s], (number_t)p->full[s], (number_t)p->least[s],
        (number_t)p->pulse[s], (int)p->write_shift[s],
    };
}
