"""Names from configs, YAML and files from elsewhere on the command line: one line and status 2, or they work."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from eqspike.base.files import npz_bytes

PRESET = Path(__file__).parents[2] / "configs" / "toy.yaml"
SYNAPSES = ("--set", "synapses.0.draw=synapse", "--set", "synapses.1.draw=synapse")

Fails = Callable[..., str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test runs in an empty folder below an empty folder."""
    place = tmp_path / "outer" / "work"
    place.mkdir(parents=True)
    monkeypatch.chdir(place)
    return place


NAMES = ("../../escape", "/abs", "a/b", "..", ".", ".hidden", "a\\\\b", "", " a", "x" * 101, "é" * 60)


@pytest.mark.parametrize("name", NAMES)
def test_names_that_leave_the_folder(name: str, fails: Fails, tmp_path: Path) -> None:
    text = PRESET.read_text().replace("name: toy", f'name: "{name}"')
    Path("own.yaml").write_text(text)
    for command in ("train", "compare", "law", "device", "bench", "verilog"):
        said = fails(2, command, "own.yaml")
        assert said.startswith("own.yaml: name: '")
        assert "a name" in said
    assert fails(2, "train", "toy", "--set", f'name="{name}"').startswith(f'--set name="{name[:20]}')
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["own.yaml"]


def test_names_that_are_taken(run, fails: Fails) -> None:
    assert run("train", "toy", "--epochs", 0, "--set", "name=été 2026 (b)").exit_code == 0
    assert Path("runs/été 2026 (b)-seed0/metrics.json").exists()
    assert fails(2, "train", "toy", "--set", "boards.a/b.lanes=2").startswith("--set boards.a/b.lanes=2: boards: 'a/b'")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("training: {epochs: 1, epochs: 2}\n", "line 1: the key 'epochs' is given twice, first in line 1"),
        ("training: {seed: " + "9" * 400 + "}", "line 1: a whole number of 400 digits"),
        ("name: " + "[" * 3000 + "]" * 3000, "line 1: is nested more than"),
        ('name: "a\\0b"', "line 1: the character U+0000 cannot be shown"),
        ('name: "\\e]0;x"', "line 1: the character U+001B cannot be shown"),
        ('"\\e[31m": 1', "line 1: the character U+001B cannot be shown"),
        ("training: {epochs: 012}", "line 1: 012 can be read in two ways"),
        ("training: {epochs: 1:30}", "line 1: 1:30 can be read in two ways"),
        ("learning: {beta: 2^-99999}", "learning.beta: '2^-99999' is not valid"),
        ("learning: {beta: 1e-999}", "learning.beta: '1e-999' is not valid"),
        ("learning: {beta: 1_0}", "line 1: 1_0 can be read in two ways"),
        ("learning: {beta: '1_0'}", "learning.beta: '1_0' is not valid"),
        ("learning: {beta: .inf}", "learning.beta: inf is not valid"),
        ("device: {conductance_max: 1e999}", "device.conductance_max: '1e999' is not valid"),
        ("dataset: {name: [1, 2]}", "dataset.name: [1, 2] is not valid; a word"),
        ("? {a: 1}\n: 2", "line 1: the key there is not a word"),
    ],
)
def test_yaml(text: str, said: str, fails: Fails) -> None:
    """In a preset, in an experiment, and in the value of --set."""
    Path("own.yaml").write_text(text)
    assert fails(2, "train", "own.yaml").startswith(f"own.yaml: {said}")
    found = fails(2, "sweep", "own.yaml", "--list")
    assert found.startswith("own.yaml: ")
    key, colon, value = text.partition(": ")
    if colon and "\n" not in text and key.isidentifier():
        found = fails(2, "train", "toy", "--set", f"{key}={value}")
        assert found.startswith(f"--set {key}=")
        assert ".yaml" not in found
        assert said.removeprefix("line 1: ") in found


def test_set_is_named(fails: Fails) -> None:
    said = fails(2, "train", "toy", "--set", "training.epochs=1", "--set", "synapses.0.bits=99")
    assert said == "--set synapses.0.bits=99: synapses[0].bits: 99 is not valid; allowed: 2 to 24"
    said = fails(2, "train", "toy", "--set", "number.format=fixed", "--set", "neuron.leak=0.3")
    assert said.startswith("--set neuron.leak=0.3: neuron.leak: 0.3 is not valid; fixed point needs")
    # What is wrong is none of their keys: all are named.
    said = fails(2, "train", "toy", "--set", "hardware.banks=2", "--set", "learning.signal=pulse")
    assert said.startswith("--set hardware.banks=2: hardware.banks: 2 is not valid; 1, with learning.signal pulse")
    said = fails(2, "train", "toy", "--set", "learning.free_steps=8", "--set", "training.epochs=2")
    assert said.startswith("--set learning.free_steps=8 --set training.epochs=2: learning.window: 32 is not valid")
    said = fails(2, "train", "toy", "--set", "\x1b[31mx=1")
    assert said.isprintable()
    for text, words in (
        ("synapses.².bits=3", "has items 0 to 1"),
        (f"synapses.{'9' * 5000}.bits=3", "has items 0 to 1"),
    ):
        assert words in fails(2, "train", "toy", "--set", text)


def test_fifos_are_not_waited_for(fails: Fails) -> None:
    for name in ("f.yaml", "f.npz", "f.csv", "f.nir"):
        os.mkfifo(name)
    assert fails(2, "train", "f.yaml") == "f.yaml: cannot be read: is not a regular file"
    assert fails(2, "train", "/dev/zero") == "/dev/zero: cannot be read: is not a regular file"
    assert fails(2, "infer", "toy", "--weights", "f.npz") == "f.npz: cannot be read: is not a regular file"
    assert fails(2, "import", "f.nir", "-o", "out") == "f.nir: cannot be read: is not a regular file"
    said = fails(2, "device", "toy", *SYNAPSES, "--set", "device.file=f.csv")
    assert said == "device.file: f.csv: cannot be read: is not a regular file"
    Path("run").mkdir()
    os.mkfifo("run/metrics.json")
    assert "is not a regular file" in fails(1, "report", "run")


GOOD = {"layer_0": np.zeros((17, 9), np.int64), "layer_1": np.zeros((10, 4), np.int64)}


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"layer_0": np.zeros((17, 8), np.int64)}, "weights of layer 0 have shape (17, 8); this network needs (17, 9)"),
        ({"layer_0": np.zeros((4096, 4096), np.int8)}, "weights of layer 0 have shape (4096, 4096); this network"),
        ({"layer_0": np.full((17, 9), 5000)}, "weights of layer 0 lie outside -2048..2047"),
        ({"layer_0": np.full((17, 9), 2**64 - 1, np.uint64)}, "weights of layer 0 lie outside"),
        ({"layer_1": np.full((10, 4), np.nan)}, "layer_1 holds float64; number.format fixed needs integers"),
        ({"layer_2": np.zeros(1, np.int64)}, "3 layers of weights; this network has 2"),
        ({"about": np.array("[" * 5000)}, "not a whole .npz file of weights"),
        ({"about": np.array('{"seed": "x"}')}, "not a whole .npz file of weights"),
        ({"about": np.array('{"seed": -1}')}, "not a whole .npz file of weights"),
        ({"about": np.array('{"key": 1e999}')}, "not a whole .npz file of weights"),
        ({"about": np.array('{"epoch": true}')}, "not a whole .npz file of weights"),
        ({"about": np.array('{"number": "' + "x" * 5000 + '"}')}, "number format xxxx"),
        ({"about": np.array('{"layers": "\\u001b[31m"}')}, "layers \\x1b[31m; this config has"),
        ({"about": np.zeros(3)}, "not a whole .npz file of weights"),
    ],
)  # fmt: skip
def test_weights(arrays: dict[str, np.ndarray], said: str, fails: Fails) -> None:
    Path("w.npz").write_bytes(npz_bytes(GOOD | arrays))
    found = fails(2, "infer", "toy", "--weights", "w.npz")
    assert found.startswith(f"w.npz: {said}")
    assert len(found) < 300


def test_weights_that_are_not_numbers(fails: Fails, run) -> None:
    """NaN and infinity have no place between the ends of the range."""
    for value in (np.nan, np.inf):
        arrays = {name: array.astype(float) for name, array in GOOD.items()}
        arrays["layer_1"][3, 2] = value
        Path("w.npz").write_bytes(npz_bytes(arrays))
        said = fails(2, "infer", "toy", "--set", "number.format=real", "--weights", "w.npz")
        assert said.startswith("w.npz: weights of layer 1 lie outside")


def test_checkpoints_of_elsewhere(run, fails: Fails) -> None:
    """What metrics.json and weights.npz of a run say is held against each other, whatever it is."""
    assert run("train", "toy", "--epochs", 1, "--out", "a").exit_code == 0
    metrics = json.loads(Path("a/metrics.json").read_text())
    for text in ("[" * 50_000, "[]", '{"epochs": 5}', '{"epochs": [[]]}', "null", json.dumps(metrics | {"epochs": []})):
        Path("a/metrics.json").write_text(text)
        said = fails(2, "train", "--resume", "a", "--epochs", 2)
        assert said.startswith("a/metrics.json: does not belong to weights.npz beside it")


def test_idx_folder_of_a_network(run, fails: Fails) -> None:
    """Pictures in folders of their files' names, and `latest`, which is not `test`."""
    images = b"\0\0\x08\x03" + b"".join(size.to_bytes(4, "big") for size in (40, 4, 4)) + bytes(range(160)) * 4
    labels = b"\0\0\x08\x01" + (40).to_bytes(4, "big") + bytes(n % 4 for n in range(40))
    for kind, content in (("images-idx3-ubyte", images), ("labels-idx1-ubyte", labels)):
        Path("in", f"train-{kind}").mkdir(parents=True)
        Path("in", f"train-{kind}", f"train-{kind}").write_bytes(content)
        Path("latest").mkdir(exist_ok=True)
        Path("latest", f"latest-train-{kind}").write_bytes(content)
    for folder in ("in", "latest"):
        assert run("train", "toy", "--dataset", f"idx:{folder}", "--epochs", 1, "--out", f"run-{folder}").exit_code == 0
    assert fails(2, "train", "digits", "--dataset", "idx:in").startswith("in/train-images-idx3-ubyte/train-images")
