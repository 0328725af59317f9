/* Masks: one bit for each of 64 lanes. With AVX-512 a comparison makes them; else a multiplication packs bytes. */
#pragma once
#include "number.h"

#if defined(__AVX512BW__)
#include <immintrin.h>
#endif

/* One bit for each of 64 bytes that are 0 or 1. */
INLINE uint64_t bits_of_bytes(const uint8_t *bytes) {
    uint64_t bits = 0, eight;
    for (int part = 0; part < 8; part++) {
        memcpy(&eight, bytes + 8 * part, 8);
        bits |= ((eight * 0x0102040810204080u) >> 56) << (8 * part); /* this moves one bit a byte to the top */
    }
    return bits;
}

/* One bit for each of the first `count` (a multiple of LANES, at most 64) spikes of a row. */
INLINE uint64_t bits_of_spikes(const count_t *restrict row, int count) {
#if defined(__AVX512BW__) && COUNT_BITS >= 32
    uint64_t bits = 0;
    for (int n = 0; n < count; n += 512 / COUNT_BITS) {
        const __m512i lanes = _mm512_loadu_si512(row + n);
        const uint64_t narrow = _mm512_test_epi32_mask(lanes, lanes), wide = _mm512_test_epi64_mask(lanes, lanes);
        bits |= (COUNT_BITS == 32 ? narrow : wide) << n;
    }
    return bits;
#else
    uint8_t bytes[64] = {0};
    for (int n = 0; n < count; n++)
        bytes[n] = (uint8_t)row[n];
    return bits_of_bytes(bytes);
#endif
}

/* 64 input neurons take one step: their membranes grow by the pixels, and fall by the threshold where they exceed it.
 * Returns one bit for each that fired. */
INLINE uint64_t drive_64(input_t *restrict membrane, const input_t *restrict pixel, input_t threshold) {
#if defined(__AVX512BW__) && INPUT_BITS == 16
    uint64_t bits = 0;
    const __m512i high = _mm512_set1_epi16(threshold);
    for (int n = 0; n < 64; n += 32) {
        const __m512i u = _mm512_add_epi16(_mm512_loadu_si512(membrane + n), _mm512_loadu_si512(pixel + n));
        const __mmask32 spikes = _mm512_cmpgt_epi16_mask(u, high);
        _mm512_storeu_si512(membrane + n, _mm512_mask_sub_epi16(u, spikes, u, high));
        bits |= (uint64_t)spikes << n;
    }
    return bits;
#else
    uint8_t bytes[64];
    for (int n = 0; n < 64; n++) {
        const input_t u = (input_t)(membrane[n] + pixel[n]);
        const int spike = u > threshold;
        membrane[n] = (input_t)(spike ? u - threshold : u);
        bytes[n] = (uint8_t)spike;
    }
    return bits_of_bytes(bytes);
#endif
}

/* Appends to `list`, which has `count` entries and room for 64 more, the entries of `items` whose bit is set.
 * Returns how many entries it has. */
INLINE int append(int32_t *list, int count, uint64_t bits, const int32_t *items) {
#if defined(__AVX512F__)
    for (int n = 0; n < 64; n += 16) {
        const __mmask16 chosen = (__mmask16)(bits >> n);
        _mm512_storeu_si512(list + count, _mm512_maskz_compress_epi32(chosen, _mm512_loadu_si512(items + n)));
        count += __builtin_popcount(chosen);
    }
#else
    for (; bits; bits &= bits - 1)
        list[count++] = items[__builtin_ctzll(bits)];
#endif
    return count;
}
