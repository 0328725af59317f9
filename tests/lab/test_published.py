"""What is published of presets, and how runs are held beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eqspike.lab import published
from eqspike.lab.configs import read_config
from eqspike.lab.experiments.spec import read_tables
from eqspike.lab.measurements import Project
from eqspike.lab.published import Trained, beside, collect, differences

ROOT = Path(__file__).parents[2]


def test_the_file_is_what_was_measured() -> None:
    """lab/published.yaml, which a wheel has, against results/*.json, which it has not."""
    text = published.published_text(read_tables(), Project(ROOT, print).load())
    assert (ROOT / published.FILE).read_text(encoding="utf-8") == text, "run 'eqspike results'"


def test_every_entry_is_of_a_preset_as_it_is() -> None:
    every = collect(read_tables(), Project(ROOT, print).load())
    assert {"digits", "digits-fast", "mnist", "fashion", "digits-rram"} <= set(every)
    for name, formats in every.items():
        for number, entry in formats.items():
            measured = [
                json.loads(path.read_text())["result"] for path in (ROOT / "results").glob(f"train-{name}*.json")
            ]
            mine = [m for m in measured if m["config"] == name and m["number_format"] == number]
            assert entry["mean"] in [m[entry["metric"]]["mean"] for m in mine]
            assert len(entry["seeds"]) == len(entry["accuracies"])
            config = read_config(name)
            assert (config.name, config.training.epochs) == (name, entry["epochs"])


def trained(name: str, *overrides: str, epochs: int | None = None, limit: int | None = None, **more: Any) -> Trained:
    """A run of a preset with these changes, which reached 95 %."""
    config = read_config(name, overrides, epochs=epochs)
    each = more.get("each", {0: 0.95})
    accuracies = {
        seed: {"mean_last_5_test_accuracy": value, "last_test_accuracy": value and value - 0.01}
        for seed, value in each.items()
    }
    done = more.get("done", config.training.epochs)
    return Trained(config=config, limit=limit, epochs=done, accuracies=accuracies)


PUBLISHED = published.Published(
    metric="mean_last_5_test_accuracy", epochs=30, mean=0.97, standard_error=0.0025, standard_deviation=0.01,
    seeds=(0, 1), accuracies=(0.96, 0.98),
)  # fmt: skip


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> str:
    """One preset with numbers of the test's own; what its line says."""
    monkeypatch.setattr(
        published, "published", lambda name, number: PUBLISHED if (name, number) == ("digits", "fixed") else None
    )
    return (
        "97.00 +- 0.25 % standard error (standard deviation of one seed 1.00), 2 seeds, 30 epochs, mean of the last 5 "
        "epochs"
    )


def test_a_run_like_the_published_ones(known: str) -> None:
    assert beside(trained("digits")) == f"{known}; this run: seed 0 (published of this seed: 96.00 %), -2.00 points"
    assert beside(trained("digits", "training.seed=7", each={7: 0.98})) == f"{known}; this run: seed 7, +1.00 points"
    assert beside(trained("digits", each={3: 0.96, 4: 0.98})) == f"{known}; this run: 2 seeds, +0.00 points"
    assert beside(trained("digits", each={0: None})) == known
    # where it runs makes no difference
    assert beside(trained("digits", "hardware.lanes=4")).endswith("-2.00 points")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"epochs": 2}, "2 epochs"),
        ({"limit": 1000}, "the first 1,000 training images"),
        ({"done": 3}, "stopped after 3 epochs"),
        ({"epochs": 1, "limit": 5}, "1 epoch, the first 5 training images"),
    ],
)
def test_a_run_that_is_another(change: dict[str, Any], words: str, known: str) -> None:
    assert beside(trained("digits", **change)) == f"{known}; this run: {words}"


def test_other_settings(known: str) -> None:
    assert beside(trained("digits", "rate.delay=90")) == f"{known}; this run: rate.delay=90"
    held = beside(trained("digits", "dataset.validation_fraction=0.2"))
    assert held == f"{known}; this run: dataset.validation_fraction=0.2"
    assert beside(trained("digits", "dataset.name=random")).endswith("; this run: data set random")
    assert "synapses.1.bits=8" in beside(trained("digits", "synapses.1.bits=8"))
    many = [f"learning.{key}" for key in ("free_steps=151", "nudge_steps=126", "beta=1", "skip_tolerance=0.05")]
    assert beside(trained("digits", "rate.delay=90", *many)).endswith("learning.beta=1.0, and 1 more")
    assert differences(read_config("digits", ["number.format=real", "training.seed=5"]), None) == []


def test_nothing_is_published(known: str) -> None:
    assert beside(trained("toy")) is None
    assert beside(trained("digits", "number.format=real")) is None


@pytest.mark.parametrize(
    ("command", "counts"),
    [
        ("eqspike train digits --seeds 10 --set number.format=real --force --out o", True),
        ("eqspike train digits --seeds 10 --force --out o", True),
        ("eqspike train mnist --seeds 3 --set number.format=real --set dataset.shift=0 --out o", False),
        ("eqspike train runs/fitted.yaml --seeds 10 --out o", False),
        ("eqspike train digits --engine rtl --seeds 1 --out o", False),
        ("eqspike train digits --out o", False),
        ("eqspike baseline bptt digits --seeds 3 --out o", False),
    ],
)
def test_which_measurements_are_of_presets(command: str, counts: bool) -> None:
    assert published._unchanged(command) == counts


def test_on_the_terminal(tiny: str, run) -> None:
    said = run("train", "digits", "--epochs", 1, "--limit", 40, "--out", "a").stdout
    (line,) = [line for line in said.splitlines() if line.startswith("published: ")]
    assert line.endswith("; this run: 1 epoch, the first 40 training images")
    assert line.startswith(f"published: {published.published('digits', 'fixed').line}")
