// The buttons of a recorded session: record, save, link, open.
"use strict";

class SessionPanel {
  // `place`: its section's elements by id; `tape`; `begin`: tells the page that a session is done again, and ended.
  constructor(by, tape, trained, begin) {
    Object.assign(this, { by, tape, trained, begin, kept: null });
    by("record").addEventListener("click", () => (tape.recording ? this.stop() : this.record()));
    by("save").addEventListener("click", () => this.save());
    by("link").addEventListener("click", () => this.link());
    by("again").addEventListener("click", () => this.play(this.kept));
    by("open").addEventListener("change", ({ target }) => {
      const [file] = target.files;
      target.value = ""; // else the same file could not be opened again
      this.open(file);
    });
  }

  say(text) {
    this.by("session-text").textContent = text;
  }

  record() {
    const weights = this.trained() ? "trained" : "initial";
    this.tape.record(weights);
    this.by("record").textContent = "Stop";
    this.say(`Recording, from the ${weights} weights on: draw, teach, train, break.`);
  }

  async stop() {
    this.keep(await this.tape.stop());
    this.by("record").textContent = "Record";
    this.say(`${this.kept.done.length} things were done. They can be saved, sent as a link to this page, and done again.`);
  }

  keep(tape) {
    this.kept = tape;
    for (const name of ["save", "link", "again"]) this.by(name).disabled = false;
  }

  save() {
    const file = document.createElement("a");
    file.href = `data:application/json,${encodeURIComponent(JSON.stringify(this.kept))}`;
    file.download = `${this.kept.name}-session.json`;
    file.click();
  }

  async link() {
    history.replaceState(null, "", await toLink(this.kept));
    try {
      await navigator.clipboard.writeText(location.href);
      this.say("The link is copied, and stands in the address bar.");
    } catch {
      this.say("The link stands in the address bar.");
    }
  }

  async open(file) {
    if (!file) return;
    try {
      await this.play(JSON.parse(await file.text()));
    } catch {
      this.say("This file is no recorded session.");
    }
  }

  // The session behind the page's own address, if there is one.
  async linked() {
    try {
      const tape = await fromLink(location.hash);
      if (tape) await this.play(tape);
    } catch {
      this.say("What stands behind this page's address is no recorded session.");
    }
  }

  async play(tape) {
    const wrong = this.tape.wrong(tape);
    if (wrong) {
      this.say(`It cannot be done again: ${wrong}.`);
      return;
    }
    this.keep(tape);
    this.say("A recorded session is done again; meanwhile the page only watches.");
    this.begin(true);
    const same = await this.tape.play(tape).finally(() => this.begin(false));
    this.say(same
      ? "Done again: the chip holds, to the last bit, what it held when the session was recorded."
      : "Done again, but the chip holds something else than when the session was recorded.");
  }
}
