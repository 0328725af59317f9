"""An experiment's YAML file, read through frozen validated dataclasses, and the list of what the files must cover."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from types import ModuleType
from typing import Any

from golden.config import ConfigError, fail, require_choice, require_range, section_from_dict
from scripts.errors import UsageProblem
from scripts.files import read_yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "experiments"

FIGURES = {
    2: ("2.1", "2.5", "2.7", "2.9", "2.10", "2.11", "2.12", "2.14", "2.15"),
    3: ("3.2", "3.4", *(f"3.{n}" for n in range(6, 16))),
    4: ("4.5", "4.6", "4.7", "4.8", "4.9", "4.10", *(f"4.{n}" for n in range(12, 20))),
}
TABLES = {2: ("2.3", "2.4"), 3: ("3.2",), 4: ("4.3", "4.5")}
BEYOND = ("weight-bits-digits", "weight-bits-mnist5k", "two-hidden-layers", "self-healing")
"""Experiments that the thesis does not have, by their files' names."""

KINDS = ("accuracy", "first_spike", "healing", "law", "pulses", "rhobar", "stdp", "training", "transfer", "weights")
"""Modules of `scripts.experiments.kinds`."""

NUMBERS = ("real", "fixed")
"""Every experiment runs in real numbers, as the thesis does, and in the chip's fixed point."""

RULES = ("within", "at_least", "at_most", "shown")
SCALES = ("linear", "log", "log2", "symlog", "names")


def wanted() -> dict[str, str]:
    """Every experiment that there must be, in order: name of its file -> reference."""
    thesis = {}
    for chapter in FIGURES:
        thesis |= {f"table-{number.replace('.', '-')}": f"table {number}" for number in TABLES[chapter]}
        thesis |= {f"fig-{number.replace('.', '-')}": f"fig {number}" for number in FIGURES[chapter]}
    return thesis | dict.fromkeys(BEYOND, "beyond the thesis")


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One pair of axes."""

    name: str = ""
    """What series are assigned by; the kind says which there are."""
    title: str = ""
    xlabel: str = ""
    ylabel: str = ""
    xscale: str = "linear"
    yscale: str = "linear"

    def validate(self, key: str) -> None:
        for name in ("xscale", "yscale"):
            require_choice(f"{key}.{name}", getattr(self, name), SCALES)


@dataclass(frozen=True, kw_only=True)
class Goal:
    """One number of the thesis, and the rule by which ours reproduces it."""

    quantity: str
    """Name of the quantity, as the kind measures it."""
    value: float | None = None
    """The number to reach."""
    unit: str = ""
    text: str = ""
    """How it is shown; as a rule value and unit."""
    rule: str = "within"
    """within: at most `tolerance` away. at_least, at_most: as the thesis's, or better, or at most `tolerance` worse.
    shown: no verdict, for it cannot be compared (another data set, say)."""
    tolerance: float = 0.0
    numbers: tuple[str, ...] = NUMBERS
    """The number formats that are judged."""
    source: str = ""
    """Where the thesis says so."""

    @property
    def shown(self) -> str:
        """The number to reach, for the reader."""
        if self.text:
            return self.text
        sign = {"at_least": ">= ", "at_most": "<= "}.get(self.rule, "")
        return f"{sign}{self.value:g} {self.unit}".strip() if self.value is not None else "-"

    def validate(self, key: str) -> None:
        require_choice(f"{key}.rule", self.rule, RULES)
        for number in self.numbers:
            require_choice(f"{key}.numbers", number, NUMBERS)
        require_range(f"{key}.tolerance", self.tolerance, 0, 1e12)
        if self.value is None and self.rule != "shown":
            fail(f"{key}.value", None, f"a number, as the rule is {self.rule}")
        if self.value is None and not self.text:
            fail(f"{key}.text", self.text, "a text, where there is no value")


@dataclass(frozen=True, kw_only=True)
class Minutes:
    """Minutes of one core."""

    quick: float
    full: float


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the file says besides `parameters` and `quick`."""

    title: str
    reference: str
    """Of the thesis: fig 2.1, table 2.3; or `beyond the thesis`."""
    about: str
    """What the thesis shows there, in a sentence."""
    kind: str
    minutes: Minutes
    """Expected, of one core."""
    goals: tuple[Goal, ...] = ()
    why: str = ""
    """Where ours differs: why, as far as it was found out."""
    note: str = ""
    """How the set-up differs from the thesis's."""
    seeds: tuple[int, ...] = (0,)
    quick_seeds: tuple[int, ...] = (0,)
    panels: tuple[Panel, ...] = (Panel(),)

    def validate(self) -> None:
        require_choice("kind", self.kind, KINDS)
        require_choice("reference", self.reference, tuple(dict.fromkeys(wanted().values())))
        for name in ("seeds", "quick_seeds"):
            seeds = getattr(self, name)
            if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0:
                fail(name, list(seeds), "different seeds from 0 on, e.g. [0, 1, 2]")
        for index, panel in enumerate(self.panels):
            panel.validate(f"panels[{index}]")
        for index, goal in enumerate(self.goals):
            goal.validate(f"goals[{index}]")
        for name in ("quick", "full"):
            require_range(f"minutes.{name}", getattr(self.minutes, name), 0, 1e6)


@dataclass(frozen=True)
class Experiment:
    """One file, read."""

    name: str
    told: Told
    full: Any
    """The kind's `Parameters`."""
    quick: Any
    """The same at reduced size."""

    @property
    def kind(self) -> ModuleType:
        """The module that runs it."""
        return kind_module(self.told.kind)

    def parameters(self, quick: bool) -> Any:
        """Its parameters, reduced or not."""
        return self.quick if quick else self.full

    def command(self, quick: bool) -> str:
        """What a person types for it alone."""
        return f"eqspike reproduce {self.name}{' --quick' if quick else ''}"

    def seeds(self, quick: bool) -> tuple[int, ...]:
        """Its seeds, reduced or not."""
        return self.told.quick_seeds if quick else self.told.seeds

    def panel(self, name: str) -> Panel:
        """The panel of that name; the only one where there is one."""
        return next((p for p in self.told.panels if p.name == name), self.told.panels[0])


def kind_module(name: str) -> ModuleType:
    """The module of a kind."""
    return importlib.import_module(f"scripts.experiments.kinds.{name}")


def read_experiment(path: Path) -> Experiment:
    """Read one file. Raises `UsageProblem`, which names file, key, value and what would be right."""
    data = read_yaml(path)
    if not isinstance(data, dict):
        raise UsageProblem(f"{path}: the file: a mapping of keys to values")
    parts = {name: data.pop(name, {}) for name in ("parameters", "quick")}
    for name, part in parts.items():
        if not isinstance(part, dict):
            raise UsageProblem(f"{path}: {name}: {part!r} is not valid; a mapping of keys to values")
    try:
        for field in dataclasses.fields(Told):
            required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
            if required and field.name not in data:
                raise ConfigError(f"{field.name}: is missing")
        told = section_from_dict("", data, Told)
        told.validate()
        kind = kind_module(told.kind).Parameters
        full = section_from_dict("parameters", parts["parameters"], kind)
        full.validate("parameters")
        quick = section_from_dict("quick", parts["parameters"] | parts["quick"], kind)
        quick.validate("quick")
    except (ConfigError, TypeError) as error:  # TypeError: a key of a part is missing
        raise UsageProblem(f"{path}: {error}") from None
    return Experiment(path.stem, told, full, quick)


def read_all(folder: Path = FOLDER) -> dict[str, Experiment]:
    """All experiments by name, in the order of the thesis; those that it does not list come last."""
    found = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    if not found:
        raise UsageProblem(f"{folder}: holds no experiments (*.yaml)")
    order = [name for name in wanted() if name in found]
    order += [name for name in found if name not in order]
    return {name: read_experiment(found[name]) for name in order}


def choose(experiments: dict[str, Experiment], patterns: Sequence[str]) -> list[Experiment]:
    """The experiments whose name or reference one of the patterns matches; all when there are none."""
    if not patterns:
        return list(experiments.values())
    chosen = []
    for pattern in patterns:
        found = [e for e in experiments.values() if fnmatchcase(e.name, pattern) or e.told.reference == pattern]
        if not found:
            raise UsageProblem(f"{pattern}: no such experiment; --list shows them")
        chosen += [e for e in found if e not in chosen]
    return chosen


def digest(*parts: object) -> str:
    """A hash of plain data."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]
