"""Sessions that the page records: done again they end as they did, from a file and from a link."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.lab.page.node import evaluated

STAGE = f"""
  Object.assign(globalThis, {{ INFER: 0, LEARN: 1, sha256 }});
  {(Path(__file__).parent / "stage.js").read_text(encoding="utf-8")}
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
        {"pixels": [9, 9, 9, 9], "label": 1}, {"pixels": [4, 3, 2, 1], "label": 0},
        {"strokes": [[[5, 5], [90, 90]]], "label": 1},
    ]  # fmt: skip


def test_what_differs_is_found() -> None:
    assert played("tape.done.find(([, what]) => what === 'train')[2].images += 1;")["same"] is False
    assert played("tape.done.find(([, what]) => what === 'write')[2].value += 1;")["same"] is False


def test_other_tapes_are_refused() -> None:
    good = {"format": "eqspike session 1", "name": "x", "seed": 0, "circuit": "ab", "origin": "page", "done": []}
    changes = ({"format": "2"}, {"name": "y"}, {"seed": 1}, {"circuit": "b"}, {"origin": "live"}, {})
    body = f"""{STAGE}
      const page = open();
      page.closed = true;
      return given.map((each) => page.tape.wrong(each));
    """
    found = evaluated(FILES, body, [None, {}, *(good | change for change in changes)])
    assert found[:3] == ["this is no recorded session"] * 3
    assert [name in text for name, text in zip(("name", "seed", "circuit"), found[3:6], strict=True)] == [True] * 3
    assert "eqspike live --replay" in found[6]
    assert found[7] == ""
