// The curve of a training: what share it read right, what share was nudged, and tests.
"use strict";

class Curve {
  constructor(canvas) {
    Object.assign(this, { canvas, points: [], tests: [] });
  }

  clear() {
    this.points = [];
    this.tests = [];
    this.draw();
  }

  add({ images, right, nudged, seen }) {
    if (!seen || (this.points.length && this.points[this.points.length - 1].images >= images)) return;
    this.points.push({ images, right: right / seen, nudged: nudged / seen });
    // A long training keeps every other point, again and again.
    if (this.points.length > 2000) this.points = this.points.filter((_, i) => i % 2 === 0);
    this.draw();
  }

  test(images, share) {
    this.tests.push({ images, share });
    this.draw();
  }

  draw() {
    if (!this.queued) this.queued = requestAnimationFrame(() => { this.queued = 0; this.paint(); });
  }

  paint() {
    const { context, width, height } = sharp(this.canvas), left = 34, bottom = height - 18, top = 6;
    const last = Math.max(50, ...[...this.points.slice(-1), ...this.tests].map((each) => each.images));
    const x = (images) => left + (width - left - 8) * images / last, y = (share) => bottom - (bottom - top) * share;
    context.fillStyle = colour("--soft");
    context.strokeStyle = colour("--line");
    context.lineWidth = 1;
    [0, 0.25, 0.5, 0.75, 1].forEach((share) => {
      context.beginPath();
      context.moveTo(left, y(share));
      context.lineTo(width - 8, y(share));
      context.stroke();
      if (share % 0.5 === 0) context.fillText(`${100 * share} %`, 0, y(share) + 4);
    });
    context.textAlign = "right";
    context.fillText(`${last} images`, width - 8, height - 4);
    context.textAlign = "left";
    const follow = (name, style, dash) => {
      context.strokeStyle = style;
      context.lineWidth = 2;
      context.setLineDash(dash);
      context.beginPath();
      this.points.forEach((each, i) => (i ? context.lineTo(x(each.images), y(each[name])) : context.moveTo(x(each.images), y(each[name]))));
      context.stroke();
      context.setLineDash([]);
    };
    follow("nudged", colour("--outputs"), [5, 4]);
    follow("right", colour("--hidden"), []);
    context.strokeStyle = colour("--ink");
    context.lineWidth = 2;
    this.tests.forEach(({ images, share }) => {
      context.beginPath();
      context.arc(x(images), y(share), 4, 0, 7);
      context.stroke();
    });
  }
}
