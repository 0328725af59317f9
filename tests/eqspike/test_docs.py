"""What docs/python.md, the README and the notebook show, run as a reader would."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import eqspike

ROOT = Path(__file__).resolve().parents[2]


def first_block(path: Path) -> str:
    return re.search(r"^```python\n(.*?)^```", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)[1]


def test_seven_lines_train_digits(capsys: pytest.CaptureFixture[str]) -> None:
    """The README's, which docs/python.md has too."""
    code = first_block(ROOT / "README.md")
    assert code == first_block(ROOT / "docs" / "python.md")
    assert len([line for line in code.splitlines() if line]) <= 7
    exec(compile(code, "README.md", "exec"), {})
    assert float(capsys.readouterr().out) > 0.95


def test_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Each cell of code, in order; the file itself has no outputs."""
    monkeypatch.chdir(tmp_path)
    notebook = json.loads((ROOT / "docs" / "first-steps.ipynb").read_text(encoding="utf-8"))
    names: dict[str, Any] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            exec(compile("".join(cell["source"]), "first-steps.ipynb", "exec"), names)
    said = capsys.readouterr().out
    assert said.splitlines()[-1] == "images: values from 0 to 16; floats must lie in [0, 1]"
    assert len(names["again"].history) == 6
    assert names["history"][-1].test_accuracy > 0.9


def test_the_reference_names_what_is_offered() -> None:
    """Every name is told of in docs/python.md or is an exception or a type that it leads to."""
    text = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    for name in ("Network", "presets", "InputError"):
        assert name in eqspike.__all__
        assert f"eqspike.{name}" in text
