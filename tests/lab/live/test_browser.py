"""The live page in a browser: drawn, taught, trained and broken on golden; a training watched; a session done again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eqspike.golden.configfile import config_from_dict
from eqspike.golden.data import load_split
from eqspike.golden.engine import GoldenEngine
from eqspike.lab.live.chip import GoldenChip
from eqspike.lab.live.images import load_images
from eqspike.lab.live.player import Player
from eqspike.lab.live.server import Server
from eqspike.lab.live.session import Session
from eqspike.lab.live.tape import Tape
from eqspike.lab.live.watch import Page
from eqspike.lab.live.worker import Worker
from eqspike.lab.page.assembly import page as page_of
from eqspike.lab.train import train
from tests.lab.live.stand_ins import weights_of
from tests.lab.test_report_browser import BROWSERS, FLAGS

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install 'eqspike[dev]'")
ALONE = "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"
SECONDS = 60_000
CONFIG = config_from_dict({"name": "drawn", "dataset": {"name": "digits"}, "training": {"epochs": 2}})


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no Chromium on this system: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=[*FLAGS, ALONE])
        yield started
        started.close()


class Opened:
    """A page of a server, whose policy holds: no script of the test may be evaluated in it while it waits."""

    def __init__(self, browser: Any, url: str) -> None:
        self.page, self.said, self.asked = browser.new_page(viewport={"width": 1280, "height": 900}), [], []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(url)

    def says(self, place: str, text: str) -> str:
        """Wait until a place says something with this text in it."""
        self.page.wait_for_selector(f"{place}:has-text('{text}')", timeout=SECONDS)
        return self.page.inner_text(place)

    def draw(self) -> None:
        pad = self.page.locator("#pad")
        pad.scroll_into_view_if_needed()
        box = pad.bounding_box()
        points = [(0.35, 0.2), (0.6, 0.2), (0.55, 0.45), (0.4, 0.5), (0.6, 0.55), (0.6, 0.8), (0.35, 0.8)]
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*place, steps=3)
        self.page.mouse.up()


class Served:
    """A session of golden behind a server."""

    def __init__(self, tape: Tape | None = None, speed: float = 1000) -> None:
        def made() -> Session:
            self.session = Session(
                CONFIG, GoldenChip(CONFIG), load_images(CONFIG), weights_of(CONFIG), self.server.publish
            )
            if tape is not None:
                self.session.player = Player(tape, self.session.asked, speed)
            self.server.publish(self.session.ready() | {"watches": tape is not None})
            return self.session

        self.worker = Worker(made, lambda error: None)
        self.server = Server(page_of("drawn"), self.worker.watched if tape else self.worker.post)

    def __enter__(self) -> Served:
        self.open = self.server.background()
        self.open.__enter__()
        return self

    def opened(self, browser: Any) -> Opened:
        """Its page, which is there before the chip is."""
        opened = Opened(browser, self.server.url)
        self.worker.start()
        return opened

    def __exit__(self, *given: object) -> None:
        self.worker.stop()
        self.open.__exit__(*given)


def test_draw_teach_train_break(browser: Any) -> None:
    with Served() as served:
        opened = served.opened(browser)
        page = opened.page
        assert opened.says("#check", "are those of the golden model").startswith("Checked itself: 200 images")
        opened.draw()
        opened.says("#prediction-text", "is what it reads")
        page.click("#labels button:nth-child(4)")
        opened.says("#taught", "Learned as 3")
        page.click("#train")
        opened.says("#train", "Pause")
        page.locator("#pictures canvas").first.click()
        page.click("#break-half")
        opened.says("#curve + .legend", "nudged")
        page.wait_for_timeout(1000)
        page.click("#train")
        opened.says("#train", "Start")
        assert int(page.inner_text("#images").replace(",", "")) > 20
        assert "the golden model" in opened.says("#served", "behind a program on this computer")
        assert page.is_hidden("#carried")
        assert page.is_hidden("#session")
        assert [each for each in opened.asked if not each.startswith((served.server.url, "data:"))] == []
        assert opened.said == []
        page.close()


def test_a_session_done_again(browser: Any) -> None:
    """Its drawing stands on the pad; the page only looks on, but may look inside a neuron."""
    tape = Tape.of(CONFIG)
    strokes = [[[40, 20], [60, 100]]]
    tape.done = [[0, "start", {"weights": "trained"}], [0, "show", {"strokes": strokes}], [0, "train", {"images": 5}]]
    with Served(tape) as served:
        opened = served.opened(browser)
        opened.says("#doing", "the recorded session is over: weights and key are NOT as")  # the tape has no digest
        assert opened.page.is_disabled("#train")
        assert opened.page.evaluate("app.drawing.strokes") == strokes
        assert opened.page.inner_text("#prediction-text") == "is what it reads"
        opened.page.locator("#pictures canvas").first.click()
        assert opened.said == []
        opened.page.close()


def test_a_training_is_watched(browser: Any, tmp_path: Path) -> None:
    own = Page(CONFIG)
    with own.served():
        data = load_split(CONFIG)
        engine = own.watch(GoldenEngine(CONFIG), "golden", CONFIG, data)
        opened = Opened(browser, own.server.url)
        opened.says("#notes", "This page only watches")
        opened.page.locator("#pictures canvas").first.click()
        found = train(CONFIG, engine, data, name="golden")
        right = round(found.epochs[-1].test_accuracy * len(data.test_labels))
        engine.end("over")
        opened.says("#match", f"Match: results and key of {2 * len(data.train_labels)} images are the golden twin")
        opened.says("#judged", f"Test: {right} of {len(data.test_labels)}")
        assert opened.page.is_disabled("#train")
        assert opened.said == []
        opened.page.close()
