"""Recorded sessions: done again they end to the bit as they did; files that are none are refused in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eqspike.base.errors import UsageProblem
from eqspike.golden.config import Config
from eqspike.golden.configfile import config_from_dict
from eqspike.lab.live.player import Player
from eqspike.lab.live.tape import FORMAT, Tape, read_tape
from tests.lab.live.stand_ins import session, weights_of, work

PIXELS = [16, 0, 3, 9, 0, 0, 12, 16, 1]


@pytest.fixture
def config(tiny_data: dict[str, Any]) -> Config:
    return config_from_dict(tiny_data)


@pytest.fixture
def taped(config: Config, tmp_path: Path) -> Path:
    """A session with something of everything."""
    own, _ = session(config, trained=weights_of(config))
    tape = own.tape = Tape.of(config)
    tape.record("start", weights="trained")
    own.hear({"type": "train", "on": True})
    for _ in range(130):
        own.work()
    own.hear({"type": "write", "synapses": [[0, 1, 2]], "value": 5})
    own.work()
    own.hear({"type": "train", "on": False})
    own.hear({"type": "show", "pixels": PIXELS, "strokes": [[[1, 2], [3, 4]]], "id": 1})
    own.hear({"type": "teach", "pixels": PIXELS, "label": 2, "id": 2})
    own.hear({"type": "key", "value": 31})
    own.hear({"type": "inspect", "neuron": [1, 0]})
    own.hear({"type": "judge", "images": 3})
    own.hear({"type": "next"})
    work(own)
    tape.save(tmp_path / "tape.json", own.digest())
    return tmp_path / "tape.json"


def again(config: Config, tape: Tape, speed: float | None = None) -> tuple[Player, Any]:
    own, heard = session(config, trained=weights_of(config))
    player = own.player = Player(tape, own.asked, speed)
    work(own)
    return player, heard


def test_done_again(config: Config, taped: Path) -> None:
    tape = read_tape(taped, config)
    assert [what for _, what, _ in tape.done] == [
        "start", "train", "write", "train", "key", "inspect", "judge", "show", "teach", "train",
    ]  # fmt: skip
    assert [fields.get("images") for _, what, fields in tape.done if what == "train"] == [130, 1, 1]
    player, heard = again(config, tape)
    assert player.same is True
    assert "weights and key are as they were" in heard.of("state")[-1]["text"]
    shown = next(image for image in heard.of("image") if image["source"] == "show")
    assert shown["strokes"] == [[(1, 2), (3, 4)]]


@pytest.mark.parametrize("what", ["label", "value", "images"])
def test_what_differs_is_said(config: Config, taped: Path, what: str) -> None:
    data = json.loads(taped.read_text())
    fields = next(fields for _, _, fields in data["done"] if what in fields)
    fields[what] -= 1
    taped.write_text(json.dumps(data))
    player, heard = again(config, read_tape(taped, config))
    assert player.same is False
    assert "NOT as" in heard.of("state")[-1]["text"]


def test_at_its_times(config: Config, taped: Path) -> None:
    """Nothing is done before its time; faster than it was recorded where that is asked."""
    tape = read_tape(taped, config)
    tape.done = [[0, "show", {"pixels": PIXELS}], [100, "show", {"pixels": PIXELS}]]
    own, heard = session(config)
    own.player = Player(tape, own.asked, 10)
    assert work(own) == 1
    assert 9 < own.idle() <= 10
    own.hear({"type": "show", "pixels": PIXELS, "id": 3})  # of a page, which only watches
    assert len(heard.of("image")) == 1


def test_strokes_alone(config: Config) -> None:
    """A drawing of a chip with 8 x 8 inputs follows from its strokes."""
    wide = config_from_dict({"dataset": {"name": "random"}})
    own, heard = session(wide)
    tape = Tape.of(wide)
    tape.done = [[0, "teach", {"strokes": [[[10, 10], [10, 90]]], "label": 1}]]
    own.player = Player(tape, own.asked, None)
    own.work()
    (image,) = heard.of("image")
    assert sum(image["pixels"]) > 100
    assert image["label"] == 1


def test_files_that_are_none(config: Config, taped: Path) -> None:
    good = json.loads(taped.read_text())
    cases: list[tuple[Any, str]] = [
        ("{", "not JSON"), ([], "format:"), ({"format": "other"}, "format:"), (good | {"digest": 3}, "digest: "),
        (good | {"name": "other"}, "name: other; this chip's is tiny"),
        (good | {"seed": 1}, "seed: 1; this chip's is 7"),
        (good | {"circuit": "00"}, "circuit: 00"), (good | {"done": [[0, "shout", {}]]}, r"done\.0: "),
        (good | {"done": [3]}, r"done\.0: "),
    ]  # fmt: skip
    assert good["format"] == FORMAT
    for content, said in cases:
        taped.write_text(content if isinstance(content, str) else json.dumps(content))
        with pytest.raises(UsageProblem, match=said) as caught:
            read_tape(taped, config)
        assert str(caught.value).startswith(str(taped))
    with pytest.raises(UsageProblem, match="cannot be read: No such file"):
        read_tape(taped.with_name("none"), config)
    for entry in (["show", {"pixels": [1]}], ["train", {"images": 0}], ["write", {}], ["show", {"strokes": [[["a"]]]}]):
        tape = Tape.of(config)
        tape.done = [[0, *entry]]
        with pytest.raises(UsageProblem, match=f"done: {entry[0]}: "):
            Player(tape, session(config)[0].asked)
