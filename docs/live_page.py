"""Hook of MkDocs: the page in which the chip of digits learns, as `make docs` has built it, or a line that says how."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

from eqspike.lab.page.make import of_these_sources

BUILT = Path("build") / "page" / "digits.html"
PLACE = "live/digits.html"
ABSENT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>See it learn</title>
<p>This copy of the documentation was built without the page. <code>pip install 'eqspike[page]'</code>, then
<code>eqspike page digits</code> writes it.</p></html>
"""


def on_files(files: Files, config: MkDocsConfig, **_: Any) -> Files:
    """Add the page. Raises `PluginError` for one whose circuit is not that of the sources."""
    built = Path(config.config_file_path).parent / BUILT
    if not built.exists():
        files.append(File.generated(config, PLACE, content=ABSENT))
        return files
    if not of_these_sources("digits", built):
        raise PluginError(f"{BUILT}: the circuit has changed since; 'make docs' builds it anew, or remove it")
    files.append(File.generated(config, PLACE, content=built.read_text(encoding="utf-8")))
    return files
