"""A board beside its golden twin: what matches, what does not, and a board that is lost."""

from __future__ import annotations

from typing import Any

import pytest

from eqspike.golden.config import Config
from eqspike.golden.configfile import config_from_dict
from eqspike.lab.live.board import BoardChip
from eqspike.lab.live.chip import GoldenChip
from eqspike.lab.live.session import Session
from tests.lab.live.stand_ins import GoldenEngine, Heard, session, work

PIXELS = [16, 0, 3, 9, 0, 0, 12, 16, 1]


@pytest.fixture
def config(tiny_data: dict[str, Any]) -> Config:
    return config_from_dict(tiny_data)


def on_board(config: Config, lost: int | None = None) -> tuple[GoldenEngine, BoardChip, Session, Heard]:
    engine = GoldenEngine(config, lost)
    chip = BoardChip(engine, config)
    own, heard = session(config, chip)
    return engine, chip, own, heard


def train(own: Session, images: int) -> None:
    own.hear({"type": "train", "on": True})
    for _ in range(images):
        assert own.work()
    own.hear({"type": "train", "on": False})


def same(chip: BoardChip) -> bool:
    own, twin = (each.network for each in (chip.engine.board, chip.twin))
    return own.key == twin.key and all((a == b).all() for a, b in zip(own.weights, twin.weights, strict=True))


def test_draw_teach_train_break(config: Config) -> None:
    """Every image matches, and after a round of words all weights do."""
    engine, chip, own, heard = on_board(config)
    own.hear({"type": "check"})
    work(own)
    assert heard.of("check")[-1] == {
        "type": "check", "state": "passed", "done": 20, "of": 20,
        "text": "20 images learned, 68 weights and the key of the random draws are those of the golden model",
    }  # fmt: skip
    own.hear({"type": "show", "pixels": PIXELS, "id": 1})
    own.hear({"type": "teach", "pixels": PIXELS, "label": 1, "id": 2})
    own.hear({"type": "write", "synapses": [[0, 1, 2], [1, 4, 0]], "value": 7})
    own.hear({"type": "key", "value": 99})
    work(own)
    assert same(chip)
    assert "words compared, as the twin's" in heard.of("image")[-1]["match"]["text"]
    train(own, 120)
    assert same(chip)
    images = heard.of("image")
    assert all(image["match"]["right"] for image in images)
    assert "counts, nudge and key as the twin's; all weights as the twin's" in images[-1]["match"]["text"]
    assert engine.board.epochs[-2:] == [0, 1]  # the rates of the second epoch, and not at every image
    golden = GoldenChip(config)
    shown = golden.present(own.images.split.test_images[0], 0, 0, 0, None)
    assert shown.match is None  # golden alone has no twin


def test_a_flipped_weight_shows(config: Config) -> None:
    """At the next look at its word, at the latest after a round; while idle too. It is not called right again."""
    engine, chip, own, heard = on_board(config)
    assert chip.idle() is not None
    engine.board.network.weights[1][4, 1] ^= 1 << 6
    for _ in range(engine.board.sizes.words):
        chip.idle()
    match = chip.match()
    twin = int(chip.twin.network.weights[1][4, 1])
    assert not match.right
    assert f"1 weight differs in layer 1, row 4, column 1: {twin ^ 64}, of the twin {twin}" in match.text
    own.hear({"type": "show", "pixels": PIXELS, "id": 1})
    work(own)
    assert not heard.of("image")[-1]["match"]["right"]
    own.hear({"type": "start", "weights": "initial"})  # writes all weights anew
    own.hear({"type": "show", "pixels": PIXELS, "id": 1})
    work(own)
    assert heard.of("image")[-1]["match"]["right"]


@pytest.mark.parametrize("what", ["key", "counts"])
def test_a_board_that_errs_shows_at_once(config: Config, what: str) -> None:
    engine, _, own, heard = on_board(config)
    if what == "key":
        engine.board.network.key ^= 1
    else:
        engine.board.network.weights[1][:] = 0
    own.hear({"type": "teach", "pixels": PIXELS, "label": 0, "id": 1})
    work(own)
    match = heard.of("image")[-1]["match"]
    assert not match["right"]
    assert match["text"].startswith("counts, nudge and key other than the twin's; 1 of 1 images differed")


@pytest.mark.parametrize("lost", [0, 1, 30])
def test_a_lost_board(config: Config, lost: int) -> None:
    """It is said, waited for, and given what the twin holds; no image is lost or learned twice."""
    engine, chip, own, heard = on_board(config, lost)
    train(own, 60)
    assert engine.waited == 1
    assert same(chip)
    texts = [message["text"] for message in heard.of("state")]
    assert "lost: no answer" in texts
    assert "lost: no answer; waiting for it, 12 s left" in texts
    assert "it is there again, and was given what its twin holds" in texts
    alone, _ = session(config)
    train(alone, 60)
    assert all((a == b).all() for a, b in zip(alone.chip.contents(), engine.board.network.weights, strict=True))
    assert alone.chip.key == engine.board.network.key
    assert all(image["match"]["right"] for image in heard.of("image"))


def test_lost_while_it_checks_itself(config: Config) -> None:
    _, chip, own, heard = on_board(config, 7)
    train(own, 3)
    before, key = chip.contents(), chip.key
    own.hear({"type": "check"})
    work(own)
    assert heard.of("check")[-1]["state"] == "passed"
    assert all((a == b).all() for a, b in zip(chip.contents(), before, strict=True))
    assert (chip.key, same(chip)) == (key, True)
