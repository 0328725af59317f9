"""equivalent.yaml: changes that alter nothing that anyone could see, each with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from cocotb_tests.mutants.sites import Mutant

PATH = Path(__file__).parent / "equivalent.yaml"


class EquivalentError(ValueError):
    """An entry that explains nothing."""


def load(mutants: Sequence[Mutant], path: Path = PATH) -> dict[str, str]:
    """Key of a change -> why it alters nothing. Raises `EquivalentError` for an entry of another form, without a
    reason, or with a change that is no longer there."""
    places: dict[tuple[str, str, str], dict[str, list[str]]] = {}
    for mutant in mutants:
        afters = places.setdefault((mutant.file, mutant.scope, mutant.before), {})
        afters.setdefault(mutant.after, []).append(mutant.key)
    found: dict[str, str] = {}
    for number, entry in enumerate(yaml.safe_load(path.read_text(encoding="utf-8")) or []):
        name = f"{path.name}: entry {number + 1}"
        if set(entry) != {"file", "scope", "before", "after", "reason"} or not str(entry["reason"]).strip():
            raise EquivalentError(f"{name}: file, scope, before, after (a list) and a reason are needed")
        here = places.get((entry["file"], entry["scope"], entry["before"]), {})
        for after in entry["after"]:
            if after not in here:
                where = f"rtl/{entry['file']}, {entry['scope']}"
                raise EquivalentError(f"{name}: no change in {where} makes {entry['before']!r} {after!r}")
            found.update(dict.fromkeys(here[after], entry["reason"]))
    return found
