// The page: what comes from the engine goes to the parts that show it, what people do goes to the engine.
"use strict";

const by = (id) => document.getElementById(id);
const WAITS = [2000, 1000, 300, 100, 0]; // milliseconds from one training image to the next, by the slider's place
const TESTS = 200; // images of a test, at most; fewer of large networks, so that it takes seconds

const app = {
  ready: null, image: null, drawn: null, send: null, training: false, slowly: false, id: Math.floor(Math.random() * 2 ** 40), joules: 0, times: [], checked: false,
};

// ------------------------------------------------------------------------------------------------------------------
// From the engine

const heard = {
  ready(message) {
    app.ready = message;
    setUp(message);
  },
  check({ state, done, of, text }) {
    const box = by("check");
    box.dataset.state = state;
    const said = state === "passed" ? "Checked itself: " : state === "failed" ? "The check of itself failed: " : "";
    box.textContent = state === "running" ? `The chip checks itself: ${done} of ${of} images learned.` : `${said}${text}.`;
    if (state === "passed" && !app.checked) welcome();
  },
  image(message) {
    if (app.ready.watches && message.strokes) app.drawing.load(message.strokes);
    if (app.ready.watches && message.source === "show") app.id = message.id;
    if (message.source === "show") {
      if (message.id === app.id) answered(message);
    } else {
      learned(message);
    }
    // What is looked at step by step stays until it was seen; a drawing's image goes before a training's.
    if (app.raster.mode === "live" || app.raster.waiting || !app.image || message.source !== "train") look(message);
  },
  weights({ layers }) {
    app.pictures.show(layers);
  },
  judged({ images, right, classes, images_learned }) {
    by("judge").disabled = false;
    const worst = classes.map(([r, of], i) => [of ? r / of : 1, app.ready.classes[i]]).sort((a, b) => a[0] - b[0])[0];
    by("judged").textContent = `Test: ${right} of ${images} images right, ${percent(right / images)}; hardest: ${worst[1]}, ${percent(worst[0])}.`;
    app.curve.test(images_learned, right / images);
  },
  state({ training, text }) {
    app.training = training;
    pressed(by("train"), training || app.slowly);
    by("train").textContent = training || app.slowly ? "Pause training" : "Start training";
    if (text) by("doing").textContent = text;
  },
  error({ text, gone }) {
    by("doing").textContent = text;
    if (gone) document.querySelectorAll("button, input").forEach((each) => { each.disabled = true; });
  },
  key() {},
  digest() {},
};

function hear(message) {
  heard[message.type](message);
  app.tape.came(message);
}

// ------------------------------------------------------------------------------------------------------------------
// What is shown

const percent = (share) => `${(100 * share).toFixed(1)} %`;
const pressed = (button, on) => button.setAttribute("aria-pressed", String(Boolean(on)));

// Joules with the prefix that fits.
function energy(joules) {
  const [scale, unit] = [[1, "J"], [1e-3, "mJ"], [1e-6, "µJ"], [1e-9, "nJ"]].find(([s]) => joules >= s) || [1e-12, "pJ"];
  return `${(joules / scale).toPrecision(3)} ${unit}`;
}

// Rows of a name, a bar and a number.
function bars(place, rows) {
  while (place.children.length < rows.length) {
    const row = document.createElement("div");
    row.append(document.createElement("span"), document.createElement("i"), document.createElement("span"));
    place.append(row);
  }
  rows.forEach(({ name, part, text, best }, i) => {
    const [first, bar, last] = place.children[i].children;
    place.children[i].className = best ? "best" : "";
    first.textContent = name;
    bar.style.width = `${100 * part}%`;
    last.textContent = text;
  });
}

// A drawing was read.
function answered({ prediction, counts }) {
  const { classes } = app.ready, drawn = app.drawn.some((value) => value), most = Math.max(...counts);
  app.told = { prediction };
  by("prediction").textContent = drawn && most ? classes[prediction] : "?";
  by("prediction-text").textContent = !drawn ? "Nothing drawn yet." : most ? "is what it reads" : "No output fires.";
  showRates(counts, drawn ? prediction : -1);
}

function showRates(counts, prediction) {
  const full = app.ready.window / app.ready.refractory;
  bars(by("rates"), counts.map((count, k) => ({
    name: app.ready.classes[k], part: Math.min(1, count / full), text: String(count), best: k === prediction,
  })));
}

// An image was learned: one of the training, or a drawing.
function learned({ source, label, prediction, curve, nudged, counters }) {
  app.joules += counters.synops * app.ready.energy;
  if (source === "teach") {
    const said = prediction === label ? "it had read it right" : `it had read ${app.ready.classes[prediction]}`;
    by("taught").textContent = `Learned as ${app.ready.classes[label]}: ${said}${nudged ? "" : ", and so surely that nothing had to change"}.`;
    showDrawing();
    return;
  }
  app.curve.add(curve);
  by("images").textContent = curve.images.toLocaleString("en");
  app.times = [...app.times.filter((at) => at > performance.now() - 3000), performance.now()];
}

// An image in the raster and beside it.
function look(message) {
  app.image = message;
  app.raster.show(message);
  const { counters, stages, key, source, label, match } = message, { classes } = app.ready;
  by("synops").textContent = counters.synops.toLocaleString("en");
  by("energy").textContent = energy(counters.synops * app.ready.energy);
  by("energy-all").textContent = app.joules ? energy(app.joules) : "-";
  by("key").textContent = key.toString(16).padStart(8, "0");
  by("doing").textContent = { show: "Reads your drawing.", teach: `Learns your drawing as ${classes[label]}.`, train: `Learns an image of ${classes[label]}.` }[source];
  by("match").textContent = match ? `${match.right ? "Match: " : "NO MATCH: "}${match.text}.` : "";
  by("match").dataset.right = match ? match.right : "";
  const spent = Object.entries(stages).filter(([name]) => name !== "idle"), all = spent.reduce((sum, [, cycles]) => sum + cycles, 0);
  bars(by("stages"), spent.map(([name, cycles]) => ({ name, part: all ? cycles / all : 0, text: all ? percent(cycles / all) : "" })));
}

// The step that the raster stands at, in words.
function moved() {
  const { raster, image, ready } = app, at = raster.cursor;
  by("cursor").max = image ? image.steps : 1;
  by("cursor").value = at;
  by("cursor-text").textContent = image ? `${at} of ${image.steps}` : "";
  by("phase").replaceChildren(...phase(image, at, ready));
  drawInside(by("inside"), ready, image && image.inner, at);
}

function phase(image, at, { free, classes }) {
  if (!image) return ["Draw something, or start the training."];
  const bold = document.createElement("b");
  const read = classes[image.prediction];
  if (at <= free && at < image.steps) {
    bold.textContent = "Free phase. ";
    return [bold, "The network is left alone and settles; what the outputs say at its end is the answer."];
  }
  if (image.nudged) {
    bold.textContent = "Nudge phase. ";
    return [bold, `It read ${read}. The outputs are pulled towards ${classes[image.label]}, and every spike programs the synapses that it meets.`];
  }
  bold.textContent = "Done. ";
  return [bold, image.label === null ? `It reads ${read}.` : `It read ${read}, close enough to ${classes[image.label]}: no nudge is needed, nothing is programmed.`];
}

// ------------------------------------------------------------------------------------------------------------------
// To the engine

// The drawing as the chip's inputs take it.
function pixelsOf(ink) {
  const { side, white } = app.ready;
  if (side !== pad.CELLS) return [...centred.image(ink, pad.WIDTH, side, white)];
  return [...pad.reduced(ink)].map((value) => Math.round(value * white / pad.FULL));
}

function showDrawing() {
  app.id += 1;
  app.send({ type: "show", pixels: app.drawn, id: app.id, ...strokes() });
}

// Those of the drawing, where its pixels follow from them.
function strokes() {
  return app.ready.side === pad.CELLS ? { strokes: app.drawing.strokes.map((points) => [...points]) } : {};
}

// A drawing of a session that is done again.
function redraw(fields, id) {
  if (fields.strokes) app.drawing.load(fields.strokes);
  app.id = id;
  return fields.pixels || app.drawn;
}

function drew(ink) {
  if (!app.ready) return;
  app.drawn = pixelsOf(ink);
  const { side, white } = app.ready;
  picture(by("seen"), app.drawn.map((value) => value / white), side, side);
  const nothing = !app.drawn.some((value) => value);
  by("labels").querySelectorAll("button").forEach((each) => { each.disabled = nothing; });
  showDrawing();
}

function train(on) {
  app.slowly = on && app.raster.mode !== "live";
  if (app.slowly) app.send({ type: "next" });
  else app.send({ type: "train", on });
  heard.state({ training: on && !app.slowly, text: "" });
}

function play(mode) {
  const going = app.training || app.slowly;
  document.querySelectorAll("[data-play]").forEach((each) => pressed(each, each.dataset.play === mode));
  app.raster.setMode(mode);
  if (going) train(true);
  if (going && mode !== "live") app.send({ type: "train", on: false });
}

function inspect(neuron) {
  app.raster.chosen = neuron;
  app.pictures.mark(neuron);
  app.raster.paint();
  app.send({ type: "inspect", neuron });
  if (!neuron) return;
  const layer = neuron[0] === app.ready.layers.length - 1 ? "Output" : "Hidden neuron";
  by("inside-text").textContent = `${layer} ${neuron[1]}: what it has gathered, and the slope of its rate, from the next image on.`;
  if (!app.training && !app.slowly) showDrawing();
}

function brushed(synapses, brush) {
  if (brush === "break") app.send({ type: "write", synapses, value: 0 });
  else app.send({ type: "stick", synapses, at: brush });
  clearTimeout(app.later);
  app.later = setTimeout(showDrawing, 100);
}

// Every other synapse of the first layer, by a draw.
function breakHalf() {
  const [inputs, hidden] = app.ready.layers, synapses = [];
  for (let row = 0; row < inputs; row++) {
    for (let column = 0; column < hidden; column++) if (Math.random() < 0.5) synapses.push([0, row, column]);
  }
  brushed(synapses, "break");
}

function start(weights) {
  train(false);
  app.joules = 0;
  app.curve.clear();
  by("images").textContent = "0";
  app.send({ type: "start", weights });
  by("judged").textContent = weights === "initial" ? "Everything is forgotten: the weights are random again." : "The trained weights are back.";
  showDrawing();
}

function judge() {
  by("judge").disabled = true;
  by("judged").textContent = "Being tested ...";
  const { layers } = app.ready, synapses = layers.slice(1).reduce((all, size, s) => all + (layers[s] + 1) * size, 0);
  app.send({ type: "judge", images: Math.max(40, Math.min(TESTS, Math.round(2e6 / synapses))) });
}

// ------------------------------------------------------------------------------------------------------------------

function setUp(ready) {
  by("name").textContent = ready.name;
  by("layers").textContent = `${ready.layers.join("-")}, data set ${ready.dataset.name}: ${ready.dataset.train} images to learn, ${ready.dataset.test} to test`;
  by("engine").textContent = ready.engine;
  by("notes").textContent = ready.notes.join(" ");
  by("what").textContent = ready.engine;
  by("digest").textContent = ready.digest || "-";
  by("draw").hidden = !ready.side;
  by("trained").hidden = !ready.trained;
  document.querySelectorAll("[data-sticks]").forEach((each) => { each.hidden = !ready.sticks; });
  app.drawn = new Array(ready.layers[0]).fill(0);
  app.raster = new Raster(by("raster"), ready, inspect, ended, moved);
  app.curve = new Curve(by("curve"));
  app.pictures = new Pictures(by("pictures"), ready, inspect, brushed);
  app.drawing = new Drawing(by("pad"), drew);
  ready.classes.forEach((name, label) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.disabled = true;
    button.setAttribute("aria-label", `It is a ${name}: learn it`);
    button.addEventListener("click", () => app.send({ type: "teach", pixels: app.drawn, label, id: app.id, ...strokes() }));
    by("labels").append(button);
  });
  showRates(ready.classes.map(() => 0), -1);
  watching(ready.watches);
  setSpeed();
  repaint();
}

// The page only looks on: what it would send is dropped, but for the neuron that is looked into.
function watching(on) {
  app.watches = on;
  by("labels").querySelectorAll("button").forEach((each) => { each.disabled = on || !app.drawn.some((value) => value); });
  document.querySelectorAll("#training button, #break-half, [name=brush], #record, #open").forEach((each) => { each.disabled = on; });
}

// The check is over: show the weights, and how well they read.
function welcome() {
  app.checked = true;
  app.send({ type: "weights" });
  if (!app.watches) judge();
  app.session.linked();
}

function ended() {
  if (app.slowly) app.send({ type: "next" });
  else if (app.raster.mode === "slow") setTimeout(() => app.raster.setMode("slow"), 700);
}

function setSpeed() {
  const wait = WAITS[by("speed").value];
  by("speed-text").textContent = wait ? `${1000 / wait} a second` : "as fast as it goes";
  app.send({ type: "wait", milliseconds: wait });
}

function repaint() {
  app.raster.paint();
  app.curve.draw();
  app.drawing.paint();
  app.pictures.paint();
}

function listen() {
  by("clear").addEventListener("click", () => app.drawing.clear());
  by("train").addEventListener("click", () => train(!(app.training || app.slowly)));
  by("fresh").addEventListener("click", () => start("initial"));
  by("trained").addEventListener("click", () => start("trained"));
  by("judge").addEventListener("click", judge);
  by("break-half").addEventListener("click", breakHalf);
  by("speed").addEventListener("input", setSpeed);
  by("one-image").addEventListener("click", () => { app.slowly = false; app.raster.waiting = true; app.send({ type: "next" }); });
  by("one-step").addEventListener("click", () => { play("pause"); app.raster.advance(1); });
  by("cursor").addEventListener("input", () => { play("pause"); app.raster.cursor = Number(by("cursor").value); app.raster.paint(); });
  document.querySelectorAll("[data-play]").forEach((each) => each.addEventListener("click", () => play(each.dataset.play)));
  document.querySelectorAll("[name=brush]").forEach((each) => each.addEventListener("change", () => { app.pictures.brush = each.value; }));
  addEventListener("resize", () => app.ready && repaint());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => app.ready && repaint());
  setInterval(() => {
    const recent = app.times.filter((at) => at > performance.now() - 3000);
    by("pace").textContent = recent.length > 1 ? (recent.length / 3).toFixed(1) : "-";
  }, 500);
}

listen();
const engine = connect(hear);
app.tape = new Tape(engine, redraw);
app.send = (message) => {
  if (!(app.watches || app.tape.playing) || message.type === "inspect") app.tape.pass(message);
};
const carried = Boolean(document.getElementById("material")); // else a server has the chip, and records by itself
for (const name of ["session", "carried", "licences"]) by(name).hidden = !carried;
by("served").hidden = carried;
app.session = new SessionPanel(by, app.tape, () => app.ready.trained, watching);
