"""Hook of MkDocs: the pages of the reference, one for each floor, with the docstrings of all its modules."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files

FLOORS = ("golden", "rtl", "sim", "fpga", "asic", "lab", "base")
TREE = Path("build") / "reference" / "eqspike"
"""Copies of the sources under the names by which they import, for mkdocstrings, which reads and imports nothing."""


@event_priority(100)
def on_config(config: MkDocsConfig, **_: Any) -> None:
    """Copy the sources, before mkdocstrings is set up: it forgets a folder of its `paths` that is not there yet."""
    root = Path(config.config_file_path).parent
    tree = root / TREE
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(root / "eqspike", tree)
    for floor in FLOORS:
        shutil.copytree(root / floor, tree / floor)


def on_files(files: Files, config: MkDocsConfig, **_: Any) -> Files:
    """Add the pages."""
    root = Path(config.config_file_path).parent
    for floor in ("eqspike", *FLOORS):
        package = "eqspike" if floor == "eqspike" else f"eqspike.{floor}"
        lines = [f"# {package}", ""]
        for path in sorted((root / floor).rglob("*.py")):
            parts = path.relative_to(root / floor).with_suffix("").parts
            name = ".".join((package, *(part for part in parts if part != "__init__")))
            lines += [f"::: {name}", ""]
        files.append(File.generated(config, f"api/{floor}.md", content="\n".join(lines)))
    return files
