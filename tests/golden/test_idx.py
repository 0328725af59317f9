"""IDX files that are whole, and files that are not what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from golden.config import config_from_dict
from golden.data import load_source, load_split
from golden.idx import DataError, read_idx, read_pair


@pytest.fixture
def pair(tmp_path: Path, idx_bytes) -> Path:
    """A folder with 60 images of 2 x 3 pixels and their labels."""
    generator = np.random.default_rng(0)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx_bytes(generator.integers(0, 256, (60, 2, 3))))
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(idx_bytes(np.arange(60) % 3, True))
    return tmp_path


def of_folder(folder: Path, layers: list[int] | None = None):
    return config_from_dict({"dataset": {"name": f"idx:{folder}"}, "network": {"layers": layers or [6, 4, 3]}})


def test_idx(pair: Path) -> None:
    raw = read_idx(pair / "train-images-idx3-ubyte").reshape(60, 6)
    source = load_source(of_folder(pair))
    assert source.images.tolist() == raw.tolist()
    assert source.labels.tolist() == [n % 3 for n in range(60)]
    assert (source.white, source.test) == (255, None)
    part = load_split(of_folder(pair))
    scaled = {tuple(round_half_up(p * 16, 255) for p in row) for row in raw.tolist()}
    assert {tuple(row) for row in [*part.train_images.tolist(), *part.test_images.tolist()]} == scaled
    assert part.train_images.max() == 16


def round_half_up(a: int, b: int) -> int:
    return (2 * a + b) // (2 * b)


@pytest.mark.parametrize("keep", [0, 3, 10, 200])
def test_images_cut_short(pair: Path, keep: int) -> None:
    path = pair / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match="train-images-idx3-ubyte: ") as caught:
        load_source(of_folder(pair))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("place", [0, 5, 15, 30, -6])
def test_broken_gz(pair: Path, place: int) -> None:
    path = pair / "train-labels-idx1-ubyte.gz"
    raw = bytearray(path.read_bytes())
    raw[place] ^= 0xFF
    path.write_bytes(raw)
    if place == 5:  # a byte of the time stamp
        assert len(load_source(of_folder(pair)).labels) == 60
    else:
        with pytest.raises(DataError, match=r"train-labels-idx1-ubyte\.gz: "):
            load_source(of_folder(pair))
    path.write_bytes(bytes(raw[:30]))
    with pytest.raises(DataError, match=r"ubyte\.gz: "):
        load_source(of_folder(pair))


def test_folders_that_do_not_fit(pair: Path, tmp_path: Path, idx_bytes) -> None:
    with pytest.raises(DataError, match=r"6 pixels an image, but network\.layers begins with 7"):
        load_source(of_folder(pair, [7, 4, 3]))
    with pytest.raises(DataError, match=r"labels up to 2, but network\.layers ends with 2"):
        load_source(of_folder(pair, [6, 4, 2]))
    with pytest.raises(DataError, match=r"no file named \*images-idx3-ubyte"):
        load_source(of_folder(tmp_path / "nowhere"))
    labels = pair / "train-labels-idx1-ubyte.gz"
    for content, words in (
        (np.zeros(59), "60 images but 59 labels"),
        (np.zeros((60, 1)), "labels of rank 2"),
        (np.zeros(()), "labels of rank 0"),
    ):
        labels.write_bytes(idx_bytes(content, True))
        with pytest.raises(DataError, match=words):
            load_source(of_folder(pair))
    labels.write_bytes(idx_bytes(np.zeros(0), True))
    (pair / "train-images-idx3-ubyte").write_bytes(idx_bytes(np.zeros((0, 2, 3))))
    with pytest.raises(DataError, match="no images"):
        load_source(of_folder(pair))


def test_half_a_pair(pair: Path, idx_bytes) -> None:
    (pair / "t10k-images-idx3-ubyte").write_bytes(idx_bytes(np.zeros((5, 2, 3))))
    with pytest.raises(DataError, match=r"no test file \(t10k\*labels-idx1-ubyte\[\.gz\]\)"):
        read_pair(pair, test=True)
    assert len(read_pair(pair)[1]) == 60  # test files are not taken for training files
    (pair / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError, match=r"no file \(\*labels-idx1-ubyte\[\.gz\]\)"):
        read_pair(pair)


def test_names(pair: Path, idx_bytes) -> None:
    """Names with a dot (as some archives have them), plain files before .gz, and no guess between two sets."""
    (pair / "train-images-idx3-ubyte").rename(pair / "train-images.idx3-ubyte")
    (pair / "train-labels.idx1-ubyte").write_bytes(idx_bytes(np.zeros(60)))
    with pytest.raises(DataError, match=r"several files of labels: train-labels-idx1-ubyte\.gz, train-labels\.idx1"):
        read_pair(pair)
    (pair / "train-labels.idx1-ubyte").rename(pair / "train-labels-idx1-ubyte")
    images, labels = read_pair(pair)
    assert images.shape == (60, 6)
    assert not labels.any()
