/* golden/draw.py: the seeded generator, draws of neurons and synapses, hashes. All words are 32 bits.
 * WEYL, the keys, WARM_UP, MIX_ROUNDS, ROTATE_... and TABLES stand in shape.h, written from there. */
#pragma once
#include "number.h"

/* golden.draw.xorshift32 */
INLINE uint32_t xorshift32(uint32_t word) {
    word ^= word << 13;
    word ^= word >> 17;
    word ^= word << 5;
    return word;
}

/* golden.draw.image_word */
INLINE uint32_t image_word(uint32_t key) {
    uint32_t word = key ? key : 0xFFFFFFFFu;
    for (int i = 0; i < WARM_UP; i++)
        word = xorshift32(word);
    return word;
}

/* golden.draw.rotate_right */
INLINE uint32_t rotate_right(uint32_t word, uint32_t amount) {
    return (word >> (amount & 31)) | (word << (-amount & 31));
}

/* The low `bits` (0 to 32) of a word. */
INLINE uint32_t low_bits(int bits) {
    return bits >= 32 ? 0xFFFFFFFFu : (1u << bits) - 1;
}

/* golden.draw.neuron_draw, before its low bits are taken */
INLINE uint32_t neuron_word(uint32_t word, int layer, int neuron) {
    return rotate_right(word, (uint32_t)(ROTATE_NEURON * neuron + ROTATE_LAYER * layer));
}

/* golden.draw.row_word */
INLINE uint32_t row_word(uint32_t word, int row) {
    return xorshift32(word ^ ((uint32_t)row * WEYL));
}

/* golden.draw.mix */
INLINE uint32_t mix(uint32_t word) {
    for (int round = 0; round < MIX_ROUNDS; round++)
        word = TABLES[0][word & 255] ^ TABLES[1][(word >> 8) & 255] ^ TABLES[2][(word >> 16) & 255] ^
               TABLES[3][word >> 24];
    return word;
}

/* golden.draw.spread */
INLINE uint32_t spread(int number) {
    uint32_t word = 0;
    for (int bit = 0; bit < 16; bit++)
        word |= (uint32_t)((number >> bit) & 1) << (4 * (bit & 7) + (bit >> 3));
    return word;
}

/* golden.draw.sends_pulse, of the neuron whose number is spread out in `place` */
INLINE int sends_pulse(uint32_t word, uint32_t place, int64_t threshold) {
    return (int64_t)(mix(word ^ PULSE_KEY ^ place) >> 16) < threshold;
}

/* golden.draw.collides */
INLINE int collides(uint32_t word, int number, int64_t threshold) {
    return (int64_t)(mix(word ^ COLLISION_KEY ^ spread(number)) >> 16) < threshold;
}

/* golden.draw.noise_row */
INLINE uint32_t noise_row(uint32_t word, int number) {
    return mix(word ^ NOISE_KEY ^ spread(number));
}

/* golden.draw.noise_of */
INLINE int32_t noise_of(uint32_t word) {
    return (int32_t)((word & 255) + ((word >> 8) & 255) + ((word >> 16) & 255) + (word >> 24)) - 510;
}
