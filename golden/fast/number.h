/* golden/number.py, golden/kernel.py: numbers and their rounding. Fixed point where REAL is 0, else real numbers.
 *
 * Types are chosen by bounds.py, which proves that no sum or product of this config leaves them:
 *   weight_t   a weight, and a weight's step
 *   number_t   what golden keeps in an array of its own type: membranes, currents, signals, sums, accumulators
 *   product_t  a signal times factor and learning rate, before it is rounded
 *   volt_t     what a device with faults computes with: 64 bits, as in golden
 *   count_t    integers beside number_t, of the same width, so that both fill a vector alike
 *   input_t    pixels and input neurons' membranes
 */
#pragma once
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shape.h"

#define INLINE static inline __attribute__((always_inline))

enum { TRUNCATE, NEAREST, STOCHASTIC };

/* As numba's min and max decide, zeros of both signs included. */
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define MIN(a, b) ((a) < (b) ? (a) : (b))

/* golden.number.leak_down: x minus its leak, rounded down; a leak of -1: none. */
INLINE number_t leak_down(number_t x, leak_t leak) {
#if REAL
    return x - x * leak;
#else
    return x - (x >> leak);
#endif
}

/* golden.number.leak_to_zero: the leak is rounded toward zero. `ones` is 2^leak - 1. */
INLINE number_t leak_to_zero(number_t x, leak_t leak, number_t ones) {
#if REAL
    return x - x * leak;
#else
    return x - ((x + (x < 0 ? ones : 0)) >> leak);
#endif
}

/* golden.number.scale: fixed point by a left shift, real numbers by a factor. */
INLINE number_t scale(number_t count, gain_t gain) {
#if REAL
    return count * gain;
#else
    return (number_t)(count << gain);
#endif
}

#if !REAL
/* golden.number.rounded: x / 2^shift. */
#define ROUNDED(name, type)                                                      \
    INLINE type name(type x, int shift, int rounding, type draw) {               \
        if (rounding == TRUNCATE)                                                \
            draw = x < 0 ? ((type)1 << shift) - 1 : 0;                           \
        else if (rounding == NEAREST)                                            \
            draw = (((type)1 << shift) >> 1) - (shift > 0 && x < 0 ? 1 : 0);     \
        return (x + draw) >> shift;                                              \
    }
ROUNDED(rounded, product_t)
ROUNDED(rounded_volts, volt_t)
#endif

/* How the synapses of one layer are programmed: golden.synapses.Programming, in this program's types. */
typedef struct {
    product_t factor;
    gain_t gain;
    int shift, rounding;
    number_t low, high, full, least, pulse;
    int write_shift;
} Programming;

/* golden.number.weight_step: the step of the signal v. */
INLINE number_t weight_step(number_t v, Programming p, uint32_t draw) {
#if REAL
    return v * p.gain;
#else
    return (number_t)rounded((product_t)(((product_t)v * p.factor) << p.gain), p.shift, p.rounding, (product_t)draw);
#endif
}
