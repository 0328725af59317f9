"""Sessions that the page records: done again they end as they did, from a file and from a link."""

from __future__ import annotations

from typing import Any

from tests.lab.page.node import evaluated

# A chip whose weights and key are a hash of all that was done to it, in order, and a page that is only its tape.
STAGE = """
  Object.assign(globalThis, { INFER: 0, LEARN: 1, sha256 });
  class Chip {
    begin(key, weights) { this.key = key; this.weights = Int32Array.from(weights); }
    read() { return Int32Array.from(this.weights); }
    setKey(value) { this.key = value; }
    write(places, values) { places.forEach((place, i) => { this.weights[place] = values[i]; }); }
    present(pixels, label, mode) {
      const sum = pixels.reduce((all, value, i) => (31 * all + value + i) | 0, label + 1);
      if (mode === LEARN) {
        this.key = (Math.imul(this.key, 1664525) + 1013904223) >>> 0;
        this.weights = this.weights.map((weight, i) => (Math.imul(weight, 17) + sum + i + this.key) % 2048);
      }
      return { prediction: label, counts: [], nudged: true, steps: 3, spikes: [], inner: null, counters: {}, stages: {}, key: this.key };
    }
  }
  const STROKES = [[[5, 5], [90, 90]]], drawn = (strokes) => [...pad.reduced(pad.picture(strokes)).slice(0, 4)];
  const ready = { layers: [4, 2, 2], classes: ["0", "1"], name: "x", seed: 0, circuit: "ab", free: 2 };
  function open() {
    const about = { ready, key: 7, train: [0, 1, 1, 0, 1], test: [0], check: {}, trained: { key: 9 } };
    const material = { about, images: Uint16Array.from({ length: 24 }, (_, i) => i % 17), initial: new Int32Array(16).fill(3), trained: new Int32Array(16).fill(-5) };
    const page = { heard: [], id: 0 };
    page.engine = new Engine(new Chip(), material, (message) => setImmediate(() => { page.heard.push(message); page.tape.came(message); }));
    page.engine.tellWeights = () => page.engine.send({ type: "weights", layers: [], stuck: [] });
    page.tape = new Tape((message) => setImmediate(() => page.engine.hear(message)), (fields) => fields.pixels || drawn(fields.strokes));
    page.tape.came({ type: "ready", ...ready });
    const turn = () => { if (!page.closed) { page.engine.work(performance.now()); setImmediate(turn); } };
    turn();
    return page;
  }
  const turns = async (count) => { for (let i = 0; i < count; i++) await new Promise(setImmediate); };
  async function session(page) {
    const { tape } = page;
    tape.pass({ type: "teach", pixels: [9, 9, 9, 9], label: 1, id: "before" });
    tape.record("trained");
    tape.pass({ type: "train", on: true });
    await turns(23);
    tape.pass({ type: "write", synapses: [[0, 1, 1], [1, 2, 0]], value: 40 });
    await turns(5);
    tape.pass({ type: "show", pixels: [1, 2, 3, 4], id: 1 });
    tape.pass({ type: "teach", pixels: [4, 3, 2, 1], label: 0, id: 2 });
    tape.pass({ type: "key", value: 77 });
    await turns(11);
    tape.pass({ type: "train", on: false });
    tape.pass({ type: "inspect", neuron: [1, 0] });
    tape.pass({ type: "next" });
    await turns(8);
    tape.pass({ type: "teach", pixels: drawn(STROKES), strokes: STROKES, label: 1, id: 3 });
    await turns(8);
    const kept = await tape.stop();
    page.closed = true;
    return kept;
  }
"""
FILES = {
    "pad": "pad.js",
    "sha256": "sha256.js",
    "{ Engine, digest }": "engine.js",
    "{ Tape, toLink, fromLink }": "tape.js",
}


def played(change: str = "") -> Any:
    body = f"""{STAGE}
      const tape = await session(open());
      {change}
      const other = open();
      await turns(9);
      const before = other.tape.wrong(tape);
      const same = await other.tape.play(await fromLink(await toLink(tape)), Infinity);
      other.closed = true;
      return {{ tape, before, same }};
    """
    return evaluated(FILES, body)


def test_done_again() -> None:
    found = played()
    tape = found["tape"]
    assert (tape["name"], tape["origin"], found["before"], found["same"]) == ("x", "page", "", True)
    what = [entry[1] for entry in tape["done"]]
    assert what[:3] == ["start", "teach", "train"]  # a drawing that waited to be learned was so after the start
    assert {"write", "key", "show", "teach", "inspect"} <= set(what)
    assert what.index("write") < what.index("key")
    shown = next(fields for _, kind, fields in tape["done"] if kind == "show")
    assert shown == {"pixels": [1, 2, 3, 4]}
    assert [fields for _, kind, fields in tape["done"] if kind == "teach"] == [
        {"pixels": [9, 9, 9, 9], "label": 1}, {"pixels": [4, 3, 2, 1], "label": 0}, {"strokes": [[[5, 5], [90, 90]]], "label": 1}
    ]  # fmt: skip


def test_what_differs_is_found() -> None:
    assert played("tape.done.find(([, what]) => what === 'train')[2].images += 1;")["same"] is False
    assert played("tape.done.find(([, what]) => what === 'write')[2].value += 1;")["same"] is False


def test_other_tapes_are_refused() -> None:
    body = f"""{STAGE}
      const page = open();
      page.closed = true;
      const good = {{ format: "eqspike session 1", name: "x", seed: 0, circuit: "ab", origin: "page", done: [] }};
      const others = [null, {{}}, {{ ...good, format: "2" }}, {{ ...good, name: "y" }}, {{ ...good, seed: 1 }}, {{ ...good, circuit: "b" }}, {{ ...good, origin: "live" }}, good];
      return others.map((each) => page.tape.wrong(each));
    """
    found = evaluated(FILES, body)
    assert found[:3] == ["this is no recorded session"] * 3
    assert [name in text for name, text in zip(("name", "seed", "circuit"), found[3:6], strict=True)] == [True] * 3
    assert "eqspike live --replay" in found[6]
    assert found[7] == ""
