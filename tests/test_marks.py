"""The marks of slow tests name files and tests that are there."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from cocotb_tests import conftest as cocotb_marks
from tests import conftest as marks


@pytest.mark.parametrize("entry", sorted(marks.SLOW))
def test_what_is_slow_is_there(entry: str) -> None:
    file, _, name = entry.partition("::")
    tree = ast.parse((marks.FOLDER / file).read_text(encoding="utf-8"))
    assert not name or name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.slow
def test_what_is_soak_is_there() -> None:
    """Each with its parameters, which only pytest knows."""
    entries = sorted(f"{part.FOLDER.name}/{entry}" for part in (marks, cocotb_marks) for entry in part.SOAK)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "soak", *entries], cwd=marks.FOLDER.parent,
        capture_output=True, text=True,
    )  # fmt: skip
    assert f"{len(entries)} tests collected" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("stem", sorted(cocotb_marks.WHOLE))
def test_files_of_whole_cores_are_there(stem: str) -> None:
    assert (cocotb_marks.FOLDER / f"{stem}.py").is_file()


def test_no_test_begins_after_the_minutes() -> None:
    target = "tests/test_marks.py::test_files_of_whole_cores_are_there"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--minutes", "0", target], cwd=marks.FOLDER.parent, capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(cocotb_marks.WHOLE)} skipped" in done.stdout
    assert "not started: 0 minutes are over" in done.stdout
