"""Measurements: command lines of this project whose results, cut down to what is shown, stand in results/NAME.json.

A measurement is written in a file of experiments/results, beside the table that shows it. Its JSON has the command, its
seconds and the result; one of several commands has a row for each. A row is stored (`lab.runs.Store`) once it is done,
and not run again while its command is the same and its sources compute the same.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from eqspike.base.errors import CommandError
from eqspike.golden.validation import fail, require_choice
from eqspike.lab.fit.round_trip import write_round_trip
from eqspike.lab.made_from import presets_of
from eqspike.lab.memristor import write_measured
from eqspike.lab.runs import Store, digest, sources_state

PREPARE: dict[str, Callable[[], object]] = {"measured devices": write_measured, "fitted devices": write_round_trip}
"""What can be done before a measurement."""
OUT = Path("runs") / "results"
"""Scratch folders of all measurements, and the store of their rows."""


@dataclass(frozen=True, kw_only=True)
class RowCommand:
    """One command of a measurement of several."""

    name: str
    command: str = ""
    """What it has besides the measurement's own."""
    each: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One command and the file that it leaves its result in."""

    name: str
    command: str
    """Of `eqspike`; {out} is a scratch folder."""
    result: str
    """The file in that folder."""
    each: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Word -> values: there is one measurement for each combination, whose values stand for {word} in name and
    command."""
    drop: tuple[str, ...] = ()
    """Keys of the result that are not kept."""
    rows: tuple[RowCommand, ...] = ()
    sources: tuple[str, ...] = ()
    """Files (patterns) that a row's result depends on."""
    prepare: str = ""
    """One of `PREPARE`: what to do before."""
    may_miss: bool = False
    """Status 1 is a result too, if the command wrote its file: a bitstream that misses its clock."""

    def validate(self, key: str) -> None:
        if self.prepare:
            require_choice(f"{key}.prepare", self.prepare, tuple(PREPARE))
        if "{out}" not in self.command:
            fail(f"{key}.command", self.command, "a command with {out}, the folder of its result")

    def expanded(self) -> Iterator[Measurement]:
        """One for each combination of `each`, its rows likewise."""
        rows = tuple(
            RowCommand(name=row.name.format(**words), command=row.command.format(**words))
            for row in self.rows
            for words in _words(row.each)
        )
        for words in _words(self.each):
            name, command = self.name.format(**words), self.command.format(**words, out="{out}")
            yield dataclasses.replace(self, name=name, command=command, each={}, rows=rows)


def _words(each: dict[str, tuple[str, ...]]) -> Iterator[dict[str, str]]:
    for values in itertools.product(*each.values()):
        yield dict(zip(each, values, strict=True))


def written_since(path: Path, moment: float) -> bool:
    """Was the file written after that moment (seconds since the epoch)?"""
    return path.exists() and path.stat().st_mtime > moment


def without(value: Any, drop: Sequence[str]) -> Any:
    """Plain data without the keys of these names, at any depth."""
    if isinstance(value, dict):
        return {key: without(item, drop) for key, item in value.items() if key not in drop}
    return [without(item, drop) for item in value] if isinstance(value, list) else value


@dataclass(frozen=True)
class Project:
    """Where measurements are made: the project's folder."""

    root: Path
    say: Callable[[str], None]
    command: tuple[str, ...] = ("eqspike",)
    """What a measurement's command line is put behind."""

    def path(self, name: str) -> Path:
        """What is kept of a measurement."""
        return self.root / "results" / f"{name}.json"

    def load(self) -> dict[str, dict[str, Any]]:
        """What is kept of all measurements, by name."""
        paths = sorted((self.root / "results").glob("*.json"))
        return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}

    def measure(self, own: Measurement, only: str = "*") -> dict[str, Any]:
        """Run one command in a process of its own, or those of its rows, and keep the result. Rows whose names `only`
        does not match stay as they are. Raises `CommandError` when a command fails, after the other rows."""
        from eqspike.base.files import write_json

        failed: list[str] = []
        if own.prepare:
            PREPARE[own.prepare]()
        kept = self._rows(own, only, failed) if own.rows else self._run(own, own.command, OUT / own.name)
        if not own.rows or kept["result"]["rows"]:
            write_json(self.path(own.name), kept)
        if failed:
            raise CommandError(f"results: {own.name}: {', '.join(failed)} failed; the other rows are stored")
        return kept

    def _run(self, own: Measurement, command: str, out: Path) -> dict[str, Any]:
        command = command.format(out=out)
        start, began = time.perf_counter(), time.time()
        status = subprocess.call([*self.command, *shlex.split(command)], cwd=self.root)
        seconds = time.perf_counter() - start
        path = self.root / out / own.result
        if status != 0 and not (own.may_miss and status == 1 and written_since(path, began)):
            raise CommandError(f"results: eqspike {command} ended with status {status}")
        data = json.loads(path.read_text(encoding="utf-8"))
        return {
            "command": f"eqspike {command}",
            # a sweep that went on from stored runs took as long as they did
            "seconds": round(data.get("seconds_of_runs", seconds), 1),
            "presets": presets_of(command),
            "result": without(data, own.drop),
        }

    def _rows(self, own: Measurement, only: str, failed: list[str]) -> dict[str, Any]:
        """Run the rows that are not stored; the names of those that fail enter `failed`."""
        store = Store(self.root / OUT)
        state = sources_state(path for pattern in own.sources for path in self.root.glob(pattern))
        before = self._kept_rows(own.name)
        rows: dict[str, dict[str, Any]] = {}
        for number, row in enumerate(own.rows, 1):
            if not fnmatchcase(row.name, only):
                rows |= {row.name: before[row.name]} if row.name in before else {}
                continue
            command = f"{own.command} {row.command}".strip()
            key = f"{own.name}-{digest(command)}"
            stored = store.read(key)
            known = stored is not None and stored.get("sources") == state
            self.say(f"{own.name}: {number} of {len(own.rows)}: {row.name}{': stored' if known else ''}")
            if known:
                rows[row.name] = stored["row"]
                continue
            folder = OUT / own.name / re.sub(r"[^a-z0-9.]+", "-", row.name.lower()).strip("-")
            try:
                rows[row.name] = self._run(own, command, folder)
            except CommandError as error:
                failed.append(row.name)
                self.say(str(error))
                continue
            store.save(key, {"sources": state, "row": rows[row.name]})
        return {
            "command": f"eqspike results --run {own.name}",
            "seconds": round(sum(entry["seconds"] for entry in rows.values()), 1),
            "result": {"rows": [{"name": name, **entry} for name, entry in rows.items()]},
        }

    def _kept_rows(self, name: str) -> dict[str, dict[str, Any]]:
        path = self.path(name)
        rows = json.loads(path.read_text(encoding="utf-8"))["result"]["rows"] if path.exists() else []
        return {entry["name"]: {key: value for key, value in entry.items() if key != "name"} for entry in rows}
