"""Runs the page's JavaScript in node, where node is."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest

from eqspike.base.places import package_folder


def evaluated(files: dict[str, str], body: str, given: Any = None) -> Any:
    """What `body`, JavaScript that may await, returns for `given`; `files`: name -> file of lab/page."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on this system")
    folder = package_folder("lab") / "page"
    head = "".join(f"const {name} = require({json.dumps(str(folder / file))});\n" for name, file in files.items())
    script = (
        f"{head}(async (given) => {{ {body} }})(JSON.parse(require('fs').readFileSync(0, 'utf8')))"
        ".then((found) => console.log(JSON.stringify(found)));"
    )
    done = subprocess.run([node, "-e", script], input=json.dumps(given), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
