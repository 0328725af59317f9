// The pad: strokes by mouse, finger or keys, as points 0..pad.SIDE - 1.
"use strict";

class Drawing {
  // `changed` is called with the ink after each change.
  constructor(canvas, changed) {
    Object.assign(this, { canvas, changed, ink: pad.empty(), strokes: [], stroke: null });
    this.pen = [pad.SIDE / 2, pad.SIDE / 4];
    this.down = false; // the keys' pen
    canvas.width = canvas.height = pad.WIDTH;
    canvas.addEventListener("pointerdown", (event) => this.begin(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { this.stroke = null; });
    canvas.addEventListener("keydown", (event) => this.key(event));
    for (const name of ["focus", "blur"]) canvas.addEventListener(name, () => this.paint());
    this.paint();
  }

  point({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect();
    const at = (value, low, size) => Math.min(Math.max(Math.round((value - low) / size * pad.WIDTH - pad.RADIUS), 0), pad.SIDE - 1);
    return [at(clientX, box.left, box.width), at(clientY, box.top, box.height)];
  }

  begin(event) {
    event.preventDefault();
    this.canvas.focus({ preventScroll: true });
    this.canvas.setPointerCapture(event.pointerId);
    this.down = false;
    this.open(this.point(event));
  }

  move(event) {
    if (!this.stroke) return;
    const moves = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    (moves.length ? moves : [event]).forEach((each) => this.add(this.point(each)));
    this.tell();
  }

  open(point) {
    this.stroke = [point];
    this.strokes.push(this.stroke);
    pad.line(this.ink, point, point);
    this.tell();
  }

  add(point) {
    const last = this.stroke[this.stroke.length - 1];
    if (point[0] === last[0] && point[1] === last[1]) return;
    this.stroke.push(point);
    pad.line(this.ink, last, point);
  }

  key(event) {
    const step = pad.SIDE / 16, moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    if (moves[event.key]) {
      this.pen = this.pen.map((value, axis) => Math.min(Math.max(value + moves[event.key][axis], 0), pad.SIDE - 1));
      if (this.down) this.add([...this.pen]), this.tell();
      else this.paint();
    } else if (event.key === " ") {
      this.down = !this.down;
      if (this.down) this.open([...this.pen]);
      else this.stroke = null, this.paint();
    } else if (event.key === "Delete" || event.key === "Backspace") {
      this.clear();
    } else {
      return;
    }
    event.preventDefault();
  }

  clear() {
    this.ink = pad.empty();
    this.strokes = [];
    this.stroke = null;
    this.down = false;
    this.tell();
  }

  // Strokes from elsewhere, as if they were drawn.
  load(strokes) {
    this.strokes = strokes.map((points) => points.map((point) => [...point]));
    this.ink = pad.picture(strokes);
    this.tell();
  }

  tell() {
    this.paint();
    this.changed(this.ink);
  }

  paint() {
    const context = this.canvas.getContext("2d"), image = context.createImageData(pad.WIDTH, pad.WIDTH);
    const [paper, ink] = [colour("--paper"), colour("--ink")].map(channels);
    this.ink.forEach((value, i) => { image.data.set([...(value ? ink : paper), 255], 4 * i); });
    context.putImageData(image, 0, 0);
    if (!this.canvas.matches(":focus-visible")) return; // who draws with a mouse sees its pointer
    context.strokeStyle = colour(this.down ? "--outputs" : "--accent");
    context.lineWidth = 2;
    context.beginPath();
    context.arc(this.pen[0] + pad.RADIUS, this.pen[1] + pad.RADIUS, pad.RADIUS, 0, 7);
    context.stroke();
  }
}
