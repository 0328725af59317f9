"""Tables of how fast the model learns, how fast the RTL is simulated, and how both grow with the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eqspike.lab.tables import Claim, Found, Kind, Shown, no_claims, rows_of
from eqspike.lab.verdict import reaches


@dataclass(frozen=True, kw_only=True)
class Speeds(Shown):
    """Measurements of the model's speed and of the RTL's in the simulator."""

    bench: str
    rtl: str
    compare: str
    images_per_second: float
    """To reach."""


def _speeds(parameters: Speeds, found: Found) -> list[list[str]]:
    rows = []
    if entry := found.get(parameters.bench):
        speed, bar = entry["result"]["training"]["images_per_second"], parameters.images_per_second
        rows.append(
            ["golden model, fixed point, one core", f"{speed:,.0f} training images/s", f">= {bar:,.0f}",
             reaches(speed, bar)]
        )  # fmt: skip
    if entry := found.get(parameters.rtl):
        epoch = entry["result"]["epochs"][-1]
        for text in (f"{epoch['cycles_per_image']:,.0f} cycles a training image",
                     f"{epoch['cycles_per_second']:,.0f} simulated cycles/s"):  # fmt: skip
            rows.append(["RTL under Verilator, through cocotb", text, "-", reaches(0.0, None)])
    if entry := found.get(parameters.compare):
        result = entry["result"]
        text = f"{result['cycles_per_second']:,.0f} simulated cycles/s, {result['mismatches']} mismatches"
        rows.append(["RTL under Verilator, each word compared", text, "-", reaches(0.0, None)])
    return rows


def _speed_claims(parameters: Speeds, found: Found) -> list[Claim]:
    return [Claim(row[0], row[1], "one run", row[2], row[3]) for row in _speeds(parameters, found)]


@dataclass(frozen=True, kw_only=True)
class Growth(Shown):
    """A measurement of several `eqspike bench`."""

    measurement: str


def _growth(parameters: Growth, found: Found) -> list[list[str]]:
    """Each network's speed, and what of it one unit of work takes."""
    rows = []
    for row in rows_of(found, parameters.measurement):
        result, training = row["result"], row["result"]["training"]
        steps = training["steps_per_second"]
        rows.append(
            [f"`{row['name']}`", "-".join(map(str, result["layers"])), result["number_format"],
             f"{training['images_per_second']:,.0f}", f"{result['inference']['images_per_second']:,.0f}",
             f"{1e6 / steps:.2f}", f"{training['synops_per_second'] / steps:,.0f}",
             f"{training['synops_per_second'] / 1e6:,.0f}"]
        )  # fmt: skip
    return rows


KINDS: dict[str, Any] = {
    "growth": Kind(Growth, _growth, no_claims),
    "speeds": Kind(Speeds, _speeds, _speed_claims),
}
