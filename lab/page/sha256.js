// SHA-256 (FIPS 180-4) of bytes, in hex. The browser's own is there only for pages that it calls secure, which a page from
// a disk or from another machine of the house may not be.
"use strict";

const sha256 = (() => {
  const primes = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);
  const fraction = (value) => Math.floor((value - Math.floor(value)) * 2 ** 32) >>> 0;
  const K = primes.map((p) => fraction(Math.cbrt(p)));
  const BEGIN = primes.slice(0, 8).map((p) => fraction(Math.sqrt(p)));
  const turn = (x, n) => (x >>> n) | (x << (32 - n));

  function padded(bytes) {
    const all = new Uint8Array(Math.ceil((bytes.length + 9) / 64) * 64);
    all.set(bytes);
    all[bytes.length] = 0x80;
    const view = new DataView(all.buffer);
    view.setUint32(all.length - 8, Math.floor(bytes.length / 2 ** 29));
    view.setUint32(all.length - 4, bytes.length << 3);
    return view;
  }

  function block(state, view, at, w) {
    for (let i = 0; i < 16; i++) w[i] = view.getUint32(at + 4 * i);
    for (let i = 16; i < 64; i++) {
      const a = w[i - 15], b = w[i - 2];
      w[i] = w[i - 16] + w[i - 7] + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10));
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i++) {
      const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
      const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g, g = f, f = e, e = (d + one) | 0, d = c, c = b, b = a, a = (one + two) | 0;
    }
    [a, b, c, d, e, f, g, h].forEach((value, i) => { state[i] += value; });
  }

  return (bytes) => {
    const view = padded(bytes), state = Uint32Array.from(BEGIN), w = new Int32Array(64);
    for (let at = 0; at < view.byteLength; at += 64) block(state, view, at, w);
    return [...state].map((word) => word.toString(16).padStart(8, "0")).join("");
  };
})();

if (typeof module !== "undefined") module.exports = sha256;
