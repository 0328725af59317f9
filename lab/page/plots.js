// What all drawings of the page share: colours of the style, sharp canvases, small pictures, lines over steps.
"use strict";

// A colour of style.css as it is now, light or dark.
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// "#rrggbb", "#rgb" or "r, g, b" as three numbers.
function channels(text) {
  if (!text.startsWith("#")) return text.split(",").map(Number);
  const digits = text.length === 4 ? [...text.slice(1)].map((d) => d + d) : text.slice(1).match(/../g);
  return digits.map((pair) => parseInt(pair, 16));
}

// A canvas as sharp as the screen: its context, scaled to CSS pixels, cleared, and its size.
function sharp(canvas) {
  const ratio = window.devicePixelRatio || 1, { clientWidth: width, clientHeight: height } = canvas;
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = "11px system-ui, sans-serif";
  return { context, width, height };
}

// A picture of columns * rows values, -1 to 1: what is below 0 in one colour, above in another, 0 as the paper.
function picture(canvas, values, columns, rows) {
  if (canvas.width !== columns) canvas.width = columns;
  if (canvas.height !== rows) canvas.height = rows;
  const context = canvas.getContext("2d"), image = context.createImageData(columns, rows);
  const [low, high, paper] = ["--low", "--high", "--paper"].map((name) => channels(colour(name)));
  for (let i = 0; i < columns * rows; i++) {
    const part = Math.min(1, Math.abs(values[i])), towards = values[i] < 0 ? low : high;
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = paper[c] + part * (towards[c] - paper[c]);
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

// A name at the left edge, on a ground of its own so that what runs below it stays apart.
function label(context, name, top) {
  context.fillStyle = colour("--card");
  context.globalAlpha = 0.85;
  context.fillRect(2, top + 1, context.measureText(name).width + 5, 13);
  context.globalAlpha = 1;
  context.fillStyle = colour("--ink");
  context.fillText(name, 4, top + 11);
}

// One line of values over steps into a box [left, top, width, height]; null leaves a gap.
function line(context, box, values, [low, high], style, dash = []) {
  const [left, top, width, height] = box;
  context.strokeStyle = style;
  context.lineWidth = 1.8;
  context.setLineDash(dash);
  context.beginPath();
  values.forEach((value, i) => {
    const x = left + width * i / Math.max(1, values.length - 1), y = top + height * (1 - (value - low) / (high - low));
    if (i) context.lineTo(x, y);
    else context.moveTo(x, y);
  });
  context.stroke();
  context.setLineDash([]);
}
