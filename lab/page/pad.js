// A drawing as an image of the chip, the same as golden/pad.py to the byte: all is computed in integers.
// In a browser it is the global `pad`; in node, what require gives.
"use strict";

const pad = (() => {
  const SIDE = 128, RADIUS = 6, WHITE = 255, CELLS = 8, FULL = 16;
  const WIDTH = SIDE + 2 * RADIUS; // of the picture: the margin holds the pen's width at the pad's edge

  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

  // No ink: rows of WIDTH pixels, one after the other.
  const empty = () => new Uint8Array(WIDTH * WIDTH);

  // Ink wherever a pixel's centre is at most RADIUS from the line between two points of the pad, [x, y] in 0..SIDE - 1;
  // points beyond are taken to its edge.
  function line(ink, from, to) {
    const [x0, y0, x1, y1] = [...from, ...to].map((v) => clamp(Math.trunc(v), 0, SIDE - 1) + RADIUS);
    const dx = x1 - x0, dy = y1 - y0, length = dx * dx + dy * dy, reach = RADIUS * RADIUS;
    for (let y = Math.min(y0, y1) - RADIUS; y <= Math.max(y0, y1) + RADIUS; y++) {
      for (let x = Math.min(x0, x1) - RADIUS; x <= Math.max(x0, x1) + RADIUS; x++) {
        const ax = x - x0, ay = y - y0, along = ax * dx + ay * dy, across = ax * dy - ay * dx;
        const near = along <= 0 ? ax * ax + ay * ay <= reach
          : along >= length ? (x - x1) ** 2 + (y - y1) ** 2 <= reach
          : across * across <= reach * length;
        if (near) ink[y * WIDTH + x] = WHITE;
      }
    }
  }

  // Strokes, each a list of points, as ink.
  function picture(strokes) {
    const ink = empty();
    for (const points of strokes) {
      for (let i = 0; i < points.length; i++) {
        if (i > 0 || points.length === 1) line(ink, points[Math.max(i - 1, 0)], points[i]);
      }
    }
    return ink;
  }

  // Where the cells begin along one axis, in units of 1 / CELLS of a pixel: `side` pixels around the centre of mass, moved
  // as little as keeps all of the drawing inside.
  function begin(mass, side) {
    let total = 0, moment = 0;
    mass.forEach((value, place) => { total += value; moment += value * place; });
    const centre = Math.floor((CELLS * (2 * moment + total) + total) / (2 * total));
    return Math.min(Math.max(centre - (CELLS / 2) * side, CELLS * (mass.length - side)), 0);
  }

  // Ink 0..WHITE, rows of `width` pixels, as an image: CELLS * CELLS integers 0..FULL, each the part of a cell that is
  // ink, to the nearest. Nothing drawn gives zeros.
  function reduced(ink, width = WIDTH) {
    let top = Infinity, bottom = -1, left = Infinity, right = -1;
    for (let i = 0; i < ink.length; i++) {
      if (!ink[i]) continue;
      const y = Math.floor(i / width), x = i % width;
      top = Math.min(top, y), bottom = Math.max(bottom, y), left = Math.min(left, x), right = Math.max(right, x);
    }
    const image = new Uint8Array(CELLS * CELLS);
    if (bottom < 0) return image;
    const rows = bottom - top + 1, columns = right - left + 1, side = Math.max(rows, columns);
    const at = (y, x) => ink[(top + y) * width + left + x];
    const across = new Array(columns).fill(0), down = new Array(rows).fill(0);
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++) across[x] += at(y, x), down[y] += at(y, x);
    }
    const x0 = begin(across, side), y0 = begin(down, side), sums = new Array(CELLS * CELLS).fill(0);
    // The first cell that a pixel touches, and how much of it and of the next ones it covers.
    const covers = (pixel, start) => {
      const found = [], low = CELLS * pixel - start;
      for (let cell = Math.floor(low / side); cell < CELLS && cell * side < low + CELLS; cell++) {
        found.push([cell, Math.min((cell + 1) * side, low + CELLS) - Math.max(cell * side, low)]);
      }
      return found;
    };
    for (let y = 0; y < rows; y++) {
      for (const [row, height] of covers(y, y0)) {
        for (let x = 0; x < columns; x++) {
          if (at(y, x)) {
            for (const [column, part] of covers(x, x0)) sums[CELLS * row + column] += at(y, x) * height * part;
          }
        }
      }
    }
    const full = side * side * WHITE;
    return image.map((_, cell) => Math.floor((2 * FULL * sums[cell] + full) / (2 * full)));
  }

  return { SIDE, RADIUS, WIDTH, CELLS, FULL, empty, line, picture, reduced };
})();

if (typeof module !== "undefined") module.exports = pad;
