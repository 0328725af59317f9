// The engine of a page: it answers the messages of messages.md with the circuit as WebAssembly. One image is presented at a
// time, and between two of them messages are heard.
"use strict";

const SEEN = 200; // training images that the curve's share is of
const SHOWN = 250; // milliseconds between two sendings of all weights while it learns
const CHANGES = ["start", "write", "key", "weights", "check", "digest"];

class Engine {
  // `about`, `images`, `places`, `initial`, `trained`: what lab/page/material.py packed; `send`: takes answers.
  constructor(chip, material, send) {
    Object.assign(this, material, { chip, send });
    this.ready = this.about.ready;
    this.teaching = [];
    this.showing = null; // only the newest drawing is of interest
    this.judging = null;
    this.training = false;
    this.once = 0;
    this.pause = 0;
    this.due = 0; // when the next training image may come
    this.inner = null;
    this.commands = 0; // that were heard and change what the chip holds
    this.sentWeights = 0;
    this.begun = false;
    this.held = []; // until a check is over
    this.restart(this.trained ? "trained" : "initial");
  }

  // Everything as it was before the first image, or after the training that came with the page.
  start(which) {
    const [key, weights] = this.restart(which);
    this.chip.begin(key, weights, 0);
  }

  restart(which) {
    const trained = which === "trained" && this.trained;
    this.key = trained ? this.about.trained.key : this.about.key;
    this.count = 0;
    this.at = 0;
    this.epoch = 0;
    this.order = this.about.train.map((_, i) => i);
    this.last = [];
    return [this.key, trained || this.initial];
  }

  hear(message) {
    if (this.checking && CHANGES.includes(message.type)) {
      this.held.push(message); // it would spoil the check
      return;
    }
    const known = {
      show: () => { this.showing = message; },
      teach: () => { this.teaching.push(message); },
      train: () => this.trains(message.on),
      next: () => { this.trains(false); this.once += 1; },
      wait: () => { this.pause = message.milliseconds; this.due = 0; },
      start: () => { this.start(message.weights); this.tellWeights(); },
      weights: () => this.tellWeights(),
      write: () => this.write(message),
      key: () => { this.chip.setKey(message.value); this.key = message.value; this.send({ type: "key", value: this.key }); },
      inspect: () => { this.inner = message.neuron; },
      judge: () => { this.judging = { left: Math.min(message.images, this.about.test.length), right: 0, classes: this.ready.classes.map(() => [0, 0]) }; },
      check: () => this.check(),
      digest: () => this.send({ type: "digest", value: digest(this.chip.read(), this.key) }),
    }[message.type];
    if (["start", "write", "stick", "key"].includes(message.type)) this.commands += 1;
    if (!known) this.send({ type: "error", text: `this engine does not know the message ${message.type}` });
    else known();
  }

  trains(on) {
    if (on === this.training) return;
    this.training = on;
    this.send({ type: "state", training: on, text: "" });
  }

  // One piece of work; false when there is none now.
  work(now) {
    if (this.checking) return this.checkMore();
    if (this.showing) {
      const { pixels, id } = this.showing;
      this.showing = null;
      this.answer(pixels, null, INFER, { source: "show", id });
    } else if (this.teaching.length) {
      const { pixels, label, id } = this.teaching.shift();
      this.answer(pixels, label, LEARN, { source: "teach", id });
      this.tellWeights();
    } else if (this.judging) {
      this.judgeMore();
    } else if ((this.training || this.once) && now >= this.due) {
      this.once = Math.max(0, this.once - 1);
      this.due = now + this.pause;
      this.train(now);
    } else {
      return false;
    }
    return true;
  }

  // Milliseconds until there may be work; null: until a message comes.
  idle(now) {
    return this.training || this.once ? Math.max(0, this.due - now) : null;
  }

  pixels(number) {
    const size = this.ready.layers[0];
    return this.images.subarray(number * size, (number + 1) * size);
  }

  train(now) {
    if (this.at === this.order.length) this.nextEpoch();
    const number = this.order[this.at++], label = this.about.train[number];
    this.answer(this.pixels(number), label, LEARN, { source: "train", id: null });
    if (now - this.sentWeights > SHOWN) this.tellWeights(now);
  }

  // The images again, in an order that follows from the epoch's number (Fisher-Yates, a linear congruential generator).
  nextEpoch() {
    this.epoch += 1;
    this.at = 0;
    let state = this.epoch;
    for (let i = this.order.length - 1; i > 0; i--) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const j = Math.floor(state / 2 ** 32 * (i + 1));
      [this.order[i], this.order[j]] = [this.order[j], this.order[i]];
    }
  }

  answer(pixels, label, mode, said) {
    const shown = this.chip.present(pixels, label ?? 0, mode, this.epoch, this.inner);
    this.key = shown.key;
    if (said.source === "train") {
      this.count += 1;
      this.last.push([shown.prediction === label, shown.nudged]);
      if (this.last.length > SEEN) this.last.shift();
    }
    const count = (which) => this.last.filter((each) => each[which]).length;
    const curve = { images: this.count, right: count(0), nudged: count(1), seen: this.last.length };
    const free = Math.min(shown.steps, this.ready.free);
    this.send({ type: "image", ...said, ...shown, pixels: [...pixels], label, free, curve, match: null, after: this.commands });
  }

  tellWeights(now = performance.now()) {
    this.sentWeights = now;
    this.send({ type: "weights", layers: this.byLayer(this.chip.weights()), stuck: [] });
  }

  byLayer(flat) {
    const { layers } = this.ready;
    let at = 0;
    return layers.slice(1).map((above, s) => [...flat.subarray(at, at += (layers[s] + 1) * above)]);
  }

  // The number of a synapse among all.
  number([layer, row, column]) {
    const { layers } = this.ready;
    let at = 0;
    for (let s = 0; s < layer; s++) at += (layers[s] + 1) * layers[s + 1];
    return at + row * layers[layer + 1] + column;
  }

  write({ synapses, value }) {
    this.chip.write(Uint32Array.from(synapses, (each) => this.number(each)), synapses.map(() => value));
    this.tellWeights();
  }

  judgeMore() {
    const { judging } = this, number = judging.of = (judging.of || 0) + 1, label = this.about.test[number - 1];
    const found = this.chip.present(this.pixels(this.about.train.length + number - 1), 0, INFER, this.epoch);
    judging.classes[label][1] += 1;
    if (found.prediction === label) judging.right += 1, judging.classes[label][0] += 1;
    if (--judging.left > 0) return;
    this.judging = null;
    const { right, classes } = judging;
    this.send({ type: "judged", images: number, right, classes, images_learned: this.count });
  }

  // The first training images, learned from the initial weights: weights and key must be those of the golden model. Before
  // the first check the chip holds nothing yet.
  check() {
    const [key, weights] = this.begun ? [this.key, this.chip.weights()] : this.restart(this.trained ? "trained" : "initial");
    this.begun = true;
    this.checking = { done: 0, key, weights };
    this.chip.begin(this.about.key, this.initial, 0);
  }

  checkMore() {
    const { checking, about } = this, of = about.check.images;
    const { key } = this.chip.present(this.pixels(checking.done), about.train[checking.done], LEARN, 0);
    checking.done += 1;
    const state = { type: "check", state: "running", done: checking.done, of, text: "" };
    if (checking.done < of) {
      if (checking.done % 5 === 0) this.send(state);
      return true;
    }
    const weights = this.chip.read(), found = digest(weights, key);
    this.chip.begin(checking.key, checking.weights, this.epoch);
    this.checking = null;
    this.held.splice(0).forEach((message) => this.hear(message));
    const what = `${of} images learned, ${weights.length} weights and the key of the random draws`;
    if (found === about.check.digest) this.send({ ...state, state: "passed", text: `${what} are those of the golden model` });
    else this.send({ ...state, state: "failed", text: `${what} are not those of the golden model` });
    return true;
  }
}

// As lab/page/material.py: weights as 32 bits each, then the key.
function digest(weights, key) {
  const all = new DataView(new ArrayBuffer(4 * weights.length + 4));
  weights.forEach((weight, i) => all.setInt32(4 * i, weight, true));
  all.setUint32(4 * weights.length, key, true);
  return sha256(new Uint8Array(all.buffer));
}

if (typeof module !== "undefined") module.exports = { Engine, digest };
