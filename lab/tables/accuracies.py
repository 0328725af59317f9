"""Tables of trainings: accuracy in fixed point and in real numbers against a bar, sweeps, healed chips, upsets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eqspike.golden.validation import require_choice
from eqspike.lab import healing, upsets
from eqspike.lab.experiments.kinds.sweep import row_cells
from eqspike.lab.tables import Claim, Found, Kind, Shown, no_claims, rows_of
from eqspike.lab.text import LAST, LAST_MEAN, averaged_over, percent
from eqspike.lab.verdict import holds, reaches, status

MEAN = LAST_MEAN
METRICS = (MEAN, "last_test_accuracy")
"""Of a training."""
CELLS = ("title", "note", "seeds", "asked", "measured", "real", "writes", "thesis", "status")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One network."""

    title: str
    measurement: str
    real: str = ""
    """The measurement in real numbers beside it."""
    bar: float | None = None
    """Percent to reach."""
    within: float | None = None
    """At most so many points away from real numbers."""
    most_writes: float | None = None
    """Device writes a synapse in a whole training, at most."""
    asked: str = ""
    """What was to be reached, in place of the bar."""
    against: str = ""
    """A measurement that this one may be one point behind, at most."""
    against_name: str = ""
    note: str = ""
    thesis: str = "-"
    status: str = ""
    """In place of what the numbers say."""


@dataclass(frozen=True, kw_only=True)
class Parameters(Shown):
    """`columns` are some of `CELLS`."""

    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    metric: str = MEAN

    def validate(self, key: str) -> None:
        super().validate(key)
        require_choice(f"{key}.metric", self.metric, METRICS)
        for name in self.columns:
            require_choice(f"{key}.columns", name, CELLS)


def _cells(line: Line, metric: str, found: Found) -> dict[str, str] | None:
    """The cells of a line by their names; None where it was not measured."""
    if line.measurement not in found or (line.against and line.against not in found):
        return None
    own = found[line.measurement]["result"][metric]
    other = found[line.real]["result"][metric] if line.real in found else None
    reached = holds("at_least", line.bar, 0.0, 100 * own["mean"])
    writes = _writes(found[line.measurement]["result"])
    said = status(reached, holds("at_most", line.most_writes, 0.0, writes))
    if line.against:
        points = 100 * (own["mean"] - found[line.against]["result"][metric]["mean"])
        said = f"{reaches(points, -1.0)}: {points:+.2f} points against {line.against_name}"
    elif line.within is not None and other is not None:
        said = status(reached, abs(own["mean"] - other["mean"]) <= line.within / 100)
    elif line.within is not None and reached is not False:
        said = "real numbers not measured"
    return {
        "title": line.title,
        "note": line.note,
        "seeds": str(own["count"]),
        "asked": line.asked or _asked(line),
        "measured": percent(own),
        "real": percent(other) if other else "not measured",
        "writes": "-" if writes is None else f"{writes:,.0f}",
        "thesis": line.thesis,
        "status": line.status or said,
    }


def _asked(line: Line) -> str:
    """What was to be reached: percent, and writes a synapse."""
    bars = [] if line.bar is None else [f">= {line.bar} %"]
    bars += [] if line.most_writes is None else [f"<= {line.most_writes:g} writes a synapse"]
    return ", ".join(bars) or "-"


def _writes(result: dict[str, Any]) -> float | None:
    """Programming pulses a synapse in a whole training, mean over the seeds; None where they were not counted."""
    counted = [row.get("writes_a_synapse") for row in result.get("runs", ())]
    return None if None in counted or not counted else sum(counted) / len(counted)


def _table(parameters: Parameters, found: Found) -> list[list[str]]:
    each = (_cells(line, parameters.metric, found) for line in parameters.lines)
    return [[cells[name] for name in parameters.columns] for cells in each if cells is not None]


def metric_text(metric: str, epochs: int) -> str:
    """What a metric is, of trainings of so many epochs."""
    return f"test images, {averaged_over(epochs) if metric == MEAN else 'last epoch'}"


def seeds_text(count: int, deviation: str = "standard error") -> str:
    """On how many seeds a claim stands."""
    return "1 seed" if count == 1 else f"{count} seeds, ± {deviation}"


def _claims(parameters: Parameters, found: Found) -> list[Claim]:
    claims = []
    for line in parameters.lines:
        if (cells := _cells(line, parameters.metric, found)) is not None:
            real = f" (real numbers: {cells['real']})" if line.real else ""
            epochs = found[line.measurement]["result"].get("epochs_planned", LAST)
            basis = f"{seeds_text(int(cells['seeds']))}; {metric_text(parameters.metric, epochs)}"
            claims.append(Claim(line.title, cells["measured"] + real, basis, cells["asked"], cells["status"]))
    return claims


# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A line of the baselines on faulty devices."""

    name: str
    thesis: str = "-"


@dataclass(frozen=True, kw_only=True)
class Faults(Shown):
    """`measurement` has a row "KIND, FAULT" for each; points are lost against the first fault."""

    measurement: str
    kinds: tuple[str, ...]
    faults: tuple[Fault, ...]


def _faults(parameters: Faults, found: Found) -> list[list[str]]:
    """A line a fault: accuracy and points lost of each kind."""
    measured = {row["name"]: row["result"][MEAN] for row in rows_of(found, parameters.measurement)}
    lines: list[list[str]] = []
    for fault in parameters.faults if measured else ():
        line = [fault.name]
        for kind in parameters.kinds:
            own, ideal = measured[f"{kind}, {fault.name}"], measured[f"{kind}, {parameters.faults[0].name}"]
            line += [percent(own), f"{100 * (ideal['mean'] - own['mean']):.1f}"]
        lines.append([*line, fault.thesis])
    return lines


@dataclass(frozen=True, kw_only=True)
class Reached:
    """A row of a sweep that had a bar to reach."""

    row: str
    title: str
    bar: float


@dataclass(frozen=True, kw_only=True)
class Sweep(Shown):
    """A sweep's measurement, and what of it the README may quote."""

    measurement: str
    reached: tuple[Reached, ...] = ()


def _sweep(parameters: Sweep, found: Found) -> list[list[str]]:
    """Rows as `eqspike sweep` shows them; where some have a bar, also bar and status."""
    bars = {own.row: own.bar for own in parameters.reached}
    return [
        [row["group"], *row_cells(row), *(_against(bars.get(row["name"]), row["accuracy"]["mean"]) if bars else ())]
        for row in rows_of(found, parameters.measurement)
    ]


def _against(bar: float | None, mean: float | None) -> list[str]:
    """What was to be reached, in percent, and whether a share does."""
    asked = "-" if bar is None else f">= {bar} %"
    return [asked, "-" if mean is None else reaches(100 * mean, bar)]


def _sweep_claims(parameters: Sweep, found: Found) -> list[Claim]:
    rows = {row["name"]: row["accuracy"] for row in rows_of(found, parameters.measurement)}
    epochs = found[parameters.measurement]["result"].get("epochs", LAST) if rows else LAST
    over = metric_text(MEAN, epochs)
    return [
        Claim(own.title, percent(entry), f"{seeds_text(entry['count'])}; {over}", f">= {own.bar} %",
              reaches(100 * entry["mean"], own.bar))
        for own in parameters.reached
        if (entry := rows.get(own.row)) is not None and entry["count"] > 1
    ]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Healed:
    """A part of stuck devices that was to be healed to a bar, with those learning rates after the fault."""

    measurement: str
    stuck: float
    rates: str
    title: str
    bar: float


@dataclass(frozen=True, kw_only=True)
class Heals(Shown):
    """Measurements of `eqspike heal`."""

    measurements: tuple[str, ...]
    reached: tuple[Healed, ...] = ()


def _heals(parameters: Heals, found: Found) -> list[list[str]]:
    """A line a chip's kind, part stuck and rates; where some have a bar, also bar and status."""
    bars = {(own.measurement, own.stuck, own.rates): own.bar for own in parameters.reached}
    rows = []
    for name in (name for name in parameters.measurements if name in found):
        result = found[name]["result"]
        for line, cells in zip(result["summary"], healing.table_rows(result), strict=True):
            bar = bars.get((name, line["stuck"], line["rates"]))
            rows.append([f"`{result['config']}`", *cells, *(_against(bar, line["healed"]["mean"]) if bars else ())])
    return rows


def _heal_claims(parameters: Heals, found: Found) -> list[Claim]:
    claims = []
    for own in (own for own in parameters.reached if own.measurement in found):
        for line in found[own.measurement]["result"]["summary"]:
            healed = line["healed"]
            if (line["stuck"], line["rates"]) == (own.stuck, own.rates) and healed["mean"] is not None:
                basis = f"{seeds_text(healed['count'])}; test images, last epoch of learning on"
                claims.append(
                    Claim(own.title, percent(healed), basis, f">= {own.bar} %", reaches(100 * healed["mean"], own.bar))
                )
    return claims


@dataclass(frozen=True, kw_only=True)
class Upsets(Shown):
    """A measurement of `eqspike upset`."""

    measurement: str


def _upsets(parameters: Upsets, found: Found) -> list[list[str]]:
    name = parameters.measurement
    return upsets.table_rows(found[name]["result"]) if name in found else []


@dataclass(frozen=True, kw_only=True)
class UpsetChecks(Shown):
    """A measurement of several `eqspike upset --check`."""

    measurement: str


def _upset_checks(parameters: UpsetChecks, found: Found) -> list[list[str]]:
    """Network, flips, how many fell and were felt, mismatches."""
    checks = [(row["name"], row["result"]["check"]) for row in rows_of(found, parameters.measurement)]
    names = ("flips", "fallen", "felt", "mismatches")
    return [[name, *(str(check[part]) for part in names)] for name, check in checks]


KINDS: dict[str, Any] = {
    "accuracies": Kind(Parameters, _table, _claims),
    "accuracies_with_faults": Kind(Faults, _faults, no_claims),
    "sweep_rows": Kind(Sweep, _sweep, _sweep_claims),
    "heals": Kind(Heals, _heals, _heal_claims),
    "upsets": Kind(Upsets, _upsets, no_claims),
    "upset_checks": Kind(UpsetChecks, _upset_checks, no_claims),
}
