"""Accuracy of networks, as a table of lines or against a parameter (tables 2.3 to 4.5, figs 3.6 to 3.15, 4.14 to 4.17).

A line is one network: EqSpike, a baseline, or a cited value; with `x` it is one network for each x. Its quantities are
named after it: "EqSpike", "train, EqSpike", "EqSpike at 0.1", "loss, EqSpike at 0.1" (points against its reference),
"behind the best, EqSpike at 0.1" (points against the line's best x), "EqSpike - BPTT" (where `apart` names the pair).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from eqspike.golden.validation import ConfigError, fail, require_choice
from eqspike.lab.experiments.kinds import Trained, check_changes
from eqspike.lab.experiments.outcome import Outcome, Series
from eqspike.lab.experiments.spec import NUMBERS, Experiment
from eqspike.lab.runs import Job, baseline_job, train_job

X = re.compile(r"\{(\d*)x\}")


@dataclass(frozen=True, kw_only=True)
class Point:
    """One place of a line, where changes cannot be told by a formula."""

    x: float
    set: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Line:
    """One network, or one for each x."""

    name: str
    config: str | None = None
    """In place of the parameters'."""
    set: tuple[str, ...] = ()
    baseline: str | None = None
    """bptt, continual-eqprop, bp-sgd or bp-adam; its own keys stand in `set` as baseline.KEY."""
    cited: float | None = None
    """Percent: not run, only shown."""
    x: tuple[float, ...] = ()
    vary: tuple[str, ...] = ()
    """Changes for each x: {x} stands for it, {2x} for twice it."""
    points: tuple[Point, ...] = ()
    """In place of `x` and `vary`."""
    reference: str | None = None
    """What losses are counted from: another line, or one of its places ("LINE at X"). None: the line's first x."""
    epochs: int | None = None
    only: str | None = None
    """real or fixed: the one number format that is run."""
    flat: bool = False
    """Drawn over the whole width, among lines that have an x."""
    panel: str = ""

    def places(self) -> list[tuple[float | None, tuple[str, ...]]]:
        """(x, changes) of each network."""
        if self.points:
            return [(p.x, (*self.set, *p.set)) for p in self.points]
        if self.x:
            return [(x, (*self.set, *(_fill(change, x) for change in self.vary))) for x in self.x]
        return [(None, self.set)]

    def label(self, x: float | None) -> str:
        """Name of the quantity at x."""
        return self.name if x is None else f"{self.name} at {x:g}"

    def numbers(self) -> tuple[str, ...]:
        """Baselines have no fixed point, cited values no numbers at all."""
        if self.only:
            return (self.only,)
        return ("",) if self.cited is not None else ("real",) if self.baseline else NUMBERS

    def validate(self, key: str) -> None:
        check_changes(f"{key}.set", self.set)
        check_changes(f"{key}.vary", self.vary)
        for index, point in enumerate(self.points):
            check_changes(f"{key}.points[{index}].set", point.set)
        if self.baseline is not None:
            require_choice(f"{key}.baseline", self.baseline, ("bptt", "continual-eqprop", "bp-sgd", "bp-adam"))
        if self.only is not None:
            require_choice(f"{key}.only", self.only, NUMBERS)
        if self.flat and (self.points or self.x):
            fail(f"{key}.flat", True, "false where there is an x")
        if self.points and (self.x or self.vary):
            fail(f"{key}.points", f"{len(self.points)} points", "without x and vary")
        if bool(self.x) != bool(self.vary):
            fail(f"{key}.vary", list(self.vary), "given where x is, and only there")


def _fill(change: str, x: float) -> str:
    def number(match: re.Match[str]) -> str:
        value = x * int(match[1] or 1)
        return str(int(value)) if value == int(value) else repr(value)

    return X.sub(number, change)


@dataclass(frozen=True, kw_only=True)
class Parameters(Trained):
    """The lines; `train` also shows the accuracy on training images."""

    lines: tuple[Line, ...] = ()
    apart: tuple[str, ...] = ()
    """Pairs "A - B" whose difference is measured, each a line or one of its places."""
    train: bool = False

    def validate(self, key: str) -> None:
        super().validate(key)
        if not self.lines:
            fail(f"{key}.lines", [], "at least one line")
        names = [line.name for line in self.lines]
        for index, line in enumerate(self.lines):
            line.validate(f"{key}.lines[{index}]")
            if names.count(line.name) > 1:
                fail(f"{key}.lines[{index}].name", line.name, "different names")
            if line.reference is not None and line.reference not in self.labels():
                fail(f"{key}.lines[{index}].reference", line.reference, f"one of {', '.join(self.labels())}")
        for pair in self.apart:
            if not all(part in self.labels() for part in pair.split(" - ")) or pair.count(" - ") != 1:
                fail(f"{key}.apart", pair, f'"A - B", each of {", ".join(self.labels())}')

    def labels(self) -> list[str]:
        """Names of all places."""
        return [line.label(x) for line in self.lines for x, _ in line.places()]

    def runs(self, seeds: Sequence[int]) -> Iterator[tuple[str, Job]]:
        """(name of the record, job) of every network that is run."""
        for line in self.lines:
            if line.cited is not None:
                continue
            own = dataclasses.replace(self, config=line.config or self.config, epochs=line.epochs or self.epochs)
            for x, changes in line.places():
                for number in line.numbers():
                    for seed in seeds:
                        name = f"{line.label(x)} {number} {seed}"
                        try:
                            yield name, _job(own, line, changes, number, seed)
                        except ConfigError as error:
                            raise ConfigError(f"{line.label(x)}: {error}") from None


def _job(own: Parameters, line: Line, changes: Sequence[str], number: str, seed: int) -> Job:
    from eqspike.golden.baselines.settings import PREFIX, read_settings

    if line.baseline is None:
        return train_job(own.resolve(number, seed, changes))
    config = own.resolve(number, seed, [c for c in changes if not c.startswith(PREFIX)])
    settings = read_settings(line.baseline, [c for c in changes if c.startswith(PREFIX)], len(config.synapses))
    settings.rates(config, 0)
    return baseline_job(config, settings)


def jobs(parameters: Parameters, seeds: Sequence[int]) -> dict[str, Job]:
    """A training a line, x, number format and seed."""
    return dict(parameters.runs(seeds))


def outcome(experiment: Experiment, parameters: Parameters, seeds: Sequence[int], records: dict[str, Any]) -> Outcome:
    """Test accuracy, mean of the last 5 epochs, in percent."""
    found = Outcome()
    means: dict[tuple[str, str], list[float]] = {}
    for line in parameters.lines:
        for number in line.numbers():
            for x, _ in line.places():
                label = line.label(x)
                if line.cited is not None:
                    found.measure(label, number, line.cited)
                    continue
                own = [records[f"{label} {number} {seed}"] for seed in seeds]
                means[label, number] = [100 * record["mean_last_5_test_accuracy"] for record in own]
                found.measure(label, number, means[label, number])
                if parameters.train:
                    found.measure(f"train, {label}", number, [100 * record["last_train_accuracy"] for record in own])
    for line in parameters.lines:
        for number in line.numbers():
            _line(found, line, parameters.lines, number, means)
            if parameters.train and line.cited is None and line.places()[0][0] is None:
                _bars(found, f"train, {line.name}", line, number, "train")
    for pair in parameters.apart:
        one, other = pair.split(" - ")
        for number in NUMBERS:
            # Baselines have real numbers only: both formats of EqSpike are compared with those.
            values = means.get((one, number)), means.get((other, number)) or means.get((other, "real"))
            if None not in values:
                found.measure(pair, number, [a - b for a, b in zip(*values, strict=True)])
    return found


def _width(lines: Sequence[Line], panel: str) -> list[float]:
    """The least and the greatest x of a panel."""
    xs = [x for line in lines if line.panel == panel for x, _ in line.places() if x is not None]
    return [min(xs), max(xs)] if xs else [0, 1]


def _line(
    found: Outcome, line: Line, lines: Sequence[Line], number: str, means: dict[tuple[str, str], list[float]]
) -> None:
    places = [x for x, _ in line.places()]
    if line.flat:
        mean, ends = found.quantities[line.name][number]["mean"], _width(lines, line.panel)
        found.series.append(Series(line.name, number, ends, [mean] * 2, panel=line.panel, style="plain"))
        return
    if places[0] is None:
        _bars(found, line.name, line, number, line.panel)
        return
    entries = [found.quantities[line.label(x)][number] for x in places]
    error = [e["standard_deviation"] for e in entries] if entries[0]["count"] > 1 else None
    found.series.append(Series(line.name, number, places, [e["mean"] for e in entries], error, panel=line.panel))
    base_label = line.reference or line.label(places[0])
    base = means[base_label, number] if (base_label, number) in means else means[base_label, "real"]
    best = max(e["mean"] for e in entries)
    base_mean = sum(base) / len(base)
    for x, entry in zip(places, entries, strict=True):
        label = line.label(x)
        found.places[label] = (line.panel, x, None)
        losses = [b - own for b, own in zip(base, means[label, number], strict=True)]
        found.measure(f"loss, {label}", number, losses)
        found.places.setdefault(f"loss, {label}", (line.panel, x, base_mean))
        found.measure(f"behind the best, {label}", number, best - entry["mean"])


def _bars(found: Outcome, quantity: str, line: Line, number: str, panel: str) -> None:
    entry = found.quantities[quantity][number]
    error = [entry["standard_deviation"] or 0.0]
    found.series.append(Series("cited" if not number else "", number, [line.name], [entry["mean"]], error,
                               panel=panel, style="bars"))  # fmt: skip
    found.places[quantity] = (panel, line.name, None)
