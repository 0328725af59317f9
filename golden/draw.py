"""The seeded generator, the draws of neurons and synapses, and the hashes that tell devices apart.

All words are 32 bits. One image has one stream key; every step of it has a word, from which all draws of the step are
wired (`neuron_draw`) or hashed (`row_word`, `mix`): no draw depends on the order in which neurons are served. The
circuit of the same names is `rtl.draw`.
"""

from __future__ import annotations

import numpy as np

from eqspike.golden.kernel import kernel

MASK32 = 0xFFFFFFFF
"""A word of ones."""
WEYL = 0x9E3779B9
"""Odd constant near 2^32 / golden ratio: the stream key advances by it for each image learned."""
WARM_UP = 8
"""Rounds of the generator between an image's key and its first draw."""
ROTATE_NEURON = 11
ROTATE_LAYER = 7
"""Neuron n of layer l draws from the step's word rotated right by 11 n + 7 l: any neuron's bits are wiring, not
arithmetic, and depend on neither arrival order nor the number of lanes."""


def seed_word(seed: int) -> int:
    """A well-mixed 32-bit word from a user's seed (so that seeds 0, 1, 2 give unrelated draws)."""
    return int(np.random.SeedSequence(seed).generate_state(1, np.uint32)[0])


@kernel
def xorshift32(word):
    """One round of xorshift (13, 17, 5) on a 32-bit word; never maps a non-zero word to zero."""
    word ^= (word << 13) & MASK32
    word ^= word >> 17
    word ^= (word << 5) & MASK32
    return word


@kernel
def next_key(key, images=1):
    """The stream key after so many more images were learned, `key` being that of the first of them."""
    return (key + images * WEYL) & MASK32


@kernel
def image_word(key):
    """The generator's word at the start of the image with this stream key: `WARM_UP` rounds from the key."""
    word = key
    if word == 0:
        word = MASK32
    for _ in range(WARM_UP):
        word = xorshift32(word)
    return word


@kernel
def first_phase(key, threshold):
    """input.phase random: where input neuron 0 begins the image with this stream key, 0 to `threshold` - 1. Keys of
    images that follow each other lie far apart."""
    return ((key >> 16) * threshold) >> 16


@kernel
def rotate_right(word, amount):
    """A 32-bit word rotated right by `amount` mod 32."""
    amount &= 31
    return ((word >> amount) | (word << (32 - amount))) & MASK32


@kernel
def neuron_draw(word, layer, neuron, shift):
    """The `shift`-bit draw of a neuron from the step's word."""
    return rotate_right(word, ROTATE_NEURON * neuron + ROTATE_LAYER * layer) & ((1 << shift) - 1)


@kernel
def row_word(word, row):
    """The word of one row (or column) of synapses in a step, for draws per synapse; `row` is its neuron's number."""
    return xorshift32(word ^ ((row * WEYL) & MASK32))


# Draws that must differ from neuron to neuron and from device to device, not only on average: a hash made of
# substitution and permutation, as block ciphers are. A round is one 4-input table a bit, and wires: on an FPGA 32 LUTs.

SUBSTITUTION = (12, 5, 6, 11, 9, 0, 10, 13, 3, 14, 15, 8, 4, 7, 1, 2)
"""The 4-bit S-box of the cipher PRESENT (Bogdanov et al. 2007)."""
PERMUTATION = tuple(8 * bit % 31 if bit < 31 else 31 for bit in range(32))
"""Bit i moves to PERMUTATION[i]: the four bits of a nibble go to four nibbles."""
MIX_ROUNDS = 4
PULSE_KEY, NOISE_KEY, COLUMN_KEY, COLLISION_KEY = 0x7F4A7C15, 0x2545F491, 0x5851F42D, 0x14057B7E
"""They tell apart the purposes for which one word is mixed: programming decisions, write noise, a column's key, whether
pulses collide."""


def _round_tables() -> np.ndarray:
    tables = np.zeros((4, 256), np.int64)
    for byte in range(4):
        for value in range(256):
            substituted = SUBSTITUTION[value & 15] | SUBSTITUTION[value >> 4] << 4
            bits = (((substituted >> i) & 1) << PERMUTATION[8 * byte + i] for i in range(8))
            tables[byte, value] = sum(bits)
    return tables


_TABLES = _round_tables()
"""What each byte of a word contributes to the next round's word."""


@kernel
def mix(word):
    """`MIX_ROUNDS` rounds of substitution and permutation: a bijection of 32-bit words."""
    for _ in range(MIX_ROUNDS):
        word = (
            _TABLES[0, word & 255]
            ^ _TABLES[1, (word >> 8) & 255]
            ^ _TABLES[2, (word >> 16) & 255]
            ^ _TABLES[3, (word >> 24) & 255]
        )
    return word


@kernel
def spread(number):
    """The 16 bits of a number, one in each nibble and then a second one, where `mix` takes them apart fastest."""
    word = 0
    for bit in range(16):
        word |= ((number >> bit) & 1) << (4 * (bit & 7) + (bit >> 3))
    return word


@kernel
def sends_pulse(word, number, threshold):
    """Does neuron `number`, which fired, send a programming pulse? With probability `threshold` / 2^16."""
    return mix(word ^ PULSE_KEY ^ spread(number)) >> 16 < threshold


@kernel
def collides(word, number, threshold):
    """A-EqSpike: does the pulse of neuron `number` really meet those of its step? With probability threshold / 2^16."""
    return mix(word ^ COLLISION_KEY ^ spread(number)) >> 16 < threshold


@kernel
def noise_row(word, number):
    """The word of a row (or column) in a step from which its devices draw write noise."""
    return mix(word ^ NOISE_KEY ^ spread(number))


@kernel
def column_key(number):
    """What tells the devices of one row apart: the key of the neuron on the other side."""
    return mix(COLUMN_KEY ^ spread(number))


NOISE_DEVIATION = ((256**2 - 1) / 3) ** 0.5
"""Standard deviation of `noise_of`: the sum of four independent bytes."""
DEVIATE_DEVIATION = ((16**2 - 1) / 3) ** 0.5
DEVIATE_LIMIT = 30
"""Standard deviation and greatest value of `deviate_of`: the sum of four independent nibbles."""


@kernel
def noise_of(word):
    """A nearly normal integer of mean 0 from the four bytes of a word: -510..510."""
    return (word & 255) + ((word >> 8) & 255) + ((word >> 16) & 255) + (word >> 24) - 510


@kernel
def deviate_of(word, half):
    """A nearly normal integer of mean 0 from the nibbles of the lower (half 0) or upper (1) half: -30..30."""
    word = (word >> (16 * half)) & 0xFFFF
    return (word & 15) + ((word >> 4) & 15) + ((word >> 8) & 15) + (word >> 12) - DEVIATE_LIMIT
