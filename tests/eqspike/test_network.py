"""The Python API: arrays in, labels out, one clear error for each thing that is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris

import eqspike
from eqspike.golden.configfile import load_config, resolve_preset
from eqspike.golden.data import load_split, peak, scale
from eqspike.lab.checkpoint import train_run

INPUTS, OUTPUTS = 9, 3


@pytest.fixture
def data() -> tuple[np.ndarray, np.ndarray]:
    """60 random images around one random image a class, floats in [0, 1], and their labels."""
    generator = np.random.default_rng(5)
    labels = np.arange(60) % OUTPUTS
    prototypes = generator.uniform(0, 1, (OUTPUTS, INPUTS))
    return np.clip(prototypes[labels] + generator.normal(0, 0.1, (60, INPUTS)), 0, 1), labels


@pytest.fixture
def network(make_config) -> eqspike.Network:
    return eqspike.Network(make_config())


def same(one: tuple[np.ndarray, ...], other: tuple[np.ndarray, ...]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_import_is_quick() -> None:
    """Neither numba nor Amaranth nor NumPy, until a name is used."""
    code = "import sys, eqspike; dir(eqspike); print([m for m in ('numpy', 'numba', 'amaranth') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_name_is_there() -> None:
    for name in eqspike.__all__:
        assert getattr(eqspike, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'Netwrok'"):
        _ = eqspike.Netwrok


def test_training(network: eqspike.Network, data) -> None:
    images, labels = data
    told: list[eqspike.Epoch] = []
    before = network.weights
    history = network.train(images, labels, test=data, callback=lambda epoch: told.append(epoch))
    assert len(history) == network.config.training.epochs == 3
    assert list(history) == told == list(network.history)
    assert history[-1].test_accuracy == network.evaluate(images, labels)
    assert not same(network.weights, before)
    assert history[-1].first_spike_test_accuracy == network.evaluate(images, labels, first_spike=True)
    predictions = network.predict(images)
    assert predictions.shape == (60,)
    assert np.mean(predictions == labels) == history[-1].test_accuracy


def test_as_the_command_line(tmp_path: Path, make_config) -> None:
    """The same images give the weights of `eqspike train`, to the bit."""
    config = make_config()
    part = load_split(config)
    network = eqspike.Network(config)
    network.train(part.train_images / config.input.full_scale, part.train_labels)
    train_run(config, tmp_path)
    assert same(network.weights, eqspike.Network.load(tmp_path).weights)


def test_without_test_images(network: eqspike.Network, data) -> None:
    (epoch,) = network.train(*data, epochs=1)
    assert epoch.test_accuracy is None
    assert epoch.train_accuracy is not None


def test_it_goes_on_where_it_ended(network: eqspike.Network, data, make_config) -> None:
    network.train(*data, epochs=1)
    network.train(*data, epochs=2)
    whole = eqspike.Network(make_config())
    whole.train(*data, epochs=3)
    assert same(network.weights, whole.weights)
    assert [epoch.epoch for epoch in network.history] == [1, 2, 3]


def test_a_callback_may_end_it(network: eqspike.Network, data) -> None:
    history = network.train(*data, epochs=10, callback=lambda epoch: epoch.epoch == 2)
    assert len(history) == 2
    assert len(network.history) == 2


def test_a_callback_that_fails_leaves_the_epoch(network: eqspike.Network, data, make_config) -> None:
    def fail(epoch: eqspike.Epoch) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        network.train(*data, callback=fail)
    one = eqspike.Network(make_config())
    one.train(*data, epochs=1)
    assert same(network.weights, one.weights)


def test_save_and_load(network: eqspike.Network, data, tmp_path: Path) -> None:
    network.train(*data, epochs=1, test=data)
    network.save(tmp_path / "run")
    again = eqspike.Network.load(tmp_path / "run")
    assert again.config == network.config
    assert again.history == network.history
    assert same(again.weights, network.weights)
    for one in (network, again):
        one.train(*data, epochs=1)
    assert same(again.weights, network.weights)


def test_commands_read_what_was_saved(network: eqspike.Network, data, tmp_path: Path, run) -> None:
    network.train(*data, epochs=1)
    network.save(tmp_path / "run")
    done = run("infer", tmp_path / "run" / "config.yaml", "--weights", tmp_path / "run" / "weights.npz")
    assert done.exit_code == 0, done.output


def test_load_says_what_is_wrong(network: eqspike.Network, tmp_path: Path) -> None:
    with pytest.raises(eqspike.ConfigError, match=r"config\.yaml: cannot be read"):
        eqspike.Network.load(tmp_path)
    network.save(tmp_path)
    (tmp_path / "metrics.json").write_text("{}")
    with pytest.raises(eqspike.UsageProblem, match=r"metrics\.json: does not belong"):
        eqspike.Network.load(tmp_path)
    (tmp_path / "weights.npz").write_bytes(b"nothing")
    with pytest.raises(eqspike.WeightsError, match="not a whole"):
        eqspike.Network.load(tmp_path)


@pytest.mark.parametrize("suffix", ["nir", "npz", "hex"])
def test_export(suffix: str, network: eqspike.Network, tmp_path: Path) -> None:
    path = tmp_path / f"network.{suffix}"
    network.export(path)
    assert path.stat().st_size > 0


def test_export_says_what_is_wrong(network: eqspike.Network, tmp_path: Path) -> None:
    with pytest.raises(eqspike.UsageProblem, match=r"allowed: \.nir, \.npz, \.hex"):
        network.export(tmp_path / "network.onnx")
    with pytest.raises(eqspike.UsageProblem, match="no such board"):
        network.export(tmp_path / "network.hex", board="breadboard")


def test_presets_and_changes() -> None:
    assert {"digits", "mnist", "toy"} <= set(eqspike.presets())
    changes = {"training.epochs": 2, "synapses.0.bits": 8, "number.format": "real", "learning.beta": 0.5}
    config = eqspike.Network("toy", changes).config
    assert (config.training.epochs, config.synapses[0].bits, config.number.format) == (2, 8, "real")
    with pytest.raises(eqspike.ConfigError, match=r"number\.format"):
        eqspike.Network("toy", {"number.format": "complex"})
    with pytest.raises(eqspike.ConfigError, match="is no file, nor a preset"):
        eqspike.Network("nothing")


def test_weights(network: eqspike.Network, data) -> None:
    weights = network.weights
    assert [layer.shape for layer in weights] == [(INPUTS + 1, 5), (6, OUTPUTS)]
    weights[0][:] = 0  # a copy
    assert not same(network.weights, weights)
    network.weights = weights
    assert same(network.weights, weights)
    with pytest.raises(eqspike.InputError, match="layer 0: float64; expected integers"):
        network.weights = [layer / 2 for layer in weights]
    with pytest.raises(eqspike.InputError, match="1 layers of weights; this network has 2"):
        network.weights = weights[:1]
    with pytest.raises(eqspike.InputError, match=r"layer 1 lie outside -512\.\.511"):
        network.weights = [weights[0], weights[1] + 600]


def test_uint8_and_floats_are_the_same(network: eqspike.Network) -> None:
    images = np.random.default_rng(1).integers(0, 256, (40, INPUTS), np.uint8)
    labels = np.arange(40) % OUTPUTS
    network.train(images, labels, epochs=1)
    other = eqspike.Network(network.config)
    other.train(images / 255, labels, epochs=1)
    assert same(network.weights, other.weights)


WRONG_IMAGES = [
    (np.zeros((4, 8)), r"images: shape \(4, 8\); tiny needs \(n, 9\)"),
    (np.zeros(9), r"images: shape \(9,\); tiny needs \(n, 9\)"),
    (np.zeros((4, 3, 3)), r"images: shape \(4, 3, 3\); tiny needs \(n, 9\): images.reshape\(len\(images\), -1\)"),
    (np.zeros((4, 9), np.int64), r"images: int64; expected floats in \[0, 1\], or uint8"),
    (np.full((4, 9), 16.0), r"images: values from 16 to 16; floats must lie in \[0, 1\]"),
    (np.full((4, 9), -0.1), r"images: values from -0.1 to -0.1; floats must lie in \[0, 1\]"),
    (np.full((4, 9), np.nan), r"images: values from nan to nan; floats must lie in \[0, 1\]"),
    (np.array([["a"] * 9] * 4), r"images: <U1; expected floats"),
    ([[0.0] * 9, [0.0] * 8], "images: rows of different lengths; expected an array"),
]


@pytest.mark.parametrize(("images", "message"), WRONG_IMAGES)
def test_wrong_images(images: np.ndarray, message: str, network: eqspike.Network) -> None:
    for ask in (network.predict, lambda these: network.train(these, np.zeros(4, int))):
        with pytest.raises(eqspike.InputError, match=message):
            ask(images)


WRONG_LABELS = [
    (np.array([0, 1, 2, 11]), "labels: label 11; tiny has 3 outputs, labels 0 to 2"),
    (np.array([0, 1, 2, 3]), "labels: label 3; tiny has 3 outputs"),
    (np.array([0, -1, 2, 1]), "labels: label -1; tiny has 3 outputs"),
    (np.array([0.0, 1.0, 2.0, 1.0]), "labels: float64; expected integers"),
    (np.array([True, False, True, True]), "labels: bool; expected integers"),
    (np.array([0, 1]), r"labels: shape \(2,\); 4 images need \(4,\)"),
    (np.eye(4, 3, dtype=int), r"labels: shape \(4, 3\); 4 images need \(4,\)"),
]


@pytest.mark.parametrize(("labels", "message"), WRONG_LABELS)
def test_wrong_labels(labels: np.ndarray, message: str, network: eqspike.Network) -> None:
    images = np.zeros((4, INPUTS))
    before = network.weights
    with pytest.raises(eqspike.InputError, match=message):
        network.train(images, labels)
    with pytest.raises(eqspike.InputError, match=message):
        network.evaluate(images, labels)
    with pytest.raises(eqspike.InputError, match=f"test {message}"):
        network.train(images, np.zeros(4, int), test=(images, labels))
    assert same(network.weights, before)


def test_wrong_arguments(network: eqspike.Network, data) -> None:
    for epochs in (-1, 1.5, "3"):
        with pytest.raises(eqspike.InputError, match=rf"epochs: {epochs!r}; expected an integer, 0 or more"):
            network.train(*data, epochs=epochs)
    with pytest.raises(eqspike.InputError, match="engine: 'gold'; allowed: golden, rtl"):
        network.train(*data, engine="gold")
    assert network.train(*data, epochs=0) == ()


def test_no_images(network: eqspike.Network) -> None:
    nothing = np.zeros((0, INPUTS))
    assert network.predict(nothing).shape == (0,)
    for ask in (network.train, network.evaluate):
        with pytest.raises(eqspike.InputError, match="images: there are none"):
            ask(nothing, np.zeros(0, int))


def test_white_has_the_preset_s_brightness(make_config) -> None:
    """uint8 goes the way of the data sets."""
    from eqspike.arrays import pixels

    config = make_config(dataset={"brightness": 0.75})
    images = np.arange(256, dtype=np.uint8).repeat(INPUTS).reshape(256, INPUTS)
    assert np.array_equal(pixels(images, config), scale(images, 255, config))
    assert np.array_equal(pixels(images / 255, config), scale(images, 255, config))


@pytest.mark.slow
def test_the_circuit_learns_the_same(network: eqspike.Network, data) -> None:
    images, labels = data
    network.train(images[:6], labels[:6], epochs=1)
    circuit = eqspike.Network(network.config)
    circuit.train(images[:6], labels[:6], epochs=1, engine="rtl")
    assert same(network.weights, circuit.weights)
    assert circuit.history[0].engine == "rtl"


def test_a_network_of_a_table_takes_the_tables_numbers(tmp_path: Path) -> None:
    """They are scaled as in the training, found by name, and cut off outside of its range."""
    config = load_config(resolve_preset("table"), ["training.epochs=2"], "changes")
    train_run(config, tmp_path)
    network = eqspike.Network.load(tmp_path)
    assert network.classes == ("setosa", "versicolor", "virginica")
    part = load_split(config)
    data = load_iris()
    names = tuple(data.feature_names)
    scaled = network.scale_features(data.data, names)
    levels = np.rint(scaled * peak(config)).astype(int)
    assert {tuple(row) for row in (*part.train_images, *part.test_images)} <= {tuple(row) for row in levels}
    assert np.array_equal(network.scale_features(data.data[:, ::-1], names[::-1]), scaled)
    assert network.evaluate(scaled, data.target) > 0.5
    assert network.scale_features([[1e9, -1e9, 1e9, -1e9]]).tolist() == [[1, 0, 1, 0]]
    for wrong, columns, why in (
        ([[1.0, 2.0]], (), "2 features, but the weights were trained on 4"),
        ([1.0, 2.0], (), "expected numbers of shape"),
        ([["a"] * 4], (), "expected numbers of shape"),
        ([[1.0, 2.0, 3.0, float("nan")]], (), "not all are finite"),
        ([[1.0, 2.0, 3.0, 4.0]], ("a", "b"), "4 columns, but 2 names"),
        ([[1.0, 2.0, 3.0, 4.0]], ("a", "b", "c", "d"), "no column"),
    ):
        with pytest.raises(eqspike.InputError, match=why):
            network.scale_features(wrong, columns)


def test_only_a_network_of_a_table_scales_features(network: eqspike.Network) -> None:
    with pytest.raises(eqspike.InputError, match="not trained on a table"):
        network.scale_features([[0.0] * INPUTS])
