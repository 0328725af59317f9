// The Worker: it gets the packed material, says `ready`, checks itself, and then answers.
"use strict";

const say = (message) => self.postMessage(message);

async function unpacked(text) {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

async function made(packed) {
  const about = JSON.parse(new TextDecoder().decode(await unpacked(packed.about)));
  say(about.ready);
  const wasm = new Uint8Array(await unpacked(packed.wasm));
  if (sha256(wasm) !== about.check.wasm) throw new Error("the circuit in this page is not the one that was built");
  const images = new Uint16Array(await unpacked(packed.images)), places = new Uint32Array(await unpacked(packed.places));
  const initial = new Int32Array(await unpacked(packed.initial));
  const trained = packed.trained ? new Int32Array(await unpacked(packed.trained)) : null;
  const chip = await Chip.make(wasm, about.chip, places);
  return new Engine(chip, { about, images, initial, trained }, say);
}

// Between two pieces of work, messages that came meanwhile are heard: a message to oneself stands behind them. There is
// never more than one, or each message of the page would wait for more pieces of work than the last.
const turn = new MessageChannel();
let engine = null, gone = false, timer = null, waiting = [], called = false;

function callPump() {
  if (called) return;
  called = true;
  turn.port2.postMessage(null);
}

function lost(error) {
  gone = true;
  say({ type: "check", state: "failed", done: 0, of: 0, text: error.message });
  say({ type: "error", text: error.message, gone: true });
}

function guarded(action) {
  try {
    return action();
  } catch (error) {
    lost(error);
    return null;
  }
}

function pump() {
  called = false;
  if (gone || !engine) return;
  clearTimeout(timer);
  const now = performance.now(), worked = guarded(() => engine.work(now));
  if (gone) return;
  if (worked) callPump();
  else if (engine.idle(now) !== null) timer = setTimeout(callPump, engine.idle(now));
}
turn.port1.onmessage = pump;

self.onmessage = async ({ data }) => {
  if (gone) return;
  if (data.type === "material") {
    try {
      engine = await made(data.packed);
    } catch (error) {
      lost(error);
      return;
    }
    guarded(() => engine.check());
    waiting.forEach((message) => guarded(() => engine.hear(message)));
    waiting = [];
  } else if (!engine) {
    waiting.push(data);
  } else {
    guarded(() => engine.hear(data));
  }
  callPump();
};
