"""One file of the sources: whole, and nothing fetched from elsewhere."""

from __future__ import annotations

import re

import pytest

from eqspike.base.errors import CommandError
from eqspike.lab.page import assembly
from eqspike.lab.page.make import verilog_of

PACKED = {"about": "H4sIAAAAAAAC/w==", "wasm": "AA=="}


def test_every_source_is_in_the_page() -> None:
    text = assembly.page("a <name>", PACKED)
    for name in (*assembly.WORKER, *assembly.PAGE, "style.css"):
        assert assembly.source(name) in text
    assert "See it learn: a &lt;name&gt;" in text
    assert "<!--" not in text
    assert '"wasm": "AA=="' in text


def test_all_of_the_folders_sources_are_used() -> None:
    used = {*assembly.WORKER, *assembly.PAGE}
    assert used == {path.name for path in assembly.FOLDER.glob("*.js")}


def test_a_server_s_page_has_no_engine_of_its_own() -> None:
    text = assembly.page("digits", extra={"more.js": "/* more */"})
    assert 'id="material"' not in text
    assert 'id="worker"' not in text
    assert "connect-src 'self'" in text
    assert text.index("/* more */") < text.index("listen();")


@pytest.mark.parametrize("packed", [None, PACKED])
def test_it_names_no_other_place(packed: dict[str, str] | None) -> None:
    text = assembly.page("digits", packed)
    assert not re.search(r"https?://|src=|@import|url\(", text)
    assert "default-src 'none'" in text


def test_every_message_of_the_page_is_described() -> None:
    """And every one that the engine sends."""
    described = (assembly.FOLDER / "messages.md").read_text(encoding="utf-8")
    sources = "".join(map(assembly.source, ("app.js", "engine.js", "worker.js")))
    for kind in set(re.findall(r'type: "(\w+)"', sources)) - {"material"}:
        assert f"`{kind}`" in described, kind


def test_the_digest_of_a_file_that_is_no_page(tmp_path) -> None:
    (tmp_path / "other.html").write_text("<p>")
    with pytest.raises(CommandError, match=r"other\.html: is no page of a chip; 'eqspike page' makes one$"):
        verilog_of(tmp_path / "other.html")
