"""Tables of the learning law."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eqspike.lab.tables import Claim, Found, Kind, Shown, no_claims
from eqspike.lab.verdict import reaches


@dataclass(frozen=True, kw_only=True)
class Law(Shown):
    """A measurement of `eqspike law`, and the R² that its real numbers are to reach."""

    measurement: str
    r2: float


def _states(run: dict[str, Any], otherwise: str) -> str:
    """What the RTL's states say, where it ran."""
    return f"{run['mismatches']} mismatches in {run['states_compared']:,} states" if "mismatches" in run else otherwise


def _law(parameters: Law, found: Found) -> list[list[str]]:
    rows = []
    sweeps = found[parameters.measurement]["result"]["sweeps"] if parameters.measurement in found else {}
    for name, sweep in sweeps.items():
        for number, run in sweep["runs"].items():
            bar = parameters.r2 if number == "real" else None
            rows.append(
                [f"dW against the {'rate' if name == 'rate' else 'ramp'}", number, f"{run['r2']:.4f}",
                 "reported" if bar is None else f">= {bar:g}", _states(run, reaches(run["r2"], bar))]
            )  # fmt: skip
    return rows


def _law_claims(parameters: Law, found: Found) -> list[Claim]:
    return [
        Claim(f"Learning law, {row[0]}", f"R² {row[2]}", "real numbers, one sweep", row[3], row[4])
        for row in _law(parameters, found)
        if row[1] == "real"
    ]


@dataclass(frozen=True, kw_only=True)
class PulseLaws(Shown):
    """Variants of A-EqSpike: the measurement of each is law-digits-aeqspike-VARIANT."""

    variants: tuple[str, ...]


JUDGED_PULSE = 100
"""Steps of the pulses that the R² of real numbers is asked of."""


def _pulse_laws(parameters: PulseLaws, found: Found) -> list[list[str]]:
    """Slope, intercept and R² of each variant's sweeps."""
    rows = []
    for name in parameters.variants:
        if (entry := found.get(f"law-digits-aeqspike-{name}")) is None:
            continue
        required = entry["result"]["required_r2"]
        for sweep, data in entry["result"]["sweeps"].items():
            for number, run in data["runs"].items():
                judged = number == "real" and data["pulse_length"] == JUDGED_PULSE
                rows.append(
                    [name, sweep.partition(",")[0], str(data["pulse_length"]), number, f"{run['slope']:.4g}",
                     f"{run['intercept']:.4g}", f"{run['r2']:.4f}", f"{run['noise']:.4f}",
                     _states(run, reaches(run["r2"], required if judged else None))]
                )  # fmt: skip
    return rows


KINDS: dict[str, Any] = {
    "laws": Kind(Law, _law, _law_claims),
    "pulse_laws": Kind(PulseLaws, _pulse_laws, no_claims),
}
