"""Data of one's own on the command line: what is trained on it, kept with the weights, and said of it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from eqspike.golden.data import load_all, load_parts
from eqspike.golden.network import Network
from eqspike.lab.configs import read_config
from eqspike.lab.infer import Question, infer, infer_on_board
from eqspike.lab.runs import config_key
from eqspike.lab.weights import load_weights, save_weights

LAYERS = ("--set", "network.layers=[3,5,2]")


def write_table(
    path: Path | str, rows: int = 40, seed: int = 0, header: Sequence[str] = ("a", "b", "c", "kind")
) -> None:
    """Two classes that column b tells apart; c is constant, and a tells nothing."""
    draw = np.random.default_rng(seed)
    with Path(path).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for number in range(rows):
            big = number % 2
            row = {"a": round(draw.normal(), 3), "b": round(1000 * (big + 0.2 * draw.normal()), 1), "c": 7, "d": 1}
            writer.writerow([row.get(name, ("small", "big")[big]) for name in header])


@pytest.fixture
def own(tiny: str) -> str:
    write_table("own.csv")
    return tiny


@pytest.fixture
def trained(own: str, run) -> str:
    result = run("train", own, "--dataset", "csv:own.csv", *LAYERS, "--out", "a")
    assert result.exit_code == 0
    assert "note: dataset csv:own.csv: column 'c' is constant in the training part and becomes 0" in result.stdout
    return "a/weights.npz"


def test_the_fit_is_kept_with_the_weights(trained: str) -> None:
    config = read_config("a/config.yaml")
    parts = load_parts(config)
    saved = load_weights(trained, config)
    assert saved.encoding == parts.encoding
    assert (saved.encoding.columns, saved.encoding.classes) == (("a", "b", "c"), ("big", "small"))


def test_infer_uses_it_on_another_file(trained: str, run) -> None:
    """A table of two rows alone, far from what a fit of its own would make of it; columns in another order."""
    assert run("infer", "a/config.yaml", "--weights", trained).exit_code == 0
    judged = json.loads(Path("a/infer.json").read_text())
    assert judged["accuracy"] == json.loads(Path("a/metrics.json").read_text())["epochs"][-1]["test_accuracy"]
    assert judged["classes"] == ["big", "small"]
    write_table("two.csv", 2, 9, ("kind", "c", "b", "a"))
    result = run(
        "infer", "a/config.yaml", "--weights", trained, "--dataset", "csv:two.csv", "--set", "dataset.label=kind",
        "--part", "all", "--out", "two.json",
    )  # fmt: skip
    assert "label" in result.stdout.splitlines()[0]
    assert [line.split()[0] for line in result.stdout.splitlines()[1:3]] == ["big", "small"]
    assert "all accuracy" in result.stdout
    two = json.loads(Path("two.json").read_text())
    config = read_config("a/config.yaml", ["dataset.name=csv:two.csv", "dataset.label=kind"])
    encoding = load_weights(trained, config).encoding
    images, labels = load_all(config, encoding)
    assert (two["images"], labels.tolist()) == (2, [1, 0])
    assert 0 < images[0, 1] < images[1, 1] < 16
    assert load_all(config)[0][:, 1].tolist() == [0, 16]


def test_all_of_the_data_set_it_was_trained_on(trained: str, run) -> None:
    result = run("infer", "a/config.yaml", "--weights", trained, "--part", "all")
    assert "of 40 images" in result.stdout
    assert "this is no test: the weights were trained on 32 of these 40 images" in result.stdout


def test_a_board_is_shown_the_same(trained: str, run) -> None:
    """By what stands in the place of a board: the golden model, behind the engine's names."""
    assert run("infer", "a/config.yaml", "--weights", trained, "--part", "all").exit_code == 0
    write_table("two.csv", 2, 9)
    config = read_config("a/config.yaml", ["dataset.name=csv:two.csv"])

    class Board:
        board = SimpleNamespace(clear_counters=lambda: None, counters=dict)

        def load(self, weights: Sequence[np.ndarray]) -> None:
            self.network = Network(config)
            self.network.load_weights(weights)

        def results(self, images: np.ndarray, labels: np.ndarray, modes: list[int], moved) -> Iterator[np.ndarray]:
            self.shown = images
            return iter(self.network.present_all(images, labels, modes[0]))

    engine, question, saved = Board(), Question(part="all"), load_weights(trained, config)
    told = infer_on_board(config, engine, saved, question, lambda: None)
    assert engine.shown.tolist() == load_all(config, saved.encoding)[0].tolist()
    assert told["classes"] == ["big", "small"]
    mine = infer(config, Path(trained), question)
    assert (told["accuracy"], told["confusion"].tolist()) == (mine["accuracy"], mine["confusion"].tolist())


def test_other_files_that_do_not_fit(trained: str, fails) -> None:
    write_table("other.csv", 10, 1, ("a", "b", "d", "kind"))
    said = fails(2, "infer", "a/config.yaml", "--weights", trained, "--dataset", "csv:other.csv")
    assert said == "dataset csv:other.csv: no column 'c', which the weights were trained on; it has a, b, d"
    write_table("third.csv")
    Path("third.csv").write_text(Path("third.csv").read_text().replace("small", "tiny"))
    said = fails(2, "infer", "a/config.yaml", "--weights", trained, "--dataset", "csv:third.csv")
    assert said.startswith("dataset csv:third.csv: label 'tiny' is none of the classes")


def test_resume_sees_that_the_data_changed(trained: str, run, fails) -> None:
    assert run("train", "--resume", "a", "--epochs", 4).exit_code == 0
    write_table("own.csv", seed=4)
    said = fails(2, "train", "--resume", "a", "--epochs", 5)
    assert said.startswith("a: its data set has changed since the run was begun; begin anew with")


@pytest.mark.parametrize("data", ["[]", '{"low": [1.0]}', '{"classes": ["x", "x"]}', '{"low": ["a"]}'])
def test_a_damaged_fit(data: str, trained: str, fails) -> None:
    config = read_config("a/config.yaml")
    weights = load_weights(trained, config).weights
    save_weights(Path("w.npz"), config, weights, data=json.loads(data))
    assert fails(2, "infer", "a/config.yaml", "--weights", "w.npz") == "w.npz: not a whole .npz file of weights"


def test_export_agrees_on_examples_as_they_were_fitted(trained: str, run) -> None:
    """The same share of the test part is right as after the training."""
    before = run("export", "a/config.yaml", "--weights", trained, "-o", "a.nir")
    assert before.exit_code == 0
    told = before.stdout.splitlines()[0]
    accuracy = json.loads(Path("a/metrics.json").read_text())["epochs"][-1]["test_accuracy"]
    assert f"the config's ({round(8 * accuracy)} right)" in told
    assert run("export", "a/config.yaml", "--weights", trained, "--format", "npz", "-o", "real.npz").exit_code == 0
    real = read_config("a/config.yaml", ["number.format=real"])
    assert load_weights("real.npz", real).encoding == load_weights(trained, read_config("a/config.yaml")).encoding


def test_a_report_of_a_table(trained: str, run) -> None:
    assert run("report", "a").exit_code == 0
    page = Path("a/report.html").read_text()
    assert "No pictures of the network" not in page
    for name in ("big", "small"):
        assert f"<th>{name}</th>" in page


def test_a_network_from_python_keeps_it(trained: str) -> None:
    import eqspike

    eqspike.Network.load("a").save("b")
    config = read_config("b/config.yaml")
    assert load_weights("b/weights.npz", config).encoding == load_weights(trained, config).encoding


def test_the_cure_works(own: str, run, fails) -> None:
    """What the error names, given to the command as it stands."""
    said = fails(2, "train", own, "--dataset", "csv:own.csv")
    assert said == "dataset csv:own.csv: 3 features, but network.layers begins with 9: --set 'network.layers=[3,5,2]'"
    cure = said.partition("--set '")[2].rstrip("'")
    assert run("train", own, "--dataset", "csv:own.csv", "--set", cure, "--epochs", 1).exit_code == 0
    deep = ("--set", "network.layers=[3,5,4,2]")
    assert run("train", own, "--dataset", "csv:own.csv", *deep, "--epochs", 1, "--out", "deep").exit_code == 0


def test_the_nearest_name(own: str, fails) -> None:
    assert "did you mean csv:own.csv?" in fails(2, "train", own, "--dataset", "own.csv")
    assert "did you mean wine?" in fails(2, "train", own, "--dataset", "wines")


def test_validation_never_scores_on_the_test_part(own: str, run) -> None:
    """A fifth of the training part, or the config's own fraction; the same images for a baseline and for infer."""
    data = ("--dataset", "csv:own.csv", *LAYERS)
    assert run("train", own, *data, "--validation", "--epochs", 1, "--out", "v").exit_code == 0
    held = json.loads(Path("v/metrics.json").read_text())
    assert (held["test_part"], held["images"]) == ("validation", {"train": 26, "test": 6})
    assert read_config("v/config.yaml").dataset.validation_fraction == 0.2
    shown = run("infer", own, *data, "--weights", "v/weights.npz", "--validation").stdout
    assert "validation accuracy" in shown
    assert "of 6 images" in shown
    shown = run("infer", own, *data, "--weights", "v/weights.npz").stdout
    assert "\ntest accuracy" in shown
    assert "no test" not in shown
    own_fraction = ("--set", "dataset.validation_fraction=0.5")
    assert run("train", own, *data, "--validation", *own_fraction, "--epochs", 1, "--out", "h").exit_code == 0
    assert json.loads(Path("h/metrics.json").read_text())["images"] == {"train": 16, "test": 16}
    assert run("baseline", "bptt", own, *data, "--validation", "--epochs", 1, "--out", "base").exit_code == 0
    assert json.loads(Path("base/seed-7/metrics.json").read_text())["test_part"] == "validation"


def test_a_baseline_is_told_of_its_data(own: str, run) -> None:
    shown = run("baseline", "bp-adam", own, "--dataset", "csv:own.csv", *LAYERS, "--epochs", 1).stdout
    assert "note: dataset csv:own.csv: column 'c' is constant" in shown


def test_stored_runs_know_what_is_in_the_file(own: str) -> None:
    """A run of the laboratory is not found again where its table has changed."""
    config = read_config(own, ["dataset.name=csv:own.csv", "network.layers=[3,5,2]"])
    before = config_key(config)
    assert config_key(config) == before
    write_table("own.csv", seed=1)
    assert config_key(config) != before


def test_arrays_and_pictures(tiny: str, run) -> None:
    """From the file to the confusion matrix, with a test part of their own."""
    from PIL import Image

    draw = np.random.default_rng(1)
    images, labels = draw.integers(0, 256, (30, 3, 3)).astype(np.uint8), np.arange(30) % 3
    np.savez("own.npz", x_train=images, y_train=labels + 4, x_test=images[:9], y_test=labels[:9] + 4)
    for part, count in (("train", 30), ("test", 9)):
        for number in range(count):
            path = Path(f"pictures/{part}/class {labels[number]}/{number:02}.png")
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(images[number]).save(path)
    scores = []
    for name, classes in (("npz:own.npz", ["4", "5", "6"]), ("images:pictures", ["class 0", "class 1", "class 2"])):
        out = name[:3]
        assert run("train", tiny, "--dataset", name, "--epochs", 1, "--out", out).exit_code == 0
        shown = run("infer", f"{out}/config.yaml", "--weights", f"{out}/weights.npz").stdout
        assert "of 9 images" in shown
        judged = json.loads(Path(f"{out}/infer.json").read_text())
        assert judged["classes"] == classes
        scores.append(judged["accuracy"])
        assert run("infer", f"{out}/config.yaml", "--weights", f"{out}/weights.npz", "--part", "all").exit_code == 0
    assert json.loads(Path("npz/infer.json").read_text())["images"] == 39
    assert scores[0] == scores[1]  # the same pixels
