// Fields of the circuit's ports in words of 32 bits, the lowest first. A field is [offset, width, signed], at most 32 bits.
"use strict";

const bits = (() => {
  // The field of the port whose words begin at `base`.
  function get(words, base, [offset, width, signed]) {
    if (!width) return 0;
    const at = base + (offset >>> 5), shift = offset & 31;
    let value = words[at] >>> shift;
    if (shift + width > 32) value |= words[at + 1] << (32 - shift);
    const spare = 32 - width;
    return signed ? (value << spare) >> spare : (value << spare) >>> spare;
  }

  // Or a value, cut to the field's width, into words that are 0 there.
  function put(words, base, [offset, width], value) {
    if (!width) return;
    const at = base + (offset >>> 5), shift = offset & 31;
    const cut = width === 32 ? value >>> 0 : (value & ((1 << width) - 1)) >>> 0;
    words[at] |= cut << shift;
    if (shift + width > 32) words[at + 1] |= cut >>> (32 - shift);
  }

  // The field a number of places of `stride` bits further.
  const further = ([offset, width, signed], stride, places) => [offset + stride * places, width, signed];

  return { get, put, further };
})();

if (typeof module !== "undefined") module.exports = bits;
