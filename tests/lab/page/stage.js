// For the tests of tape.js: a chip whose weights and key are a hash of all that was done to it, in order, behind the page's
// engine; and a page that is only its tape.
"use strict";

class Chip {
  begin(key, weights) { this.key = key; this.weights = Int32Array.from(weights); }
  read() { return Int32Array.from(this.weights); }
  setKey(value) { this.key = value; }
  write(places, values) { places.forEach((place, i) => { this.weights[place] = values[i]; }); }
  present(pixels, label, mode) {
    const sum = pixels.reduce((all, value, i) => (31 * all + value + i) | 0, label + 1);
    if (mode === LEARN) {
      this.key = (Math.imul(this.key, 1664525) + 1013904223) >>> 0;
      this.weights = this.weights.map((weight, i) => (Math.imul(weight, 17) + sum + i + this.key) % 2048);
    }
    const nothing = { counts: [], spikes: [], inner: null, counters: {}, stages: {} };
    return { ...nothing, prediction: label, nudged: true, steps: 3, key: this.key };
  }
}

const STROKES = [[[5, 5], [90, 90]]];
const drawn = (strokes) => [...pad.reduced(pad.picture(strokes)).slice(0, 4)];
const turns = async (count) => { for (let i = 0; i < count; i++) await new Promise(setImmediate); };

function open() {
  const ready = { layers: [4, 2, 2], classes: ["0", "1"], name: "x", seed: 0, circuit: "ab", free: 2 };
  const about = { ready, key: 7, train: [0, 1, 1, 0, 1], test: [0], check: {}, trained: { key: 9 } };
  const images = Uint16Array.from({ length: 24 }, (_, i) => i % 17);
  const material = { about, images, initial: new Int32Array(16).fill(3), trained: new Int32Array(16).fill(-5) };
  const page = { closed: false };
  page.engine = new Engine(new Chip(), material, (message) => setImmediate(() => page.tape.came(message)));
  page.engine.tellWeights = () => page.engine.send({ type: "weights", layers: [], stuck: [] });
  const send = (message) => setImmediate(() => page.engine.hear(message));
  page.tape = new Tape(send, (fields) => fields.pixels || drawn(fields.strokes));
  page.tape.came({ type: "ready", ...ready });
  const turn = () => {
    if (page.closed) return;
    page.engine.work(performance.now());
    setImmediate(turn);
  };
  turn();
  return page;
}

// Something of everything, some of it while it trains.
async function session(page) {
  const { tape } = page;
  tape.pass({ type: "teach", pixels: [9, 9, 9, 9], label: 1, id: "before" });
  tape.record("trained");
  tape.pass({ type: "train", on: true });
  await turns(23);
  tape.pass({ type: "write", synapses: [[0, 1, 1], [1, 2, 0]], value: 40 });
  await turns(5);
  tape.pass({ type: "show", pixels: [1, 2, 3, 4], id: 1 });
  tape.pass({ type: "teach", pixels: [4, 3, 2, 1], label: 0, id: 2 });
  tape.pass({ type: "key", value: 77 });
  await turns(11);
  tape.pass({ type: "train", on: false });
  tape.pass({ type: "inspect", neuron: [1, 0] });
  tape.pass({ type: "next" });
  await turns(8);
  tape.pass({ type: "teach", pixels: drawn(STROKES), strokes: STROKES, label: 1, id: 3 });
  await turns(8);
  const kept = await tape.stop();
  page.closed = true;
  return kept;
}
