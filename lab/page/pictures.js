// The weights as pictures: of each hidden neuron what it looks for in an image, of each later layer one table; and the brush.
"use strict";

class Pictures {
  // `chose`: a neuron was clicked; `brushed`: these synapses were painted over.
  constructor(place, ready, chose, brushed) {
    Object.assign(this, { place, ready, chose, brushed, brush: "look", layers: null, figures: [] });
    const { layers, side } = ready;
    for (let n = 0; n < layers[1]; n++) {
      const [columns, rows] = side ? [side, side] : [layers[0], 1];
      this.figure({ synapses: 0, columns, rows, neuron: [1, n], title: `hidden ${n}`, at: (x, y) => [y * columns + x, n] });
    }
    for (let s = 1; s < layers.length - 1; s++) {
      const title = s === layers.length - 2 ? "outputs (rows) from hidden neurons (columns)" : `layer ${s + 1} (rows) from layer ${s} (columns)`;
      this.figure({ synapses: s, columns: layers[s], rows: layers[s + 1], neuron: null, title, at: (x, y) => [x, y] });
    }
  }

  figure(about) {
    const figure = document.createElement("figure"), canvas = document.createElement("canvas");
    const caption = document.createElement("figcaption");
    caption.textContent = about.title;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `weights of ${about.title}`);
    if (!about.neuron) figure.className = "outputs";
    figure.append(canvas, caption);
    this.place.append(figure);
    this.figures.push({ ...about, figure, canvas });
    const shown = this.figures[this.figures.length - 1];
    canvas.addEventListener("pointerdown", (event) => this.press(event, shown));
    canvas.addEventListener("pointermove", (event) => { if (event.buttons) this.press(event, shown); });
  }

  press(event, shown) {
    const { columns, rows, canvas } = shown, box = canvas.getBoundingClientRect();
    const edge = 2, x = Math.floor((event.clientX - box.left - edge) / (box.width - 2 * edge) * columns);
    const y = Math.floor((event.clientY - box.top - edge) / (box.height - 2 * edge) * rows);
    if (this.brush === "look") {
      if (event.type !== "pointerdown") return;
      const last = this.ready.layers.length - 1;
      this.chose(shown.neuron || (shown.synapses + 1 === last ? [last, Math.min(Math.max(y, 0), rows - 1)] : null));
      return;
    }
    event.preventDefault();
    const radius = shown.neuron ? Math.floor(columns / 14) : 0, found = [];
    for (let row = y - radius; row <= y + radius; row++) {
      for (let column = x - radius; column <= x + radius; column++) {
        if (row >= 0 && row < rows && column >= 0 && column < columns) found.push([shown.synapses, ...shown.at(column, row)]);
      }
    }
    if (found.length) this.brushed(found, this.brush);
  }

  // The neuron that is looked into.
  mark(neuron) {
    for (const each of this.figures) {
      each.figure.classList.toggle("chosen", Boolean(neuron && each.neuron && each.neuron[0] === neuron[0] && each.neuron[1] === neuron[1]));
    }
  }

  show(layers) {
    this.layers = layers;
    if (!this.queued) this.queued = requestAnimationFrame(() => { this.queued = 0; this.paint(); });
  }

  paint() {
    if (!this.layers) return;
    const most = this.layers.map((flat) => flat.reduce((a, b) => Math.max(a, Math.abs(b)), 1));
    for (const { synapses, columns, rows, canvas, at } of this.figures) {
      const flat = this.layers[synapses], above = this.ready.layers[synapses + 1], values = new Float32Array(columns * rows);
      for (let y = 0; y < rows; y++) {
        for (let x = 0; x < columns; x++) {
          const [row, column] = at(x, y);
          values[y * columns + x] = flat[row * above + column] / most[synapses];
        }
      }
      picture(canvas, values, columns, rows);
    }
  }
}
