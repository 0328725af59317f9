"""Which presets a stored result was made from, and whether one of them has changed since.

Beside a measurement's command stands, for each preset that it names, the hash of all that its result depends on
(`lab.runs.config_key`); what `--set` changes stands in the command itself.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from eqspike.base.places import package_folder
from eqspike.golden.configfile import load_config
from eqspike.golden.validation import ConfigError
from eqspike.lab.runs import config_key


def presets_of(command: str) -> dict[str, str]:
    """Preset that a command line of `eqspike` names -> hash of its config."""
    folder = package_folder("configs")
    named = [word for word in shlex.split(command) if (folder / f"{word}.yaml").is_file()]
    return {name: config_key(load_config(folder / f"{name}.yaml")) for name in named}


def changed_presets(kept: Mapping[str, Any]) -> list[str]:
    """The presets that are other than when the result was made, or gone; of a result of rows those of all rows."""
    rows = kept.get("result", {}).get("rows", ()) if isinstance(kept.get("result"), Mapping) else ()
    entries = [kept, *(row for row in rows if isinstance(row, Mapping))]
    recorded = {item for entry in entries for item in entry.get("presets", {}).items()}
    return sorted({name for name, key in recorded if _key_now(name) != key})


def _key_now(name: str) -> str:
    try:
        return config_key(load_config(package_folder("configs") / f"{name}.yaml"))
    except ConfigError:
        return ""
