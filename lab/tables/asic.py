"""Tables of standard cells: what `eqspike asic` measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from eqspike.lab.tables import Claim, Found, Kind, Shown, no_claims
from eqspike.lab.tables.boards import sizes
from eqspike.lab.verdict import reaches, status


@dataclass(frozen=True, kw_only=True)
class Row:
    """A measurement, and what it is to reach."""

    measurement: str
    ns: float | None = None
    """The slowest path without wires, at most."""
    pj: float | None = None
    """A SynOp without wires and memories, at most."""
    images: int | None = None
    """Learned without a mismatch; with a gate swapped, until the first."""
    swapped: bool = False
    """Shows the check with a gate swapped."""
    by: str = ""
    """What programs the synapses."""


@dataclass(frozen=True, kw_only=True)
class Rows(Shown):
    """One line a measurement; one that was not made is left out."""

    rows: tuple[Row, ...]

    def made(self, found: Found) -> Iterator[tuple[Row, dict[str, Any]]]:
        """Those that were."""
        return ((row, found[row.measurement]["result"]) for row in self.rows if row.measurement in found)


def _named(result: dict[str, Any]) -> list[str]:
    """Network and clocks."""
    gated = f"gated, {result['gated_flip_flops'] / result['flip_flops']:.0%} of flip-flops"
    return [
        f"`{result['config']}`, {sizes(result)}, {result['lanes']} lanes",
        gated if result["gated_clocks"] else "plain",
    ]


def _bar(value: float | None, unit: str) -> str:
    return "-" if value is None else f"<= {value:g} {unit}"


def _cores(parameters: Rows, found: Found) -> list[list[str]]:
    rows = []
    for row, r in parameters.made(found):
        times = [entry["ns"] for entry in r["timing"]]
        memory = " to ".join(f"{value / 1e6:.2f}" for value in r["memory_um2"])
        rows.append(
            [*_named(r), f"{r['cell_count']:,}", f"{r['flip_flops']:,}", f"{r['area_um2']['all'] / 1e6:.2f}",
             *(f"{ns:.2f}" for ns in times), f"{r['timing'][0]['mhz']:.0f}", f"{r['memory_bits']:,}", memory,
             _bar(row.ns, "ns"), reaches(times[0], row.ns, "at_most")]
        )  # fmt: skip
    return rows


def _core_claims(parameters: Rows, found: Found) -> list[Claim]:
    claims = []
    for row, r in parameters.made(found):
        if row.ns is not None:
            ns = r["timing"][0]["ns"]
            title = f"Standard cells, `{r['config']}`, slowest path without wires"
            measured = f"{ns:.2f} ns; {r['area_um2']['all'] / 1e6:.2f} mm2 without memories"
            claims.append(Claim(title, measured, "one mapping", _bar(row.ns, "ns"), reaches(ns, row.ns, "at_most")))
    return claims


def _right(row: Row, result: dict[str, Any]) -> bool | None:
    """Whether a check came out as it should."""
    if row.images is None:
        return None
    check = result["check"]
    if row.swapped:
        return bool(result["swapped"] and result["swapped"]["found"])
    return bool(check["passed"] and check["images"] >= row.images)


def _checks(parameters: Rows, found: Found) -> list[list[str]]:
    rows = []
    for row, r in parameters.made(found):
        check, names = r["check"], _named(r)
        counts = [f"{check['words_compared']:,}", f"{check['mismatches']:,}"]
        if row.swapped:
            names[0] += f", {r['swapped']['gate'].rpartition(' ')[0]}"
            counts = ["-", f"{r['swapped']['mismatches']:,}"]
        wanted = "> 0" if row.swapped else f"0 in {row.images} images"
        rows.append([*names, str(check["images"]), *counts, check["simulator"], wanted, status(_right(row, r))])
    return rows


def _check_claims(parameters: Rows, found: Found) -> list[Claim]:
    """All checks that nothing was planted in, in one line; the swapped gate in another."""
    made = [(row, r) for row, r in parameters.made(found)]
    whole = [(row, r["check"]) for row, r in made if not row.swapped]
    claims = []
    if whole:
        wrong, words, images = (
            sum(check[name] for _, check in whole) for name in ("mismatches", "words_compared", "images")
        )
        title = "Mapped gates = golden model, every state of every step"
        right = all(_right(row, r) for row, r in made if not row.swapped)
        claims.append(
            Claim(
                title,
                f"{wrong:,} of {words:,} words differ",
                f"{len(whole)} netlists, {images} images",
                "0",
                status(right),
            )
        )
    claims += [
        Claim(
            "One swapped gate", f"{r['swapped']['mismatches']:,} mismatches", "one gate", "> 0", status(_right(row, r))
        )
        for row, r in made
        if row.swapped
    ]
    return claims


def _energies(parameters: Rows, found: Found) -> list[list[str]]:
    rows = []
    for row, r in parameters.made(found):
        energy = r["energy"]
        if energy is None:
            continue
        bare, *wired = energy["wires"]
        images = energy["images"]
        rows.append(
            [*_named(r), f"{energy['cycles'] / images:,.0f}", f"{energy['synops'] / images:,.0f}",
             f"{bare['nj_an_image'] / 1e3:.2f}", f"{bare['nj_a_cycle']:.2f}",
             *(f"{share:.1%}" for share in bare["shares"].values()), f"{bare['pj_a_synop']:.0f}", _bar(row.pj, "pJ"),
             reaches(bare["pj_a_synop"], row.pj, "at_most"), *(f"{wire['pj_a_synop']:.0f}" for wire in wired)]
        )  # fmt: skip
    return rows


def _energy_claims(parameters: Rows, found: Found) -> list[Claim]:
    claims = []
    for row, r in parameters.made(found):
        if row.pj is not None and r["energy"] is not None:
            pj = r["energy"]["wires"][0]["pj_a_synop"]
            title = f"Standard cells, `{r['config']}`, energy without memories and wires"
            claims.append(
                Claim(title, f"{pj:.0f} pJ a SynOp", f"{r['energy']['images']} images", _bar(row.pj, "pJ"),
                      reaches(pj, row.pj, "at_most"))
            )  # fmt: skip
    return claims


def _neurons(parameters: Rows, found: Found) -> list[list[str]]:
    rows = []
    for row, r in parameters.made(found):
        if r["neurons"] is None:
            continue
        parts = [r["neurons"][name] for name in ("lif", "lane")]
        numbers = [
            text
            for part in parts
            for text in (f"{part['cell_count']:,}", f"{part['flip_flops']:,}", f"{part['area_um2']['all']:,.0f}")
        ]
        more = parts[1]["area_um2"]["all"] - parts[0]["area_um2"]["all"]
        rows.append([f"`{r['config']}`", row.by, *numbers, f"{more:,.0f} ({more / parts[0]['area_um2']['all']:+.0%})"])
    return rows


def _layouts(parameters: Rows, found: Found) -> list[list[str]]:
    return [
        [f"{r['component']} of `{r['config']}`", f"{r['cells']:,}", f"{r['width_um']:.0f}", f"{r['height_um']:.0f}",
         f"{r['wire_um'] / 1e3:.1f}"]
        for _, r in parameters.made(found)
    ]  # fmt: skip


KINDS = {
    "asic_cores": Kind(Rows, _cores, _core_claims),
    "asic_checks": Kind(Rows, _checks, _check_claims),
    "asic_energy": Kind(Rows, _energies, _energy_claims),
    "asic_neurons": Kind(Rows, _neurons, no_claims),
    "asic_layouts": Kind(Rows, _layouts, no_claims),
}
