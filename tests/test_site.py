"""The documentation builds as a site, strictly: no broken link, no page outside the menu, no warning."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]


def menu(entries: object) -> set[str]:
    """All pages that the menu names."""
    if isinstance(entries, str):
        return {entries}
    parts = entries.values() if isinstance(entries, dict) else entries
    return set().union(*(menu(part) for part in parts))


def test_every_page_is_in_the_menu() -> None:
    text = re.sub(r"!!python\S*", "", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    pages = menu(yaml.safe_load(text)["nav"])
    assert {page for page in pages if "/" not in page} == {path.name for path in (ROOT / "docs").glob("*.md")}


@pytest.mark.slow
def test_it_builds_without_a_warning(tmp_path: Path) -> None:
    """From a tree in which nothing was built, and with proxies that lead nowhere: nothing is fetched."""
    shutil.rmtree(ROOT / "build" / "reference", ignore_errors=True)
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path / "site"], cwd=ROOT,
        env=os.environ | nowhere | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not re.search("WARNING|ERROR", done.stdout + done.stderr)
    pages = {path.stem: path.read_text(encoding="utf-8") for path in (tmp_path / "site" / "api").glob("*.html")}
    for page, name in (
        ("eqspike", "eqspike.network.Network.train"),
        ("golden", "eqspike.golden.network.Network.present_all"),
        ("rtl", "eqspike.rtl.core.Core"),
        ("lab", "eqspike.lab.train.train"),
    ):
        assert f'id="{name}"' in pages[page]
    remote = re.compile(r'<(?:script|link)[^>]*(?:src|href)="https?://(?!127)')
    assert not [name for name, text in pages.items() if remote.search(text)]
