// The raster: a row for each neuron, a column for each step; and how it is played.
"use strict";

class Raster {
  // `chose` is called with the neuron that was clicked, `ended` when slow motion has shown all of an image.
  constructor(canvas, ready, chose, ended, moved) {
    Object.assign(this, { canvas, ready, ended, moved, image: null, cursor: 0, mode: "live", chosen: null });
    this.neurons = ready.layers.reduce((a, b) => a + b);
    this.bytes = Math.ceil(this.neurons / 8);
    this.chose = (neuron) => { this.chosen = neuron; chose(neuron); this.paint(); };
    canvas.addEventListener("click", (event) => this.click(event));
    canvas.addEventListener("keydown", (event) => this.key(event));
    setInterval(() => this.play(), 25);
  }

  // A new image: shown whole, or from its first step on.
  show(image) {
    this.image = image;
    this.cursor = this.mode === "live" ? image.steps : this.mode === "pause" ? 1 : 0;
    this.waiting = false;
    this.paint();
  }

  setMode(mode) {
    this.mode = mode;
    this.waiting = false;
    if (this.image && mode === "live") this.cursor = this.image.steps;
    if (this.image && mode === "slow" && this.cursor >= this.image.steps) this.cursor = 0;
    this.paint();
  }

  // Forward by some steps; at an image's end, ask for the next.
  advance(steps) {
    if (!this.image || this.waiting) return;
    if (this.cursor >= this.image.steps) {
      this.waiting = true;
      this.ended();
      return;
    }
    this.cursor = Math.min(this.cursor + steps, this.image.steps);
    this.paint();
  }

  play() {
    if (this.mode === "slow") this.advance(1);
  }

  // The layers' bands: inputs get a part of the height, however many they are.
  bands() {
    const { layers } = this.ready, height = this.canvas.clientHeight - 16, gap = 8;
    const shares = layers.map((size) => Math.sqrt(size)), all = shares.reduce((a, b) => a + b);
    let top = 0, first = 0;
    return layers.map((size, layer) => {
      const tall = (height - gap * (layers.length - 1)) * shares[layer] / all;
      const band = { layer, top, height: tall, first, size };
      top += tall + gap, first += size;
      return band;
    });
  }

  click({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect(), y = clientY - box.top;
    const band = this.bands().find((each) => each.layer > 0 && y >= each.top && y < each.top + each.height);
    if (band) this.chose([band.layer, Math.floor((y - band.top) / band.height * band.size)]);
  }

  key(event) {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const { layers } = this.ready, [layer, number] = this.chosen || [1, -by];
    const next = number + by;
    if (next >= 0 && next < layers[layer]) this.chose([layer, next]);
    else if (next < 0 && layer > 1) this.chose([layer - 1, layers[layer - 1] - 1]);
    else if (next > 0 && layer + 1 < layers.length) this.chose([layer + 1, 0]);
  }

  paint() {
    if (!this.queued) this.queued = requestAnimationFrame(() => { this.queued = 0; this.draw(); });
  }

  draw() {
    const { context, width, height } = sharp(this.canvas), { ready, image } = this;
    const steps = ready.free + ready.nudge, across = width / steps, bands = this.bands();
    context.fillStyle = colour("--free");
    context.fillRect(0, 0, ready.free * across, height - 16);
    context.fillStyle = colour("--nudge");
    context.fillRect(ready.free * across, 0, ready.nudge * across, height - 16);
    context.fillStyle = colour("--soft");
    context.fillText("free phase", 4, height - 4);
    context.fillText("nudge phase", ready.free * across + 4, height - 4);
    if (image) bands.forEach((band) => this.band(context, band, across));
    bands.forEach(({ layer, top }) => this.title(context, top, layer));
    if (image && this.cursor < image.steps) {
      context.fillStyle = colour("--mark");
      context.fillRect(this.cursor * across - 1, 0, 2, height - 16);
    }
    this.moved();
  }

  title(context, top, layer) {
    const name = layer === 0 ? "inputs" : layer === this.ready.layers.length - 1 ? "outputs" : "hidden";
    label(context, name, top);
  }

  band(context, { layer, top, height, first, size }, across) {
    const tall = height / size, last = this.ready.layers.length - 1, { spikes } = this.image;
    if (this.chosen && this.chosen[0] === layer) {
      context.fillStyle = colour("--mark");
      context.globalAlpha = 0.35;
      context.fillRect(0, top + this.chosen[1] * tall - 1, across * (this.ready.free + this.ready.nudge), Math.max(3, tall + 1));
      context.globalAlpha = 1;
    }
    context.fillStyle = colour(layer === 0 ? "--inputs" : layer === last ? "--outputs" : "--hidden");
    const wide = Math.max(1, across * 0.9), mark = Math.max(1, tall * 0.8);
    for (let step = 0; step < this.cursor; step++) {
      for (let n = 0; n < size; n++) {
        const neuron = first + n;
        if (spikes[this.bytes * step + (neuron >> 3)] >> (neuron & 7) & 1) {
          context.fillRect(step * across, top + n * tall, wide, mark);
        }
      }
    }
  }
}

// Membrane and rho-bar of one neuron, up to a step.
function drawInside(canvas, ready, inner, cursor) {
  const { context, width, height } = sharp(canvas), steps = ready.free + ready.nudge, half = (height - 10) / 2;
  const across = width / steps;
  context.fillStyle = colour("--nudge");
  context.fillRect(ready.free * across, 0, ready.nudge * across, height);
  if (!inner) return;
  const parts = [["membrane (line: its threshold)", inner.membrane, "--hidden", 0], ["rho-bar: the slope of its rate", inner.signal, "--outputs", half + 10]];
  parts.forEach(([name, values, style, top]) => {
    const shown = values.slice(0, cursor), low = Math.min(0, ...values), high = Math.max(top ? 0 : 1, ...values), room = (high - low || 1) * 0.08;
    const limits = [low - room, high + room], level = top ? 0 : 1;
    const box = [0, top, across * Math.max(0, shown.length - 1), half];
    line(context, [0, top, width, half], [level, level], limits, colour("--soft"), [3, 3]);
    line(context, box, shown, limits, colour(style));
    label(context, name, top);
  });
}
