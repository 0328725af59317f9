"""An experiment's YAML file, read through frozen validated dataclasses, and the list of what the files must cover."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from eqspike.base.errors import UsageProblem
from eqspike.base.places import package_folder
from eqspike.base.printable import shown
from eqspike.base.strict_yaml import read_yaml
from eqspike.base.suggest import did_you_mean
from eqspike.golden.configfile import section_from_dict
from eqspike.golden.sources import allowed, is_source
from eqspike.golden.validation import ConfigError, fail, require_choice, require_range
from eqspike.lab import tables, verdict
from eqspike.lab.measurements import Measurement

ROOT = Path(__file__).resolve().parents[2]
FOLDER = package_folder("experiments")
SWEEPS = FOLDER / "sweeps"
RESULTS = FOLDER / "results"

FIGURES = {
    2: ("2.1", "2.5", "2.7", "2.9", "2.10", "2.11", "2.12", "2.14", "2.15"),
    3: ("3.2", "3.4", *(f"3.{n}" for n in range(6, 16))),
    4: ("4.5", "4.6", "4.7", "4.8", "4.9", "4.10", *(f"4.{n}" for n in range(12, 20))),
}
TABLES = {2: ("2.3", "2.4"), 3: ("3.2",), 4: ("4.3", "4.5")}
BEYOND = (
    "weight-bits-digits", "weight-bits-mnist5k", "two-hidden-layers", "self-healing", "fashion-table-2-3",
    "fashion-table-4-5", "fashion-devices",
)  # fmt: skip
"""Experiments that the thesis does not have, by their files' names."""

KINDS = (
    "accuracy", "first_spike", "healing", "law", "pulses", "rhobar", "stdp", "sweep", "training", "transfer", "weights",
)  # fmt: skip
"""Modules of `lab.experiments.kinds`."""
APART = ("sweep", *tables.KINDS)
"""Kinds whose files stand apart from the thesis's list: they need no reference, text or minutes."""

NUMBERS = ("real", "fixed")
"""Every experiment runs in real numbers, as the thesis does, and in the chip's fixed point."""

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
    better: str = ""
    """higher or lower: a number that does not hold, but lies that way, is better than the thesis's, not different."""
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

    def holds(self, ours: float | None) -> bool | None:
        """Does our number reproduce the thesis's? None where there is nothing to judge."""
        return verdict.holds(self.rule, self.value, self.tolerance, ours)

    def beats(self, ours: float | None) -> bool:
        """Is our number better than the thesis's, by more than the tolerance?"""
        return verdict.beats(self.better, self.value, self.tolerance, ours)

    def validate(self, key: str) -> None:
        require_choice(f"{key}.rule", self.rule, verdict.RULES)
        require_choice(f"{key}.better", self.better, verdict.WAYS)
        if (self.rule, self.better) in (("at_least", "higher"), ("at_most", "lower")):
            fail(f"{key}.better", self.better, f"left out: with the rule {self.rule}, such numbers hold")
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


PAGES = ("results", "performance", "asic")
"""Pages of docs/ that consist of tables."""


@dataclass(frozen=True, kw_only=True)
class Header:
    """What the file says besides `parameters` and `quick`."""

    title: str
    kind: str
    reference: str = ""
    """Of the thesis: fig 2.1, table 2.3; or `beyond the thesis`."""
    about: str = ""
    """What the thesis shows there, in a sentence."""
    minutes: Minutes | None = None
    """Expected, of one core."""
    goals: tuple[Goal, ...] = ()
    why: str = ""
    """Where ours differs: why, as far as it was found out."""
    note: str = ""
    """How the set-up differs from the thesis's."""
    seeds: tuple[int, ...] = (0,)
    quick_seeds: tuple[int, ...] = (0,)
    panels: tuple[Panel, ...] = (Panel(),)
    measure: tuple[Measurement, ...] = ()
    """Of a table: what is measured for it, in order."""
    head: tuple[str, ...] = ()
    """Of a table: its columns."""
    readme: tuple[str, ...] = ()
    """Claims of the table that the README shows."""
    page: str = PAGES[0]
    """Of a table: docs/PAGE.md shows it."""
    picture: str = ""
    """Of a table: a file of docs/ that stands above it, drawn from its measurements."""

    def validate(self) -> None:
        require_choice("kind", self.kind, (*KINDS, *tables.KINDS))
        if self.kind not in APART:
            for name in ("reference", "about", "minutes"):
                if not getattr(self, name):
                    raise ConfigError(f"{name}: is missing")
            require_choice("reference", self.reference, tuple(dict.fromkeys(wanted().values())))
        for name in ("seeds", "quick_seeds"):
            seeds = getattr(self, name)
            if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0:
                fail(name, list(seeds), "different seeds from 0 on, e.g. [0, 1, 2]")
        for index, panel in enumerate(self.panels):
            panel.validate(f"panels[{index}]")
        for index, goal in enumerate(self.goals):
            goal.validate(f"goals[{index}]")
        for index, measurement in enumerate(self.measure):
            measurement.validate(f"measure[{index}]")
        require_choice("page", self.page, PAGES)
        if self.kind in tables.KINDS and not self.head:
            fail("head", [], "the table's columns")
        for name in ("quick", "full") if self.minutes else ():
            require_range(f"minutes.{name}", getattr(self.minutes, name), 0, 1e6)


@dataclass(frozen=True)
class Experiment:
    """One file, read."""

    name: str
    header: Header
    full: Any
    """The kind's `Parameters`."""
    quick: Any
    """The same at reduced size."""
    dataset: str | None = None
    """In place of its own."""

    @property
    def kind(self) -> Any:
        """What runs it, or makes its table: `kind_module`."""
        return kind_module(self.header.kind)

    def parameters(self, quick: bool) -> Any:
        """Its parameters, reduced or not."""
        return self.quick if quick else self.full

    def command(self, quick: bool) -> str:
        """What a person types for it alone."""
        other = "" if self.dataset is None else f" --dataset {self.dataset}"
        return f"eqspike reproduce {self.name}{' --quick' if quick else ''}{other}"

    def on(self, dataset: str) -> Experiment:
        """The experiment on another data set. Raises `UsageProblem` where there is none of that name."""
        if not is_source(dataset):
            raise UsageProblem(f"--dataset {shown(dataset)} is not valid; {allowed(dataset)}")
        full, quick = (dataclasses.replace(part, dataset=dataset) for part in (self.full, self.quick))
        return dataclasses.replace(self, full=full, quick=quick, dataset=dataset)

    def seeds(self, quick: bool) -> tuple[int, ...]:
        """Its seeds, reduced or not."""
        return self.header.quick_seeds if quick else self.header.seeds

    def panel(self, name: str) -> Panel:
        """The panel of that name; the only one where there is one."""
        return next((p for p in self.header.panels if p.name == name), self.header.panels[0])


def kind_module(name: str) -> Any:
    """What makes a kind: a module of `lab.experiments.kinds`, or a `lab.tables.Kind`."""
    if name in tables.KINDS:
        return tables.table_kind(name)
    return importlib.import_module(f"eqspike.lab.experiments.kinds.{name}")


def read_experiment(path: Path) -> Experiment:
    """Read one file. Raises `UsageProblem`, which names file, key, value and what would be right."""
    data = read_yaml(path)
    if not isinstance(data, dict):
        raise UsageProblem(f"{path}: the file: a mapping of keys to values")
    parts = {name: data.pop(name, {}) for name in ("parameters", "quick")}
    for name, part in parts.items():
        if not isinstance(part, dict):
            raise UsageProblem(f"{path}: {name}: {shown(part)} is not valid; a mapping of keys to values")
    try:
        for field in dataclasses.fields(Header):
            required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
            if required and field.name not in data:
                raise ConfigError(f"{field.name}: is missing")
        header = section_from_dict("", data, Header)
        header.validate()
        kind = kind_module(header.kind).Parameters
        full = section_from_dict("parameters", parts["parameters"], kind)
        full.validate("parameters")
        quick = section_from_dict("quick", parts["parameters"] | parts["quick"], kind)
        quick.validate("quick")
    except (ConfigError, TypeError) as error:  # TypeError: a key of a part is missing
        raise UsageProblem(f"{path}: {error}") from None
    return Experiment(path.stem, header, full, quick)


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
        found = [e for e in experiments.values() if fnmatchcase(e.name, pattern) or e.header.reference == pattern]
        if not found:
            raise UsageProblem(f"{pattern}: no such experiment{did_you_mean(pattern, experiments)}; --list shows them")
        chosen += [e for e in found if e not in chosen]
    return chosen


def read_tables(folder: Path = RESULTS) -> list[Experiment]:
    """The tables of `PAGES`, in the order of their files' names."""
    return [read_experiment(path) for path in sorted(folder.glob("*.yaml"))]


def measurements(every: Sequence[Experiment]) -> dict[str, Measurement]:
    """All measurements of tables by name, in order. Raises `UsageProblem` where two have one name."""
    found: dict[str, Measurement] = {}
    for experiment in every:
        for measurement in (own for given in experiment.header.measure for own in given.expanded()):
            if measurement.name in found:
                raise UsageProblem(f"experiments/results/{experiment.name}.yaml: measure: {measurement.name} is twice")
            found[measurement.name] = measurement
    return found
