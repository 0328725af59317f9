"""The report: what its numbers say of themselves, the images it shows, and what it must not let in."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eqspike.base import versions
from eqspike.golden.modes import INFER
from eqspike.golden.network import Network
from eqspike.lab.figures.charts import Band, Layer, Line, Mark, line_chart, raster_chart
from eqspike.lab.report_head import tiles
from eqspike.lab.report_network import Part, chosen
from eqspike.lab.report_runs import Named, learning_charts, named_runs
from tests.conftest import MakeConfig


def read(path: str | Path) -> Any:
    return json.loads(Path(path).read_text())


def metrics(seed: int = 0, epochs: int = 3, **more: Any) -> dict[str, Any]:
    """A metrics.json, as far as names, curves and tiles need it."""
    each = [
        {"epoch": n + 1, "test_accuracy": 0.9, "train_accuracy": 0.8, "first_spike_test_accuracy": 0.7}
        for n in range(epochs)
    ]
    return {
        "config": "net", "engine": "golden", "number_format": "fixed", "seed": seed, "epochs": each,
        "test_part": "test", "mean_last_5_test_accuracy": 0.85, "last_test_accuracy": 0.9,
    } | more  # fmt: skip


def names(*runs: tuple[str, dict[str, Any]], groups: tuple[str, ...] = ()) -> list[Named]:
    return named_runs([(Path(folder), each) for folder, each in runs], [Path(group) for group in groups])


def test_every_run_has_a_name_of_its_own() -> None:
    found = names(
        ("a", metrics()), ("b", metrics()), ("c", metrics(3, number_format="real")), ("d", metrics(engine="rtl")),
        ("m/seed-0", metrics(config="two")), ("m/seed-1", metrics(1, config="two")), groups=("m",),
    )  # fmt: skip
    assert [run.name for run in found] == [
        "net, seed 0 (a)", "net, seed 0 (b)", "net, real numbers, seed 3", "net, by rtl, seed 0", "two, seed 0",
        "two, seed 1",
    ]  # fmt: skip
    assert [run.group for run in found[4:]] == ["two, 2 seeds", "two, 2 seeds"]
    twice = names(("m/seed-0", metrics()), ("n/seed-0", metrics()), groups=("m", "n"))
    assert [run.group for run in twice] == ["net, 1 seed (m)", "net, 1 seed (n)"]


def test_tiles_say_whose_number_it_is() -> None:
    spread = {"count": 2, "mean": 0.9, "standard_error": 0.01, "standard_deviation": 0.02}
    summary = {
        "config": "many", "engine": "golden", "number_format": "fixed", "seeds": [4, 5],
        "runs": [{"epochs": 6}, {"epochs": 6}], "mean_last_5_test_accuracy": spread,
        "last_test_accuracy": spread | {"mean": 0.8},
    }  # fmt: skip
    data: dict[str, Any] = {"summaries": [(Path("m"), summary)], "builds": [], "laws": []}
    runs = names(("m/seed-4", metrics(4)), ("a", metrics()), ("b", metrics(1, epochs=7)), groups=("m",))
    found = tiles(runs, data)
    assert [(tile["value"], tile["spread"]) for tile in found] == [
        ("90.00 %", "± 1.00"), ("90.00 %", ""), ("70.00 %", ""), ("85.00 %", ""), ("70.00 %", ""),
    ]  # fmt: skip
    labels = [tile["label"] for tile in found]
    assert labels[0] == (
        "many, mean of 2 seeds (seeds 4 to 5): test accuracy, mean of the last 5 epochs; ± is the standard error, the "
        "standard deviation is 2.00"
    )
    assert labels[1] == "net, seed 0: test accuracy, after 3 epochs"
    assert labels[3] == "net, seed 1: test accuracy, mean of the last 5 epochs"
    summary["runs"][1]["epochs"] = 4  # a seed that has not come so far
    assert tiles(runs, data)[0]["value"] == "80.00 %"
    assert "after 4 epochs" in tiles(runs, data)[0]["label"]


def test_curves_mark_where_a_run_went_on() -> None:
    runs = names(("a", metrics(resumed_after=[1])), ("b", metrics(1, epochs=2)))
    (_, rate), (_, first) = learning_charts(runs)
    assert [line.name for line in rate["legend"]] == [
        "net, seed 0, test", "net, seed 1, test", "net, seed 0, train", "net, seed 1, train",
    ]  # fmt: skip
    (mark,) = rate["marks"]
    assert mark["name"] == "resumed"
    one, two = (place for place, text in rate["xticks"] if text in ("1", "2"))
    assert mark["at"] == pytest.approx((one + two) / 2, abs=0.2)
    assert rate["data"]["lines"][1] == ["net, seed 1, test", [90.0, 90.0, None]]
    assert [line.name for line in first["legend"]] == ["net, seed 0, first spike", "net, seed 1, first spike"]
    assert learning_charts(names(("a", metrics(epochs=0)))) == []


def test_a_chart_keeps_to_its_box() -> None:
    values = [None, 1.0, float("nan"), 5.0, 2.0, None]
    chart = line_chart(range(6), [Line(name="one", values=values)], xname="step", marks=[Mark(at=9.0, across=True)])
    left, top, wide, tall = chart["box"]
    (line,) = chart["lines"]
    assert len(line["dots"]) == 1
    (points,) = line["points"]
    places = [tuple(map(float, point.split(","))) for point in points.split()]
    assert len(places) == 2
    for x, y in [*places, *(map(float, dot) for dot in line["dots"]), (left, chart["marks"][0]["at"])]:
        assert left <= x <= left + wide
        assert top <= y <= top + tall
    assert all(left <= place <= left + wide for place, _ in chart["xticks"])
    assert chart["data"]["lines"] == [["one", [None, 1.0, None, 5.0, 2.0, None]]]
    flat = line_chart([0], [Line(name="one", values=[3.0])], xname="x")
    assert flat["lines"][0]["dots"]
    assert line_chart([0, 1], [Line(name="none", values=[None, None])], xname="x")["lines"][0]["points"] == []


def test_a_raster_holds_every_spike() -> None:
    spikes = np.random.default_rng(1).random((50, 7)) < 0.2
    layers = [
        Layer(name="inputs", spikes=spikes),
        Layer(name="outputs", spikes=spikes[:, :3], notes=[(0, "a"), (1, "b")]),
    ]
    chart = raster_chart(layers, [Band(start=30, end=50, name="nudge")])
    assert [layer["name"] for layer in chart["layers"]] == ["outputs", "inputs"]
    found = {(int(t), int(n)) for t, n in re.findall(r"M(\d+) (\d+)", chart["layers"][1]["path"])}
    assert found == {(int(t), int(n)) for t, n in np.argwhere(spikes)}
    (first, _), (second, _) = chart["layers"][0]["notes"]
    assert second - first >= 13  # else their texts would touch
    assert chart["bands"][0]["x"] == pytest.approx(chart["box"][0] + 0.6 * chart["box"][2], abs=0.1)


def test_a_read_image_beside_a_misread_one(make_config: MakeConfig) -> None:
    """Of the same label where there is one; alone where all are read, or none."""
    config = make_config()
    network = Network(config)
    generator = np.random.default_rng(5)
    images = generator.integers(0, config.input.full_scale + 1, (30, 9))
    said = network.present_all(images, np.zeros(30, np.int64), INFER)[:, 0]
    answered = np.flatnonzero(said >= 0)
    images, said = images[answered], said[answered]
    labels = said.copy()
    wrong = 4
    labels[wrong] = (said[wrong] + 1) % 3
    right, misread = chosen(Part(config, network.initial_weights(), images, labels), said)
    assert (misread.index, misread.label, misread.result.prediction) == (wrong, labels[wrong], said[wrong])
    assert right.result.prediction == right.label
    if (np.delete(labels, wrong) == labels[wrong]).any():
        assert right.label == misread.label
    (alone,) = chosen(Part(config, network.initial_weights(), images, said), said)
    assert alone.result.prediction == alone.label
    (none,) = chosen(Part(config, network.initial_weights(), images, (said + 1) % 3), said)
    assert none.result.prediction != none.label


# ---------------------------------------------------------------------------------------------------------------------
# The page


def test_what_the_page_says_first(tiny: str, run) -> None:
    """What it is, when and by what it was made, contents, and the verdict before any number."""
    run("train", tiny, "--out", "a/train")
    Path("a/compare.json").write_text(json.dumps({"mismatches": 0, "images": 2, "words_compared": 1234}))
    assert run("report", "a").exit_code == 0
    page = Path("a/report.html").read_text()
    head = page[: page.index("<section")]
    assert "learns on the chip itself, by equilibrium propagation" in head
    about = read("a/report.json")["made"]
    for name in ("date", "version", "commit", "command"):
        assert about[name] is None or about[name] in head
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", about["date"])
    anchors = re.findall(r'<a href="#(\w+)"', head)
    assert anchors == ["learning", "runs", "compare"]
    assert all(f'id="{anchor}"' in page for anchor in anchors)
    assert head.index("RTL = golden model") < head.index('class="tiles"')
    assert "1\u2009234 words of state in 2 images" in head
    assert "tiny, seed 7: test accuracy, after 3 epochs" in head
    assert "last 5" not in page
    # raw tables are folded, what is drawn is not
    open_part = re.sub(r"<details>.*?</details>", "", page, flags=re.S)
    assert open_part.count("<table") == open_part.count('class="matrix scroll"') == 1
    assert "<details>" not in re.sub(r"<details>.*?</details>", "", page, flags=re.S)
    assert "Classified correctly" in page or "Misclassified" in page


def test_a_failed_comparison_comes_first(tiny: str, run) -> None:
    for name, wrong in (("a", 0), ("b", 2)):
        Path(name).mkdir()
        first = {"image": 4, "step": 9} if wrong else None
        content = {"mismatches": wrong, "images": 2, "first_mismatch": first, "config": name}
        Path(name, "compare.json").write_text(json.dumps(content))
    assert run("report", "a", "b").exit_code == 0
    page = Path("a/report.html").read_text()
    assert page.index("RTL differs from the golden model") < page.index("RTL = golden model")
    assert "The first one: image 4, step 9." in page


def test_the_script_is_the_one_that_is_allowed(tiny: str, run) -> None:
    """A browser runs no other: its hash stands in the page's policy, which forbids to fetch anything."""
    import base64
    import hashlib

    Path("a").mkdir()
    Path("a/compare.json").write_text(json.dumps({"mismatches": 0, "config": "<script>alert(1)</script>"}))
    assert run("report", "a").exit_code == 0
    page = Path("a/report.html").read_text()
    (script,) = re.findall(r"<script>(.*?)</script>", page, flags=re.S)
    assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in page
    assert "default-src 'none'" in page
    assert "&lt;script&gt;alert" in page


def test_names_that_are_markup(tiny: str, run) -> None:
    """In charts, which are SVG in the page, as in the rest of it; and no formula for the figures."""
    name = "a$b$ <b>'\"&c"
    change = ("--set", f"name={json.dumps(name)}")
    assert run("train", tiny, "--epochs", 1, "--out", "a/one", *change).exit_code == 0
    assert run("train", tiny, "--epochs", 1, "--seed", 8, "--out", "a/two", *change).exit_code == 0
    assert run("report", "a").exit_code == 0
    page = Path("a/report.html").read_text()
    assert "<b>'" not in page
    assert "a$b$ &lt;b&gt;" in page


def test_a_report_of_a_baseline(tiny: str, run) -> None:
    """It counts no spikes and has no weights of a chip; the page failed over it."""
    assert run("baseline", "bptt", tiny, "--seeds", 2, "--epochs", 5, "--out", "b").exit_code == 0
    assert run("report", "b").exit_code == 0
    page = Path("b/report.html").read_text()
    assert "by bptt, real numbers, 2 seeds, train" in page
    assert "mean of the last 5 epochs" in page


def test_a_network_that_learned_other_images(tiny: str, run) -> None:
    """From Python a preset learns any arrays: its accuracy is not held against the published one."""
    import eqspike

    network = eqspike.Network("digits")
    generator = np.random.default_rng(2)
    network.train(generator.random((20, 64)), generator.integers(0, 10, 20), epochs=1)
    network.save("a")
    assert run("report", "a").exit_code == 0
    assert "this run: other images" in Path("a/report.html").read_text()
    assert "this run: other images" in read("a/report.json")["details"][0]["published"]
    assert run("train", "digits", "--limit", 20, "--epochs", 1, "--out", "b").exit_code == 0
    run("report", "b")
    assert "this run: 1 epoch, the first 20 training images" in Path("b/report.html").read_text()


def test_a_page_of_reasonable_size(tiny: str, run) -> None:
    assert run("train", "digits", "--epochs", 1, "--limit", 200, "--out", "a").exit_code == 0
    run("report", "a")
    assert Path("a/report.html").stat().st_size < 500_000


def test_the_commit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = versions.git_commit()
    assert found is None or re.fullmatch(r"[0-9a-f]{12,40}\+?", found)
    monkeypatch.setattr(versions, "checkout", lambda: tmp_path)
    assert versions.git_commit() is None
    (tmp_path / ".git").write_text("no repository")
    assert versions.git_commit() is None
    monkeypatch.setenv("PATH", "")
    assert versions.git_commit() is None
