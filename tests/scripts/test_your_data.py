"""The commands of docs/your-data.md that need no download, as a reader would give them, with few epochs."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.scripts.pages import Page, quickly

PAGE = Page("your-data.md")
DOWNLOADED = ("idx:mnist", "fashion")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the page speaks of: a table and more of it, arrays made as it says, letters in ink on paper."""
    monkeypatch.chdir(tmp_path)
    header, *rows = PAGE.block_of("csv").splitlines()
    for name, count in (("flowers.csv", 20), ("more.csv", 1)):
        Path(name).write_text("\n".join([header, *rows * count]) + "\n")
    draw = np.random.default_rng(0)
    images, labels = draw.integers(0, 256, (40, 8, 8)).astype(np.uint8), np.arange(40) % 10
    exec(compile(PAGE.block_of("python"), "your-data.md", "exec"), {"images": images, "labels": labels})
    for number in range(12):
        path = Path("letters") / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.where(draw.random((20, 20)) < 0.2, 0, 255).astype(np.uint8)).save(path)


def test_every_command(files: None, run) -> None:
    """In the page's order: some take the weights of another."""
    assert len(PAGE.commands) > 12
    for command in PAGE.commands:
        if not any(word in command for word in DOWNLOADED):
            result = run(*quickly(command))
            assert result.exit_code == 0, f"{command}: {result.output}"


def test_the_error_that_is_the_cure(files: None, fails) -> None:
    said = re.search(r"^eqspike: (dataset wine: .*)$", PAGE.text, re.MULTILINE)[1]
    assert fails(2, "train", "table", "--dataset", "wine") == said
