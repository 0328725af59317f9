"""Files are whole or absent."""

from __future__ import annotations

import errno
import gc
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from eqspike.base import files


def test_replaces(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "a.json"
    files.write_json(path, {"a": np.arange(3), "b": np.float64(0.5), "c": Path("x")})
    assert json.loads(path.read_text()) == {"a": [0, 1, 2], "b": 0.5, "c": "x"}
    files.write_text(path, "ä")
    assert path.read_text(encoding="utf-8") == "ä"
    assert [entry.name for entry in path.parent.iterdir()] == ["a.json"]


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_failure_leaves_the_old_file(broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    files.write_text(path, "old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, broken, full)
    with pytest.raises(OSError, match="No space left") as caught:
        files.write_text(path, "new")
    assert caught.value.filename == str(path)
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


def test_ctrl_c_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    files.write_text(path, "old")

    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        files.write_text(path, "new")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


def test_a_place_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileExistsError) as caught:
        files.write_text(tmp_path / "file" / "a.txt", "")
    assert caught.value.filename == str(tmp_path / "file")


def test_npz_is_the_same_at_any_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    arrays = {"a": np.arange(6).reshape(2, 3), "b": np.array("text")}
    first = files.npz_bytes(arrays)
    monkeypatch.setattr("time.time", lambda: 2e9)
    assert files.npz_bytes(arrays) == first
    (tmp_path / "a.npz").write_bytes(first)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as archive:
        assert archive["a"].tolist() == [[0, 1, 2], [3, 4, 5]]
        assert str(archive["b"]) == "text"


def test_leftovers(tmp_path: Path) -> None:
    (tmp_path / ".weights.npz.123.tmp").write_text("")
    (tmp_path / "weights.npz").write_text("")
    files.remove_leftovers(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["weights.npz"]


def test_an_interrupt_in_the_middle_of_an_npz(monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays an interrupt: the archive, left open in the middle of an array, complains neither at once nor later."""

    def interrupted(self: zipfile.ZipFile, *_: object, **__: object) -> None:
        self._writing = True  # as ZipFile.open does before it returns
        raise KeyboardInterrupt

    monkeypatch.setattr(zipfile.ZipFile, "open", interrupted)
    with pytest.raises(KeyboardInterrupt):
        files.npz_bytes({"a": np.zeros(3)})
    gc.collect()  # what is raised when an archive is dropped is a warning, and so an error
