"""The page in the documentation: of the circuit as it is now, or refused."""

from __future__ import annotations

import base64
import gzip
import json
import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from mkdocs.exceptions import PluginError

from eqspike.golden.config import Config
from eqspike.lab.page import assembly, make
from eqspike.sim import wasm

ROOT = Path(__file__).resolve().parents[3]


def written(path: Path, digest: str) -> Path:
    """A page that says of itself that it was made from that Verilog."""
    about = gzip.compress(json.dumps({"ready": {"digest": digest}}).encode())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(assembly.page("digits", {"about": base64.b64encode(about).decode()}))
    return path


@pytest.fixture
def current(make_config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The digest of a small circuit, in place of that of digits; nothing was built."""
    monkeypatch.setenv("EQSPIKE_BUILD", str(tmp_path / "build"))
    monkeypatch.setattr(make, "read_config", lambda name: make_config())
    return wasm.current_verilog(make_config())


def test_a_page_of_another_circuit_is_refused(current: str, tmp_path: Path) -> None:
    hook = runpy.run_path(str(ROOT / "docs" / "live_page.py"))["on_files"]
    config = SimpleNamespace(
        config_file_path=str(tmp_path / "mkdocs.yml"), site_dir=str(tmp_path), use_directory_urls=False,
        plugins=SimpleNamespace(_current_plugin="test"),
    )  # fmt: skip
    place = tmp_path / "build" / "page" / "digits.html"
    (found,) = hook([], config)
    assert "built without the page" in found.content_string
    written(place, current)
    (found,) = hook([], config)
    assert found.content_string == place.read_text()
    assert found.src_uri == "live/digits.html"
    written(place, "0" * 64)
    with pytest.raises(PluginError, match="the circuit has changed since"):
        hook([], config)


def test_the_digest_follows_the_circuit(current: str, make_config: Callable[..., Config]) -> None:
    assert wasm.current_verilog(make_config()) == current
    assert wasm.current_verilog(make_config(hardware={"lanes": 2})) != current


@pytest.mark.slow
def test_what_make_docs_built_is_of_these_sources() -> None:
    built = ROOT / "build" / "page" / "digits.html"
    if not built.exists():
        pytest.skip("make docs has built no page")
    assert make.of_these_sources("digits", built), f"{built}: the circuit has changed since; make docs"
