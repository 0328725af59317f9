// A drawing as MNIST has its digits, for chips with more inputs than the pad's 8 x 8 cells: fitted into 20 of 28 pixels, its
// centre of mass in the image's middle, each pixel the part of it that is ink.
"use strict";

const centred = (() => {
  const BOX = 20 / 28;

  // Ink's bounds, and its centre of mass from their corner on, so that the same drawing elsewhere gives the same numbers;
  // null where nothing is drawn.
  function extent(ink, width) {
    let top = Infinity, bottom = -1, left = Infinity, right = -1, mass = 0, x = 0, y = 0;
    ink.forEach((value, i) => {
      if (!value) return;
      const row = Math.floor(i / width), column = i % width;
      top = Math.min(top, row), bottom = Math.max(bottom, row), left = Math.min(left, column), right = Math.max(right, column);
      mass += value, x += value * (column + 0.5), y += value * (row + 0.5);
    });
    if (!mass) return null;
    return { left, top, size: Math.max(bottom - top + 1, right - left + 1), x: (x - left * mass) / mass, y: (y - top * mass) / mass };
  }

  // The part of [from, to] that lies in the pixel of that number.
  const covered = (from, to, pixel) => Math.max(0, Math.min(to, pixel + 1) - Math.max(from, pixel));

  // `side` * `side` integers 0..white.
  function image(ink, width, side, white) {
    const found = extent(ink, width), sums = new Float64Array(side * side);
    if (!found) return new Uint16Array(side * side);
    const scale = BOX * side / found.size, middle = side / 2, full = Math.max(...new Set(ink));
    ink.forEach((value, i) => {
      if (!value) return;
      const left = (i % width - found.left - found.x) * scale + middle;
      const top = (Math.floor(i / width) - found.top - found.y) * scale + middle;
      for (let y = Math.max(0, Math.floor(top)); y < Math.min(side, top + scale); y++) {
        const high = covered(top, top + scale, y);
        for (let x = Math.max(0, Math.floor(left)); x < Math.min(side, left + scale); x++) {
          sums[side * y + x] += value / full * high * covered(left, left + scale, x);
        }
      }
    });
    return Uint16Array.from(sums, (part) => Math.round(white * Math.min(1, part)));
  }

  return { image };
})();

if (typeof module !== "undefined") module.exports = centred;
