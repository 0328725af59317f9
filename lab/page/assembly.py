"""One file of the page's sources: HTML with style, scripts and, where it has one, the engine with its material."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).parent
WORKER = ("bits.js", "sha256.js", "chip.js", "engine.js", "worker.js")
"""The engine of a Worker."""
PAGE = (
    "pad.js", "centred.js", "connection.js", "tape.js", "session.js", "drawing.js", "plots.js", "raster.js", "curve.js",
    "pictures.js", "app.js",
)  # fmt: skip
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval' blob:; worker-src blob:; "
    "style-src 'unsafe-inline'; img-src data:; connect-src {connect}"
)
"""What the page may load: nothing but itself; `connect`: where it may speak to."""


def source(name: str) -> str:
    """One of the page's sources."""
    return (FOLDER / name).read_text(encoding="utf-8")


def page(name: str, packed: Mapping[str, str] | None = None, extra: Mapping[str, str] | None = None) -> str:
    """The page of a config of that name. With `packed` (`lab.page.material`) it carries its engine and speaks to
    nobody; else it asks the server that it came from, at /socket. `extra`: more scripts by name, before app.js."""
    scripts = [source(each) for each in PAGE[:-1]] + list((extra or {}).values()) + [source(PAGE[-1])]
    parts = {
        "policy": POLICY.format(connect="'none'" if packed else "'self'"),
        "name": html.escape(name),
        "style": source("style.css"),
        "material": f'<script type="application/json" id="material">{json.dumps(packed)}</script>' if packed else "",
        "worker": f'<script type="text/plain" id="worker">{_joined(map(source, WORKER))}</script>' if packed else "",
        "scripts": f"<script>{_joined(scripts)}</script>",
    }
    text = source("page.html")
    for key, value in parts.items():
        before, mark, after = text.partition(f"<!--{key}-->")
        assert mark, key
        text = f"{before}{value}{after}"
    return text


def _joined(scripts: object) -> str:
    """Scripts behind each other. None may end the element that they stand in."""
    text = "\n".join(scripts)
    assert "</script" not in text
    return text


__all__ = ["page", "source"]
