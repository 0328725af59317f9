// A session that is recorded and done again: what was done to the chip, in order, and what it then held. The file is that
// of lab/live/tape.py; `origin` says whose training images it counts.
"use strict";

const TAPE = "eqspike session 1";
const COMMANDS = ["start", "write", "stick", "key"]; // done when they are heard, and counted by `image.after`
const BATCH = 20; // training images that are asked for at a time

class Tape {
  // `engine` sends a message; `draw` shows the strokes (or pixels) of a drawing, whose answer has that id.
  constructor(engine, draw) {
    Object.assign(this, { engine, draw, ready: null, recording: null, playing: false, commands: 0, waiting: [] });
    this.strokes = new Map();
  }

  // -----------------------------------------------------------------------------------------------------------------
  // Recording: commands are told by what was sent, images by what came, and `after` says how they lie.

  record(weights) {
    this.recording = { done: [], began: performance.now(), first: this.commands + 1, queue: [], count: 0 };
    this.pass({ type: "train", on: false });
    this.pass({ type: "start", weights });
  }

  // What was recorded, with the digest of what the chip holds now.
  async stop() {
    this.pass({ type: "train", on: false });
    const { value } = await this.asked({ type: "digest" }, (message) => message.type === "digest");
    const { done, queue } = this.recording, { name, seed, circuit } = this.ready;
    done.push(...queue.map(({ entry }) => entry));
    this.recording = null;
    return { format: TAPE, name, seed, circuit, origin: "page", done, digest: value };
  }

  // To the engine, and on the tape.
  pass(message) {
    const { type, id, strokes, ...fields } = message;
    if (COMMANDS.includes(type)) this.commands += 1;
    if (type === "show" || type === "teach") this.strokes.set(id, strokes);
    if (this.recording && COMMANDS.includes(type)) this.recording.queue.push({ number: this.commands, entry: this.entry(type, fields) });
    if (this.recording && (type === "inspect" || type === "judge")) this.recording.done.push(this.entry(type, fields));
    this.engine(message);
  }

  entry(type, fields) {
    return [Math.round((performance.now() - this.recording.began) / 10) / 100, type, fields];
  }

  came(message) {
    if (message.type === "ready") this.ready = message;
    if (message.type === "image" && this.recording && message.after >= this.recording.first) this.keep(message);
    this.waiting = this.waiting.filter(({ wanted, found }) => !(wanted(message) && (found(message), true)));
  }

  keep({ source, id, pixels, label, curve, after }) {
    const { done, queue } = this.recording;
    while (queue.length && queue[0].number <= after) {
      done.push(queue.shift().entry);
      if (done[done.length - 1][1] === "start") this.recording.count = 0;
    }
    const images = curve.images - this.recording.count, last = done[done.length - 1];
    this.recording.count = curve.images;
    if (images && last[1] === "train") last[2].images += images;
    else if (images) done.push(this.entry("train", { images }));
    if (source === "train") return;
    const strokes = this.strokes.get(id), drawn = strokes ? { strokes } : { pixels };
    done.push(this.entry(source, source === "teach" ? { ...drawn, label } : drawn));
  }

  // -----------------------------------------------------------------------------------------------------------------
  // Doing it again

  // What is wrong with a tape for this chip; "" where nothing is.
  wrong(tape) {
    if (!tape || tape.format !== TAPE || !Array.isArray(tape.done)) return "this is no recorded session";
    const other = ["name", "seed", "circuit"].find((name) => tape[name] !== this.ready[name]);
    if (other) return `it was recorded with another chip: ${other} ${tape[other]}, here ${this.ready[other]}`;
    if (tape.origin !== "page") return "it was recorded by eqspike live, which has other training images: eqspike live --replay does it again";
    return "";
  }

  // At its times, `speed` times as fast (Infinity: without waiting); true where the chip then holds what it held.
  async play(tape, speed = 1) {
    this.playing = true;
    try {
      this.engine({ type: "train", on: false });
      const began = performance.now();
      for (const [number, [seconds, type, fields]] of tape.done.entries()) {
        const left = began + 1000 * seconds / speed - performance.now();
        if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
        await this.again(`again ${number}`, type, fields);
      }
      const { value } = await this.asked({ type: "digest" }, (message) => message.type === "digest");
      return value === tape.digest;
    } finally {
      this.playing = false;
    }
  }

  async again(id, type, fields) {
    if (type === "train") {
      for (let left = fields.images; left > 0; left -= BATCH) await this.learned(Math.min(left, BATCH));
    } else if (type === "show" || type === "teach") {
      const pixels = this.draw(fields, id);
      await this.asked({ type, pixels, label: fields.label, id }, (message) => message.type === "image" && message.id === id);
    } else {
      if (COMMANDS.includes(type)) this.commands += 1;
      if (type === "judge") await this.asked({ type, ...fields }, (message) => message.type === "judged");
      else this.engine({ type, ...fields });
    }
  }

  learned(images) {
    let left = images;
    const answer = this.until((message) => message.type === "image" && message.source === "train" && --left === 0);
    for (let i = 0; i < images; i++) this.engine({ type: "next" });
    return answer;
  }

  asked(message, wanted) {
    const answer = this.until(wanted);
    this.engine(message);
    return answer;
  }

  until(wanted) {
    return new Promise((found) => { this.waiting.push({ wanted, found }); });
  }
}

// -------------------------------------------------------------------------------------------------------------------
// As a link to the page: what stands behind its #, packed.

const LINK = "#session=";

async function through(stream, bytes) {
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
}

async function toLink(tape) {
  const packed = await through(new CompressionStream("gzip"), new TextEncoder().encode(JSON.stringify(tape)));
  const text = btoa(packed.reduce((all, byte) => all + String.fromCharCode(byte), ""));
  return LINK + text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

async function fromLink(link) {
  if (!link.startsWith(LINK)) return null;
  const text = atob(link.slice(LINK.length).replaceAll("-", "+").replaceAll("_", "/"));
  return JSON.parse(new TextDecoder().decode(await through(new DecompressionStream("gzip"), Uint8Array.from(text, (c) => c.charCodeAt(0)))));
}

if (typeof module !== "undefined") module.exports = { Tape, toLink, fromLink };
