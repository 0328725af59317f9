// The circuit, as WebAssembly: the module of sim/wasm.py, whose functions are those of sim/recorder.cpp. What stands where
// in its ports comes from lab/page/description.py (`about`). It throws where the circuit does not do what it must; then
// the instance is lost.
"use strict";

const INFER = 0, LEARN = 1;

// What the C library asks of its system. There is no file, no environment, and the time stands still.
function system(memory) {
  const ABSENT = 8; // EBADF
  const set = (place, value) => { new DataView(memory().buffer).setUint32(place, value, true); };
  return {
    fd_close: () => ABSENT, fd_fdstat_get: () => ABSENT, fd_read: () => ABSENT, fd_seek: () => ABSENT,
    fd_write: () => ABSENT, environ_get: () => 0,
    environ_sizes_get: (count, size) => { set(count, 0); set(size, 0); return 0; },
    clock_time_get: (_clock, _precision, place) => { set(place, 0); set(place + 4, 0); return 0; },
    proc_exit: (status) => { throw new Error(`the circuit ended with status ${status}`); },
  };
}

class Chip {
  // `about`: ports, places and sizes; `places`: for each weight, layer by layer and row by row, its word times the lanes
  // plus its lane.
  static async make(bytes, about, places) {
    let memory = null;
    const fail = (place, size) => {
      throw new Error(new TextDecoder().decode(new Uint8Array(memory.buffer, place, size)));
    };
    const imports = { wasi_snapshot_preview1: system(() => memory), page: { fail } };
    const { instance } = await WebAssembly.instantiate(bytes, imports);
    memory = instance.exports.memory;
    return new Chip(instance.exports, about, places);
  }

  constructor(calls, about, places) {
    this.calls = calls;
    this.memory = calls.memory;
    this.about = about;
    this.places = places;
    this.cells = new Int32Array(about.words * about.lanes); // what the weight memory holds, by word and lane
    this.seen = new Uint8Array(about.words);
    this.taken = new Map(); // memory that is used again: name -> [place, words]
    calls._initialize();
    this.recorder = calls.recorder_new(0, 0, 0, BigInt(about.limit));
  }

  // Words in the module's memory.
  give(name, words) {
    let [place, size] = this.taken.get(name) || [0, 0];
    if (size < words.length) {
      if (place) this.calls.free(place);
      place = this.calls.malloc(4 * words.length);
      this.taken.set(name, [place, words.length]);
    }
    new Uint32Array(this.memory.buffer, place, words.length).set(words);
    return place;
  }

  // A copy of one of the recorder's buffers.
  buffer(name) {
    const size = this.give("size", new Uint32Array(2));
    const place = this.calls.recorder_buffer(this.recorder, this.about.buffers[name], size);
    const count = new Uint32Array(this.memory.buffer, size, 1)[0];
    return new Uint32Array(this.memory.buffer, place, count).slice();
  }

  halvings(epoch) {
    const { words, field, stride, at } = this.about.halvings, packed = new Uint32Array(words);
    at.forEach((epochs, layer) => {
      bits.put(packed, 0, bits.further(field, stride, layer), epochs.filter((each) => each <= epoch).length);
    });
    return this.give("halvings", packed);
  }

  // Commands of the weight port for those weights (numbers in `places`); with `values`, writes.
  commands(numbers, values) {
    const { words, write, word, lane, data } = this.about.command, packed = new Uint32Array(words * numbers.length);
    numbers.forEach((number, i) => {
      const place = this.places[number], base = words * i;
      bits.put(packed, base, word, Math.floor(place / this.about.lanes));
      bits.put(packed, base, lane, place % this.about.lanes);
      if (!values) return;
      bits.put(packed, base, write, 1);
      bits.put(packed, base, data, values[i] << this.about.restBits);
    });
    return [this.give("commands", packed), BigInt(numbers.length), BigInt(words)];
  }

  all() {
    return Uint32Array.from(this.places, (_, i) => i);
  }

  // Reset; key, all weights and the rates of an epoch are set. Only devices that may be stuck hold others than these, and
  // are read, which takes as long as an image or many.
  begin(key, weights, epoch) {
    this.calls.recorder_begin(this.recorder, key, ...this.commands(this.all(), weights), this.halvings(epoch));
    this.places.forEach((place, i) => { this.cells[place] = weights[i] << this.about.restBits; });
    if (this.about.stuck) this.read();
  }

  setKey(key) {
    this.calls.recorder_set_key(this.recorder, key);
  }

  setEpoch(epoch) {
    this.calls.recorder_set_halvings(this.recorder, this.halvings(epoch));
  }

  write(numbers, values) {
    this.calls.recorder_write_weights(this.recorder, ...this.commands(numbers, values));
    this.readSome(numbers);
  }

  // All weights through the weight port.
  read() {
    this.readSome(this.all());
    return this.weights();
  }

  readSome(numbers) {
    this.calls.recorder_read_weights(this.recorder, ...this.commands(numbers));
    const words = this.buffer("read"), field = [0, this.about.cellBits, true];
    numbers.forEach((number, i) => { this.cells[this.places[number]] = bits.get(words, i, field); });
  }

  // All weights as they were read or seen being written, in the order of `places`.
  weights() {
    return Int32Array.from(this.places, (place) => this.cells[place] >> this.about.restBits);
  }

  // Present one image; `inner`, [layer, neuron] or null, says whose inside is to be shown.
  present(pixels, label, mode, epoch, inner = null) {
    const { words, pixel, label: where, mode: how } = this.about.image, packed = new Uint32Array(words * pixels.length);
    for (let i = 0; i < pixels.length; i++) {
      bits.put(packed, words * i, pixel, pixels[i]);
      bits.put(packed, words * i, where, label);
      bits.put(packed, words * i, how, mode);
    }
    this.calls.recorder_queue(this.recorder, this.give("pixels", packed), BigInt(pixels.length), BigInt(words));
    this.calls.recorder_finish(this.recorder, 1, this.halvings(epoch));
    const shown = this.shown(inner);
    if (mode === LEARN) this.follow();
    this.calls.recorder_clear(this.recorder);
    return shown;
  }

  shown(inner) {
    const { result, counters, stages } = this.about, raw = this.buffer("result"), counts = this.buffer("counters");
    const spent = this.buffer("stages");
    const taken = {
      prediction: bits.get(raw, 0, result.prediction),
      nudged: bits.get(raw, 0, result.nudged) === 1,
      counts: Array.from({ length: result.outputs }, (_, i) => bits.get(raw, 0, bits.further(result.counts, result.stride, i))),
      counters: Object.fromEntries(Object.entries(counters.single).map(([name, field]) => [name, bits.get(counts, 0, field)])),
      stages: Object.fromEntries(Object.entries(stages).map(([name, field]) => [name, bits.get(spent, 0, field)])),
      key: this.buffer("key")[0],
    };
    taken.counters.spikes = counters.spikes.map((field) => bits.get(counts, 0, field));
    return Object.assign(taken, this.traced(inner));
  }

  // Spikes of all steps, and the inside of one neuron.
  traced(inner) {
    const { trace, layers, chunks } = this.about, inputs = this.buffer("inputs"), spikes = this.buffer("spikes");
    const steps = inputs.length / trace.inputWords, of = this.buffer("step"), chunk = this.buffer("chunk");
    const row = Math.ceil(layers.reduce((a, b) => a + b) / 8), packed = new Uint8Array(row * steps);
    const mark = (step, neuron) => { packed[row * step + (neuron >> 3)] |= 1 << (neuron & 7); };
    for (let step = 0; step < steps; step++) {
      for (let n = 0; n < layers[0]; n++) if (inputs[trace.inputWords * step + (n >> 5)] >>> (n & 31) & 1) mark(step, n);
    }
    for (let i = 0; i < of.length; i++) {
      const { first, count } = chunks[chunk[i]];
      if (of[i] >= steps) continue;
      for (let lane = 0; lane < count; lane++) {
        if (spikes[trace.spikeWords * i + (lane >> 5)] >>> (lane & 31) & 1) mark(of[i], first + lane);
      }
    }
    return { steps, spikes: packed, inner: inner && this.inside(inner, of, chunk, steps) };
  }

  inside(neuron, of, chunk, steps) {
    const { trace, layers, chunks } = this.about, states = this.buffer("neurons");
    const number = layers.slice(0, neuron[0]).reduce((a, b) => a + b, 0) + neuron[1];
    const mine = chunks.findIndex(({ first, count }) => first <= number && number < first + count);
    const lane = number - chunks[mine].first, found = { neuron, membrane: [], signal: [] };
    for (let i = 0; i < of.length; i++) {
      if (chunk[i] !== mine || of[i] >= steps) continue;
      const field = (name) => bits.get(states, trace.neuronWords * i, bits.further(trace[name], trace.stride, lane));
      found.membrane.push(field("membrane") / trace.threshold);
      found.signal.push(field("integrator") / trace.greatest);
    }
    return found;
  }

  // The words of weights that an image wrote, as the trace shows them: of each, what was written last.
  follow() {
    const { write, lanes } = this.about, valid = this.buffer("valid"), address = this.buffer("address");
    const data = this.buffer("data"), banks = write.first.length;
    this.seen.fill(0);
    for (let i = valid.length - 1; i >= 0; i--) {
      for (let bank = 0; bank < banks; bank++) {
        if (!(valid[i] >>> bank & 1)) continue;
        const word = write.first[bank] + bits.get(address, write.addressWords * i, write.address[bank]);
        if (this.seen[word]) continue;
        this.seen[word] = 1;
        for (let lane = 0; lane < lanes; lane++) {
          const field = bits.further(write.cell, write.stride, lane + bank * lanes);
          this.cells[word * lanes + lane] = bits.get(data, write.dataWords * i, field);
        }
      }
    }
  }
}

if (typeof module !== "undefined") module.exports = { Chip, INFER, LEARN };
