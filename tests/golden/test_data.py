"""Splits that do not leak, and files that are not what they say."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from golden.config import config_from_dict
from golden.data import DataError, epoch_order, load_dataset, load_split, read_idx, split


def idx(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return header + array.astype(np.uint8).tobytes()


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """A folder with 60 images of 2 x 3 pixels and their labels."""
    generator = np.random.default_rng(0)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(generator.integers(0, 256, (60, 2, 3))))
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.arange(60) % 3)))
    return tmp_path


def of_folder(folder: Path, layers: list[int] | None = None):
    return config_from_dict({"dataset": {"name": f"idx:{folder}"}, "network": {"layers": layers or [6, 4, 3]}})


def test_idx(pair: Path) -> None:
    images, labels = load_dataset(of_folder(pair))
    raw = read_idx(pair / "train-images-idx3-ubyte").reshape(60, 6).astype(int)
    assert images.tolist() == [[round_half_up(p * 16, 255) for p in row] for row in raw.tolist()]
    assert labels.tolist() == [n % 3 for n in range(60)]
    assert images.max() <= 16


def round_half_up(a: int, b: int) -> int:
    return (2 * a + b) // (2 * b)


@pytest.mark.parametrize("keep", [0, 3, 10, 200])
def test_images_cut_short(pair: Path, keep: int) -> None:
    path = pair / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match="train-images-idx3-ubyte: ") as caught:
        load_dataset(of_folder(pair))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("place", [0, 5, 15, 30, -6])
def test_broken_gz(pair: Path, place: int) -> None:
    path = pair / "train-labels-idx1-ubyte.gz"
    raw = bytearray(path.read_bytes())
    raw[place] ^= 0xFF
    path.write_bytes(raw)
    if place == 5:  # a byte of the time stamp
        assert len(load_dataset(of_folder(pair))[1]) == 60
    else:
        with pytest.raises(DataError, match=r"train-labels-idx1-ubyte\.gz: "):
            load_dataset(of_folder(pair))
    path.write_bytes(bytes(raw[:30]))
    with pytest.raises(DataError, match=r"ubyte\.gz: "):
        load_dataset(of_folder(pair))


def test_folders_that_do_not_fit(pair: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"6 pixels an image, but network\.layers begins with 7"):
        load_dataset(of_folder(pair, [7, 4, 3]))
    with pytest.raises(DataError, match=r"labels up to 2, but network\.layers ends with 2"):
        load_dataset(of_folder(pair, [6, 4, 2]))
    with pytest.raises(DataError, match=r"no file named \*images-idx3-ubyte"):
        load_dataset(of_folder(tmp_path / "nowhere"))
    labels = pair / "train-labels-idx1-ubyte.gz"
    for content, words in (
        (np.zeros(59), "60 images but 59 labels"),
        (np.zeros((60, 1)), "labels of rank 2"),
        (np.zeros(()), "labels of rank 0"),
    ):
        labels.write_bytes(gzip.compress(idx(content)))
        with pytest.raises(DataError, match=words):
            load_dataset(of_folder(pair))
    labels.write_bytes(gzip.compress(idx(np.zeros(0))))
    (pair / "train-images-idx3-ubyte").write_bytes(idx(np.zeros((0, 2, 3))))
    with pytest.raises(DataError, match="no images"):
        load_dataset(of_folder(pair))


def test_digits() -> None:
    config = config_from_dict({})
    images, labels = load_dataset(config)
    assert images.shape == (1797, 64)
    assert (images.min(), images.max()) == (0, 16)
    part = load_split(config)
    assert len(part.train_labels) + len(part.test_labels) == 1797
    for label in range(10):
        share = np.sum(part.test_labels == label) / np.sum(labels == label)
        assert abs(share - 0.2) < 0.01


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
