"""images:DIR: a folder for each class, and pictures that are large, damaged or none."""

from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eqspike.golden import pictures
from eqspike.golden.idx import DataError
from eqspike.golden.pictures import read_picture, read_pictures

GRADIENT = np.arange(0, 256, 16, dtype=np.uint8).reshape(4, 4)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of two pictures each, 4 x 4."""
    for number, name in enumerate(("cat", "dog")):
        (tmp_path / name).mkdir()
        for place in range(2):
            Image.fromarray(GRADIENT + number + 2 * place).save(tmp_path / name / f"{place}.png")
    return tmp_path


def test_a_folder_a_class(folder: Path) -> None:
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / "cat" / "Thumbs.db").write_bytes(b"x")
    found = read_pictures(folder, 16)
    assert (found.classes, found.labels.tolist(), found.test) == (("cat", "dog"), [0, 0, 1, 1], None)
    assert [image.tolist() for image in found.images] == [
        (GRADIENT + more).reshape(-1).tolist() for more in (0, 2, 1, 3)
    ]


def test_own_test_part(folder: Path) -> None:
    (folder / "train").mkdir()
    for name in ("cat", "dog"):
        (folder / name).rename(folder / "train" / name)
    assert read_pictures(folder, 16).test is None
    (folder / "test" / "dog").mkdir(parents=True)
    Image.fromarray(GRADIENT[::-1]).save(folder / "test" / "dog" / "a.bmp")
    found = read_pictures(folder, 16)
    images, labels = found.test
    assert (found.labels.tolist(), labels.tolist()) == ([0, 0, 1, 1], [1])
    assert images.tolist() == [GRADIENT[::-1].reshape(-1).tolist()]


@pytest.mark.parametrize("suffix", pictures.SUFFIXES)
def test_kinds(suffix: str, tmp_path: Path) -> None:
    """Each is read as it was written; what packs with loss, nearly so."""
    path = tmp_path / f"a{suffix}"
    smooth = np.add.outer(np.arange(16), np.arange(16)).astype(np.uint8) * 8
    if suffix == ".pbm":
        Image.fromarray(smooth > 100).save(path)
        assert read_picture(path, 16).tolist() == np.where(smooth > 100, 255, 0).tolist()
        return
    Image.fromarray(smooth).save(path)
    assert abs(read_picture(path, 16).astype(int) - smooth).max() <= (12 if suffix in (".webp", ".jpg", ".jpeg") else 0)


def test_colours_depth_and_transparency(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (4, 4), (0, 255, 0)).save(path)
    assert read_picture(path, 2).tolist() == [[150, 150], [150, 150]]
    Image.fromarray((np.arange(16, dtype=np.uint16) * 4096).reshape(4, 4)).save(path)
    assert read_picture(path, 4).tolist() == GRADIENT.tolist()
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(path)
    assert read_picture(path, 2).tolist() == [[255, 255], [255, 255]]
    Image.new("P", (4, 4), 0).save(path, transparency=0)
    assert read_picture(path, 2).tolist() == [[255, 255], [255, 255]]


def test_resized(tmp_path: Path) -> None:
    """To the mean of what a pixel covers, about, whatever the shape was."""
    wide = np.zeros((20, 40), np.uint8)
    wide[:, 20:] = 200
    Image.fromarray(wide).save(tmp_path / "a.png")
    found = read_picture(tmp_path / "a.png", 4)
    assert found[:, 0].tolist() == [0] * 4
    assert found[:, 3].tolist() == [200] * 4


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda folder: (folder / "cat" / "0.png").write_bytes(b"no picture"), "cat/0.png: cannot be read: cannot id"),
        (
            lambda folder: (folder / "dog" / "1.png").write_bytes((folder / "dog" / "0.png").read_bytes()[:45]),
            "dog/1.png: cannot be read",
        ),
        (lambda folder: (folder / "cat" / "a.txt").write_text("x"), "cat/a.txt: is no picture of a kind that is read"),
        (lambda folder: (folder / "a.png").write_text("x"), "a.png: stands beside the folders of the classes"),
        (lambda folder: (folder / "bird").mkdir(), "bird: no picture in it"),
        (lambda folder: (folder / "cat" / "b.png").mkdir(), "cat/b.png: cannot be read: Is a directory"),
        (lambda folder: (folder / "cat" / "0.png").write_text("%!PS\n"), "cat/0.png: cannot be read"),
    ],
)
def test_what_is_no_picture(change, words: str, folder: Path) -> None:
    change(folder)
    with pytest.raises(DataError) as caught:
        read_pictures(folder, 16)
    assert str(caught.value).startswith(f"{folder}/{words}")
    assert "\n" not in str(caught.value)


def bomb(width: int, height: int) -> bytes:
    """A PNG that announces so many pixels, all of them black."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(2**20)))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [9000, 10_000, 60_000])
def test_bombs(size: int, folder: Path) -> None:
    """Refused by what their header announces: below the limit of Pillow's warning, and above that of its error."""
    (folder / "cat" / "0.png").write_bytes(bomb(size, size))
    with warnings.catch_warnings(action="ignore"), pytest.raises(DataError, match=r"cat/0\.png: .*pixels"):
        read_pictures(folder, 16)


def test_bounds(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        DataError, match=r"begins with 15: a square number, e\.g\. --set 'network\.layers=\[784,32,2\]'"
    ):
        read_pictures(folder, 15)
    monkeypatch.setattr(pictures, "MOST_BYTES", 63)
    with pytest.raises(DataError, match="4 pictures of 16 pixels are more than 63 bytes"):
        read_pictures(folder, 16)
    monkeypatch.setattr(pictures, "MOST_FILES", 3)
    with pytest.raises(DataError, match="4 pictures; at most 3 are read"):
        read_pictures(folder, 16)
    with pytest.raises(DataError, match="nowhere: cannot be read: No such file"):
        read_pictures(folder / "nowhere", 16)
    (folder / "empty").mkdir()
    with pytest.raises(DataError, match="empty: 0 folders; expected one for each class"):
        read_pictures(folder / "empty", 16)
