"""What the documentation names is there: files, folders, commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from eqspike.scripts.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
FOLDERS = (
    "base",
    "cocotb_tests",
    "configs",
    "docs",
    "eqspike",
    "experiments",
    "formal",
    "fpga",
    "golden",
    "lab",
    "results",
    "rtl",
    "scripts",
    "sim",
    "tests",
)
NAMED = re.compile(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]*)`")
"""A path of the project in code marks, without placeholders."""


def lines_of(page: Path) -> list[tuple[int, str]]:
    return list(enumerate(page.read_text(encoding="utf-8").splitlines(), 1))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_exist(page: Path) -> None:
    named = [(number, path) for number, line in lines_of(page) for path in NAMED.findall(line)]
    assert not [f"{page.name}:{number}: {path}" for number, path in named if not (ROOT / path).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_that_are_named_exist(page: Path) -> None:
    """In code: after a mark or at the beginning of a line."""
    named = [(number, name) for number, line in lines_of(page) for name in re.findall(r"(?:`|^)eqspike ([a-z]+)", line)]
    assert not [f"{page.name}:{number}: eqspike {name}" for number, name in named if name not in COMMANDS]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """As files, for those who read them without the site; pages that the site generates aside."""
    links = [(number, link) for number, line in lines_of(page) for link in re.findall(r"\]\(([^)\s#]+)[^)]*\)", line)]
    local = [(number, link) for number, link in links if "://" not in link and not link.startswith(("api/", "live/"))]
    assert not [f"{page.name}:{number}: {link}" for number, link in local if not (page.parent / link).exists()]
