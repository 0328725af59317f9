/* golden/device.py: the memristor of a synapse, its faults, and what a programming pulse does to it. */
#pragma once
#include "state.h"

/* What one device is asked for: the draw for rounding its change, and the word that write noise is hashed from. */
typedef struct {
    uint32_t draw, noise;
} Draws;

#if !ALIKE
/* golden.device.half_volts: rho-bar as x of eq 3.5, before thresholds */
INLINE volt_t half_volts(number_t v, Programming g) {
#if REAL
    return v * g.gain;
#else
    return (volt_t)(((uint64_t)((volt_t)v * g.factor)) << g.gain);
#endif
}

/* golden.device.curve_factor, combine: the slope at the conductance of `weight`; `half` 0 is up, 1 down */
INLINE volt_t curved_slope(volt_t slope, weight_t weight, number_t low, const Numbers *p, int s, int half) {
    if (!CURVED)
        return slope;
#if REAL
    number_t g = (weight - low) / (-2 * low);
    return slope * exp(p->exponents[2 * s + half][0] + p->exponents[2 * s + half][1] * g);
#else
    volt_t factor = p->curve[2 * s + half][(weight - low) >> p->curve_shift[s]];
    return (slope * factor + (1 << (FACTOR_BITS - 1))) >> FACTOR_BITS;
#endif
}

#if REAL
/* golden.device._to_states: real numbers with a limited number of states */
INLINE number_t to_states(number_t exact, number_t low, number_t quantum, Programming g, uint32_t draw,
                          number_t change) {
    number_t states = (exact - low) / quantum;
    if (g.rounding == STOCHASTIC)
        return low + quantum * floor(states + draw / (number_t)(1 << g.write_shift));
    if (change < 0)
        return low + quantum * ceil(states - (g.rounding == TRUNCATE ? 0.0 : 0.5));
    return low + quantum * floor(states + (g.rounding == TRUNCATE ? 0.0 : 0.5));
}
#endif

/* golden.device.moved: before saturation */
INLINE number_t moved(weight_t weight, volt_t change, const Numbers *p, int s, Programming g, uint32_t draw) {
#if REAL
    number_t exact = weight + change;
    return QUANTUM ? to_states(exact, g.low, p->quantum[s], g, draw, change) : exact;
#else
    volt_t exact = (volt_t)weight + rounded_volts(change, g.write_shift, g.rounding, (volt_t)draw);
    /* Far beyond a bound is beyond it: so it fits. */
    return (number_t)MIN(MAX(exact, (volt_t)g.low - 1), (volt_t)g.high + 1);
#endif
}

/* golden.device.write: the device at `weight`, which is number `at` of golden's array, takes what both halves of the
 * pulses left over its thresholds. Returns 1 if it met a bound, else 0. */
INLINE int write_device(weight_t *weight, int64_t at, volt_t up, volt_t down, Draws draws, const Job *job, int s,
                        Programming g) {
    const Numbers *p = job->numbers;
    if (job->stuck[at])
        return 0;
    volt_t slope_up = curved_slope(job->slope_up[at], *weight, g.low, p, s, 0);
    volt_t slope_down = curved_slope(job->slope_down[at], *weight, g.low, p, s, 1);
    volt_t change = up * slope_up + down * slope_down;
    if (NOISY)
        change += noise_of(mix(draws.noise)) * (volt_t)p->noise[s];
    number_t exact = moved(*weight, change, p, s, g, draws.draw);
    number_t new = MIN(MAX(exact, g.low), g.high);
    *weight = (weight_t)new;
    return new != exact;
}
#endif
