"""Only regular files are opened, and .npz files unpack to what they say and no more."""

from __future__ import annotations

import io
import os
import random
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from eqspike.base.npz import NpzError, open_npz
from eqspike.base.printable import printable, shown
from eqspike.base.reading import open_regular, read_bytes, read_json, sha256


def test_only_regular_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path, said in (
        (tmp_path / "fifo", "is not a regular file"),
        (Path("/dev/zero"), "is not a regular file"),
        (tmp_path, "Is a directory"),
        (tmp_path / "none", "No such file"),
        ("a\0b", "no file can have this name"),
    ):
        for read in (open_regular, read_bytes, read_json, sha256, lambda path: open_npz(path).__enter__()):
            with pytest.raises(OSError, match=said):
                read(path)
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "file").write_bytes(b"abc")
    assert read_bytes(tmp_path / "link", 3) == b"abc"
    with pytest.raises(OSError, match="3 bytes; at most 2 are read"):
        read_bytes(tmp_path / "file", 2)


@pytest.mark.parametrize("content", [b"[" * 100_000, b"{", b"\xff", b""])
def test_broken_json(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(ValueError):  # noqa: PT011
        read_json(tmp_path / "x.json")


def test_texts_for_the_terminal() -> None:
    assert printable("a\x1b[31m\n\u202e\ud800é") == "a\\x1b[31m\\n\\u202e\\ud800é"
    assert shown(10**5000) == "a whole number of 16610 bits"
    assert len(shown({"x" * 5000: [["y" * 5000]]})) < 250
    assert shown(-8) == "-8"


# ---------------------------------------------------------------------------------------------------------------------
# .npz


def header(shape: object, dtype: str = "<i8", version: bytes = b"\x01\x00") -> bytes:
    """The beginning of a member."""
    text = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}}}".encode()
    size = 2 if version == b"\x01\x00" else 4
    text += b" " * (-(len(text) + 7 + size + 1) % 64) + b"\n"
    return b"\x93NUMPY" + version + len(text).to_bytes(size, "little") + text


def archive(path: Path, members: dict[str, bytes], pack: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", pack) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def test_arrays_come_back(tmp_path: Path) -> None:
    arrays = {"a": np.arange(12).reshape(3, 4), "b": np.asfortranarray(np.eye(3)), "c": np.array("text")}
    arrays["d"] = np.zeros((0, 2))
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "x.npz", **arrays)
        with open_npz(tmp_path / "x.npz") as file:
            assert {name: (h.shape, h.dtype) for name, h in file.headers.items()} == {
                name: (a.shape, a.dtype) for name, a in arrays.items()
            }
            for name, array in arrays.items():
                assert np.array_equal(file.array(name), array)
            assert file.text("c") == "text"
            with pytest.raises(NpzError, match="a is not a text"):
                file.text("a")


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"a.npy": header((2, 2)) + bytes(24)}, "its header announces 32"),
        ({"a.npy": header((2, 2)) + bytes(40)}, "its header announces 32"),
        ({"a.npy": header((1 << 40, 1 << 40)) + bytes(8)}, "its header announces"),
        ({"a.npy": header((-1, 8)) + bytes(8)}, "impossible shape"),
        ({"a.npy": header("(1,)*40") + bytes(8)}, "malformed|not valid|impossible"),
        ({"a.npy": header((1,), "|O") + bytes(8)}, "Object arrays"),
        ({"a.npy": header((1,), "<c16") + bytes(16)}, "holds complex128, no numbers"),
        ({"a.npy": header((1,), "<M8[s]") + bytes(8)}, "no numbers"),
        ({"a.npy": header((1,), version=b"\x09\x00") + bytes(8)}, "a.npy is of version"),
        ({"a.npy": b"\x93NUMPY\x02\x00\xff\xff\xff\x7f" + b"{" * 100}, "EOF|header"),
        ({"a.npy": b"\x93NUMPY\x01\x00\xff\x00" + b"(" * 255}, "EOF"),
        ({"a.npy": b"no array"}, "magic"),
        ({"a.txt": b"text"}, "a.txt is no array"),
        ({"a.npy": header((1 << 27,), "|u1") + bytes(1 << 27)}, "announces far more than it can hold"),
    ],
)
def test_members_that_lie(members: dict[str, bytes], said: str, tmp_path: Path) -> None:
    path = archive(tmp_path / "x.npz", members)
    del members
    tracemalloc.start()
    try:
        with pytest.raises(NpzError, match=said), open_npz(path):
            pass
        assert tracemalloc.get_traced_memory()[1] < 2**22  # nothing large was unpacked
    finally:
        tracemalloc.stop()


def test_other_archives(tmp_path: Path) -> None:
    good = header((2,)) + bytes(16)
    with (
        pytest.raises(NpzError, match="packed in another way"),
        open_npz(archive(tmp_path / "x.npz", {"a.npy": good}, zipfile.ZIP_LZMA)),
    ):
        pass
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as file:
        file.writestr("a.npy", good)
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("a.npy", good)
    with pytest.raises(NpzError, match="is there twice"), open_npz(tmp_path / "x.npz"):
        pass


def test_damaged_archives_are_read_or_refused(tmp_path: Path) -> None:
    draw, path, refused = random.Random(3), tmp_path / "x.npz", []
    buffer = io.BytesIO()
    np.savez_compressed(buffer, a=np.arange(100), b=np.array("text"))
    for _ in range(400):
        raw = bytearray(buffer.getvalue())
        for _ in range(draw.randint(1, 3)):
            at = draw.randrange(len(raw))
            raw[at : at + draw.choice((0, 1, 1, 4))] = draw.randbytes(draw.choice((0, 1, 1, 4)))
        path.write_bytes(raw)
        try:
            with open_npz(path) as file:
                for name in file.headers:
                    file.array(name)
        except NpzError as error:
            refused.append(str(error))
    assert len(refused) > 200
    assert not any("\n" in said for said in refused)
