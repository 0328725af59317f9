"""IDX files that are whole, and files that are not what they say."""

from __future__ import annotations

import os
import random
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest

from eqspike.golden.configfile import config_from_dict
from eqspike.golden.data import load_source, load_split
from eqspike.golden.idx import DataError, read_idx, read_pair


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


# ---------------------------------------------------------------------------------------------------------------------
# Names, and sizes that are not believed


@pytest.mark.parametrize("name", ["latest-train", "contest", "latest", "greatest_", ""])
def test_marks_of_test_files_are_words(name: str, pair: Path) -> None:
    """`latest` is not `test`."""
    (pair / "train-images-idx3-ubyte").rename(pair / f"{name}-images-idx3-ubyte")
    assert len(read_pair(pair)[0]) == 60
    assert read_pair(pair, test=True) is None if name else True


@pytest.mark.parametrize(
    "name", ["t10k-images", "Test-images", "emnist-digits-test-images", "my_test_images", "testimages"]
)
def test_test_files(name: str, pair: Path, idx_bytes) -> None:
    (pair / f"{name}-idx3-ubyte").write_bytes(idx_bytes(np.zeros((5, 2, 3))))
    (pair / "t10k-labels.idx1-ubyte").write_bytes(idx_bytes(np.zeros(5)))
    assert [len(read_pair(pair, test)[0]) for test in (False, True)] == [60, 5]


def test_folders_of_the_files_names(pair: Path, tmp_path: Path) -> None:
    """Some archives unpack each file into a folder of its name, some beside the file with a dot in its name."""
    for old, folder in (("train-images-idx3-ubyte", "train-images-idx3-ubyte"),
                        ("train-labels-idx1-ubyte.gz", "train-labels-idx1-ubyte")):  # fmt: skip
        content = (pair / old).read_bytes()
        (pair / old).unlink()
        (pair / folder).mkdir()
        (pair / folder / old).write_bytes(content)
    images, labels = read_pair(pair)
    assert (len(images), len(labels)) == (60, 60)
    (pair / "train-images.idx3-ubyte").write_bytes(
        (pair / "train-images-idx3-ubyte/train-images-idx3-ubyte").read_bytes()
    )
    assert np.array_equal(read_pair(pair)[0], images)
    (pair / "train-images-idx3-ubyte/train-images-idx3-ubyte").unlink()
    assert np.array_equal(read_pair(pair)[0], images)
    (pair / "train-labels-idx1-ubyte/train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError, match=r"no file \(\*labels-idx1-ubyte"):  # an empty folder is no file
        read_pair(pair)


def test_no_regular_file(pair: Path) -> None:
    (pair / "train-images-idx3-ubyte").unlink()
    os.mkfifo(pair / "train-images-idx3-ubyte")
    with pytest.raises(DataError, match="train-images-idx3-ubyte: cannot be read: is not a regular file"):
        read_pair(pair)


def bomb(shape: tuple[int, ...], unpacked: int) -> bytes:
    """A .gz whose header announces `shape`, with so many zeros behind it."""
    header = bytes([0, 0, 8, len(shape)]) + b"".join(size.to_bytes(4, "big") for size in shape)
    packer = zlib.compressobj(9, wbits=31)
    return (
        packer.compress(header)
        + b"".join(packer.compress(bytes(2**20)) for _ in range(unpacked >> 20))
        + packer.flush()
    )


@pytest.mark.parametrize(
    ("shape", "unpacked", "said"),
    [
        ((60, 2, 3), 2**28, r"more than 376 bytes, the header announces 376"),
        ((2**28 // 6, 2, 3), 2**28, "its header announces 268,435,468 bytes, more than can be in it"),
        ((2**31, 2**31, 2**31), 2**20, "more than can be in it"),
        ((60, 2, 3), 0, "16 bytes, the header announces 376"),
        ((60, 4, 3), 2**20, r"12 pixels an image, but network\.layers begins with 6"),
        ((61, 2, 3), 2**20, "61 images but 60 labels"),
        ((1,) * 200, 2**20, "announces 200 dimensions"),
    ],
)
def test_sizes_are_not_believed(shape: tuple[int, ...], unpacked: int, said: str, pair: Path) -> None:
    """What a header announces is held against the file, the labels and the network, before anything is unpacked."""
    (pair / "train-images-idx3-ubyte").unlink()
    (pair / "train-images-idx3-ubyte.gz").write_bytes(bomb(shape, unpacked))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=said):
            load_source(of_folder(pair))
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()


def test_damaged_files_are_read_or_refused(pair: Path) -> None:
    draw, path, refused = random.Random(5), pair / "train-images-idx3-ubyte", 0
    whole = path.read_bytes()
    for _ in range(300):
        raw = bytearray(whole)
        at = draw.randrange(20)
        raw[at : at + draw.choice((0, 1, 4))] = draw.randbytes(draw.choice((1, 4)))
        path.write_bytes(raw)
        try:
            load_source(of_folder(pair))
        except DataError:
            refused += 1
    assert refused > 200
