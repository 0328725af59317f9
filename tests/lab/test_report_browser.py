"""The report as a browser shows it: on a wide screen and on a phone, in light and dark, and what a pointer reads."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.scripts.test_results import BUILD

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install 'eqspike[dev]'")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]

TOO_WIDE = """() => {
  const wide = document.documentElement.clientWidth, found = [];
  if (document.documentElement.scrollWidth > wide) found.push("the page itself");
  for (const element of document.body.querySelectorAll("*")) {
    // what a box scrolls may be wider than the page; a drawing's parts are looked at below
    if (element.parentElement.closest(".scroll, pre, svg")) continue;
    const box = element.getBoundingClientRect();
    if (box.right > wide + 0.5 || box.left < -0.5) found.push(element.outerHTML.slice(0, 90));
  }
  return found;
}"""
CUT = """() => [...document.querySelectorAll(".plot svg text")].filter((text) => {
  const own = text.getBoundingClientRect(), svg = text.ownerSVGElement.getBoundingClientRect();
  return own.left < svg.left - 1 || own.right > svg.right + 1 || own.top < svg.top - 1 || own.bottom > svg.bottom + 1;
}).map((text) => text.textContent)"""


@dataclass
class Shown:
    """A page that is open, and what it did."""

    page: Any
    said: list[str] = field(default_factory=list)
    """Messages on the console, and errors."""
    asked: list[str] = field(default_factory=list)
    """What it fetched, but data that stands in it."""


@pytest.fixture
def report(tiny: str, run) -> Path:
    """A report with something in most of its sections; one run misreads images, one went on after it had stopped."""
    assert run("train", tiny, "--epochs", 1, "--out", "all/a").exit_code == 0
    assert run("train", "--resume", "all/a", "--epochs", 2).exit_code == 0
    # devices that are not ideal, and a name as long as a phone is wide
    change = ("--set", "name=a-name-as-long-as-names-may-be-and-without-any-place-to-break-it-" + 20 * "x")
    change += ("--set", "device.write_noise=1e-3")
    change += ("--set", "synapses.0.draw=synapse", "--set", "synapses.1.draw=synapse")
    assert run("train", tiny, "--seeds", 2, "--epochs", 1, "--out", "all/many", *change).exit_code == 0
    assert run("device", tiny, "--points", 11, "--out", "all/device").exit_code == 0
    Path("all/build.json").write_text(json.dumps(BUILD))
    first = {"image": 1, "step": 2, "name": "membrane", "index": [3], "rtl": 4, "golden": 5}
    compare = {"config": "tiny", "images": 20, "compared": {"spikes": 9}, "mismatches": 3, "first_mismatch": first}
    Path("all/compare.json").write_text(json.dumps(compare))
    assert run("report", "all").exit_code == 0
    return Path("all/report.html").resolve()


@pytest.fixture
def browser() -> Iterator[Any]:
    """The system's Chromium."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no Chromium on this system: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield started
        started.close()


def opened(browser: Any, report: Path, width: int, scheme: str = "light", script: bool = True) -> Shown:
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme, java_script_enabled=script)
    shown = Shown(page)
    page.on("console", lambda message: shown.said.append(message.text))
    page.on("pageerror", lambda error: shown.said.append(str(error)))
    page.on("request", lambda request: shown.asked.append(request.url))
    page.goto(report.as_uri())
    return shown


def tip(shown: Shown, selector: str, x: float, y: float) -> list[str]:
    """What is read out at a place of the first such drawing, as parts of its width and height."""
    drawing = shown.page.locator(selector).first
    drawing.scroll_into_view_if_needed()
    box = drawing.bounding_box()
    shown.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    lines = drawing.locator("xpath=..").locator(".tip:visible > div").all_text_contents()
    assert shown.page.evaluate(TOO_WIDE) == []
    return lines


def test_in_a_browser(report: Path, browser: Any) -> None:
    grounds = set()
    for width, scheme in ((1280, "light"), (390, "dark")):
        shown = opened(browser, report, width, scheme)
        for closed in (True, False):  # folded as it comes, and with all that can be unfolded
            assert shown.page.evaluate(TOO_WIDE) == []
            assert shown.page.evaluate(CUT) == []
            if closed:
                shown.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        grounds.add(shown.page.evaluate("getComputedStyle(document.body).backgroundColor"))

        curve = tip(shown, "svg[data-chart]", 0.9, 0.5)
        assert curve[0] == "epoch 2"
        assert any(line.startswith("tiny, seed 7, test: ") and line.endswith(" %") for line in curve[1:])
        spikes = tip(shown, "svg[data-raster]", 0.4, 0.85)
        assert spikes[0].startswith("inputs, neuron ")
        assert spikes[1].startswith("step ")
        assert spikes[1].endswith((": spike", ": silent"))
        trace = tip(shown, "svg[data-chart][aria-label^=Membranes]", 0.5, 0.5)
        assert trace[0].startswith("step ")
        assert len(trace) == 4

        assert shown.said == []
        assert [url for url in shown.asked if not url.startswith("data:")] == [report.as_uri()]
    assert len(grounds) == 2

    plain = opened(browser, report, 390, script=False)
    assert plain.page.locator("path.spikes").last.get_attribute("d")  # the inputs
    assert plain.page.locator("polyline").first.get_attribute("points")
    assert plain.said == []
