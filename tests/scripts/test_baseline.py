"""eqspike baseline: what it writes, that it goes on, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.scripts.processes import interrupt, start


def read(path: str) -> Any:
    return json.loads(Path(path).read_text())


def state(path: str) -> dict[str, np.ndarray]:
    with np.load(path) as archive:
        return {name: archive[name] for name in archive.files}


@pytest.mark.parametrize("name", ["bptt", "continual-eqprop", "bp-sgd", "bp-adam"])
def test_summary_is_that_of_train(name: str, tiny: str, run) -> None:
    assert run("train", tiny, "--seeds", 2, "--epochs", 2, "--out", "t").exit_code == 0
    result = run("baseline", name, tiny, "--seeds", 2, "--epochs", 2, "--out", "b")
    assert result.exit_code == 0
    trained, found = read("t/summary.json"), read("b/summary.json")
    assert set(found) - set(trained) == {"settings"}
    assert set(trained) <= set(found)
    assert [set(run) for run in found["runs"]] == [set(run) for run in trained["runs"]]
    assert (found["engine"], found["number_format"], found["finished"]) == (name, "real", True)
    assert found["seeds"] == [7, 8]
    accuracies = []
    for seed in (7, 8):
        metrics = read(f"b/seed-{seed}/metrics.json")
        assert metrics["images"] == read(f"t/seed-{seed}/metrics.json")["images"]
        assert [entry["epoch"] for entry in metrics["epochs"]] == [1, 2]
        assert ("programming_pulses" in metrics["epochs"][0]) == name.startswith("bp-")
        accuracies.append(np.mean([entry["test_accuracy"] for entry in metrics["epochs"]]))
    assert found["mean_last_5_test_accuracy"]["mean"] == pytest.approx(np.mean(accuracies))
    assert found["settings"]["algorithm"] == name
    # two epochs: what is said is their last one's accuracy
    last = 100 * np.mean([row["last_test_accuracy"] for row in found["runs"]])
    assert f"test accuracy, after 2 epochs: {last:.2f} % +- " in result.stdout
    assert "last 5" not in result.stdout


@pytest.mark.parametrize("name", ["continual-eqprop", "bp-adam"])
def test_goes_on(name: str, tiny: str, run) -> None:
    """In two pieces as in one, to the bit; finished seeds are not trained again."""
    assert run("baseline", name, tiny, "--epochs", 4, "--out", "whole").exit_code == 0
    assert run("baseline", name, tiny, "--epochs", 1, "--out", "parts").exit_code == 0
    # A crash after metrics.json was written: its epochs that state.npz does not count are dropped.
    metrics = read("parts/seed-7/metrics.json")
    metrics["epochs"].append(metrics["epochs"][0] | {"epoch": 2, "test_accuracy": 2})
    Path("parts/seed-7/metrics.json").write_text(json.dumps(metrics))
    assert run("baseline", name, tiny, "--epochs", 4, "--out", "parts").exit_code == 0
    one, two = state("whole/seed-7/state.npz"), state("parts/seed-7/state.npz")
    assert one.keys() == two.keys()
    for key in one:
        assert np.array_equal(one[key], two[key]), key
    pick = [[(e["train_accuracy"], e["test_accuracy"]) for e in read(f"{f}/seed-7/metrics.json")["epochs"]]
            for f in ("whole", "parts")]  # fmt: skip
    assert pick[0] == pick[1]
    before = read("parts/seed-7/metrics.json")["epochs"]
    assert run("baseline", name, tiny, "--epochs", 4, "--seeds", 2, "--out", "parts").exit_code == 0
    assert read("parts/seed-7/metrics.json")["epochs"] == before
    assert [r["seed"] for r in read("parts/summary.json")["runs"]] == [7, 8]


def test_ctrl_c(tiny: str, run) -> None:
    metrics = Path("stopped/seed-7/metrics.json")
    process = start("baseline", "bptt", tiny, "--epochs", 100000, "--out", "stopped")
    stderr = interrupt(process, lambda: metrics.exists() and len(read(str(metrics))["epochs"]) > 2)
    assert stderr.splitlines()[-1].endswith("eqspike: interrupted; the same command goes on")
    assert process.returncode == 130
    done = len(read(str(metrics))["epochs"])
    assert not list(Path("stopped").rglob("*.tmp"))
    assert run("baseline", "bptt", tiny, "--epochs", done + 1, "--out", "stopped").exit_code == 0
    assert len(read(str(metrics))["epochs"]) == done + 1


def test_refused(tiny: str, run, fails) -> None:
    assert run("baseline", "bptt", tiny, "--epochs", 2, "--out", "b").exit_code == 0
    said = fails(2, "baseline", "bptt", tiny, "--epochs", 2, "--out", "b", "--set", "baseline.init=1")
    assert said == "b/seed-7: holds a run with other settings; choose another --out, or --force to begin anew"
    said = fails(2, "baseline", "bptt", tiny, "--epochs", 2, "--out", "b", "--set", "dataset.test_fraction=0.3")
    assert said.startswith("b/seed-7: holds a run with other settings")
    assert fails(2, "baseline", "bptt", tiny, "--epochs", 1, "--out", "b").startswith("b/seed-7: has 2 epochs already")
    Path("b/seed-7/state.npz").write_bytes(b"PK\3\4 cut")
    assert "--force begins anew" in fails(2, "baseline", "bptt", tiny, "--out", "b")
    assert run("baseline", "bptt", tiny, "--epochs", 1, "--out", "b", "--force").exit_code == 0
    Path("file").write_text("")
    assert fails(2, "baseline", "bptt", tiny, "--out", "file") == "file: is not a folder"
    assert fails(2, "baseline", "mlp", tiny) == (
        "baseline: 'mlp' is not valid; allowed: bptt, continual-eqprop, bp-sgd, bp-adam"
    )
    said = fails(2, "baseline", "bptt", tiny, "--set", "baseline.speed=1")
    assert said.startswith("baseline.speed: unknown key; known here: algorithm, learning_rate")
    said = fails(2, "baseline", "bptt", tiny, "--set", "baseline.learning_rate=[1,2,3]")
    assert said.startswith("baseline.learning_rate: '3 entries' is not valid; one for all, or 2")
    assert fails(2, "baseline", "bptt", "nowhere.yaml").startswith("nowhere.yaml: cannot be read")
    assert not Path("runs").exists()


def test_devices_of_the_config(tiny: str, run) -> None:
    """Faults reach the weights, and not those of a network without devices."""
    faults = ("--set", "synapses.0.draw=synapse", "--set", "synapses.1.draw=synapse", "--set", "device.stuck_on=1")
    assert run("baseline", "bp-adam", tiny, "--epochs", 1, *faults, "--out", "a").exit_code == 0
    software = ("--set", "baseline.devices=false")
    assert run("baseline", "bp-adam", tiny, "--epochs", 1, *faults, *software, "--out", "b").exit_code == 0
    assert set(np.unique(state("a/seed-7/state.npz")["weights"])) == {0, 4}
    assert len(np.unique(state("b/seed-7/state.npz")["weights"])) > 20


@pytest.mark.parametrize("name", ["bptt", "continual-eqprop", "bp-sgd", "bp-adam"])
def test_two_hidden_layers(name: str, tiny: str, run, fails) -> None:
    """By default, and with rates of the user's: a wrong number of them is the user's."""
    deep = ("--set", "network.layers=[9, 6, 5, 3]", "--set", "synapses=[{draw: synapse}]")
    result = run("baseline", name, tiny, *deep, "--out", "a", "--epochs", 2)
    assert result.exit_code == 0, result.stderr
    assert json.loads(Path("a/seed-7/metrics.json").read_text())["finished"]
    line = fails(2, "baseline", name, tiny, *deep, "--set", "baseline.learning_rate=[0.1, 0.2]", "--out", "b")
    assert "baseline.learning_rate: '2 entries' is not valid" in line
