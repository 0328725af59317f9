"""Inference with trained weights, and weights that are not what they should be."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest

from eqspike.golden.configfile import load_config
from eqspike.golden.data import load_source, split_members
from eqspike.lab.infer import confusion_matrix


@pytest.fixture
def trained(tiny: str, run) -> str:
    assert run("train", tiny, "--out", "a", "--seed", 5).exit_code == 0
    return "a/weights.npz"


def test_accuracy_is_that_of_training(tiny: str, trained: str, run) -> None:
    """With the weights' own seed, so that no training image is in the test part."""
    last = json.loads(Path("a/metrics.json").read_text())["epochs"][-1]
    result = run("infer", tiny, "--weights", trained)
    assert result.exit_code == 0
    found = json.loads(Path("a/infer.json").read_text())
    assert found["accuracy"] == last["test_accuracy"]
    assert found["seed"] == 5
    assert found["counters"] == last["test_counters"]
    matrix = np.array(found["confusion"])
    assert matrix.shape == (3, 4)
    assert matrix.sum() == found["images"] == 24
    assert np.trace(matrix) / 24 == found["accuracy"]
    assert f"{100 * found['accuracy']:.2f} %" in result.stdout
    run("infer", tiny, "--weights", trained, "--first-spike", "--out", "first.json")
    first = json.loads(Path("first.json").read_text())
    assert first["accuracy"] == last["first_spike_test_accuracy"]
    assert first["counters"] == last["first_spike_test_counters"]
    run("infer", tiny, "--weights", trained, "--part", "train", "--limit", 10, "--seed", 6, "--out", "third.json")
    third = json.loads(Path("third.json").read_text())
    assert (third["images"], third["seed"], third["part"]) == (10, 6, "train")


def test_confusion_matrix() -> None:
    matrix = confusion_matrix(np.array([0, 0, 1, 2]), np.array([0, 1, 1, -1]), 3)
    assert matrix.tolist() == [[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]]


def npz(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def npy(array: np.ndarray, allow_pickle: bool = False) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=allow_pickle)
    return buffer.getvalue()


def test_images_that_were_trained_on(tiny: str, run) -> None:
    """Another seed's split, or another fraction's, tests on training images: it says of how many."""
    assert run("train", tiny, "--out", "t", "--epochs", 1).exit_code == 0
    config = load_config(tiny)
    source = load_source(config)
    learned = split_members(config, source).train
    for change in ("training.seed=3", "dataset.test_fraction=0.5"):
        asked = split_members(load_config(tiny, [change]), source).test
        count = len(set(asked.tolist()) & set(learned.tolist()))
        assert count > len(asked) / 2
        words = f"this is no test: the weights were trained on {count} of these {len(asked)} images"
        assert words in run("infer", tiny, "--weights", "t/weights.npz", "--set", change).stdout
    assert words not in run("infer", tiny, "--weights", "t/weights.npz", "--set", change, "--part", "train").stdout
    assert "this is no test" not in run("infer", tiny, "--weights", "t/weights.npz").stdout
    # Without the config beside them, the seed that the file holds tells; with a limit, only so many were learned.
    assert run("train", tiny, "--out", "few", "--epochs", 1, "--limit", 10).exit_code == 0
    Path("few/config.yaml").unlink()
    asked = split_members(load_config(tiny, ["training.seed=3"]), source).test
    count = len(set(asked.tolist()) & set(learned[:10].tolist()))
    shown = run("infer", tiny, "--weights", "few/weights.npz", "--seed", 3).stdout
    assert f"trained on {count} of these {len(asked)} images" in shown
    assert json.loads(Path("few/infer.json").read_text())["images_learned"] == count


def test_export_asks_the_images_it_was_not_trained_on(tiny: str, run) -> None:
    """Its agreement is that of the weights' own split, without --seed."""
    assert run("train", tiny, "--out", "s", "--epochs", 1, "--seed", 3).exit_code == 0
    weights = ("--weights", "s/weights.npz", "-o")
    assert run("export", tiny, *weights, "a.nir").stdout.replace("a.nir", "b.nir") == run(
        "export", tiny, *weights, "b.nir", "--seed", 3
    ).stdout  # fmt: skip
    assert Path("a.nir").read_bytes() == Path("b.nir").read_bytes()


GOOD = {"layer_0": np.zeros((10, 5), np.int64), "layer_1": np.zeros((6, 3), np.int64)}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not a whole .npz"),
        (b"garbage", "not a whole .npz"),
        (b"PK\x03\x04 not really", "not a whole .npz"),
        (npz(**GOOD)[:-30], "not a whole .npz"),
        (npz(**GOOD)[:200], "not a whole .npz"),
        (npz(**GOOD).replace(b"NUMPY", b"NOMPY"), "not a whole .npz"),
        (npy(np.zeros(3)), "not a whole .npz"),
        (npy(np.array([{}]), allow_pickle=True), "not a whole .npz"),
        (npz(**GOOD, about=np.array("{")), "not a whole .npz"),
        (npz(**GOOD, about=np.array("[]")), "not a whole .npz"),
        (npz(), "holds nothing"),
        (npz(w=np.zeros(3)), "holds w; expected layer_0"),
        (npz(layer_1=GOOD["layer_1"]), "holds layer_1"),
        (npz(layer_0=GOOD["layer_0"]), "1 layers of weights; this network has 2"),
        (
            npz(**GOOD | {"layer_0": np.zeros((9, 5), np.int64)}),
            "layer 0 have shape (9, 5); this network needs (10, 5)",
        ),
        (npz(**GOOD | {"layer_0": np.zeros((10, 5))}), "layer_0 holds float64; number.format fixed needs integers"),
        (npz(**GOOD | {"layer_0": np.full((10, 5), 512)}), "layer 0 lie outside -512..511"),
        (npz(**GOOD, about=np.array('{"layers": [8, 5, 3]}')), "layers [8, 5, 3]; this config has [9, 5, 3]"),
        (npz(**GOOD, about=np.array('{"fraction_bits": [9, 9]}')), "fraction bits [9, 9]; this config has [10, 10]"),
    ],
)
def test_bad_weights(content: bytes, words: str, tiny: str, fails) -> None:
    Path("w.npz").write_bytes(content)
    line = fails(2, "infer", tiny, "--weights", "w.npz")
    assert line.startswith("w.npz: ")
    assert words in line
    assert {path.name for path in Path().iterdir()} == {"w.npz"}


def test_weights_from_elsewhere(tiny: str, run) -> None:
    Path("w.npz").write_bytes(npz(**GOOD))
    assert run("infer", tiny, "--weights", "w.npz").exit_code == 0


def test_weights_that_are_not_there(tiny: str, fails) -> None:
    assert fails(2, "infer", tiny, "--weights", "w.npz") == "w.npz: cannot be read: No such file or directory"
    Path("folder").mkdir()
    assert fails(2, "infer", tiny, "--weights", "folder") == "folder: cannot be read: Is a directory"


def test_weights_of_another_format(tiny: str, trained: str, fails) -> None:
    line = fails(2, "infer", tiny, "--weights", trained, "--set", "number.format=real")
    assert "number format fixed; this config has real" in line
    assert "bits a weight [10, 10]; this config has [10, 8]" in fails(
        2, "infer", tiny, "--weights", trained, "--set", "synapses.1.bits=8"
    )
