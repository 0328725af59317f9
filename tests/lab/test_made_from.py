"""A stored result says which presets it was made from, and pages say when one of them has changed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from eqspike.base.places import package_folder
from eqspike.lab import made_from, pages
from eqspike.lab.experiments.spec import read_tables


@pytest.fixture
def presets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of presets of one's own."""
    folder = tmp_path / "configs"
    folder.mkdir()
    for name in ("toy", "digits"):
        shutil.copy(package_folder("configs") / f"{name}.yaml", folder)
    monkeypatch.setattr(made_from, "package_folder", lambda part: tmp_path / part)
    return folder


def test_changes_are_found(presets: Path) -> None:
    made = made_from.presets_of("eqspike train toy --set number.format=real --seeds 3 --out runs/digits")
    assert list(made) == ["toy"]
    kept = {"command": "", "presets": made, "result": {"rows": [{"name": "a"}, {"presets": made}]}}
    assert made_from.changed_presets(kept) == []
    assert made_from.changed_presets({"command": "", "result": {}}) == []
    text = (presets / "toy.yaml").read_text()
    (presets / "toy.yaml").write_text(f"# Other words.\n{text}")
    assert made_from.changed_presets(kept) == []
    (presets / "toy.yaml").write_text(text.replace("seed: 0", "seed: 1"))
    assert made_from.changed_presets(kept) == ["toy"]
    assert made_from.changed_presets({"result": {"rows": [{"presets": made}]}}) == ["toy"]
    (presets / "toy.yaml").unlink()
    assert made_from.changed_presets(kept) == ["toy"]


def test_the_page_names_what_is_old() -> None:
    tables = [table for table in read_tables() if table.header.page == "results"]
    assert tables
    found = {"train-x": {"command": "eqspike train toy", "seconds": 1.0, "presets": {"toy": "0"}, "result": {}}}
    bare = [SimpleNamespace(header=tables[0].header, kind=_Nothing(), full=None)]
    assert "train-x (toy)." in pages.tables_page("results", bare, found)
    found["train-x"]["presets"] = {}
    assert "Older than their presets" not in pages.tables_page("results", bare, found)


class _Nothing:
    """A table without lines."""

    def table(self, *_: object) -> list[list[str]]:
        return []


def test_what_is_stored_says_its_presets() -> None:
    """Of every stored command that names one."""
    for path in sorted((Path(__file__).parents[2] / "results").glob("*.json")):
        kept = json.loads(path.read_text(encoding="utf-8"))
        result = kept.get("result")
        rows = result.get("rows", ()) if isinstance(result, dict) else ()
        for entry in (kept, *(row for row in rows if isinstance(row, dict) and "command" in row)):
            command = entry.get("command", "")
            named = made_from.presets_of(command) if command.startswith("eqspike") else {}
            assert set(named) == set(entry.get("presets", {})), (path.name, entry["command"])
