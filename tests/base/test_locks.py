"""Locks of folders: one holder at a time, nothing left behind, no gap between two holders."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from eqspike.base.errors import UsageProblem
from eqspike.base.locks import FolderBusy, locked

HOLD = """
import sys
from eqspike.base.locks import locked
with locked(sys.argv[1]):
    print("have it", flush=True)
    sys.stdin.read()
"""
COUNT = """
import sys, time
from pathlib import Path
from eqspike.base.locks import FolderBusy, locked
folder, number = Path(sys.argv[1]), Path(sys.argv[2])
done = 0
while done < 200:
    try:
        with locked(folder):
            number.write_text(str(int(number.read_text()) + 1))
            done += 1
    except FolderBusy:
        pass
"""


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )  # fmt: skip


def test_one_at_a_time_and_nothing_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    with locked(folder):
        with locked(tmp_path / "a" / ".." / "a" / "b"):  # the same thread may, by any name
            assert (folder / ".lock").exists()
        refused: list[str] = []

        def other() -> None:
            try:
                with locked(folder):
                    refused.append("had it")
            except FolderBusy as error:
                refused.append(str(error))

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert refused == [f"{folder}: another command is at work there"]
        (folder / "result").write_text("")
    assert [path.name for path in folder.iterdir()] == ["result"]
    with locked(tmp_path / "new"):
        pass
    assert not (tmp_path / "new").exists()


def test_a_killed_holder_leaves_no_lock(tmp_path: Path) -> None:
    process = start(HOLD, tmp_path)
    try:
        assert process.stdout.readline() == "have it\n"
        with pytest.raises(FolderBusy), locked(tmp_path):
            pass
        process.kill()
        process.communicate()
        assert (tmp_path / ".lock").exists()
        (tmp_path / ".weights.npz.77.tmp").write_text("half")
        with locked(tmp_path):
            pass
        assert list(tmp_path.iterdir()) == []
    finally:
        process.kill()
        process.wait()


def test_no_gap_between_two_holders(tmp_path: Path) -> None:
    """The lock's file goes with each holder: another may have it open, which must not count as the lock then."""
    number = tmp_path / "number"
    number.write_text("0")
    processes = [start(COUNT, tmp_path / "folder", number) for _ in range(3)]
    for process in processes:
        process.communicate(timeout=120)
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert number.read_text() == "600"


def test_what_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageProblem, match="file: is not a folder"), locked(tmp_path / "file"):
        pass
