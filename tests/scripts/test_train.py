"""Runs: what they write, that they continue exactly, and that nothing breaks them."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import re
import resource
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from eqspike.golden.configfile import load_config
from eqspike.golden.engine import GoldenEngine, Learned
from eqspike.golden.network import Network
from eqspike.lab.configs import read_config, run_name
from eqspike.lab.train import CHUNK
from eqspike.lab.weights import load_weights
from tests.scripts.processes import interrupt, start

RUN_FILES = {"config.yaml", "metrics.json", "weights.npz"}


def read(path: str | Path) -> Any:
    return json.loads(Path(path).read_text())


def weights_of(folder: str | Path) -> list[list]:
    config = load_config(Path(folder) / "config.yaml")
    return [w.tolist() for w in load_weights(Path(folder) / "weights.npz", config).weights]


def test_a_run(tiny: str, run) -> None:
    result = run("train", tiny, "--out", "a")
    assert result.exit_code == 0
    assert "seed 7" in result.stdout
    assert {path.name for path in Path("a").iterdir()} == RUN_FILES
    metrics = read("a/metrics.json")
    assert (metrics["seed"], metrics["engine"], metrics["finished"], metrics["limit"]) == (7, "golden", True, None)
    assert metrics["images"] == {"train": 96, "test": 24}
    assert [entry["epoch"] for entry in metrics["epochs"]] == [1, 2, 3]
    for entry in metrics["epochs"]:
        assert entry["counters"]["images"] == 96
        assert entry["nudged_fraction"] == entry["counters"]["nudged"] / 96
        assert entry["test_counters"]["images"] == entry["first_spike_test_counters"]["images"] == 24
        assert entry["test_counters"]["programming_pulses"] == 0
        assert all(0 <= entry[key] <= 1 for key in ("train_accuracy", "test_accuracy", "first_spike_test_accuracy"))
        assert entry["images_per_second"] > 0
    assert metrics["mean_last_5_test_accuracy"] == pytest.approx(
        np.mean([entry["test_accuracy"] for entry in metrics["epochs"]])
    )
    assert load_config("a/config.yaml") == load_config(tiny)


@pytest.mark.parametrize("shift", [0, 1])
def test_metrics_are_the_networks(shift: int, tiny: str, run) -> None:
    """The run's numbers against the golden network driven by hand, in one chunk an epoch."""
    from eqspike.golden.data import epoch_moves, epoch_order, load_split, move

    change = f"dataset.shift={shift}"
    assert run("train", tiny, "--out", "a", "--set", change).exit_code == 0
    config = load_config(tiny, [change])
    part, network = load_split(config), Network(config)
    for entry in read("a/metrics.json")["epochs"]:
        epoch = entry["epoch"] - 1
        order = epoch_order(config, epoch, 96)
        images = move(part.train_images, epoch_moves(config, epoch, 96))
        assert np.array_equal(images, part.train_images) == (shift == 0)
        network.set_epoch(epoch)
        network.clear_counters()
        assert entry["train_accuracy"] == network.learn(images[order], part.train_labels[order])
        assert entry["counters"] == network.counter_values()
        assert entry["layer_writes"] == list(network.layer_writes())
        assert sum(entry["layer_writes"]) == entry["counters"]["programming_pulses"]
        assert entry["test_accuracy"] == network.accuracy(part.test_images, part.test_labels)
        assert entry["first_spike_test_accuracy"] == network.accuracy(part.test_images, part.test_labels, True)
    assert weights_of("a") == [w.tolist() for w in network.weights]


def test_chunks_make_no_difference(tiny: str, run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("train", tiny, "--out", "a")
    monkeypatch.setitem(CHUNK, "golden", 7)
    run("train", tiny, "--out", "b")
    assert Path("a/weights.npz").read_bytes() == Path("b/weights.npz").read_bytes()
    assert [e["counters"] for e in read("a/metrics.json")["epochs"]] == [
        e["counters"] for e in read("b/metrics.json")["epochs"]
    ]


@pytest.mark.parametrize("number", ["fixed", "real"])
def test_resume_is_exact(number: str, tiny: str, run) -> None:
    change = ("--set", f"number.format={number}", "--set", "synapses.0.draw=synapse")
    assert run("train", tiny, *change, "--out", "whole", "--epochs", 4).exit_code == 0
    assert run("train", tiny, *change, "--out", "parts", "--epochs", 1).exit_code == 0
    assert run("train", "--resume", "parts", "--epochs", 2).exit_code == 0
    assert run("train", tiny, *change, "--resume", "parts", "--epochs", 4).exit_code == 0
    assert Path("whole/weights.npz").read_bytes() == Path("parts/weights.npz").read_bytes()
    for whole, part in zip(read("whole/metrics.json")["epochs"], read("parts/metrics.json")["epochs"], strict=True):
        for key in ("train_accuracy", "test_accuracy", "counters", "test_counters"):
            assert whole[key] == part[key]


def test_resume_drops_what_the_checkpoint_does_not_count(tiny: str, run) -> None:
    """As after a crash between metrics.json and weights.npz."""
    run("train", tiny, "--out", "whole", "--epochs", 3)
    run("train", tiny, "--out", "a", "--epochs", 2)
    early = Path("a/weights.npz").read_bytes()
    run("train", "--resume", "a", "--epochs", 3)
    Path("a/weights.npz").write_bytes(early)
    Path("a/.weights.npz.1.tmp").write_text("left by a crash")
    run("train", "--resume", "a")
    assert Path("whole/weights.npz").read_bytes() == Path("a/weights.npz").read_bytes()
    assert len(read("a/metrics.json")["epochs"]) == 3
    assert {path.name for path in Path("a").iterdir()} == RUN_FILES


def test_what_cannot_be_resumed(tiny: str, run, fails) -> None:
    run("train", tiny, "--out", "a", "--epochs", 2, "--limit", 30)
    assert "another rate" in fails(2, "train", tiny, "--resume", "a", "--set", "rate.delay=5")
    assert "another training" in fails(2, "train", "--resume", "a", "--seed", 9)
    assert "has 2 epochs already" in fails(2, "train", "--resume", "a", "--epochs", 1)
    assert "--limit 30" in fails(2, "train", "--resume", "a", "--limit", 20)
    assert "leave out --out" in fails(2, "train", "--resume", "a", "--out", "b")
    assert "leave out --seeds" in fails(2, "train", "--resume", "a", "--seeds", 2)
    Path("a/metrics.json").write_text("{")
    assert "a/metrics.json: does not belong" in fails(2, "train", "--resume", "a")
    Path("a/weights.npz").write_text("{")
    assert "not a whole .npz" in fails(2, "train", "--resume", "a", "--limit", 30)
    Path("empty").mkdir()
    assert "holds no run to resume; begin one with: eqspike train CONFIG --out empty" in fails(
        2, "train", "--resume", "empty"
    )
    assert "does not exist" in fails(2, "train", "--resume", "nowhere")


def test_an_existing_run_is_safe(tiny: str, run, fails) -> None:
    run("train", tiny, "--out", "a")
    before = Path("a/metrics.json").read_bytes()
    line = fails(2, "train", tiny, "--out", "a")
    assert "a holds a finished run" in line
    assert "--resume a" in line
    assert "--force" in line
    assert Path("a/metrics.json").read_bytes() == before
    assert run("train", tiny, "--out", "a", "--epochs", 1, "--force").exit_code == 0
    assert len(read("a/metrics.json")["epochs"]) == 1
    Path("file").write_text("")
    assert "file: is not a folder" in fails(2, "train", tiny, "--out", "file")


def test_default_folder_limit_seed_and_no_epochs(tiny: str, run) -> None:
    assert run("train", tiny, "--epochs", 1, "--limit", 10, "--seed", 3).exit_code == 0
    metrics = read("runs/tiny-seed3/metrics.json")
    assert metrics["images"]["train"] == metrics["limit"] == metrics["epochs"][0]["counters"]["images"] == 10
    assert run("train", tiny, "--epochs", 0, "--out", "none").exit_code == 0
    config = load_config("none/config.yaml")
    assert weights_of("none") == [w.tolist() for w in Network(config).weights]
    assert read("none/metrics.json")["epochs"] == []


def test_another_data_set_has_another_folder(tiny: str, run) -> None:
    """`train digits --dataset random` stood in the way of `train digits`."""
    assert run("train", "toy", "--epochs", 0).exit_code == 0
    assert run("train", "toy", "--epochs", 0, "--dataset", "digits", "--set", "network.layers=[64,9,10]").exit_code == 0
    assert run("train", "toy", "--epochs", 0, "--set", "dataset.name=digits", "--set", "network.layers=[64,9,10]",
               "--seeds", 2).exit_code == 0  # fmt: skip
    assert run("train", "toy", "--epochs", 0, "--dataset", "random", "--seed", 1).exit_code == 0  # its own
    assert run("train", tiny, "--epochs", 0).exit_code == 0  # a file of one's own has its own data set
    assert run("baseline", "bptt", tiny, "--epochs", 0, "--dataset", "digits",
               "--set", "network.layers=[64,9,10]").exit_code == 0  # fmt: skip
    assert {path.name for path in Path("runs").iterdir() if path.is_dir()} == {
        "toy-seed0", "toy-digits-seed0", "toy-digits-seeds0-1", "toy-seed1", "tiny-seed7",
        "tiny-digits-bptt-seed7",
    }  # fmt: skip


def test_a_folder_of_images_gives_its_name(tiny: str) -> None:
    config = read_config(tiny, dataset="idx:some/my  images;'")
    assert run_name(config, tiny) == "tiny-idx-my-images"
    assert run_name(read_config(tiny, dataset="idx:/"), tiny) == "tiny-idx"
    assert len(run_name(read_config(tiny, dataset="idx:" + 300 * "x"), tiny)) < 80


def test_which_epochs_were_before(tiny: str, run) -> None:
    """A run that went on says so, each time, in metrics.json and on the terminal."""
    run("train", tiny, "--out", "a", "--epochs", 1)
    assert "resumed_after" not in read("a/metrics.json")
    first = run("train", "--resume", "a", "--epochs", 3).stdout.splitlines()
    assert [line.endswith("before") for line in first if re.match(r" +\d+/3 ", line)] == [True, False, False]
    assert "  resumed after epoch 1" in first
    assert read("a/metrics.json")["resumed_after"] == [1]
    again = run("train", "--resume", "a", "--epochs", 4).stdout
    assert again.count("before") == 3
    assert read("a/metrics.json")["resumed_after"] == [1, 3]
    done = run("train", "--resume", "a").stdout  # nothing is left to do
    assert "resumed after" not in done
    assert read("a/metrics.json")["resumed_after"] == [1, 3]


def test_what_a_short_run_says(tiny: str, run) -> None:
    """Of fewer than five epochs there is no mean of five."""
    for epochs, words in ((1, "after 1 epoch"), (4, "after 4 epochs"), (5, "mean of the last 5 epochs")):
        out = f"of{epochs}"
        said = run("train", tiny, "--out", out, "--epochs", epochs).stdout
        metrics = read(f"{out}/metrics.json")
        value = metrics["mean_last_5_test_accuracy" if epochs == 5 else "last_test_accuracy"]
        assert f"test accuracy, {words}: {100 * value:.2f} %" in said
        assert ("last 5" in said) == (epochs == 5)
        assert "published" not in said  # it is no preset
    said = run("train", tiny, "--seeds", 2, "--epochs", 4, "--out", "many").stdout
    assert "last 5" not in said
    assert "test accuracy, after 4 epochs: " in said
    assert "standard deviation" in said


@pytest.mark.parametrize("workers", [1, 2])
def test_seeds(workers: int, tiny: str, run) -> None:
    result = run("train", tiny, "--seeds", 3, "--workers", workers, "--out", "many", "--epochs", 6)
    assert result.exit_code == 0
    summary = read("many/summary.json")
    assert summary["finished"]
    assert summary["seeds"] == [7, 8, 9]
    means = []
    for seed, row in zip((7, 8, 9), summary["runs"], strict=True):
        metrics = read(f"many/seed-{seed}/metrics.json")
        accuracies = [entry["test_accuracy"] for entry in metrics["epochs"]]
        assert row["mean_last_5_test_accuracy"] == pytest.approx(np.mean(accuracies[-5:]))
        assert row["last_test_accuracy"] == accuracies[-1]
        means.append(np.mean(accuracies[-5:]))
    statistics = summary["mean_last_5_test_accuracy"]
    assert statistics["mean"] == pytest.approx(np.mean(means))
    assert statistics["standard_deviation"] == pytest.approx(np.std(means, ddof=1))
    assert statistics["standard_error"] == pytest.approx(np.std(means, ddof=1) / 3**0.5)
    run("train", tiny, "--seed", 8, "--out", "alone", "--epochs", 6)
    assert Path("alone/weights.npz").read_bytes() == Path("many/seed-8/weights.npz").read_bytes()
    Path("many/seed-9/weights.npz").unlink()
    result = run("train", "--resume", "many", "--epochs", 7)
    assert [row["epochs"] for row in read("many/summary.json")["runs"]] == [7, 7, 7]
    assert "test accuracy, mean of the last 5 epochs" in result.stdout
    each = np.mean([row["layer_writes_a_synapse"] for row in read("many/summary.json")["runs"]], axis=0)
    said = ", ".join(f"layer {layer}: {writes:,.1f}" for layer, writes in enumerate(each))
    assert re.search(rf"^writes a synapse, all epochs: [0-9.,]+ \({said}\)$", result.stdout, re.M)


# ---------------------------------------------------------------------------------------------------------------------
# What goes wrong


def test_a_full_disk(tiny: str, run, fails, monkeypatch: pytest.MonkeyPatch) -> None:
    """Space runs out as the second epoch's weights are written: the first epoch's checkpoint stays, and continues."""
    fsync, calls = os.fsync, []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 7:  # config, then metrics and weights at the start and of each epoch
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        assert fails(1, "train", tiny, "--out", "a") == "a/weights.npz: No space left on device"
    assert {path.name for path in Path("a").iterdir()} == RUN_FILES
    assert load_weights("a/weights.npz", load_config("a/config.yaml")).about["epoch"] == 1
    run("train", "--resume", "a")
    run("train", tiny, "--out", "b")
    assert Path("a/weights.npz").read_bytes() == Path("b/weights.npz").read_bytes()


def test_files_may_not_grow(tiny: str) -> None:
    """A real refusal by the system, in a process whose files may have 2000 bytes: config.yaml fits, weights do not."""
    done = subprocess.run(
        [sys.executable, "-m", "eqspike.scripts.cli", "train", tiny, "--out", "a",
         "--set", "network.layers=[9, 90, 3]"],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": root(), "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)),
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "eqspike: a/weights.npz: File too large\n"
    assert {path.name for path in Path("a").iterdir()} == {"config.yaml", "metrics.json"}


def root() -> str:
    return str(Path(__file__).parents[2])


def test_unwritable(tiny: str, fails) -> None:
    Path("file").write_text("")
    assert fails(1, "train", tiny, "--out", "file/below").startswith("file/below")


def test_corrupt_data_set(tiny: str, fails) -> None:
    Path("data").mkdir()
    line = fails(2, "train", tiny, "--dataset", "idx:data", "--out", "a")
    assert line.startswith("data: no file named")
    Path("data/images-idx3-ubyte").write_bytes(b"\0\0\x08\x03\0\0")
    Path("data/labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01\0\0\0\0")
    assert "images-idx3-ubyte: cut short" in fails(2, "train", tiny, "--dataset", "idx:data", "--out", "a")
    assert not Path("a").exists()


@pytest.mark.parametrize("workers", [None, 2])
def test_ctrl_c(workers: int | None, tiny: str, run) -> None:
    """SIGINT in the middle of training: status 130, one line, a whole checkpoint, nothing else; then it goes on."""
    seeds = [] if workers is None else ["--seeds", "2", "--workers", str(workers)]
    folder = Path("a") if workers is None else Path("a/seed-7")
    process = start("train", tiny, "--out", "a", "--epochs", "99999", *seeds)
    metrics = folder / "metrics.json"
    stderr = interrupt(process, lambda: metrics.exists() and read(metrics)["epochs"])
    assert process.returncode == 130
    assert stderr == "eqspike: interrupted; resume with: eqspike train --resume a\n"
    assert {path.name for path in folder.iterdir()} == RUN_FILES
    about = load_weights(folder / "weights.npz", load_config(folder / "config.yaml")).about
    more = about["epoch"] + 2
    if workers is None:
        assert run("train", "--resume", "a", "--epochs", more).exit_code == 0
        run("train", tiny, "--out", "b", "--epochs", more)
        assert Path("a/weights.npz").read_bytes() == Path("b/weights.npz").read_bytes()


def test_golden_without_its_fast_engine(tiny: str, run) -> None:
    """The same run, and either goes on with the other's."""
    assert run("train", tiny, "--out", "a").exit_code == 0
    assert run("train", tiny, "--engine", "golden-plain", "--out", "b", "--epochs", 2).exit_code == 0
    assert [entry["engine"] for entry in read("b/metrics.json")["epochs"]] == ["golden-plain"] * 2
    assert run("train", "--resume", "b", "--epochs", 3).exit_code == 0
    assert Path("a/weights.npz").read_bytes() == Path("b/weights.npz").read_bytes()
    first, second = (read(f"{name}/metrics.json")["epochs"] for name in "ab")
    for ours, theirs in zip(first, second, strict=True):
        assert {k: ours[k] for k in ours if "counters" in k or "accuracy" in k} == {
            k: theirs[k] for k in theirs if "counters" in k or "accuracy" in k
        }


def test_rtl_without_its_engine(tiny: str, fails, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "eqspike.sim.engine", None)
    assert fails(1, "train", tiny, "--engine", "rtl", "--out", "a").startswith("--engine rtl is not available")
    assert not Path("a").exists()


def test_rtl_engine(tiny: str, run, fails, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in with the engine's face: the run's files, and cycles in the metrics."""

    class Stand(GoldenEngine):
        def __init__(self, config: Any, lanes: int | None = None) -> None:
            super().__init__(config)

        def __enter__(self) -> Stand:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def learn(self, images: np.ndarray, *rest: Any) -> Learned:
            step = super().learn(images, *rest)
            weights = tuple(w.copy() for w in step.weights)
            return dataclasses.replace(step, weights=weights, cycles=1000 * len(images), seconds=0.5)

    engine = types.ModuleType("eqspike.sim.engine")
    engine.RtlEngine = Stand
    monkeypatch.setitem(sys.modules, "eqspike.sim.engine", engine)
    monkeypatch.setitem(CHUNK, "rtl", 20)
    assert run("train", tiny, "--engine", "rtl", "--out", "a", "--epochs", 1).exit_code == 0
    entry = read("a/metrics.json")["epochs"][0]
    assert (entry["engine"], entry["cycles"], entry["cycles_per_image"]) == ("rtl", 96000, 1000)
    assert entry["cycles_per_second"] == 96000 / (0.5 * 5)
    assert run("train", "--resume", "a", "--epochs", 3).exit_code == 0  # goes on with the golden model
    run("train", tiny, "--out", "b")
    assert Path("a/weights.npz").read_bytes() == Path("b/weights.npz").read_bytes()
    real = ("--engine", "rtl", "--set", "number.format=real")
    assert "computes in fixed point" in fails(2, "train", tiny, *real, "--out", "c")


def test_config_file_is_plain_yaml(tiny: str, run) -> None:
    run("train", tiny, "--out", "a", "--epochs", 0)
    assert yaml.safe_load(Path("a/config.yaml").read_text())["network"]["layers"] == [9, 5, 3]
